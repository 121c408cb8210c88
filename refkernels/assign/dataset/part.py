"""The targets of a run of images, as columns that files take, and what there is to say of them."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, fields
from hashlib import blake2b
from itertools import pairwise
from typing import Any

import numpy as np

from refkernels.annotations.images import ImageAnnotations, stack_images
from refkernels.arrays import Array, as_seed, check_seed
from refkernels.assign.assigner import TargetAssigner
from refkernels.assign.batch import Batch
from refkernels.assign.by_size import AssignersBySize
from refkernels.assign.operators import draws
from refkernels.assign.resize import Resize
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
    few = rest(assigner) == "ignored"
    if by_size is None:
        return _assigned(assigner, images, resize, seed, few)
    rows: dict[tuple[int, int], list[int]] = {}
    for row, image in enumerate(images):
        rows.setdefault(resize.input_of(image), []).append(row)
    parts = [
        _assigned(by_size(*size), [images[row] for row in own], resize, seed, few)
        for size, own in rows.items()
    ]
    if not parts:
        return _assigned(assigner, images, resize, seed, few)
    return _in_order(parts, np.argsort(np.concatenate(list(rows.values())), kind="stable"))


def _assigned(
    assigner: TargetAssigner,
    images: Sequence[ImageAnnotations],
    resize: Resize,
    seed: int,
    few: bool,
) -> Part:
    """Assign images that have inputs of one size; `few` is whether few anchors are negative."""
    scales = np.array([resize.scale(image) for image in images]).reshape(-1, 2)
    shifts = np.array([resize.shift(image) for image in images], np.int32).reshape(-1, 2)
    _, owners, original, labels, crowd = stack_images(images)
    scaled = original * np.tile(scales, 2)[owners]
    if resize.mode == "letterbox":
        scaled += np.tile(shifts, 2)[owners]
    scaled = scaled.astype(assigner.dtype)
    own = ~crowd
    places = np.zeros((len(images) + 1, 4), np.uint64)
    offsets = _offsets(np.bincount(owners[own], minlength=len(images)))
    places[:, 0] = offsets
    places[:, 1] = _offsets(np.bincount(owners[crowd], minlength=len(images)))
    places[:-1, 2] = [numeric_id(image.image_id) for image in images]
    if draws(assigner.operators):
        places[:, 3] = as_seed("rng", check_seed("rng", seed))
    boxes, labels = scaled[own], labels[own]
    batch = Batch(boxes, labels, scaled[crowd], places, "list")
    found = assigner.columns(batch, ignored=not few)
    _, positive, listed = (_offsets(column) for column in found.counts.T)
    # The number of each positive's object among those of all images.
    objects = found.matches + np.repeat(offsets[:-1], found.counts[:, 1])
    return Part(
        images={
            "image_id": [image.image_id for image in images],
            "width": np.array([image.width for image in images], np.int32),
            "height": np.array([image.height for image in images], np.int32),
            "scale_x": scales[:, 0],
            "scale_y": scales[:, 1],
            **_places(images, resize, shifts, len(assigner)),
        },
        lists={
            "boxes": (offsets, boxes),
            "labels": (offsets, labels.astype(np.int32)),
            "positives": (positive, found.positives.astype(np.int32)),
            "matches": (positive, found.matches.astype(np.int32)),
            "cls_targets": (positive, found.cls_targets.astype(np.int32)),
            "box_targets": (positive, found.box_targets),
            "negatives" if few else "ignored": (listed, found.listed.astype(np.int32)),
        },
        summary=_summary(original[own], offsets, int(crowd.sum()), found.counts, objects),
    )


def _places(
    images: Sequence[ImageAnnotations], resize: Resize, shifts: Array, anchors: int
) -> dict[str, Array]:
    """Return what there is to say of inputs that images do not simply begin or fill."""
    if resize.mode == "letterbox":
        return {"shift_x": shifts[:, 0], "shift_y": shifts[:, 1]}
    if resize.mode == "shorter":
        sizes = np.array([resize.input_of(image) for image in images], np.int32).reshape(-1, 2)
        counts = np.full(len(images), anchors, np.int32)
        return {"input_height": sizes[:, 0], "input_width": sizes[:, 1], "anchors": counts}
    return {}


def _in_order(parts: list[Part], order: Array) -> Part:
    """Return parts as one, whose rows are those of all parts in this order."""
    summary = Summary()
    for part in parts:
        summary.add(part.summary)
    images: dict[str, Any] = {}
    for name in parts[0].images:
        every = [value for part in parts for value in part.images[name]]
        own = [every[row] for row in order]
        kind = getattr(parts[0].images[name], "dtype", None)
        images[name] = own if kind is None else np.array(own, kind)
    lists = {}
    for name in parts[0].lists:
        runs = [
            values[first:last]
            for offsets, values in (part.lists[name] for part in parts)
            for first, last in pairwise(offsets)
        ]
        ordered = [runs[row] for row in order]
        lists[name] = _offsets(np.array([len(run) for run in ordered])), np.concatenate(ordered)
    return Part(images, lists, summary)


def _offsets(counts: Array) -> Array:
    """Return where each of some runs begins, and the last one ends."""
    offsets: Array = np.concatenate([[0], np.cumsum(counts)]).astype(np.int64)
    return offsets


def sizes_of(boxes: Array) -> Array:
    """Return the size of each box, in pixels of the original image, as its place in `SIZES`."""
    areas = (boxes[:, 2] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 1])
    sizes: Array = np.searchsorted(np.array(list(SIZES.values())), areas, side="right")
    return sizes


def _summary(objects: Array, offsets: Array, crowds: int, counts: Array, matches: Array) -> Summary:
    """Return the counts of images with these objects, and the objects of positive anchors."""
    size = sizes_of(objects)
    positives = np.bincount(matches, minlength=len(objects))
    return Summary(
        images=len(counts),
        empty_images=int((np.diff(offsets) == 0).sum()),
        boxes=len(objects),
        crowds=crowds,
        dropped=int(counts[:, 0].sum()),
        positives=len(matches),
        boxes_of={name: int((size == k).sum()) for k, name in enumerate(SIZES)},
        unmatched_of={name: int((positives[size == k] == 0).sum()) for k, name in enumerate(SIZES)},
        positives_of={name: int(positives[size == k].sum()) for k, name in enumerate(SIZES)},
    )
