"""Cases at the corners of what operators take, which 100 drawn ones need not meet.

Each is there for a wrong block that drawn cases alone let pass (``python -m tests.mutants``).
Float64 arrays are cast as those of drawn cases are; others keep their dtype.
"""

from collections.abc import Callable, Iterable
from importlib import import_module

from refkernels.conformance.spec import Case, Operator

__all__ = ["corners_of"]

FAMILIES = ("bbox", "matcher", "sampler", "coder", "predictor", "feature")


def corners_of(operator: Operator) -> Iterable[Case]:
    """Return the corner cases of an operator, the simplest first."""
    if operator.family not in FAMILIES:
        return ()
    module = import_module(f"{__name__}.{operator.family}")
    corners: dict[str, Callable[[], Iterable[Case]]] = module.CORNERS
    return corners[operator.name]() if operator.name in corners else ()
