"""Corner cases of grids of anchors (SPEC section 6)."""

from collections.abc import Callable, Iterable, Mapping

from refkernels.conformance.model.operator import Case

__all__ = ["CORNERS"]

CORNERS: Mapping[str, Callable[[], Iterable[Case]]] = {}
