"""Corner cases of the suppression of boxes (SPEC section 6)."""

from collections.abc import Callable, Iterable, Mapping

from refkernels.conformance.model.operator import Case

__all__ = ["CORNERS"]

CORNERS: Mapping[str, Callable[[], Iterable[Case]]] = {}
