"""Cases larger than the blocks and tiles that kernels work in, and no multiple of any.

Code that counts threads wrong, or leaves out what is beyond the last whole tile, is right on small
arrays. Blocks have at most 1024 threads, and along some axes there are at most 65535 of them.
"""

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import numpy as np

from refkernels.arrays import Array
from refkernels.conformance.model.operator import Case, Recipe

__all__ = ["SIZES"]

# All are prime.
IMAGES, ANCHORS, TRUTHS, CLASSES = 131, 2113, 1031, 1033
MANY_ANCHORS = 70001
# The numbers of images, of anchors, and of what each anchor is compared with.
TABLES = (
    (None, ANCHORS, 3),
    (None, 7, TRUTHS),
    (None, MANY_ANCHORS, 2),
    (IMAGES, 5, 3),
    (2, 5003, 2),
)


def _shape(images: int | None, *axes: int) -> tuple[int, ...]:
    return axes if images is None else (images, *axes)


def _boxes(rng: Any, *shape: int) -> Array:
    """Return boxes on a grid, so that transforms are exact in every dtype but at its limits."""
    corners = rng.integers(0, 200, (*shape, 2)) / 4
    return np.concatenate([corners, corners + rng.integers(1, 200, (*shape, 2)) / 4], -1)


def _box_sets() -> Iterator[Case]:
    rng = np.random.default_rng(0)
    yield Case({}, {"x": _boxes(rng, MANY_ANCHORS)})
    yield Case({}, {"x": _boxes(rng, IMAGES, 5)})


def _columns() -> Iterator[Case]:
    for case in _box_sets():
        yield Case({"axis": -1}, case.inputs)


def _pairs() -> Iterator[Case]:
    rng = np.random.default_rng(0)
    for images, count, others in TABLES:
        a, b = _boxes(rng, *_shape(images, count)), _boxes(rng, *_shape(images, others))
        yield Case({}, {"a": a, "b": b})


def _clipped() -> Iterator[Case]:
    rng = np.random.default_rng(0)
    yield Case({}, {"x": _boxes(rng, MANY_ANCHORS) - 8, "img": np.zeros((1, 37, 41))})
    sizes = rng.integers(20, 60, (IMAGES, 2)).astype(np.float64)
    boxes = _boxes(rng, IMAGES, 5) - 8
    yield Case({}, {"x": boxes, "img": np.zeros((IMAGES, 1, 60, 60)), "sizes": sizes})


def _late() -> dict[str, Array]:
    """Return a matrix whose last columns alone have candidates, whatever the threshold."""
    rng = np.random.default_rng(0)
    return {"x": np.concatenate([rng.random((7, TRUTHS - 3)) / 2, 1 - rng.random((7, 3)) / 64], 1)}


def _matrices(*configs: dict[str, Any]) -> Iterator[Case]:
    rng = np.random.default_rng(0)
    for config in configs:
        # The last has more greedy rounds than a block of 256 threads could do at once.
        for shape in (*(_shape(*table) for table in TABLES), (269, 277)):
            yield Case(config, {"x": rng.random(shape) * (rng.random(shape) < 0.5)})


def _maximum(config: dict[str, Any]) -> Iterator[Case]:
    yield from _matrices(config)
    yield Case(config, _late())


def _bipartite() -> Iterator[Case]:
    yield from _matrices({}, {"share_max": False, "eps": 0.05})
    yield Case({"threshold": 0.5, "eps": 0.25}, _late())  # rows share them


def _assigned(rng: Any, *shape: int, truths: int) -> dict[str, Array]:
    samples = rng.choice([1.0, 0.0, -1.0], shape, p=[0.4, 0.2, 0.4])
    matches = np.where(samples > 0, rng.integers(0, truths, shape), -1)
    return {"samples": samples, "matches": matches.astype(np.float64)}


def _matches() -> Iterator[Case]:
    rng = np.random.default_rng(0)
    for shape in ((MANY_ANCHORS,), (IMAGES, 5)):
        yield Case({}, {"matches": _assigned(rng, *shape, truths=3)["matches"]})


def _samples() -> Iterator[Case]:
    rng = np.random.default_rng(0)
    for shape in ((MANY_ANCHORS,), (IMAGES, 5)):
        yield Case({}, {"samples": _assigned(rng, *shape, truths=3)["samples"]})


