"""Cases at the corners of what operators take, which 100 drawn ones need not meet.

Each is there for a wrong block that drawn cases alone let pass (``python -m tests.mutants``).
Float64 arrays are cast as those of drawn cases are; others keep their dtype.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from importlib import import_module
from itertools import chain

import numpy as np

from refkernels.conformance.corners.sizes import SIZES
from refkernels.conformance.spec import Case, Operator

__all__ = ["corners_of"]

FAMILIES = ("bbox", "matcher", "sampler", "coder", "predictor", "feature")


def corners_of(operator: Operator, dtypes: Sequence[str]) -> Iterator[tuple[Case, Sequence[str]]]:
    """Yield the corner cases of an operator, each with those of the dtypes that it can have."""
    corners: list[Callable[[], Iterable[Case]]] = []
    if operator.family in FAMILIES:
        own = import_module(f"{__name__}.{operator.family}").CORNERS
        corners = [table[operator.name] for table in (own, SIZES) if operator.name in table]
    for case in chain.from_iterable(corner() for corner in corners):
        possible = [dtype for dtype in dtypes if _can_be(case, dtype)]
        if possible:
            yield case, possible


def _can_be(case: Case, dtype: str) -> bool:
    """Tell whether a cast gives a case this dtype: what is not float64 keeps its own."""
    kept = [array.dtype for array in case.inputs.values() if array.dtype.kind == "f"]
    return not kept or np.float64 in kept or np.result_type(*kept) == dtype
