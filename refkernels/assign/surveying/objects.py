"""The objects of a data set, a row each, with what a set of anchors does for them; and groups."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from refkernels.annotations.images import ImageAnnotations
from refkernels.arrays import Array
from refkernels.assign.dataset.part import sizes_of
from refkernels.assign.resize import Resize
from refkernels.assign.surveying.matches import Matches

__all__ = ["ASPECTS", "Group", "Objects", "boxes_in_network", "group", "survey_objects"]

# Upper ends of width / height, and the names of what is between two.
ASPECTS = {
    "below 1:4": 0.25,
    "1:4 to 1:2": 0.5,
    "1:2 to 1:1": 1.0,
    "1:1 to 2:1": 2.0,
    "2:1 to 4:1": 4.0,
    "4:1 and more": np.inf,
}

# Images of one call of the kernels: a second or so of the slowest, and little memory.
CHUNK, CHUNK_COMPOSED = 1024, 32


@dataclass(frozen=True, eq=False)
class Objects:
    """Objects that have an extent, crowds left out, in the order of their images.

    Attributes
    ----------
    image : numpy.ndarray, int64, (T,)
        The place of each one's image among those surveyed.
    label : numpy.ndarray, int64, (T,)
    boxes : numpy.ndarray, float64, (T, 4)
        Corner boxes in pixels of the original image.
    scaled : numpy.ndarray, float64, (T, 2)
        Width and height in pixels of the network's input.
    anchors : numpy.ndarray, int64, (T,)
        How many anchors each is matched with, before a sampler draws.
    best_iou : numpy.ndarray, float64, (T,)
        Its largest IoU with any anchor.
    dropped, crowds : int
        Objects without extent, and ignored regions: both are left out.
    """

    image: Array
    label: Array
    boxes: Array
    scaled: Array
    anchors: Array
    best_iou: Array
    dropped: int = 0
    crowds: int = 0

    def __len__(self) -> int:
        return len(self.image)

    @property
    def size(self) -> Array:
        """The size of each, as its place in COCO's small, medium and large, int64, (T,)."""
        return sizes_of(self.boxes)

    @property
    def aspect(self) -> Array:
        """The place of width / height in `ASPECTS`, int64, (T,)."""
        ends = np.array(list(ASPECTS.values()))
        width, height = (self.boxes[:, 2:] - self.boxes[:, :2]).T
        found: Array = np.searchsorted(ends, width / height, side="right")
        return found


class Group(NamedTuple):
    """Some objects, and what the anchors do for them.

    Attributes
    ----------
    name : str
    objects : int
    without, few : int
        How many are matched with no anchor, and with few.
    anchors, best_iou : float
        Means: anchors that an object is matched with, and its largest IoU. 0 of no objects.
    """

    name: str
    objects: int
    without: int
    few: int
    anchors: float
    best_iou: float

    def as_dict(self) -> dict[str, Any]:
        """Return it as JSON has it."""
        return self._asdict()


def group(objects: Objects, place: Array, names: Sequence[str], few: int) -> tuple[Group, ...]:
    """Sum up objects by groups.

    Parameters
    ----------
    objects : Objects
    place : numpy.ndarray, int64, (T,)
        The group of each.
    names : sequence of str
        Those of the groups.
    few : int
        The most anchors that are few; none is not among them.

    Returns
    -------
    tuple of Group
    """
    count = len(names)

    def total(values: Array | None = None) -> Array:
        result: Array = np.bincount(place, values, minlength=count)
        return result

    every = total()
    least = np.maximum(every, 1)
    columns = (
        every,
        total(objects.anchors == 0).astype(np.int64),
        total((objects.anchors > 0) & (objects.anchors <= few)).astype(np.int64),
        total(objects.anchors) / least,
        total(objects.best_iou) / least,
    )
    rows = zip(*(column.tolist() for column in columns), strict=True)
    return tuple(Group(name, *row) for name, row in zip(names, rows, strict=True))


def survey_objects(
    matches: Matches,
    images: Sequence[ImageAnnotations],
    resize: Resize,
    progress: Callable[[int, int], None],
) -> Objects:
    """Look at all objects of some images.

    Parameters
    ----------
    matches : Matches
    images : sequence of ImageAnnotations
    resize : Resize
        How they are brought to the network's input.
    progress : callable
        Called with the numbers of images that are done, and of all.

    Returns
    -------
    Objects
    """
    dtype = matches.assigner.dtype
    whole, reals = np.empty(0, np.int64), np.empty(0)
    nothing = (whole, whole, np.empty((0, 4)), np.empty((0, 2)), whole, reals)
    found: list[tuple[Array, ...]] = [nothing]
    dropped = crowds = 0
    chunk = CHUNK if matches.fused else CHUNK_COMPOSED
    for first in range(0, len(images), chunk):
        part = images[first : first + chunk]
        scaled = list(boxes_in_network(part, resize, dtype))
        counts, best = matches(scaled)
        kept = [~image.iscrowd for image in part]
        boxes = np.concatenate([own.boxes[mask] for own, mask in zip(part, kept, strict=True)])
        network = np.concatenate(scaled).astype(np.float64)
        real = (network[:, 2:] > network[:, :2]).all(axis=1)
        columns = (
            np.repeat(np.arange(first, first + len(part)), [len(rows) for rows in scaled]),
            np.concatenate([own.labels[mask] for own, mask in zip(part, kept, strict=True)]),
            boxes,
            network[:, 2:] - network[:, :2],
            counts,
            best.astype(np.float64),
        )
        found.append(tuple(column[real] for column in columns))
        dropped += int((~real).sum())
        crowds += sum(int(image.iscrowd.sum()) for image in part)
        progress(first + len(part), len(images))
    image, label, boxes, sides, anchors, best = map(np.concatenate, zip(*found, strict=True))
    return Objects(image, label, boxes, sides, anchors, best, dropped, crowds)


def boxes_in_network(
    images: Sequence[ImageAnnotations], resize: Resize, dtype: np.dtype[Any]
) -> Iterator[Array]:
    """Yield the objects' boxes of images in pixels of the network's input, as `assign` has them."""
    for image in images:
        yield resize.boxes(image)[~image.iscrowd].astype(dtype)