def _mined() -> Iterator[Case]:
    rng = np.random.default_rng(0)
    for images, count, classes, least in (
        (None, MANY_ANCHORS, 2, 3),
        (None, ANCHORS, 2, 1500),
        (None, 61, CLASSES, 3),
        (IMAGES, 9, 3, 3),
        (2, 5003, 2, 3),
    ):
        shape = _shape(images, count)
        # Of those that are eligible, not all are taken.
        matches = np.where(rng.random(shape) < 0.1, 0.0, -1.0)
        ious, logits = rng.random((*shape, 2)), rng.normal(0, 3, (*shape, classes))
        logits[..., 0] = 0  # every class has its part in the order
        config = {"ratio": 2.0, "min_samples": least, "thresh": 0.95}
        yield Case(config, {"matches": matches, "logits": logits, "ious": ious})


def _lots() -> Iterator[Case]:
    rng = np.random.default_rng(0)
    thresholds = {"pos_thresh": 0.9, "neg_thresh_high": 0.7}
    for images, count, others in ((None, 4099, 3), (None, 7, TRUTHS), (IMAGES, 9, 2)):
        shape = _shape(images, count)
        ious = rng.random((*shape, 1)) * rng.random((*shape, others))
        matches = np.where(ious.max(-1) > 0.8, 0.0, -1.0)
        config = {"num_sample": 1300 if count > TRUTHS else 4, **thresholds}
        yield Case(config, {"matches": matches, "ious": ious})


def _candidates() -> Iterator[Case]:
    rng = np.random.default_rng(0)
    for shape in ((MANY_ANCHORS,), (IMAGES, 9), (2, 5003)):
        yield Case({"num_sample": 1300}, {"candidates": rng.choice([1, -1, 0], shape)})


def _encoded(config: dict[str, Any], labels: bool = False) -> Iterator[Case]:
    rng = np.random.default_rng(0)
    for images, count, truths in TABLES:
        arrays = _assigned(rng, *_shape(images, count), truths=truths)
        arrays["anchors"] = _boxes(rng, *_shape(images, count))
        if labels:
            classes = config["num_class"]
            arrays["labels"] = rng.integers(0, classes, _shape(images, truths)).astype(np.float64)
        yield Case(config, {**arrays, "refs": _boxes(rng, *_shape(images, truths))})


def _encoded_by_class() -> Iterator[Case]:
    # Of many anchors, few rows; and more rows, more ground truths and more classes than threads.
    yield from _encoded({"num_class": 3, "max_pos": 37}, labels=True)
    rng = np.random.default_rng(0)
    for classes, count, truths, rows in ((2, ANCHORS, 3, 1500), (CLASSES, 5, TRUTHS, 4)):
        arrays = _assigned(rng, count, truths=truths)
        arrays["anchors"] = _boxes(rng, count)
        arrays["labels"] = classes - 1.0 - np.arange(truths) % 2  # the last of many
        config = {"num_class": classes, "max_pos": rows}
        yield Case(config, {**arrays, "refs": _boxes(rng, truths)})
    # So few positives, and so late ones, that all of them have rows whatever number is fixed.
    arrays = _assigned(rng, ANCHORS, truths=3)
    arrays["samples"] = np.where(np.isin(np.arange(ANCHORS), (7, 1024, 1600, 2112)), 1.0, -1.0)
    arrays |= {"anchors": _boxes(rng, ANCHORS), "labels": np.arange(3.0)}
    arrays["matches"] = np.where(arrays["samples"] > 0, np.arange(ANCHORS) % 3, -1.0)
    yield Case({"num_class": 3, "max_pos": 4}, {**arrays, "refs": _boxes(rng, 3)})


def _decoded() -> Iterator[Case]:
    rng = np.random.default_rng(0)
    for shape in ((MANY_ANCHORS,), (IMAGES, 5), (2, 5003)):
        x = rng.integers(-16, 16, (*shape, 4)) / 8
        yield Case({"convert_anchor": True}, {"x": x, "anchors": _boxes(rng, *shape)})


def _measured(name: str) -> Iterator[Case]:
    rng = np.random.default_rng(0)
    for images, count in ((None, MANY_ANCHORS), (IMAGES, 5), (2, 5003)):
        points, sizes = rng.integers(0, 400, (count, 2)) / 4, 2.0 ** rng.integers(0, 6, (count, 2))
        inputs = {"points": points, name: _boxes(rng, *_shape(images, count)), "sizes": sizes}
        yield Case({"normalize": True}, inputs)


def _labelled() -> Iterator[Case]:
    rng = np.random.default_rng(0)
    for images, count, truths in TABLES:
        arrays = _assigned(rng, *_shape(images, count), truths=truths)
        labels = rng.integers(0, 91, _shape(images, truths)).astype(np.float64)
        yield Case({}, {**arrays, "refs": labels})


