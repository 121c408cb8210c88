"""Known differences: what they are, where they hold, and a witness that they still do."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from refkernels.conformance.model.case import Case

__all__ = ["Divergence", "witness"]


@dataclass(frozen=True)
class Divergence:
    """A target's known difference from the specification.

    Outside its `when` the target must conform. Its `witness` must still fail: a divergence that has
    gone is reported as stale.

    Parameters
    ----------
    id : str
        Stable, such as ``GCV-007``.
    operator : str
        The operator's name.
    why : str
        What happens instead of what is specified, as a sentence.
    when : callable
        ``when(case)`` tells from the configuration and the inputs, cast to the dtype they are run
        in, whether the case is one of those that differ.
    witness : Case
        A case that differs, as small as may be.
    dtype : str
        The dtype that the witness is run in.
    modes : tuple of str
        The modes in which it shows; empty for all.
    fatal : bool
        Whether the witness ends the process that it is run in.
    place : str
        Which object of the package it is of, as its binding says it, where several are this
        operator.
    authority : str
        Who says that it is a fault, or a convention of its own: its documentation, a paper; by
        default only what is specified here.
    """

    id: str
    operator: str
    why: str
    when: Callable[[Case], bool]
    witness: Case
    dtype: str = "float32"
    modes: tuple[str, ...] = ()
    fatal: bool = False
    place: str = ""
    authority: str = "SPEC"


def witness(config: Mapping[str, Any] | None = None, /, **inputs: Any) -> Case:
    """Return a case with these inputs; lists of numbers become float64 arrays.

    >>> witness({"axis": 0}, x=[[0], [0], [1], [1]]).call("BBoxArea")
    'BBoxArea(axis=0)'
    """
    arrays = {
        name: value if isinstance(value, np.ndarray) else np.array(value, np.float64)
        for name, value in inputs.items()
    }
    return Case(config or {}, arrays)
