"""Images and annotations of COCO's form, many at once: what nearly all of them look like.

What looks otherwise is left to `refkernels.annotations.coco`, which says what is wrong with it.
"""

from collections.abc import Callable, Iterator, Sequence
from functools import cache
from importlib import import_module
from itertools import chain
from typing import Any

import numpy as np

from refkernels.annotations.json_stream import Decode
from refkernels.annotations.source import Draft, Source
from refkernels.arrays import Array

__all__ = ["Known", "Objects", "decoders"]

FLAGS = ("iscrowd", "ignore", "isfake")


class Objects(Sequence[dict[str, Any]]):
    """Annotations of which each has whole numbers for ids, a box, and flags of 0 or 1.

    Parameters
    ----------
    whole : numpy.ndarray, int64, (M, 3)
        Their ids, those of their images and of their categories.
    bbox : numpy.ndarray, float64, (M, 4)
        x, y, width and height in pixels, of which none is negative and no sum is not finite.
    flags : numpy.ndarray, bool, (M, 3)
        Those of `FLAGS`.
    """

    def __init__(self, whole: Array, bbox: Array, flags: Array) -> None:
        self.whole = whole
        self.bbox = bbox
        self.flags = flags

    def __len__(self) -> int:
        return len(self.whole)

    def __getitem__(self, row: Any) -> Any:
        """Return an annotation as the file has it."""
        names = ("id", "image_id", "category_id")
        return {
            **dict(zip(names, self.whole[row].tolist(), strict=True)),
            "bbox": self.bbox[row].tolist(),
            **dict(zip(FLAGS, self.flags[row].astype(int).tolist(), strict=True)),
        }


class Known:
    """What annotations refer to: the images and the categories of a file.

    Parameters
    ----------
    source : Source
        Whose images have all been read.
    keys : dict of (int or str) to object
        The keys of the categories; None for one whose objects are ignored regions.
    """

    def __init__(self, source: Source, keys: dict[int | str, Any]) -> None:
        self.source = source
        drafts = source.drafts.values()
        self.sizes = np.array([(draft.width, draft.height) for draft in drafts]).reshape(-1, 2)
        self.images, self.places = _sorted(list(source.drafts))
        self.categories, numbers = _sorted(list(keys))
        self.labels = np.array([-1 if key is None else key for key in keys.values()])[numbers]

    def add(self, objects: Objects) -> Iterator[tuple[int, dict[str, Any]]]:
        """Add what there is nothing to say of; yield the row and the value of what is left.

        It is yielded between what comes before and after it.
        """
        images, known = _places(self.images, objects.whole[:, 1])
        categories, sure = _places(self.categories, objects.whole[:, 2])
        crowd, ignore, fake = objects.flags.T
        plain = known & sure & ~(ignore & ~crowd) & ~fake
        places, labels = np.zeros(len(objects), np.int64), np.zeros(len(objects), np.int64)
        places[plain], labels[plain] = self.places[images[plain]], self.labels[categories[plain]]
        plain &= labels >= 0
        boxes = objects.bbox.copy()
        boxes[:, 2:] += boxes[:, :2]
        plain[plain] = self.source.are_plain(self.sizes[places[plain]], boxes[plain])
        start = 0
        for row in [*np.flatnonzero(~plain).tolist(), len(objects)]:
            own = slice(start, row)
            self.source.extend(places[own], boxes[own], labels[own].tolist(), crowd[own])
            start = row + 1
            if row < len(objects):
                yield row, objects[row]


def _sorted(ids: list[Any]) -> tuple[Array, Array]:
    """Return ids in ascending order, and their places before; none if they are no numbers."""
    whole = np.array([own for own in ids if isinstance(own, int)], np.int64)
    order = np.argsort(whole)
    return whole[order], order


def _places(ascending: Array, wanted: Array) -> tuple[Array, Array]:
    """Return where numbers are among others, and whether they are there."""
    places = np.searchsorted(ascending, wanted)
    found = places < len(ascending)
    found[found] = ascending[places[found]] == wanted[found]
    return places, found


@cache
def decoders() -> dict[str, Decode | None]:
    """Return what decodes runs of images and annotations: nothing, where msgspec is missing."""
    try:
        msgspec = import_module("msgspec")
    except ImportError:
        return {"images": None, "annotations": None}
    image = msgspec.defstruct("Image", [("id", int), ("width", int), ("height", int)], gc=False)
    annotation = msgspec.defstruct(
        "Annotation",
        [
            ("id", int),
            ("image_id", int),
            ("category_id", int),
            ("bbox", tuple[float, float, float, float]),
            *((name, int, 0) for name in FLAGS),
        ],
        gc=False,
    )
    # What fails is read again by something that says why.
    wrong = (msgspec.MsgspecError, UnicodeEncodeError, RecursionError, OverflowError)

    def of(kind: Any, take: Callable[[list[Any]], Sequence[Any] | None]) -> Decode:
        """Return what decodes an array of objects of this kind, and takes what it needs of them."""
        decode = msgspec.json.Decoder(list[kind]).decode

        def decode_run(text: str) -> Sequence[Any] | None:
            """Return the elements, or None if one of them is not as expected."""
            try:
                return take(decode(text))
            except wrong:
                return None

        return decode_run

    return {"images": of(image, _drafts), "annotations": of(annotation, _objects)}


def _drafts(images: list[Any]) -> list[Draft] | None:
    drafts = [Draft(image.id, image.width, image.height) for image in images]
    whole = np.array([(draft.image_id, draft.width, draft.height) for draft in drafts], np.int64)
    sizes = whole[:, 1:]
    return drafts if ((sizes > 0) & (sizes < 2**31)).all() else None


def _objects(found: list[Any]) -> Objects | None:
    whole = np.array([(own.id, own.image_id, own.category_id) for own in found], np.int64)
    flags = np.array([(own.iscrowd, own.ignore, own.isfake) for own in found], np.int64)
    numbers = chain.from_iterable(own.bbox for own in found)
    bbox = np.fromiter(numbers, np.float64, 4 * len(found)).reshape(-1, 4)
    with np.errstate(over="ignore"):
        usual = (bbox[:, 2:] >= 0) & np.isfinite(bbox[:, :2] + bbox[:, 2:])
    if usual.all() and ((flags == 0) | (flags == 1)).all():
        return Objects(whole, bbox, flags.astype(np.bool_))
    return None
