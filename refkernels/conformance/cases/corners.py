"""Cases at the corners of what operators take, which 100 drawn ones need not meet.

Each is there for a wrong block that drawn cases alone let pass (``python -m tests.mutants``).
Float64 arrays are cast as those of drawn cases are; others keep their dtype.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from importlib import import_module
from itertools import chain

import numpy as np

from refkernels.conformance.cases.sizes import SIZES
from refkernels.conformance.model.operator import Case, Operator
from refkernels.conformance.model.parameters import FREE, Parameters

__all__ = ["corners_of", "fitted_to"]

ROOM = __name__.rpartition(".")[0]

# A case that is made to go with more classes than it was made for may be this large, not more.
LARGEST = 10_000_000

FAMILIES = (
    "bbox",
    "cost",
    "matcher",
    "sampler",
    "coder",
    "anchor",
    "suppression",
    "predictor",
    "feature",
)


def corners_of(
    operator: Operator, dtypes: Sequence[str], parameters: Parameters = FREE
) -> Iterator[tuple[Case, Sequence[str]]]:
    """Yield the corner cases of an operator, each with those of the dtypes that it can have.

    Where the parameters are fixed, those that are there for a threshold are about theirs, and the
    inputs of the others are made to go with them.
    """
    corners: list[Callable[[], Iterable[Case]]] = []
    if operator.family in FAMILIES:
        room = import_module(f"{ROOM}.{operator.family}.corners")
        corners = [
            table[operator.name] for table in (room.CORNERS, SIZES) if operator.name in table
        ]
        if parameters.fixed is not None and operator.name in getattr(room, "AIMED", {}):
            corners.insert(0, partial(room.AIMED[operator.name], parameters.fixed))
    seen: set[str] = set()
    for case in chain.from_iterable(corner() for corner in corners):
        fitted = fitted_to(operator, case, parameters)
        if fitted is None:
            continue
        if parameters.fixed is not None:  # cases that differ in parameters alone are now one
            essence = repr([(a.shape, a.dtype, a.tobytes()) for a in fitted.inputs.values()])
            if essence in seen:
                continue
            seen.add(essence)
        possible = [dtype for dtype in dtypes if _can_be(fitted, dtype)]
        if possible:
            yield fitted, possible


def fitted_to(operator: Operator, case: Case, parameters: Parameters) -> Case | None:
    """Return a case with parameters that the target has, or None if it goes with none of them."""
    settled = parameters.settled(case.config)
    if settled is None or settled == dict(case.config):
        return None if settled is None else case
    try:
        fitted = operator.fit(case, settled)
        if fitted is not None:
            if max((array.size for array in fitted.inputs.values()), default=0) > LARGEST:
                return None
            operator.refer(fitted, ask_definition=False)
    except (TypeError, ValueError):  # the operator refuses it
        return None
    return fitted


def _can_be(case: Case, dtype: str) -> bool:
    """Tell whether a cast gives a case this dtype: what is not float64 keeps its own."""
    kept = [array.dtype for array in case.inputs.values() if array.dtype.kind == "f"]
    return not kept or np.float64 in kept or np.result_type(*kept) == dtype
