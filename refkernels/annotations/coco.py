"""Ground truth from annotation files of COCO's form: COCO, LVIS, Objects365."""

import math
from collections import deque
from contextlib import suppress
from pathlib import Path
from typing import Any

from refkernels.annotations.classes import natural_order
from refkernels.annotations.coco_runs import Known, Objects, decoders
from refkernels.annotations.images import AnnotationSet
from refkernels.annotations.joined import joined
from refkernels.annotations.json_stream import JSONStreamError, Run, stream_members
from refkernels.annotations.problems import Bad, check_text, quoted
from refkernels.annotations.rules import Rules
from refkernels.annotations.source import Draft, Source

__all__ = ["coco_source", "read_coco"]

# The members of an annotation that are looked at.
LOOKED_AT = ("id", "image_id", "category_id", "bbox", "iscrowd", "ignore", "isfake")


def read_coco(
    path: str | Path,
    *,
    skip_bad: bool = False,
    classes: Any = None,
    difficult: str | None = None,
    clip: bool = False,
) -> AnnotationSet:
    """Read a COCO `instances` JSON file, or one of the same form, as LVIS and Objects365 have.

    The file is streamed: what stays in memory is boxes and ids, never segmentations. With msgspec
    it is read some times as fast; what is read, and what is said of bad files, is the same.

    Parameters
    ----------
    path : str or pathlib.Path
        The annotation file, or a gzip of it. Of its members `images` (id, width, height),
        `annotations` (image_id, category_id, bbox; iscrowd and ignore, 0 where they are missing)
        and `categories` (id, name) are looked at. `bbox` is (x, y, width, height) in pixels.
    skip_bad : bool, default False
        Leave bad annotations, images and categories out, and list them as `problems`, instead of
        raising. The box of one that is skipped is an ignored region, if it is a good one. What is
        wrong with the file is an error all the same.
    classes, difficult, clip
        As for `read_annotations`. Annotations with ``ignore: 1`` are ignored regions by default.

    Returns
    -------
    AnnotationSet
        The images in the file's order; labels in the order of ascending category ids, those that
        are text with the numbers in them by value.

    Raises
    ------
    ValueError
        One line that names the file, the image or annotation, and what is wrong: the file is
        missing or unreadable, the text is not JSON or ends early, a member is missing or has the
        wrong type, an id is unknown or comes twice, or a box has the wrong length, a number that
        is not finite, a negative width or height, or is wholly outside its image.

    References
    ----------
    Lin et al., "Microsoft COCO: Common Objects in Context", 2014; the format is described at
    cocodataset.org, "Data format", section 1.

    Examples
    --------
    >>> read_coco("instances_val2017.json")[0].boxes.shape  # doctest: +SKIP
    (14, 4)
    """
    rules = Rules.of(skip_bad=skip_bad, classes=classes, difficult=difficult, clip=clip)
    return joined([coco_source(Path(path), rules)], rules)


def coco_source(file: Path, rules: Rules) -> Source:
    """Return what a COCO file has, by these rules; `read_coco` says which errors there are."""
    source = Source(file, rules)
    categories: dict[int | str, str] = {}
    annotations: deque[tuple[int, Any]] = deque()
    seen: set[str] = set()
    try:
        for key, index, value in stream_members(file, {**decoders(), "categories": None}):
            if key in ("images", "annotations", "categories") and index < 0:
                if value != []:
                    raise Bad(f"member '{key}': expected an array, got {quoted(value)}")
                if key in seen:
                    raise Bad(f"member '{key}' comes twice")
                seen.add(key)
            elif key == "images":
                for draft in value.elements if isinstance(value, Run) else (None,):
                    try:
                        source.begin(_image(index, value) if draft is None else draft)
                    except Bad as bad:
                        source.report(file, bad)
            elif key == "categories":
                try:
                    _add_category(categories, index, value)
                except Bad as bad:
                    source.report(file, bad)
            elif key == "annotations":
                own = value.elements if isinstance(value, Run) else _compact(value)
                annotations.append((index, own))
        for key in ("images", "annotations", "categories"):
            if key not in seen:
                raise Bad(f"member '{key}' is missing; is this a COCO instances file?")
        for what, ids in (("category", categories), ("image", source.drafts)):
            if len(set(map(type, ids))) > 1:
                raise Bad(f"{what} ids: expected all integers or all strings")
    except OSError as error:
        raise ValueError(f"{file}: cannot be read: {error.strerror or error}") from None
    except (Bad, JSONStreamError) as error:
        raise ValueError(f"{file}: {error}") from None
    keys = _keys(source, categories)
    known = Known(source, keys)
    while annotations:
        index, value = annotations.popleft()  # so that memory holds it once
        values = known.add(value) if isinstance(value, Objects) else ((0, value),)
        for more, own in values:
            try:
                _annotation(source, index + more, own, keys)
            except Bad as bad:
                source.report(file, bad)
                _salvage(source, own)
    return source


def _keys(source: Source, categories: dict[int | str, str]) -> dict[int | str, Any]:
    """Return the keys of the categories by their ids; None for one that the class map lacks."""
    order: Any = natural_order if any(isinstance(own, str) for own in categories) else None
    ordered = sorted(categories, key=order)
    if source.rules.classes is None:
        source.categories = tuple((own, categories[own]) for own in ordered)
        return {own: label for label, own in enumerate(ordered)}
    keys: dict[int | str, Any] = {}
    for own in ordered:
        keys[own] = None
        try:
            keys[own] = source.key(own, categories[own])
        except Bad as bad:
            source.report(source.name, f"category {own!r}: {bad}")
    return keys


