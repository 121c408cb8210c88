"""Ground truth from folders of small files: Pascal VOC's XML and YOLO's text."""

import math
import xml.etree.ElementTree as ElementTree
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

from refkernels.annotations.coco import AnnotationSet, ImageAnnotations, read_coco
from refkernels.annotations.image_size import read_image_size
from refkernels.arrays import check_flag

__all__ = ["read_annotations", "read_voc", "read_yolo"]

IMAGE_SUFFIXES = (".jpg", ".jpeg", ".png", ".JPG", ".JPEG", ".PNG")

# Every class up to the largest number is one, with a name.
MOST_CLASSES = 2**20

# A box, and what it is of.
Entry = tuple[tuple[float, float, float, float], Any]


def read_annotations(path: str | Path, *, skip_bad: bool = False) -> AnnotationSet:
    """Read annotations of any of the forms that there are: COCO, Pascal VOC or YOLO.

    Parameters
    ----------
    path : str or pathlib.Path
        A COCO `instances` JSON file, or a folder of Pascal VOC XML files or YOLO text files.
    skip_bad : bool, default False
        Leave bad annotations out, and list them as `problems`, instead of raising.

    Returns
    -------
    AnnotationSet

    Raises
    ------
    ValueError
        One line that names the file, the image or annotation, and what is wrong.

    Examples
    --------
    >>> read_annotations("nowhere")
    Traceback (most recent call last):
    ValueError: nowhere: cannot be read: No such file or directory
    """
    folder, skip_bad = Path(path), check_flag("skip_bad", skip_bad)
    if not folder.is_dir():
        return read_coco(folder, skip_bad=skip_bad)
    for suffix, read in ((".xml", read_voc), (".txt", read_yolo)):
        if any(folder.glob(f"*{suffix}")):
            return read(folder, skip_bad=skip_bad)
    raise ValueError(f"{folder}: holds neither .xml (Pascal VOC) nor .txt (YOLO) files")


def read_voc(folder: str | Path, *, skip_bad: bool = False) -> AnnotationSet:
    """Read a folder of Pascal VOC XML files, one an image.

    Pixels are counted from 1 there, and a box includes its last one; so a box begins at
    ``xmin - 1`` and ends at ``xmax``. Difficult objects are objects like others.

    Parameters
    ----------
    folder : str or pathlib.Path
        The files' folder, such as ``VOC2012/Annotations``. Of each are looked at: `size` (width,
        height) and each `object` (name, bndbox).
    skip_bad : bool, default False
        Leave bad objects out, and list them as `problems`, instead of raising. A file that is no
        XML, or has no size, is an error all the same.

    Returns
    -------
    AnnotationSet
        The images in the order of their names, with the files' stems as ids; labels in the order
        of the sorted class names.

    Raises
    ------
    ValueError
        One line that names the file and what is wrong.

    References
    ----------
    Everingham et al., "The PASCAL Visual Object Classes (VOC) Challenge", 2010; the format is
    that of its development kit, section 6.
    """
    return _read_folder(Path(folder), ".xml", _voc_image, skip_bad, lambda names: sorted(names))


def read_yolo(folder: str | Path, *, skip_bad: bool = False) -> AnnotationSet:
    """Read a folder of YOLO text files, one an image.

    Each line is the number of a class and a box (x and y of its centre, width, height) relative to
    the image's size. That is read from the image of the same stem (JPEG or PNG), in the same
    folder or in the folder `images` beside it.

    Parameters
    ----------
    folder : str or pathlib.Path
        The files' folder, such as ``coco128/labels/train2017``. Names of classes come from a file
        `classes.txt` in it, one a line; without one, from their numbers.
    skip_bad : bool, default False
        Leave bad lines out, and list them as `problems`, instead of raising. An image that is
        missing is an error all the same.

    Returns
    -------
    AnnotationSet
        The images in the order of their names, with the files' stems as ids.

    Raises
    ------
    ValueError
        One line that names the file, the line, and what is wrong.

    References
    ----------
    The format of Darknet (Redmon, 2013 to 2016), "Training YOLO on VOC".
    """
    folder = Path(folder)
    known = _class_names(folder / "classes.txt")

    def classes(found: Iterable[int]) -> list[int]:
        return list(range(max(len(known), *(number + 1 for number in found), 0)))

    read = _read_folder(folder, ".txt", _yolo_image, skip_bad, classes)
    names = [*known, *(str(number) for number, _ in read.categories[len(known) :])]
    categories = tuple(enumerate(names))
    return AnnotationSet(read.source, read.images, categories, read.problems)


class _Bad(Exception):
    """What is wrong with a file or with one annotation, without the file's name."""


