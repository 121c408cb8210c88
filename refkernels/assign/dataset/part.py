"""The targets of a run of images, as columns that files take, and what there is to say of them."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, fields
from hashlib import blake2b
from typing import Any

import numpy as np

from refkernels.annotations.images import ImageAnnotations
from refkernels.arrays import Array
from refkernels.assign.assigner import TargetAssigner
from refkernels.assign.by_size import AssignersBySize
from refkernels.assign.resize import Resize
from refkernels.assign.results import SparseTargets
from refkernels.sampler import QuotaSampler

__all__ = ["SIZES", "Part", "Summary", "assign_part", "numeric_id", "rest", "sizes_of"]

# COCO's sizes: areas in pixels of the original image that a size goes up to.
SIZES = {"small": 32.0**2, "medium": 96.0**2, "large": np.inf}


@dataclass
class Summary:
    """Counts over images; summaries add up.

    Attributes
    ----------
    images, empty_images : int
        Images, and those without objects.
    boxes, crowds, dropped : int
        Objects, crowds among the annotations, and objects without extent.
    positives : int
        Positive anchors.
    boxes_of, unmatched_of, positives_of : dict of str to int
        By size: objects, those of them that have no positive anchor, and positive anchors.
    """

    images: int = 0
    empty_images: int = 0
    boxes: int = 0
    crowds: int = 0
    dropped: int = 0
    positives: int = 0
    boxes_of: dict[str, int] = field(default_factory=lambda: dict.fromkeys(SIZES, 0))
    unmatched_of: dict[str, int] = field(default_factory=lambda: dict.fromkeys(SIZES, 0))
    positives_of: dict[str, int] = field(default_factory=lambda: dict.fromkeys(SIZES, 0))

    def add(self, other: "Summary") -> None:
        """Add the counts of other images."""
        for entry in fields(self):
            own, more = getattr(self, entry.name), getattr(other, entry.name)
            if isinstance(own, dict):
                own.update({key: own[key] + more[key] for key in own})
            else:
                setattr(self, entry.name, own + more)

    def as_dict(self) -> dict[str, Any]:
        """Return the counts as plain numbers."""
        return asdict(self)


@dataclass(frozen=True)
class Part:
    """The targets of some images.

    Attributes
    ----------
    images : dict of str to array
        A value for each image: `image_id`, `width` and `height` in pixels of the original, and the
        factors `scale_x` and `scale_y` to the network's input. In a letterbox `shift_x` and
        `shift_y`, where it begins there; of inputs of several sizes `input_height`, `input_width`
        and the number of `anchors`.
    lists : dict of str to (offsets, values)
        Several values for each image, those of image k from ``offsets[k]`` to ``offsets[k + 1]``:
        `boxes` (in pixels of the network's input) and `labels` of its objects; `positives`,
        `matches`, `cls_targets` and `box_targets` of its positive anchors; and `negatives` or
        `ignored`, whichever `rest` does not name.
    summary : Summary
        What there is to say of them.
    """

    images: dict[str, Any]
    lists: dict[str, tuple[Array, Array]]
    summary: Summary


def rest(assigner: TargetAssigner) -> str:
    """Return what anchors are that are in no list: 'ignored' if few are negative, or 'negative'."""
    sampler = assigner.operators.sampler
    few = isinstance(sampler, QuotaSampler) and sampler.num_sample < len(assigner)
    return "ignored" if few else "negative"


def numeric_id(image_id: int | str) -> int:
    """Return a number for an id, to draw random numbers by: itself, or a hash of it."""
    if isinstance(image_id, int) and image_id >= 0:
        return image_id
    return int.from_bytes(blake2b(str(image_id).encode(), digest_size=8).digest(), "big") >> 1


def assign_part(
    assigner: TargetAssigner,
    images: Sequence[ImageAnnotations],
    resize: Resize,
    seed: int,
    by_size: AssignersBySize | None = None,
) -> Part:
    """Assign some images.

    Parameters
    ----------
    assigner : TargetAssigner
    images : sequence of ImageAnnotations
        Crowds are ignored regions.
    resize : Resize
    seed : int
        What random samples depend on, with each image's id and nothing else.
    by_size : AssignersBySize, optional
        The assigners of inputs as large as images, in place of `assigner`.

    Returns
    -------
    Part
    """
    scales = np.array([resize.scale(image) for image in images]).reshape(-1, 2)
    boxes, labels, regions = [], [], []
    for image in images:
        scaled = resize.boxes(image).astype(assigner.dtype)
        boxes.append(scaled[~image.iscrowd])
        labels.append(image.labels[~image.iscrowd])
        regions.append(scaled[image.iscrowd])
    inputs = [resize.input_of(image) for image in images]
    counts = np.full(len(images), len(assigner), np.int32)
    targets: list[Any] = [None] * len(images)
    for size in dict.fromkeys(inputs):
        rows = [k for k, own_size in enumerate(inputs) if own_size == size]
        one = assigner if by_size is None else by_size(*size)
        given = ([every[k] for k in rows] for every in (boxes, labels, regions))
        ids = [numeric_id(images[k].image_id) for k in rows]
        for k, found in zip(rows, one.sparse(*given, rng=seed, image_ids=ids), strict=True):
            targets[k], counts[k] = found, len(one)
    other = "negatives" if rest(assigner) == "ignored" else "ignored"
    summary = Summary()
    for image, own in zip(images, targets, strict=True):
        _count(summary, image, own)
    four = np.empty((0, 4), assigner.dtype)
    whole = np.empty(0, np.int64)
    return Part(
        images={
            "image_id": [image.image_id for image in images],
            "width": np.array([image.width for image in images], np.int32),
            "height": np.array([image.height for image in images], np.int32),
            "scale_x": scales[:, 0],
            "scale_y": scales[:, 1],
            **_places(images, resize, inputs, counts),
        },
        lists={
            "boxes": _joined(boxes, four),
            "labels": _joined(labels, whole),
            "positives": _joined([own.positives for own in targets], whole),
            "matches": _joined([own.matches for own in targets], whole),
            "cls_targets": _joined([own.cls_targets for own in targets], whole),
            "box_targets": _joined([own.box_targets for own in targets], four),
            other: _joined(
                [_others(own, int(n), other) for own, n in zip(targets, counts, strict=True)], whole
            ),
        },
        summary=summary,
    )


def _places(
    images: Sequence[ImageAnnotations],
    resize: Resize,
    inputs: list[tuple[int, int]],
    counts: Array,
) -> dict[str, Array]:
    """Return what there is to say of inputs that images do not simply begin or fill."""
    if resize.mode == "letterbox":
        shifts = np.array([resize.shift(image) for image in images], np.int32).reshape(-1, 2)
        return {"shift_x": shifts[:, 0], "shift_y": shifts[:, 1]}
    if resize.mode == "shorter":
        sizes = np.array(inputs, np.int32).reshape(-1, 2)
        return {"input_height": sizes[:, 0], "input_width": sizes[:, 1], "anchors": counts}
    return {}


def _others(targets: SparseTargets, count: int, kind: str) -> Array:
    if kind == "negatives":
        return targets.negatives
    if len(targets.positives) + len(targets.negatives) == count:
        return np.empty(0, np.int64)
    ignored = np.ones(count, np.bool_)
    ignored[targets.positives] = False
    ignored[targets.negatives] = False
    return np.flatnonzero(ignored)


def _joined(parts: list[Array], nothing: Array) -> tuple[Array, Array]:
    offsets = np.cumsum([0, *(len(part) for part in parts)])
    values = np.concatenate(parts) if parts else nothing
    return offsets, values.astype(np.int32) if values.dtype.kind == "i" else values


def sizes_of(boxes: Array) -> Array:
    """Return the size of each box, in pixels of the original image, as its place in `SIZES`."""
    areas = (boxes[:, 2] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 1])
    sizes: Array = np.searchsorted(np.array(list(SIZES.values())), areas, side="right")
    return sizes


def _count(summary: Summary, image: ImageAnnotations, targets: SparseTargets) -> None:
    objects = image.boxes[~image.iscrowd]
    size = sizes_of(objects)
    positives = np.bincount(targets.matches, minlength=len(objects))
    summary.images += 1
    summary.empty_images += len(objects) == 0
    summary.boxes += len(objects)
    summary.crowds += int(image.iscrowd.sum())
    summary.dropped += targets.dropped
    summary.positives += len(targets.positives)
    for number, name in enumerate(SIZES):
        own = positives[size == number]
        summary.boxes_of[name] += len(own)
        summary.unmatched_of[name] += int((own == 0).sum())
        summary.positives_of[name] += int(own.sum())