def _image(index: int, value: Any) -> Draft:
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
            raise Bad(f"{where}: {key}: expected a positive whole number, got {quoted(size)}")
        sizes.append(size)
    return Draft(image_id, sizes[0], sizes[1])


def _add_category(categories: dict[int | str, str], index: int, value: Any) -> None:
    where = f"categories[{index}]"
    _check_object(where, value)
    category_id = _checked_id(where, value, "id")
    name = value.get("name", str(category_id))
    if not isinstance(name, str):
        raise Bad(f"category {category_id!r}: name: expected a string, got {quoted(name)}")
    for what, text in (("id", category_id), ("name", name)):
        if isinstance(text, str):
            check_text(f"category {category_id!r}: {what}", text)
    if category_id in categories:
        raise Bad(f"category {category_id!r} comes twice")
    categories[category_id] = name


def _compact(value: Any) -> Any:
    """Keep of an annotation what is looked at, so that segmentations can be freed."""
    if isinstance(value, dict):
        return {key: value[key] for key in LOOKED_AT if key in value}
    return value


def _annotation(source: Source, index: int, value: Any, keys: dict[int | str, Any]) -> None:
    where = f"annotations[{index}]"
    _check_object(where, value)
    if "id" in value:
        own = value["id"]
        where = f"annotation {own if type(own) is int else quoted(own)}"  # quick for most
    image_id = _checked_id(where, value, "image_id")
    if image_id not in source.drafts:
        raise Bad(f"{where}: image_id {image_id!r} is not among the images")
    where = f"{where} of image {image_id!r}"
    category_id = _checked_id(where, value, "category_id")
    if category_id not in keys:
        raise Bad(f"{where}: category_id {category_id!r} is not among the categories")
    crowd, ignore = _flag(where, value, "iscrowd"), _flag(where, value, "ignore")
    box = _corner(where, _member(where, value, "bbox"))
    draft, key = source.drafts[image_id], keys[category_id]
    try:
        if key is None:
            source.add(draft, box, None, ignored=True)
            source.counts["objects of other classes than the map's, as ignored regions"] += 1
        elif ignore and not crowd:
            source.add_marked(draft, box, key, "ignore", "ignore")
        else:
            source.add(draft, box, key, ignored=crowd)
    except Bad as bad:
        raise Bad(f"{where}: {bad}") from None
    if value.get("isfake") == 1:
        source.counts["objects marked 'isfake', as objects"] += 1


def _salvage(source: Source, value: Any) -> None:
    """Make an ignored region of an annotation that is skipped, if it has a good box."""
    if isinstance(value, dict):
        image_id = value.get("image_id")
        draft = source.drafts.get(image_id) if isinstance(image_id, (int, str)) else None
        if draft is not None:
            with suppress(Bad):
                source.ignore(draft, _corner("", value.get("bbox")))


def _flag(where: str, value: dict[str, Any], key: str) -> bool:
    flag = value.get(key, 0)
    if not isinstance(flag, int) or flag not in (0, 1):
        raise Bad(f"{where}: {key}: expected 0 or 1, got {quoted(flag)}")
    return bool(flag)


def _corner(where: str, bbox: Any) -> tuple[float, float, float, float]:
    """Return (x, y, width, height) as a corner box."""
    if not isinstance(bbox, list) or len(bbox) != 4:
        raise Bad(f"{where}: bbox: expected 4 numbers (x, y, width, height), got {quoted(bbox)}")
    numbers = []
    for i, value in enumerate(bbox):
        if not isinstance(value, (int, float)) or isinstance(value, bool):
            raise Bad(f"{where}: bbox[{i}]: expected a number, got {quoted(value)}")
        try:
            number = float(value)
        except OverflowError:
            number = math.inf
        if not math.isfinite(number):
            raise Bad(f"{where}: bbox[{i}] is {number}, expected a finite number")
        numbers.append(number)
    x, y, width, height = numbers
    for name, side in (("width", width), ("height", height)):
        if side < 0:
            raise Bad(f"{where}: bbox: {name} is {side}, expected at least 0")
    corner = (x, y, x + width, y + height)
    if not all(map(math.isfinite, corner)):
        raise Bad(f"{where}: bbox: x + width or y + height is not finite")
    return corner


def _check_object(where: str, value: Any) -> None:
    if not isinstance(value, dict):
        raise Bad(f"{where}: expected an object, got {quoted(value)}")


def _member(where: str, value: dict[str, Any], key: str) -> Any:
    if key not in value:
        raise Bad(f"{where}: '{key}' is missing")
    return value[key]


def _checked_id(where: str, value: dict[str, Any], key: str) -> int | str:
    found = _member(where, value, key)
    if isinstance(found, bool) or not isinstance(found, (int, str)):
        raise Bad(f"{where}: {key}: expected an integer or a string, got {quoted(found)}")
    if isinstance(found, int) and not -(2**63) <= found < 2**63:
        raise Bad(f"{where}: {key}: does not fit 64 bits")
    return found
