"""Ground truth from COCO's annotation files."""

import json
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from refkernels.annotations.images import AnnotationSet, ImageAnnotations
from refkernels.annotations.json_stream import JSONStreamError, stream_members
from refkernels.arrays import check_flag

__all__ = ["read_coco"]


def read_coco(path: str | Path, *, skip_bad: bool = False) -> AnnotationSet:
    """Read a COCO `instances` JSON file.

    The file is streamed: what stays in memory is boxes and ids, never segmentations.

    Parameters
    ----------
    path : str or pathlib.Path
        The annotation file. Of its members `images` (id, width, height), `annotations` (image_id,
        category_id, bbox; iscrowd, 0 where it is missing) and `categories` (id, name) are looked
        at. `bbox` is (x, y, width, height) in pixels.
    skip_bad : bool, default False
        Leave bad annotations out, and list them as `problems`, instead of raising. What is wrong
        with the file, an image or a category is an error all the same.

    Returns
    -------
    AnnotationSet
        The images in the file's order; labels in the order of ascending category ids.

    Raises
    ------
    ValueError
        One line that names the file, the image or annotation, and what is wrong: the file is
        missing or unreadable, the text is not JSON or ends early, a member is missing or has the
        wrong type, an id is unknown or comes twice, or a box has the wrong length, a number that
        is not finite, or a negative width or height.

    References
    ----------
    Lin et al., "Microsoft COCO: Common Objects in Context", 2014; the format is described at
    cocodataset.org, "Data format", section 1.

    Examples
    --------
    >>> read_coco("instances_val2017.json")[0].boxes.shape  # doctest: +SKIP
    (14, 4)
    """
    file, skip_bad = Path(path), check_flag("skip_bad", skip_bad)
    raw_images: dict[int | str, tuple[int, int]] = {}
    raw_categories: dict[int | str, str] = {}
    raw_annotations: list[tuple[int, Any]] = []
    seen: set[str] = set()
    try:
        for key, index, value in stream_members(file, ("images", "annotations", "categories")):
            if key in ("images", "annotations", "categories") and index < 0:
                if value != []:
                    raise _Bad(f"member '{key}': expected an array, got {_shown(value)}")
                if key in seen:
                    raise _Bad(f"member '{key}' comes twice")
                seen.add(key)
            elif key == "images":
                image_id, size = _image(index, value)
                if image_id in raw_images:
                    raise _Bad(f"image {image_id!r} comes twice")
                raw_images[image_id] = size
            elif key == "categories":
                category_id, name = _category(index, value)
                if category_id in raw_categories:
                    raise _Bad(f"category {category_id!r} comes twice")
                raw_categories[category_id] = name
            elif key == "annotations":
                raw_annotations.append((index, _compact(value)))
        for key in ("images", "annotations", "categories"):
            if key not in seen:
                raise _Bad(f"member '{key}' is missing; is this a COCO instances file?")
        for what, ids in (("category", raw_categories), ("image", raw_images)):
            if len(set(map(type, ids))) > 1:
                raise _Bad(f"{what} ids: expected all integers or all strings")
        label_of = {category_id: label for label, category_id in enumerate(sorted(raw_categories))}
        boxes: dict[int | str, list[tuple[tuple[float, ...], int, bool]]]
        boxes = {image_id: [] for image_id in raw_images}
        problems: list[str] = []
        for index, value in raw_annotations:
            try:
                image_id, entry = _annotation(index, value, label_of, boxes)
            except _Bad as bad:
                if not skip_bad:
                    raise
                problems.append(f"{file}: {bad}")
            else:
                boxes[image_id].append(entry)
    except OSError as error:
        raise ValueError(f"{file}: cannot be read: {error.strerror or error}") from None
    except (_Bad, JSONStreamError) as error:
        raise ValueError(f"{file}: {error}") from None
    return AnnotationSet(
        source=str(file),
        images=tuple(
            _image_annotations(image_id, *raw_images[image_id], boxes[image_id])
            for image_id in raw_images
        ),
        categories=tuple((category_id, raw_categories[category_id]) for category_id in label_of),
        problems=tuple(problems),
    )


class _Bad(Exception):
    """What is wrong, without the file's name."""


def _image(index: int, value: Any) -> tuple[int | str, tuple[int, int]]:
    where = f"images[{index}]"
    _check_object(where, value)
    image_id = _checked_id(where, value, "id")
    where = f"image {image_id!r}"
    sizes = []
    for key in ("width", "height"):
        size = _member(where, value, key)
        if isinstance(size, float) and size.is_integer():
            size = int(size)
        if not isinstance(size, int) or isinstance(size, bool) or not 0 < size < 2**31:
            raise _Bad(f"{where}: {key}: expected a positive whole number, got {_shown(size)}")
        sizes.append(size)
    return image_id, (sizes[0], sizes[1])


