"""The usual faults of target assignment, each planted into a pipeline over real-looking boxes.

``python -m tests.explain.planted`` prints the first sentence of `refkernels diff` for each.
"""

from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np

import refkernels as rk
from refkernels.arrays import Array
from refkernels.assign.anchors import ssd300_anchors
from refkernels.explain.diff.compare import Difference, compare_dumps
from refkernels.explain.diff.dump import Dump, make_dump
from refkernels.explain.diff.headline import headline
from tests.explain.chains import run

SIZE = 300

OPERATORS: dict[str, Any] = {
    "matcher": rk.CompositeMatcher([rk.BipartiteMatcher(), rk.MaximumMatcher(0.5)]),
    "sampler": rk.NaiveSampler(),
    "class_encoder": rk.MultiClassEncoder(),
    "box_encoder": rk.NormalizedBoxCenterEncoder(),
}

# SSD's, without those of its two largest feature maps, which are most of them.
ANCHORS = ssd300_anchors()[7942:].astype(np.float32)

# Where those of each map begin.
LEVELS = (0, 600, 750, 786, 790)

# The sizes of images in data sets, width and height.
SHAPES = ((640, 480), (500, 375), (480, 640), (612, 612))


def pipeline(seed: int, images: int = 3, objects: int = 6) -> dict[str, Array]:
    """Inputs of SSD in pixels of its 300 x 300: boxes of images as annotators draw them."""
    rng = np.random.default_rng(seed)
    sides = np.array([SHAPES[k] for k in rng.integers(0, len(SHAPES), images)])[:, np.newaxis]
    extent = np.exp(rng.uniform(np.log(0.08), np.log(0.7), (images, objects, 2)))
    low = rng.uniform(0, 1, (images, objects, 2)) * (1 - extent)
    boxes = np.concatenate([low, low + extent], -1) * np.tile(sides, 2)
    scale = np.tile(SIZE / sides, 2)
    boxes = np.round(boxes, 2) * scale  # COCO's have two decimals
    if objects > 1:
        # A small thing in front of a large one lies in many anchors that are as good for it.
        middle = np.rint((boxes[:, 0, :2] + boxes[:, 0, 2:]) / 2)
        boxes[:, -1] = np.concatenate([middle - 3, middle + 3], -1)
    return {
        "boxes": boxes.astype(np.float32),
        "anchors": ANCHORS[np.newaxis],
        "labels": rng.integers(0, 20, (images, objects)),
        "scale": scale,
    }


def _run(inputs: dict[str, Array], operators: dict[str, Any] | None = None, **more: Any) -> Dump:
    given = {name: array for name, array in inputs.items() if name != "scale"}
    return run(given, {**OPERATORS, **(operators or {})}, **more)


def _boxes(change: Callable[[Array, Array], Array]) -> Callable[[dict[str, Array]], Dump]:
    return lambda own: _run(
        {**own, "boxes": change(own["boxes"], own["scale"]).astype(np.float32)}, name="b"
    )


def _anchors(change: Callable[[Array], Array]) -> Callable[[dict[str, Array]], Dump]:
    return lambda own: _run(
        {**own, "anchors": change(own["anchors"][0]).astype(np.float32)[np.newaxis]}, name="b"
    )


def _made_by(**operators: Any) -> Callable[[dict[str, Array]], Dump]:
    """What other operators make, held to the contract that the pipeline should keep."""

    def plant(own: dict[str, Array]) -> Dump:
        made = _run(own, operators, name="b")
        return make_dump("b", made.arrays, {"iou": rk.BBoxBatchIOU(), **OPERATORS})

    return plant


def _relabelled(own: dict[str, Array]) -> Dump:
    return _run({**own, "labels": own["labels"] + 1}, name="b")


def _objects_permuted(own: dict[str, Array]) -> Dump:
    order = np.random.default_rng(1).permutation(own["boxes"].shape[1])
    moved = {name: own[name][:, order] for name in ("boxes", "labels")}
    return _run({**own, **moved}, name="b")


def _in_half(own: dict[str, Array]) -> Dump:
    """IoUs of boxes in half precision, as autocast makes them, kept in float32 again."""
    half = _run({name: own[name] for name in own}, dtype="float16").arrays["ious"]
    return _run(own, name="b", ious=lambda _: half.astype(np.float32))