def _read_folder(
    folder: Path,
    suffix: str,
    read_image: Callable[[Path, Callable[[str], None]], tuple[int, int, list[Entry]]],
    skip_bad: bool,
    order: Callable[[Any], list[Any]],
) -> AnnotationSet:
    """Read all files of a folder: `read_image` gives width, height and boxes with their classes."""
    check_flag("skip_bad", skip_bad)
    problems: list[str] = []
    images = []
    for path in sorted(folder.glob(f"*{suffix}")):
        if path.name == "classes.txt":
            continue

        def report(problem: str, path: Path = path) -> None:
            if not skip_bad:
                raise _Bad(problem)
            problems.append(f"{path}: {problem}")

        try:
            images.append((path.stem, *read_image(path, report)))
        except _Bad as bad:
            raise ValueError(f"{path}: {bad}") from None
        except OSError as error:
            raise ValueError(f"{path}: cannot be read: {error.strerror or error}") from None
    if not images:
        raise ValueError(f"{folder}: holds no {suffix} files")
    classes = order({name for *_, entries in images for _, name in entries})
    labels = {name: label for label, name in enumerate(classes)}
    return AnnotationSet(
        source=str(folder),
        images=tuple(
            ImageAnnotations(
                image_id=stem,
                width=width,
                height=height,
                boxes=np.array([box for box, _ in entries], np.float64).reshape(-1, 4),
                labels=np.array([labels[name] for _, name in entries], np.int64),
                iscrowd=np.zeros(len(entries), np.bool_),
            )
            for stem, width, height, entries in images
        ),
        categories=tuple((name, str(name)) for name in classes),
        problems=tuple(problems),
    )


def _voc_image(path: Path, report: Callable[[str], None]) -> tuple[int, int, list[Entry]]:
    try:
        root = ElementTree.parse(path).getroot()
    except ElementTree.ParseError as error:
        raise _Bad(f"not XML: {error}") from None
    width, height = (_number(root, f"size/{side}", 1) for side in ("width", "height"))
    for side in (width, height):
        if side != int(side) or side >= 2**31:
            raise _Bad(f"size: expected whole numbers of pixels, got {side:g}")
    entries = []
    for index, element in enumerate(root.iter("object")):
        try:
            name = (element.findtext("name") or "").strip()
            if not name:
                raise _Bad("'name' is missing")
            corners = ("xmin", "ymin", "xmax", "ymax")
            left, top, right, bottom = (_number(element, f"bndbox/{key}") for key in corners)
            if right < left - 1 or bottom < top - 1:
                raise _Bad(f"bndbox: ends before it begins: {left}, {top}, {right}, {bottom}")
            entries.append(((left - 1, top - 1, right, bottom), name))
        except _Bad as bad:
            report(f"object[{index}]: {bad}")
    return int(width), int(height), entries


def _number(element: Any, key: str, least: float = -math.inf) -> float:
    text = element.findtext(key)
    if text is None:
        raise _Bad(f"'{key}' is missing")
    return _parsed(key, text, least)


def _parsed(name: str, text: str, least: float = -math.inf) -> float:
    try:
        number = float(text)
    except ValueError:
        raise _Bad(f"{name}: expected a number, got {text.strip()[:40]!r}") from None
    if not math.isfinite(number) or number < least:
        wanted = "a finite number" if least == -math.inf else f"a number of at least {least:g}"
        raise _Bad(f"{name}: expected {wanted}, got {text.strip()}")
    return number


def _yolo_image(path: Path, report: Callable[[str], None]) -> tuple[int, int, list[Entry]]:
    width, height = _size_of(path)
    entries = []
    for number, line in _lines(path):
        try:
            words = line.split()
            if len(words) != 5:
                raise _Bad(f"expected a class and 4 numbers, got {line.strip()[:60]!r}")
            label = _parsed("class", words[0], 0)
            if label != int(label) or label >= MOST_CLASSES:
                expected = f"a whole number below {MOST_CLASSES}"
                raise _Bad(f"class: expected {expected}, got {words[0]}")
            x, y = (_parsed(name, word) for name, word in zip("xy", words[1:3], strict=True))
            sides = zip(("width", "height"), words[3:], strict=True)
            wide, high = (_parsed(name, word, 0) for name, word in sides)
            left, top, right, bottom = x - wide / 2, y - high / 2, x + wide / 2, y + high / 2
            box = (left * width, top * height, right * width, bottom * height)
            if not all(map(math.isfinite, box)):
                raise _Bad(f"a box in pixels is not finite: {line.strip()[:60]!r}")
            entries.append((box, int(label)))
        except _Bad as bad:
            report(f"line {number}: {bad}")
    return width, height, entries


def _size_of(path: Path) -> tuple[int, int]:
    """Return width and height of the image that belongs to a label file."""
    folders = [path.parent, path.parent.parent / "images"]
    parts = list(path.parts)
    if "labels" in parts:  # images/train beside labels/train
        last = len(parts) - 1 - parts[::-1].index("labels")
        folders.append(Path(*parts[:last], "images", *parts[last + 1 : -1]))
    for folder in folders:
        for suffix in IMAGE_SUFFIXES:
            image = folder / (path.stem + suffix)
            if image.exists():
                try:
                    return read_image_size(image)
                except ValueError as error:
                    raise _Bad(str(error)) from None
    shown = " or ".join(str(folder) for folder in dict.fromkeys(folders))
    raise _Bad(f"there is no image {path.stem} (JPEG or PNG) in {shown} to tell its size")


def _lines(path: Path) -> Iterator[tuple[int, str]]:
    """Yield the lines that hold something, and their numbers from 1."""
    try:
        text = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise _Bad(f"not UTF-8 text ({error.reason})") from None
    for number, line in enumerate(text.splitlines(), start=1):
        if line.strip():
            yield number, line


def _class_names(path: Path) -> list[str]:
    if not path.exists():
        return []
    try:
        return [line.strip() for _, line in _lines(path)]
    except _Bad as bad:
        raise ValueError(f"{path}: {bad}") from None
