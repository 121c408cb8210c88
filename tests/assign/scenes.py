"""Anchors and ground truth for tests, and the assignment composed of public operators."""

from typing import Any

import numpy as np

from refkernels.arrays import Array
from refkernels.assign import TargetAssigner
from refkernels.bbox import BBoxBatchIOU
from refkernels.coder import MultiClassEncoder
from refkernels.sampler import BalancedSampler, NaiveSampler, QuotaSampler

Image = tuple[Array, Array, Array]  # boxes, labels, ignored regions

ANCHORS = np.array([[0, 0, 10, 10], [5, 5, 15, 15], [20, 20, 30, 30], [0, 0, 10, 10]], np.float64)
BOX = np.array([[1.0, 0.0, 11.0, 10.0]])


def lattice_boxes(rng: np.random.Generator, count: int, side: int) -> Array:
    """Boxes with whole coordinates, so that many IoUs are equal; some have no extent."""
    low = rng.integers(0, side, (count, 2))
    return np.concatenate([low, low + rng.integers(0, side, (count, 2))], axis=1).astype(np.float64)


def free_boxes(rng: np.random.Generator, count: int, side: float) -> Array:
    """Boxes of very different sizes."""
    sides = side * np.exp(rng.normal(-1.5, 1, (count, 2)))
    low = rng.uniform(-0.2, 1, (count, 2)) * side
    return np.concatenate([low, low + sides], axis=1)


def grid(rng: np.random.Generator, count: int, side: int) -> Array:
    """Anchors as networks have them: some shapes on each cell of a few maps."""
    levels = [np.zeros((0, 4))]
    while sum(map(len, levels)) < count:
        step = int(rng.choice([1, 2, 4]))
        x, y = np.meshgrid(np.arange(0, side, step) + step / 2, np.arange(0, side, step) + step / 2)
        centre = np.stack([x, y], axis=-1).reshape(-1, 1, 2)
        half = rng.choice([0.5, 1, 1.5, 2, 3, 4], (int(rng.integers(1, 4)), 2)) * step
        levels.append(np.concatenate([centre - half, centre + half], axis=-1).reshape(-1, 4))
    return np.concatenate(levels)[:count]


def scene(seed: int, anchors: int, images: int, boxes: int) -> tuple[Array, list[Image]]:
    rng = np.random.default_rng(seed)
    side = int(rng.choice([6, 12, 24]))
    make = (lattice_boxes, free_boxes, grid)
    own = make[rng.integers(3)](rng, anchors, side)
    result = []
    for _ in range(images):
        count = int(rng.integers(0, boxes + 1))
        truth = make[rng.integers(2)](rng, count, side)
        if count and len(own) and rng.random() < 0.5:  # some are anchors, some come twice
            same = rng.integers(0, len(own), count)
            take = rng.random(count) < 0.3
            truth[take] = own[same[take]]
            truth = truth[rng.integers(0, count, count)]
        regions = make[rng.integers(2)](rng, int(rng.integers(0, 3)), side)
        result.append((truth, rng.integers(0, 5, count), regions))
    return own, result


def composed(
    assigner: TargetAssigner, images: list[Image], *, seed: int = 0, ids: list[int] | None = None
) -> dict[str, Array]:
    """What the public operators give, stacked over the images."""
    operators = assigner.operators
    anchors, dtype = assigner.anchors, assigner.dtype
    ids = list(range(len(images))) if ids is None else ids
    rows = max(ids, default=-1) + 1
    matches = np.full((rows, len(anchors)), -1, np.int64)
    maxima = np.zeros((rows, len(anchors)), dtype)
    for place, (boxes, _, _) in zip(ids, images, strict=True):
        rounded = boxes.astype(dtype)
        kept = np.flatnonzero((rounded[:, 2:] > rounded[:, :2]).all(axis=1))
        ious = BBoxBatchIOU()(anchors, rounded[kept])
        own = operators.matcher(ious)
        matches[place] = np.where(own < 0, own, np.append(kept, -1)[np.maximum(own, -1)])
        maxima[place] = ious.max(axis=1, initial=0)
    if isinstance(operators.sampler, QuotaSampler):
        samples = operators.sampler(matches, maxima, rng=seed)
    elif isinstance(operators.sampler, BalancedSampler):
        samples = operators.sampler(NaiveSampler()(matches), rng=seed)
    else:
        samples = operators.sampler(matches)
    result: dict[str, Any] = {
        name: [] for name in ("cls_targets", "box_targets", "box_masks", "matches", "samples")
    }
    for place, (boxes, labels, regions) in zip(ids, images, strict=True):
        own = samples[place]
        for region in regions.astype(dtype):
            own = np.where((own < 0) & (coverage(anchors, region) > 0.5), 0, own)
        if isinstance(operators.class_encoder, MultiClassEncoder):
            result["cls_targets"].append(operators.class_encoder(own, matches[place], labels))
        else:
            result["cls_targets"].append(operators.class_encoder(own)[0])
        targets, masks = operators.box_encoder(own, matches[place], anchors, boxes.astype(dtype))
        result["box_targets"].append(targets)
        result["box_masks"].append(masks)
        result["matches"].append(matches[place])
        result["samples"].append(own)
    return {name: np.stack(parts) for name, parts in result.items()}


def coverage(anchors: Array, region: Array) -> Array:
    """The share of each anchor that a region covers; 0 of an anchor without extent."""
    shares = []
    for low, high in ((0, 2), (1, 3)):
        common = np.minimum(anchors[:, high], region[high]) - np.maximum(
            anchors[:, low], region[low]
        )
        with np.errstate(all="ignore"):
            shares.append(np.maximum(common, 0) / (anchors[:, high] - anchors[:, low]))
    real = (anchors[:, 2:] > anchors[:, :2]).all(axis=1)
    with np.errstate(all="ignore"):
        return np.where(real, shares[0] * shares[1], 0)


def assert_same(targets: Any, expected: dict[str, Array]) -> None:
    for name, array in expected.items():
        found = getattr(targets, name)
        assert found.dtype == array.dtype, name
        np.testing.assert_array_equal(found, array, err_msg=name)
        if array.dtype.kind == "f":
            np.testing.assert_array_equal(np.signbit(found), np.signbit(array), err_msg=name)


def call(assigner: TargetAssigner, images: Any, **options: Any) -> Any:
    boxes, labels, regions = ([image[k] for image in images] for k in range(3))
    if not images:
        boxes = np.zeros((0, 3, 4))
    return assigner(boxes, labels, regions, **options)