def _mixed(anchors: Array) -> Array:
    parts = [anchors[low:high] for low, high in pairwise(LEVELS)]
    return np.concatenate([parts[k] for k in (0, 2, 1, 3)])


def _permuted(anchors: Array) -> Array:
    """The first map's anchors by shape and then by place, as a network that transposes late has."""
    first = anchors[: LEVELS[1]].reshape(10 * 10, 6, 4).transpose(1, 0, 2).reshape(-1, 4)
    return np.concatenate([first, anchors[LEVELS[1] :]])


def _xywh(boxes: Array, scale: Array) -> Array:
    return np.concatenate([boxes[..., :2], boxes[..., 2:] - boxes[..., :2]], -1)


def _flipped(boxes: Array, scale: Array) -> Array:
    return np.stack([SIZE - boxes[..., 2], boxes[..., 1], SIZE - boxes[..., 0], boxes[..., 3]], -1)


WIDE = (1.0, 1.0, 1.0, 1.0)


class Planted(NamedTuple):
    """A fault, and what the first sentence must say of it."""

    plant: Callable[[dict[str, Array]], Dump]
    says: tuple[str, ...]
    status: int = 1


FAULTS: dict[str, Planted] = {
    "normalised": Planted(
        _boxes(lambda boxes, _: boxes / SIZE), ("B's boxes", "normalisation, a division by 300")
    ),
    "swapped": Planted(
        _boxes(lambda boxes, _: boxes[..., [1, 0, 3, 2]]), ("B's boxes", "x and y swapped")
    ),
    "xywh": Planted(_boxes(_xywh), ("B's boxes", "xywh, taken for corners")),
    "not resized": Planted(
        _boxes(lambda boxes, scale: boxes / scale), ("boxes", "images that are not resized")
    ),
    "flipped": Planted(
        _boxes(_flipped), ("B's boxes", "a flip left to right, of an image 300 wide")
    ),
    "permuted anchors": Planted(
        _anchors(_permuted), ("B's anchors", "another order", "(100, 6) read as (6, 100)")
    ),
    "permuted truths": Planted(
        _objects_permuted, ("Nothing differs but the order of the ground truths",), 0
    ),
    "+1 label": Planted(_relabelled, ("B's labels", "labels that are larger by 1")),
    "+1 pixel": Planted(
        _boxes(lambda boxes, _: boxes + np.float32([0, 0, 1, 1])),
        ("B's boxes", "x2 and y2 that are larger by 1"),
    ),
    "wrong stds": Planted(
        _made_by(box_encoder=rk.NormalizedBoxCenterEncoder(WIDE)),
        ("box_targets", "stds (1, 1, 1, 1) of NormalizedBoxCenterEncoder in place of (0.1, 0.1"),
    ),
    "wrong threshold": Planted(
        _made_by(matcher=rk.CompositeMatcher([rk.BipartiteMatcher(), rk.MaximumMatcher(0.6)])),
        ("matches", "threshold 0.6 of MaximumMatcher in place of 0.5"),
    ),
    "share_max": Planted(
        _made_by(
            matcher=rk.CompositeMatcher(
                [rk.BipartiteMatcher(share_max=False), rk.MaximumMatcher(0.5)]
            )
        ),
        ("matches", "share_max=False of BipartiteMatcher in place of True"),
    ),
    "shifted anchors": Planted(
        _anchors(lambda anchors: anchors + np.float32(4)), ("B's anchors", "a shift by 4")
    ),
    "mixed-up levels": Planted(
        _anchors(_mixed), ("B's anchors", "levels that are mixed up", "750 to 785")
    ),
    "half precision": Planted(_in_half, ("B", "ious", "float16, half precision")),
}


def planted(name: str, seed: int, *, turned: bool = False, **shape: int) -> Difference:
    """Plant a fault, and compare the pipeline with and without it."""
    inputs = pipeline(seed, **shape)
    right, wrong = replace(_run(inputs), name="a"), FAULTS[name].plant(inputs)
    return compare_dumps(wrong, right) if turned else compare_dumps(right, wrong)


if __name__ == "__main__":
    for fault in FAULTS:
        print(f"{fault}: {headline(planted(fault, 0))}")
