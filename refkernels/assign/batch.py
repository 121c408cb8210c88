"""What an assigner is called with: one image, a list of images, or padded arrays."""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

import numpy as np

from refkernels.arrays import (
    Array,
    as_boxes,
    as_indices,
    as_real,
    as_sequence,
    check_finite,
    check_integer,
    require,
    shape_of,
    shown,
)
from refkernels.arrays.printing import times
from refkernels.assign.results import owner
from refkernels.chain.predictions import Predictions

__all__ = ["Batch", "read_batch", "rounded_boxes", "without_extent"]


# Ids of images are places of a batch, which draws are reckoned from: words of 64 bits.
LARGEST = 2**64 - 1


@dataclass(slots=True)
class Batch:
    """Images one after the other. Values are not checked; `check` does it.

    Attributes
    ----------
    boxes, labels, regions : numpy.ndarray, (sum of M, 4), int64 (sum of M,), (sum of R, 4)
        Those of all images, C-contiguous; boxes and regions in the computing dtype.
    places : numpy.ndarray, uint64, (B + 1, 4)
        Where each image's boxes and regions begin, its place in the batch, and the seed.
    form : {'image', 'list', 'padded'}
        How it was given.
    predictions : Predictions, optional
        Those of the batch, (B, N, ...).
    """

    boxes: Array
    labels: Array
    regions: Array
    places: Array
    form: str
    predictions: Predictions | None = None

    @property
    def size(self) -> int:
        """The number of images."""
        return len(self.places) - 1

    def image(self, index: int) -> tuple[Array, Array, Array]:
        """Return boxes, labels and regions of an image."""
        (first, region), (last, last_region) = self.places[index : index + 2, :2].tolist()
        return self.boxes[first:last], self.labels[first:last], self.regions[region:last_region]

    def predict(self, given: Any, count: int) -> None:
        """Take the predictions of `count` anchors of each image.

        Raises
        ------
        TypeError, ValueError
            If there are none, or not those of these images.
        """
        if given is None:
            raise TypeError("predictions: the matcher looks at some, got none")
        found = Predictions.of(given)
        if self.form == "image" and found.boxes.ndim == 2:
            found = Predictions(found.boxes[None], found.scores[None])
        shape, expected = found.boxes.shape[:-1], (self.size, count)
        if shape != expected:
            wanted = f"{expected[1:] if self.form == 'image' else expected}"
            raise ValueError(f"predictions: expected those of {wanted} anchors, got {shape}")
        self.predictions = found

    def predicted(self, index: int) -> Predictions | None:
        """Return the predictions of an image, if there are any."""
        return None if self.predictions is None else self.predictions.image(index)

    def name(self, what: str, index: int) -> str:
        """Return how the caller would write the boxes or regions of an image."""
        return what if self.form == "image" else f"{what}[{index}]"

    def review(self, dropped: Array, error: bool) -> None:
        """Take padding out of `dropped` (B,), the numbers of boxes without extent.

        If what is left is an error, raise `ValueError` for the first of it.
        """
        for index in np.flatnonzero(dropped):
            boxes, _, _ = self.image(index)
            flat = without_extent(boxes)
            if self.form == "padded":
                # What goes on to the end is padding.
                flat = flat[flat < np.setdiff1d(np.arange(len(boxes)), flat).max(initial=0)]
                dropped[index] = len(flat)
            if error and len(flat):
                with np.errstate(over="ignore"):
                    width, height = boxes[flat[0], 2:] - boxes[flat[0], :2]
                raise ValueError(
                    f"{self.name('boxes', index)}[{flat[0]}] has width {width} and height "
                    f"{height}, expected more than 0"
                )

    def leave(self, owners: Collection[int]) -> None:
        """Copy what may lie in the memory, told by the ids of its owners, that will be filled."""
        if id(owner(self.boxes)) in owners:
            self.boxes = self.boxes.copy()
        if id(owner(self.labels)) in owners:
            self.labels = self.labels.copy()
        if id(owner(self.regions)) in owners:
            self.regions = self.regions.copy()

    def check(self, index: int) -> None:
        """Raise `ValueError` if a coordinate of an image is not finite."""
        boxes, _, regions = self.image(index)
        check_finite(self.name("boxes", index), boxes)
        check_finite(self.name("ignore", index), regions)


