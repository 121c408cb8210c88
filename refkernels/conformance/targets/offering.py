"""What code under test offers: outside of it no case is run, and inside everything is demanded."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Any

from refkernels.arrays import Array
from refkernels.conformance.model.bfloat16 import BFLOAT16
from refkernels.conformance.model.operator import DTYPES, INTEGERS, Case

__all__ = ["EVERYTHING", "Offers", "offers"]


def _any(value: Any) -> bool:
    return True


@dataclass(frozen=True)
class Offers:
    """What code under test offers; made by `offers`."""

    config: Callable[[Mapping[str, Any]], bool] = _any
    inputs: Callable[[Mapping[str, Array]], bool] = _any
    dtypes: Collection[str] | None = None
    batch: bool | None = None
    mixed: bool = True
    case: Callable[[Case], bool] = _any

    def covers(self, case: Case) -> bool:
        """Return whether a case, before it is cast to a dtype, is inside; `batch` aside."""
        if not self.mixed and _is_mixed(case):
            return False
        return self.config(case.config) and self.inputs(case.inputs) and self.case(case)

    def has_dtype(self, dtype: str) -> bool:
        """Return whether a dtype is inside."""
        return self.dtypes is None or dtype in self.dtypes


def _is_mixed(case: Case) -> bool:
    """Return whether some reals have a dtype of their own, beside those that take any."""
    dtypes = {array.dtype for array in case.inputs.values() if array.dtype.kind == "f"}
    return len(dtypes) > 1


def offers(
    *,
    config: Callable[[Mapping[str, Any]], bool] = _any,
    inputs: Callable[[Mapping[str, Array]], bool] = _any,
    dtypes: Collection[str] | None = None,
    batch: bool | None = None,
    mixed: bool = True,
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
    batch : bool, optional
        Whether the code takes batches alone, or else single images alone; by default both.
    mixed : bool
        Whether the code takes inputs of several dtypes together.

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
    known = (*DTYPES, BFLOAT16, *INTEGERS)
    unknown = [dtype for dtype in dtypes or () if dtype not in known]
    if unknown:
        raise ValueError(f"dtypes: expected some of {', '.join(known)}, got {unknown[0]!r}")
    for name, flag in (("batch", batch), ("mixed", mixed)):
        if not isinstance(flag, bool) and (flag is not None or name == "mixed"):
            raise TypeError(f"{name}: expected True or False, got {flag!r}")
    return Offers(config, inputs, None if dtypes is None else tuple(dtypes), batch, mixed)


EVERYTHING = Offers()