def _scores(per_class: bool) -> Iterator[Case]:
    rng = np.random.default_rng(0)
    for images, count, classes in (
        (None, 3, CLASSES),
        (None, MANY_ANCHORS, 3),
        (IMAGES, 5, 4),
        (2, 5003, 3),
    ):
        config = {"num_class": classes} if per_class else {}
        yield Case(config, {"x": rng.random(_shape(images, count, classes))})


def _heat_maps() -> Iterator[Case]:
    rng = np.random.default_rng(0)
    for images, classes, height, width, topk in (
        (None, 67, 43, 37, 1100),
        (None, CLASSES, 1, 3, 40),
        (IMAGES, 2, 3, 5, 7),
    ):
        maps = _shape(images, 2, height, width)
        x = rng.random(_shape(images, classes, height, width))
        inputs = {
            "x": x + (np.indices(x.shape)[-3] > classes - 9),  # peaks are in the last maps
            "wh": rng.integers(0, 80, maps) / 8,
            "reg": rng.integers(0, 9, maps) / 8,
        }
        yield Case({"topk": topk}, inputs)


def _centres() -> Iterator[Case]:
    rng = np.random.default_rng(0)
    for images, count, classes, size in (
        (None, TRUTHS, 3, (211, 137)),
        (None, 61, 83, (67, 43)),
        (None, 7, CLASSES, (5, 3)),
        (IMAGES, 3, 2, (13, 11)),
    ):
        labels = rng.integers(0, classes, _shape(images, count))
        labels[..., -1] = classes - 1
        config = {"num_class": classes, "size": size}
        yield Case(config, {"boxes": 4 * _boxes(rng, *labels.shape), "labels": labels})


def _predicted(*shapes: tuple[tuple[int, ...], int], kernel: tuple[int, ...]) -> Iterator[Case]:
    """Yield inputs of these shapes, each with how many outputs there are to be."""
    rng = np.random.default_rng(0)
    name = "num_channel" if kernel else "num_output"
    for shape, count in shapes:
        ins = shape[1:2] if kernel else (int(np.prod(shape[1:])),)
        arrays = {"x": rng.normal(size=shape), "weight": rng.normal(size=(count, *ins, *kernel))}
        yield Case({name: count}, {**arrays, "bias": rng.normal(size=count)})


SIZES: dict[str, Callable[[], Iterator[Case]]] = {
    "BBoxCornerToCenter": _box_sets,
    "NumPyBBoxCornerToCenter": _box_sets,
    "BBoxCenterToCorner": _box_sets,
    "BBoxSplit": _columns,
    "BBoxArea": _box_sets,
    "BBoxBatchIOU": _pairs,
    "BBoxBatchIOA": _pairs,
    "BBoxBatchGIOU": _pairs,
    "BBoxBatchDIOU": _pairs,
    "BBoxBatchCIOU": _pairs,
    "BBoxClipToImage": _clipped,
    "BipartiteMatcher": _bipartite,
    "MaximumMatcher": partial(_maximum, {"threshold": 0.5}),
    "CompositeMatcher": partial(
        _maximum,
        {
            "matchers": [
                Recipe("BipartiteMatcher", {"share_max": False}),
                Recipe("MaximumMatcher", {"threshold": 0.75}),
            ]
        },
    ),
    "NaiveSampler": _matches,
    "OHEMSampler": _mined,
    "QuotaSampler": _lots,
    "QuotaSamplerProp": _lots,
    "BalancedSampler": _candidates,
    "NormalizedBoxCenterEncoder": partial(_encoded, {}),
    "NumPyNormalizedBoxCenterEncoder": partial(_encoded, {}),
    "NormalizedPerClassBoxCenterEncoder": _encoded_by_class,
    "NormalizedBoxCenterDecoder": _decoded,
    "DistanceEncoder": partial(_measured, "boxes"),
    "DistanceDecoder": partial(_measured, "distances"),
    "MultiClassEncoder": _labelled,
    "MultiClassDecoder": partial(_scores, False),
    "MultiPerClassDecoder": partial(_scores, True),
    "SigmoidClassEncoder": _samples,
    "CenterNetDecoder": _heat_maps,
    "CenterHeatmapEncoder": _centres,
    "ConvPredictor": partial(
        _predicted,
        ((1, CLASSES, 2, 3), 5),
        ((1, 2, 71, 67), 3),
        ((IMAGES, 2, 3, 3), 2),
        ((1, 2, 3, 3), CLASSES),
        kernel=(3, 3),
    ),
    "FCPredictor": partial(
        _predicted, ((3, ANCHORS), 4), ((IMAGES, 5), 3), ((2, 3), CLASSES), kernel=()
    ),
}