def read_batch(boxes: Any, labels: Any, ignore: Any, image_ids: Any, dtype: np.dtype[Any]) -> Batch:
    """Read what an assigner is called with.

    Raises
    ------
    TypeError, ValueError
        If shapes do not go together, or dtypes are none of numbers.
    """
    form = _form(boxes)
    if form == "image":
        own = _boxes(boxes, dtype, "boxes")
        own_labels = _labels(labels, len(own), "labels")
        places = np.zeros((2, 4), np.uint64)
        places[1, 0] = len(own)
        if ignore is None:
            region = np.empty((0, 4), dtype)
        else:
            region = _for_kernel(_boxes(ignore, dtype, "ignore"))
            places[1, 1] = len(region)
        if image_ids is not None:
            places[0, 2] = check_integer("image_ids", image_ids, low=0, high=LARGEST)
        return Batch(_for_kernel(own), _for_kernel(own_labels), region, places, form)
    size = len(boxes)
    if form == "padded" and not size:  # no image in which the dtypes of its arrays are looked at
        for name, given in (("boxes", boxes), ("labels", labels), ("ignore", ignore)):
            if given is not None and not isinstance(given, (list, tuple)):
                (as_indices if name == "labels" else as_real)(name, given)
    box_parts = [_boxes(boxes[i], dtype, "boxes", i) for i in range(size)]
    labels = _of_images("labels", labels, size)
    counts = [len(part) for part in box_parts]
    label_parts = [_labels(labels[i], count, "labels", i) for i, count in enumerate(counts)]
    region_parts = []
    if ignore is not None:
        ignore = _of_images("ignore", ignore, size)
        region_parts = [_boxes(ignore[i], dtype, "ignore", i) for i in range(size)]
    places = np.zeros((size + 1, 4), np.uint64)
    places[1:, 0] = np.cumsum(counts)
    if region_parts:
        places[1:, 1] = np.cumsum([len(part) for part in region_parts])
    places[:-1, 2] = np.arange(size) if image_ids is None else _image_ids(image_ids, size)
    return Batch(
        _joined(box_parts, np.empty((0, 4), dtype)),
        _joined(label_parts, np.empty(0, np.int64)),
        _joined(region_parts, np.empty((0, 4), dtype)),
        places,
        form,
    )


def rounded_boxes(name: str, boxes: Array, dtype: np.dtype[Any]) -> Array:
    """Round finite boxes to `dtype`, which must be able to hold them."""
    with np.errstate(all="ignore"):
        result = np.ascontiguousarray(boxes, dtype)
    if result.size and result.dtype.itemsize < boxes.dtype.itemsize:
        beyond = np.isinf(result)
        if beyond.any():
            where = tuple(int(i) for i in np.argwhere(beyond)[0])
            raise ValueError(f"{name}{list(where)} is {boxes[where]}, which overflows {dtype}")
    return result


def without_extent(boxes: Array) -> Array:
    """Return the numbers of the boxes whose width or height is not positive."""
    return np.flatnonzero(~(boxes[:, 2:] > boxes[:, :2]).all(axis=1))


def _form(boxes: Any) -> str:
    if isinstance(boxes, (list, tuple)):
        # A list of rows is an image, and so is an empty list; a list of sets of rows is a batch.
        shape = shape_of("boxes[0]", boxes[0]) if boxes else (0,)
        return "image" if not boxes or (len(shape) == 1 and shape[0] > 0) else "list"
    shape = shape_of("boxes", boxes)
    if len(shape) in (2, 3):
        return "image" if len(shape) == 2 else "padded"
    expected = "boxes: expected (M, 4), a list of such, or (B, M, 4)"
    if not shape:
        raise TypeError(f"{expected}, got {shown(boxes)}")
    raise ValueError(f"{expected}, got shape {shape}")


# Names are made where they are needed, for errors: to make them for all costs as much as the rest.


def _boxes(value: Any, dtype: np.dtype[Any], what: str, index: int | None = None) -> Array:
    if (
        type(value) is np.ndarray
        and value.dtype == dtype
        and value.ndim == 2
        and value.shape[1] == 4
    ):
        return value  # nan and infinity are left to the kernel
    if isinstance(value, (list, tuple)) and not len(value):
        return np.empty((0, 4), dtype)
    name = _name(what, index)
    boxes = as_boxes(name, value)
    require(boxes.ndim == 2, f"{name}: expected (M, 4), got shape {boxes.shape}")
    return rounded_boxes(name, boxes, dtype)


def _labels(value: Any, count: int, what: str, index: int | None = None) -> Array:
    fast = type(value) is np.ndarray and value.dtype == np.int64
    labels: Array = value if fast else as_indices(_name(what, index), value)
    if labels.shape != (count,):
        name = _name(what, index)
        raise ValueError(
            f"{name}: expected one for each of {times(count, 'box')}, got shape {labels.shape}"
        )
    return labels


def _name(what: str, index: int | None) -> str:
    return what if index is None else f"{what}[{index}]"


def _of_images(name: str, value: Any, size: int) -> list[Any]:
    found = as_sequence(name, value, f"those of {times(size, 'image')}")
    require(
        len(found) == size, f"{name}: expected those of {times(size, 'image')}, got {len(found)}"
    )
    return found


def _image_ids(image_ids: Any, size: int) -> list[int]:
    return [
        check_integer(f"image_ids[{i}]", number, low=0, high=LARGEST)
        for i, number in enumerate(_of_images("image_ids", image_ids, size))
    ]


def _joined(parts: list[Array], nothing: Array) -> Array:
    return np.concatenate(parts) if parts else nothing


def _for_kernel(array: Array) -> Array:
    # Kernels are compiled for arrays that are contiguous, aligned, and can be written.
    flags = array.flags
    usual = flags.c_contiguous and flags.aligned and flags.writeable
    return array if usual else np.array(array, order="C")