def _category(index: int, value: Any) -> tuple[int | str, str]:
    where = f"categories[{index}]"
    _check_object(where, value)
    category_id = _checked_id(where, value, "id")
    name = value.get("name", str(category_id))
    if not isinstance(name, str):
        raise _Bad(f"category {category_id!r}: name: expected a string, got {_shown(name)}")
    return category_id, name


def _compact(value: Any) -> Any:
    """Keep of an annotation what is looked at, so that segmentations can be freed."""
    if isinstance(value, dict):
        keys = ("id", "image_id", "category_id", "bbox", "iscrowd")
        return {key: value[key] for key in keys if key in value}
    return value


def _annotation(
    index: int,
    value: Any,
    label_of: dict[int | str, int],
    images: dict[int | str, Any],
) -> tuple[int | str, tuple[tuple[float, ...], int, bool]]:
    where = f"annotations[{index}]"
    _check_object(where, value)
    if "id" in value:
        where = f"annotation {_shown(value['id'])}"
    image_id = _checked_id(where, value, "image_id")
    if image_id not in images:
        raise _Bad(f"{where}: image_id {image_id!r} is not among the images")
    where = f"{where} of image {image_id!r}"
    category_id = _checked_id(where, value, "category_id")
    if category_id not in label_of:
        raise _Bad(f"{where}: category_id {category_id!r} is not among the categories")
    crowd = value.get("iscrowd", 0)
    if not isinstance(crowd, int) or crowd not in (0, 1):
        raise _Bad(f"{where}: iscrowd: expected 0 or 1, got {_shown(crowd)}")
    corner = _corner(where, _member(where, value, "bbox"))
    return image_id, (corner, label_of[category_id], bool(crowd))


def _corner(where: str, bbox: Any) -> tuple[float, float, float, float]:
    """Return (x, y, width, height) as a corner box."""
    if not isinstance(bbox, list) or len(bbox) != 4:
        raise _Bad(f"{where}: bbox: expected 4 numbers (x, y, width, height), got {_shown(bbox)}")
    numbers = []
    for i, value in enumerate(bbox):
        if not isinstance(value, (int, float)) or isinstance(value, bool):
            raise _Bad(f"{where}: bbox[{i}]: expected a number, got {_shown(value)}")
        try:
            number = float(value)
        except OverflowError:
            number = math.inf
        if not math.isfinite(number):
            raise _Bad(f"{where}: bbox[{i}] is {number}, expected a finite number")
        numbers.append(number)
    x, y, width, height = numbers
    for name, side in (("width", width), ("height", height)):
        if side < 0:
            raise _Bad(f"{where}: bbox: {name} is {side}, expected at least 0")
    corner = (x, y, x + width, y + height)
    if not all(map(math.isfinite, corner)):
        raise _Bad(f"{where}: bbox: x + width or y + height is not finite")
    return corner


def _check_object(where: str, value: Any) -> None:
    if not isinstance(value, dict):
        raise _Bad(f"{where}: expected an object, got {_shown(value)}")


def _member(where: str, value: dict[str, Any], key: str) -> Any:
    if key not in value:
        raise _Bad(f"{where}: '{key}' is missing")
    return value[key]


def _checked_id(where: str, value: dict[str, Any], key: str) -> int | str:
    found = _member(where, value, key)
    if isinstance(found, bool) or not isinstance(found, (int, str)):
        raise _Bad(f"{where}: {key}: expected an integer or a string, got {_shown(found)}")
    if isinstance(found, int) and not -(2**63) <= found < 2**63:
        raise _Bad(f"{where}: {key}: does not fit 64 bits")
    return found


def _shown(value: Any) -> str:
    text = json.dumps(value)
    return text if len(text) <= 60 else f"{text[:57]}..."


def _image_annotations(
    image_id: int | str,
    width: int,
    height: int,
    entries: Sequence[tuple[tuple[float, ...], int, bool]],
) -> ImageAnnotations:
    return ImageAnnotations(
        image_id=image_id,
        width=width,
        height=height,
        boxes=np.array([box for box, _, _ in entries], np.float64).reshape(-1, 4),
        labels=np.array([label for _, label, _ in entries], np.int64),
        iscrowd=np.array([crowd for _, _, crowd in entries], np.bool_),
    )
