"""Corner cases of the coders (SPEC section 4)."""

from collections.abc import Iterator, Mapping
from functools import partial
from itertools import product
from typing import Any

import numpy as np

from refkernels.arrays import Array
from refkernels.conformance.cases.coder import distance, heatmap
from refkernels.conformance.cases.sampler.corners import around, at_thresholds
from refkernels.conformance.model.operator import Case

__all__ = ["AIMED", "CORNERS"]

# Each is none for some coordinates; the third sum to 0, and none of the fourth is above.
MEANS = (
    (0.5, 0.0, -0.25, 0.0),
    (0.0, 0.125, 0.0, 1.0),
    (0.25, -0.25, 0.0, 0.0),
    (-0.5, 0.0, 0.0, -1.0),
)

ANCHORS = np.array([[0, 0, 8, 4], [2, 1, 6, 9], [-3, 0, 1, 2], [5, 5, 7, 6]], np.float64)
ROWS = {"samples": np.array([1, 1, 1, -1]), "matches": np.array([0, 2049, 2099, -1])}


def _boxes(count: int) -> Array:
    rng = np.random.default_rng(0)
    corners = rng.integers(0, 60, (count, 2)) / 4
    return np.concatenate([corners, corners + rng.integers(1, 60, (count, 2)) / 4], -1)


def _encoded(config: dict[str, Any], labels: bool = False) -> Iterator[Case]:
    """Yield means some of which are 0, and more ground truth than float16 counts one by one."""
    for means in (*({"means": means} for means in MEANS), {}):
        count = 3 if means else 2100
        arrays = {**ROWS, "matches": ROWS["matches"] % count, "anchors": ANCHORS}
        if labels:
            arrays["labels"] = np.arange(count) % 3
        yield Case({**config, **means}, {**arrays, "refs": _boxes(count)})


def _decoded() -> Iterator[Case]:
    """Yield means some of which are 0, and parameters that float32 rounds away from each other."""
    for means in MEANS:
        yield Case({"means": means}, {"x": ANCHORS / 8, "anchors": _boxes(4)})
    # Rounded down to 1 and up to 1 + 2**-23, they make the offset of x exactly 0.
    std, mean, x = 1 + 2**-24 - 2**-40, -1 - 2**-24 - 2**-40, 1 + 2**-23
    yield Case(
        {"stds": (std, std, 1.0, 1.0), "means": (mean, mean, 0.0, 0.0)},
        {
            "x": np.array([[x, x, -60, -60]], np.float32),
            "anchors": np.array([[0, 0, 1, 1]], np.float32),
        },
    )
    # Limits on both sides: one that no dtype holds, one alone, and the same as the other.
    sides = np.array([[0, 0, dw, dh] for dw in (-30, -1, 0, 1, 30) for dh in (-30, 30)], np.float64)
    boxes = np.tile([[8.0, 4.0, 24.0, 20.0]], (len(sides), 1))
    for limits in ((4.135, -4.135), (None, -0.1), (-1.0, 0.3), (0.5, 0.5)):
        config = dict(zip(("clip", "clip_low"), limits, strict=True))
        yield Case(config, {"x": sides, "anchors": boxes})


def _classes() -> Iterator[Case]:
    """Yield the last classes that small integers, and float16, have a number for."""
    for dtype in (np.int8, np.uint8):
        labels = np.array([np.iinfo(dtype).max, 0], dtype)
        assigned = {"samples": np.array([1, 1, -1, 0]), "matches": np.array([0, 1, -1, -1])}
        yield Case({}, {**assigned, "refs": labels})
    # Many ground truths, and as many classes as the largest sets of images have.
    yield Case({}, {**ROWS, "refs": np.arange(2100) % 7})
    many = 2 * np.arange(2100) + 17_641
    yield from (Case({}, {**ROWS, "refs": labels}) for labels in (many, many.astype(np.float32)))


