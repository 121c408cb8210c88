"""Ground truth of images: corner boxes in continuous pixels, with labels from 0."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, overload

import numpy as np
import numpy.typing as npt

from refkernels.arrays import Array, as_boxes, as_indices, keep, require
from refkernels.arrays.printing import times

__all__ = ["AnnotationSet", "ImageAnnotations", "cut_images", "stack_images"]

# Labels are written as int32.
LARGEST_LABEL = 2**31 - 1


@dataclass(frozen=True, eq=False)
class ImageAnnotations:
    """The ground truth of one image.

    Attributes
    ----------
    image_id : int or str
        The image's id in its data set.
    width, height : int
        The image's size in pixels.
    boxes : numpy.ndarray, float64, (M, 4)
        Corner boxes in pixels, read-only. A width or height may be 0.
    labels : numpy.ndarray, int64, (M,)
        Classes from 0, in the order of the category ids.
    iscrowd : numpy.ndarray, bool, (M,)
        Whether the box is an ignored region instead of an object: it surrounds a crowd, or was
        marked or skipped.

    Raises
    ------
    TypeError, ValueError
        If an array is not what it is said to be above; it is copied.
    """

    image_id: int | str
    width: int
    height: int
    boxes: Array
    labels: Array
    iscrowd: Array

    def __post_init__(self) -> None:
        boxes = as_boxes("boxes", self.boxes)
        require(boxes.ndim == 2, f"boxes: expected (M, 4), got shape {boxes.shape}")
        labels, crowd = as_indices("labels", self.labels), as_indices("iscrowd", self.iscrowd)
        for name, array in (("labels", labels), ("iscrowd", crowd)):
            require(
                array.shape == boxes.shape[:1],
                f"{name}: expected one for each of {times(len(boxes), 'box')}, got shape "
                f"{array.shape}",
            )
        wrong = (labels < 0) | (labels > LARGEST_LABEL)
        if wrong.any():
            place = int(wrong.argmax())
            raise ValueError(
                f"labels[{place}]: expected a class from 0 to {LARGEST_LABEL}, got {labels[place]}"
            )
        require(bool(((crowd == 0) | (crowd == 1)).all()), "iscrowd: expected True or False")
        keep(
            self,
            boxes=_own(boxes, np.float64),
            labels=_own(labels, np.int64),
            iscrowd=_own(crowd, np.bool_),
        )


def _own(array: Array, dtype: npt.DTypeLike) -> Array:
    copy = np.array(array, dtype, order="C")
    copy.setflags(write=False)
    return copy


def cut_images(
    images: Sequence[tuple[int | str, int, int]],
    places: Array,
    boxes: Array,
    labels: Array,
    iscrowd: Array,
) -> list[ImageAnnotations]:
    """Return images whose objects are given one after the other, as views of arrays of all.

    Parameters
    ----------
    images : sequence of (int or str, int, int)
        The id, width and height of each.
    places : numpy.ndarray, int64, (M,)
        Which image each object is in.
    boxes, labels, iscrowd : numpy.ndarray, (M, 4), (M,), (M,)
        As `ImageAnnotations` has them, dtypes too. Values are not checked.

    Returns
    -------
    list of ImageAnnotations
        In each, objects keep their order.

    Examples
    --------
    >>> columns = np.arange(8.0).reshape(2, 4), np.array([3, 5]), np.zeros(2, bool)
    >>> [image.labels for image in cut_images([(7, 9, 9), (8, 9, 9)], np.array([1, 1]), *columns)]
    [array([], dtype=int64), array([3, 5])]
    """
    order = np.argsort(places, kind="stable")
    columns = boxes[order], labels[order], iscrowd[order]
    for column in columns:
        column.setflags(write=False)
    boxes, labels, iscrowd = columns
    ends = np.cumsum(np.bincount(places, minlength=len(images))).tolist()
    found = []
    start = 0
    for (image_id, width, height), end in zip(images, ends, strict=True):
        image = object.__new__(ImageAnnotations)
        keep(
            image,
            image_id=image_id,
            width=width,
            height=height,
            boxes=boxes[start:end],
            labels=labels[start:end],
            iscrowd=iscrowd[start:end],
        )
        found.append(image)
        start = end
    return found


def stack_images(
    images: Sequence[ImageAnnotations],
) -> tuple[list[tuple[int | str, int, int]], Array, Array, Array, Array]:
    """Return what `cut_images` makes these images of: few arrays instead of many.

    Examples
    --------
    >>> image = ImageAnnotations(7, 9, 9, [[1, 2, 3, 4]], [5], [False])
    >>> sizes, places, boxes, labels, iscrowd = stack_images([image, image])
    >>> sizes, places, labels
    ([(7, 9, 9), (7, 9, 9)], array([0, 1]), array([5, 5]))
    """
    counts = [len(image.boxes) for image in images]
    return (
        [(image.image_id, image.width, image.height) for image in images],
        np.repeat(np.arange(len(images)), counts),
        np.concatenate([np.empty((0, 4)), *(image.boxes for image in images)]),
        np.concatenate([np.empty(0, np.int64), *(image.labels for image in images)]),
        np.concatenate([np.empty(0, np.bool_), *(image.iscrowd for image in images)]),
    )


@dataclass(frozen=True, eq=False)
class AnnotationSet(Sequence[ImageAnnotations]):
    """The images of one annotation file, in the file's order, as a sequence.

    Attributes
    ----------
    source : str
        Where the images come from.
    images : tuple of ImageAnnotations
        All images, those without objects included.
    categories : tuple of (int or str, str)
        The id and the name of each class; the position is the label.
    problems : tuple of str
        One line for each annotation, image or file that was left out, if those were asked to be
        skipped.
    counts : mapping of str to int
        What there is to say of the files, and how often: boxes that jut out of their image,
        objects that are marked.
    """

    source: str
    images: tuple[ImageAnnotations, ...]
    categories: tuple[tuple[int | str, str], ...]
    problems: tuple[str, ...] = field(default=())
    counts: Mapping[str, int] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.images)

    @overload
    def __getitem__(self, index: int) -> ImageAnnotations: ...
    @overload
    def __getitem__(self, index: slice) -> tuple[ImageAnnotations, ...]: ...
    def __getitem__(self, index: Any) -> Any:
        return self.images[index]
