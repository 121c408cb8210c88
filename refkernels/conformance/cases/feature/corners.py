"""Corner cases of the feature extractors (SPEC section 5)."""

from collections.abc import Iterator

from refkernels.conformance.cases.feature.drawn import case_of
from refkernels.conformance.cases.feature.networks import small_network
from refkernels.conformance.model.operator import Case

__all__ = ["CORNERS"]


def _depths() -> Iterator[Case]:
    """Yield depths halfway between two numbers, and beyond it, and one that is large."""
    network, names = small_network(2)
    for ratio, least in ((1.5, 1), (0.9, 1), (0.5, 2), (1.0, 1100)):
        config = {
            "network": network,
            "outputs": names,
            "num_filters": [3, 1, 2],
            "reduce_ratio": ratio,
            "min_depth": least,
        }
        yield case_of("FeatureExpander", config)


CORNERS = {"FeatureExpander": _depths}