def _scores() -> Iterator[Case]:
    """Yield scores about thresholds, and such as a narrower dtype takes for equal, higher last."""
    for threshold, scores in at_thresholds():
        yield Case({"thresh": threshold}, {"x": np.stack([np.zeros_like(scores), scores], -1)})
    yield _beside_larger(0.01)
    for dtype in (np.float32, np.float64):
        low = dtype(0.3)
        yield Case({}, {"x": np.array([[0, low, np.nextafter(low, dtype(1))]])})


def _beside_larger(threshold: float) -> Case:
    """Return an image whose scores count, beside one with scores ten thousand times those."""
    low = 2 * abs(threshold) or 0.01
    return Case({}, {"x": np.array([[[0, low], [low, 0]], [[0, 1e4 * low], [0, low]]])})


def _signs() -> Iterator[Case]:
    """Yield samples in a dtype that has no -1, which targets need all the same."""
    yield Case({}, {"samples": np.array([1, 0, 1], np.uint8)})


def _logits(config: dict[str, Any]) -> Iterator[Case]:
    """Yield scores that are no probabilities, and thresholds that only such have."""
    rng = np.random.default_rng(0)
    for threshold in (-1.5, 0.01, 2.0):
        x = np.round(rng.normal(-1, 3, (40, 4)) * 8) / 8
        yield Case({**config, "thresh": threshold}, {"x": x})


def _peaks() -> Iterator[Case]:
    """Yield scores, sizes and offsets that are not what a trained network has."""
    rng = np.random.default_rng(0)
    inputs = {
        "x": np.round(rng.normal(-3, 2, (2, 3, 5, 4)) * 4) / 4,
        "wh": rng.integers(-40, 80, (2, 2, 5, 4)) / 8,
        "reg": rng.integers(-24, 32, (2, 2, 5, 4)) / 8,
    }
    for topk in (1, 25, 60):
        yield Case({"topk": topk}, inputs)


def _aimed_scores(config: Mapping[str, Any]) -> Iterator[Case]:
    """Yield scores around the threshold."""
    for dtype in (np.float16, np.float32, np.float64):
        scores = around(config.get("thresh", 0.01), dtype)
        yield Case({}, {"x": np.stack([np.zeros_like(scores), scores], -1)})
    yield _beside_larger(config.get("thresh", 0.01))


def _aimed_sides(config: Mapping[str, Any]) -> Iterator[Case]:
    """Yield offsets whose sides, or whose centres, lie around the limit and beyond."""
    clip, low = config.get("clip", -1.0), config.get("clip_low")
    if clip is None or clip <= 0:
        clip = 1.0  # there is no limit: none of 1 or 2 is to be seen
    if low is None:
        low = -1.0
    stds, means = config.get("stds", (0.1, 0.1, 0.2, 0.2)), config.get("means", (0.0,) * 4)
    for limit, share in product((clip, low), (1.0, 1 - 2.0**-8, 1 + 2.0**-8, 1.5, 3.0)):
        x = np.zeros((4, 4))
        np.fill_diagonal(x, [(limit * share - m) / s for m, s in zip(means, stds, strict=True)])
        yield Case({}, {"x": x, "anchors": np.tile([[8.0, 4.0, 24.0, 20.0]], (4, 1))})


def _all_scores() -> Iterator[Case]:
    yield from _scores()
    yield from _logits({})


CORNERS = {
    "NormalizedBoxCenterEncoder": partial(_encoded, {}),
    "NumPyNormalizedBoxCenterEncoder": partial(_encoded, {}),
    "NormalizedPerClassBoxCenterEncoder": partial(_encoded, {"num_class": 3}, labels=True),
    "NormalizedBoxCenterDecoder": _decoded,
    "MultiClassEncoder": _classes,
    "SigmoidClassEncoder": _signs,
    "CenterNetDecoder": _peaks,
    "MultiClassDecoder": _all_scores,
    "MultiPerClassDecoder": partial(_logits, {"num_class": 4}),
    **distance.CORNERS,
    **heatmap.CORNERS,
}

# What is there for a fixed configuration.
AIMED = {
    **heatmap.AIMED,
    "NormalizedBoxCenterDecoder": _aimed_sides,
    "MultiClassDecoder": _aimed_scores,
    "MultiPerClassDecoder": _aimed_scores,
}
