"""Cases of the matchers (SPEC section 2)."""

from collections.abc import Iterator
from typing import Any

import numpy as np
from hypothesis import strategies as st
from hypothesis.strategies import DrawFn, SearchStrategy

from refkernels.arrays import Array
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
# From column 2048 on float16 does not count one by one.
WIDE = st.integers(2050, 2300)

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
    small = iou_matrices(SMALL, SMALL, batch)
    large = seeded_iou_matrices(LARGE, LARGE, batch)
    wide = seeded_iou_matrices(SMALL, WIDE, batch).map(_largest_last)
    x = draw(st.one_of(small, small, large, large, wide))
    if draw(st.booleans()):
        x = np.where(x == draw(st.sampled_from(x.ravel()[-9:])), _at_threshold(draw, config), x)
    if images is not None and draw(st.integers(0, 7)) == 7:
        x = np.stack([x, x[::-1]])
    return Case(config, {"x": x})


def _at_threshold(draw: DrawFn, config: dict[str, Any]) -> float:
    """Draw a value at a threshold, or between what it is in one dtype and in another."""
    first = config["matchers"][0].config if "matchers" in config else config
    threshold = first.get("threshold", 1e-12)
    narrow, wide = float(np.float32(threshold)), float(np.float16(threshold))
    return draw(st.sampled_from([threshold, narrow, wide, (threshold + narrow) / 2]))


def _largest_last(x: Array) -> Array:
    return np.concatenate([x[..., :2048] / 4, x[..., 2048:]], -1)


def _matchers() -> SearchStrategy[list[Recipe]]:
    one = BIPARTITE.map(lambda config: Recipe("BipartiteMatcher", config)) | MAXIMUM.map(
        lambda config: Recipe("MaximumMatcher", config)
    )
    return st.lists(one, min_size=1, max_size=3)


def _axes(case: Case) -> dict[str, str]:
    return {"x": "ABNM"[-case.inputs["x"].ndim :]}


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
