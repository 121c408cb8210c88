"""Ground truth from YOLO's text files."""

import math
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from refkernels.annotations.folder import Bad, Entry, parsed, read_folder
from refkernels.annotations.image_size import read_image_size
from refkernels.annotations.images import AnnotationSet

__all__ = ["read_yolo"]

IMAGE_SUFFIXES = (".jpg", ".jpeg", ".png", ".JPG", ".JPEG", ".PNG")

# Every class up to the largest number is one, with a name.
MOST_CLASSES = 2**20


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
        """Return the numbers of the classes with names, and on to the highest that is found."""
        return list(range(max(len(known), *(number + 1 for number in found), 0)))

    read = read_folder(folder, ".txt", _yolo_image, skip_bad, classes)
    names = [*known, *(str(number) for number, _ in read.categories[len(known) :])]
    categories = tuple(enumerate(names))
    return AnnotationSet(read.source, read.images, categories, read.problems)


def _yolo_image(path: Path, report: Callable[[str], None]) -> tuple[int, int, list[Entry]]:
    width, height = _size_of(path)
    entries = []
    for number, line in _lines(path):
        try:
            words = line.split()
            if len(words) != 5:
                raise Bad(f"expected a class and 4 numbers, got {line.strip()[:60]!r}")
            label = parsed("class", words[0], 0)
            if label != int(label) or label >= MOST_CLASSES:
                expected = f"a whole number below {MOST_CLASSES}"
                raise Bad(f"class: expected {expected}, got {words[0]}")
            x, y = (parsed(name, word) for name, word in zip("xy", words[1:3], strict=True))
            sides = zip(("width", "height"), words[3:], strict=True)
            wide, high = (parsed(name, word, 0) for name, word in sides)
            left, top, right, bottom = x - wide / 2, y - high / 2, x + wide / 2, y + high / 2
            box = (left * width, top * height, right * width, bottom * height)
            if not all(map(math.isfinite, box)):
                raise Bad(f"a box in pixels is not finite: {line.strip()[:60]!r}")
            entries.append((box, int(label)))
        except Bad as bad:
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
                    raise Bad(str(error)) from None
    shown = " or ".join(str(folder) for folder in dict.fromkeys(folders))
    raise Bad(f"there is no image {path.stem} (JPEG or PNG) in {shown} to tell its size")


def _lines(path: Path) -> Iterator[tuple[int, str]]:
    """Yield the lines that hold something, and their numbers from 1."""
    try:
        text = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise Bad(f"not UTF-8 text ({error.reason})") from None
    for number, line in enumerate(text.splitlines(), start=1):
        if line.strip():
            yield number, line


def _class_names(path: Path) -> list[str]:
    if not path.exists():
        return []
    try:
        return [line.strip() for _, line in _lines(path)]
    except Bad as bad:
        raise ValueError(f"{path}: {bad}") from None
