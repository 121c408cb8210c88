"""Cases of the matchers (SPEC section 2)."""

from collections.abc import Iterator
from typing import Any

from hypothesis import strategies as st
from hypothesis.strategies import DrawFn, SearchStrategy

from refkernels.conformance.spec import Case, Image, Operator, Output, Recipe
from refkernels.conformance.strategies import (
    configurations,
    iou_matrices,
    seeded_iou_matrices,
    thresholds,
)

__all__ = ["OPERATORS"]

SMALL = st.integers(1, 4)
# 17 elements and more are where MXNet's sort stops to be stable.
LARGE = st.integers(1, 40)

BIPARTITE = configurations(
    share_max=st.booleans(),
    is_ascend=st.booleans(),
    threshold=st.sampled_from([1e-12, 0.0, 0.3, 0.5, 0.9, -1.0]) | thresholds(),
    eps=st.sampled_from([1e-12, 0.0, 1e-3, 0.3]),
)
MAXIMUM = st.fixed_dictionaries({"threshold": thresholds()})


@st.composite
def _matrix(draw: DrawFn, options: SearchStrategy[dict[str, Any]]) -> Case:
    config = draw(options)
    images = draw(st.none() | st.integers(1, 3))
    batch = None if images is None else st.just(images)
    x = draw(iou_matrices(SMALL, SMALL, batch) | seeded_iou_matrices(LARGE, LARGE, batch))
    return Case(config, {"x": x})


def _matchers() -> SearchStrategy[list[Recipe]]:
    one = BIPARTITE.map(lambda config: Recipe("BipartiteMatcher", config)) | MAXIMUM.map(
        lambda config: Recipe("MaximumMatcher", config)
    )
    return st.lists(one, min_size=1, max_size=3)


def _axes(case: Case) -> dict[str, str]:
    return {"x": "BNM"[-case.inputs["x"].ndim :]}


def _matches(case: Case) -> tuple[Output, ...]:
    return (Output("matches", index=True),)


def ious_of(image: Image) -> Any:
    """Return the IoU matrix of an image's anchors and boxes, (N, M) float64."""
    from refkernels.bbox import BBoxBatchIOU

    return BBoxBatchIOU()(image.anchors, image.boxes)


def _with(*configs: dict[str, Any]) -> Any:
    def annotated(image: Image) -> Iterator[Case]:
        if len(image.boxes):
            for config in configs:
                yield Case(config, {"x": ious_of(image)})

    return annotated


SSD = [
    Recipe("BipartiteMatcher", {"share_max": False}),
    Recipe("MaximumMatcher", {"threshold": 0.5}),
]

OPERATORS = (
    Operator(
        "BipartiteMatcher",
        "matcher",
        lambda: _matrix(BIPARTITE),
        _matches,
        _axes,
        _with({}, {"share_max": False}),
    ),
    Operator(
        "MaximumMatcher",
        "matcher",
        lambda: _matrix(MAXIMUM),
        _matches,
        _axes,
        _with({"threshold": 0.5}),
    ),
    Operator(
        "CompositeMatcher",
        "matcher",
        lambda: _matrix(st.fixed_dictionaries({"matchers": _matchers()})),
        _matches,
        _axes,
        _with({"matchers": SSD}),
    ),
)
