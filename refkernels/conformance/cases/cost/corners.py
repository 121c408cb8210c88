"""Corner cases of costs and metrics (SPEC section 6)."""

from collections.abc import Callable, Iterable, Mapping

from refkernels.conformance.model.operator import Case

__all__ = ["CORNERS"]

CORNERS: Mapping[str, Callable[[], Iterable[Case]]] = {}
