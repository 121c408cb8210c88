"""What code under test offers: outside of it no case is run, and inside everything is demanded."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Any

from refkernels.arrays import Array
from refkernels.conformance.model.operator import Case

__all__ = ["EVERYTHING", "Offers", "offers"]


def _any(value: Any) -> bool:
    return True


@dataclass(frozen=True)
class Offers:
    """What code under test offers; made by `offers`."""

    config: Callable[[Mapping[str, Any]], bool] = _any
    inputs: Callable[[Mapping[str, Array]], bool] = _any
    dtypes: Collection[str] | None = None
    case: Callable[[Case], bool] = _any

    def covers(self, case: Case) -> bool:
        """Return whether a case, before it is cast to a dtype, is inside."""
        return self.config(case.config) and self.inputs(case.inputs) and self.case(case)

    def has_dtype(self, dtype: str) -> bool:
        """Return whether a dtype is inside."""
        return self.dtypes is None or dtype in self.dtypes


def offers(
    *,
    config: Callable[[Mapping[str, Any]], bool] = _any,
    inputs: Callable[[Mapping[str, Array]], bool] = _any,
    dtypes: Collection[str] | None = None,
) -> Offers:
    """Say what code under test offers: outside of it no case is run.

    Parameters
    ----------
    config : callable
        ``config(parameters)`` tells whether the code has these parameters, a mapping; those that
        are not in it have their defaults.
    inputs : callable
        ``inputs(arrays)`` tells whether the code takes these inputs, a mapping of names to arrays,
        in float64 where they are real.
    dtypes : collection of str, optional
        Of float16, float32, float64, int32, int64 and uint8; by default all that it takes.

    Returns
    -------
    Offers

    Examples
    --------
    >>> import numpy as np
    >>> from refkernels.conformance import assert_conforms, offers
    >>> def area(boxes):  # of proper boxes, in pixels
    ...     return (boxes[..., 2:3] - boxes[..., :1]) * (boxes[..., 3:] - boxes[..., 1:2])
    >>> def are_proper(arrays):
    ...     low, high = np.split(arrays["x"], 2, axis=-1)
    ...     return bool((high >= low).all() and (np.abs(high) < 1e6).all())
    >>> proper = offers(inputs=are_proper, dtypes=("float32", "float64"))
    >>> result = assert_conforms(area, "BBoxArea", offers=proper, max_examples=20)
    >>> result.verdict
    'conforms'
    """
    for name, value in (("config", config), ("inputs", inputs)):
        if not callable(value):
            raise TypeError(f"{name}: expected a callable, got {value!r}")
    return Offers(config, inputs, None if dtypes is None else tuple(dtypes))


EVERYTHING = Offers()
