"""Ground truth from YOLO's text files."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from refkernels.annotations.image_files import ImageFiles, size_of
from refkernels.annotations.images import AnnotationSet
from refkernels.annotations.joined import joined
from refkernels.annotations.problems import Bad, parsed, parsed_share
from refkernels.annotations.rules import Rules
from refkernels.annotations.source import Box, Draft, Source
from refkernels.annotations.text_files import numbered_lines

__all__ = ["Names", "add_image", "declare", "read_yolo", "yolo_source"]

# Every class up to the largest number is one, with a name.
MOST_CLASSES = 2**20

# The names of the classes by their numbers, and where they are from.
Names = tuple[Sequence[str], Path]


def read_yolo(
    folder: str | Path,
    *,
    skip_bad: bool = False,
    classes: Any = None,
    clip: bool = False,
    images: str | Path | None = None,
) -> AnnotationSet:
    """Read a folder of YOLO text files, one an image.

    Each line is the number of a class and a box (x and y of its centre, width, height) relative to
    the image's size, or a polygon (x and y of three points or more), of which the extent is taken.
    The size is read from the image of the same stem (JPEG or PNG, turned as its Exif data says),
    in the same folder or in the folder `images` beside it. An image without a text file is one
    without objects.

    Parameters
    ----------
    folder : str or pathlib.Path
        The files' folder, such as ``coco128/labels/train2017``. Names of classes come from a file
        `classes.txt` in it, one a line; without one, from their numbers.
    skip_bad : bool, default False
        Leave bad lines, and files without an image, out, and list them as `problems`, instead of
        raising. The box of a line that is skipped is an ignored region, if it is a good one.
    classes, clip, images
        As for `read_annotations`.

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
    The format of Darknet (Redmon, 2013 to 2016), "Training YOLO on VOC", and that of
    ultralytics, "Instance Segmentation Datasets Overview", for polygons.
    """
    rules = Rules.of(skip_bad=skip_bad, classes=classes, clip=clip, images=images)
    return joined([yolo_source(Path(folder), rules)], rules)


def yolo_source(folder: Path, rules: Rules) -> Source:
    """Return what a folder's text files have, by these rules."""
    source = Source(folder, rules)
    names = _class_names(folder / "classes.txt")
    declare(source, names)
    texts = {path.stem: path for path in folder.glob("*.txt") if path.name != "classes.txt"}
    if not texts:
        raise ValueError(f"{folder}: holds no .txt files")
    own, between = _image_folders(folder)
    found = ImageFiles([*own, *between] if rules.images is None else [rules.images])
    bare = found.paths.keys() - texts.keys()
    if any(found.paths[stem].parent not in own for stem in bare):
        # Folders beside this one may share these images, and have their texts.
        bare -= {path.stem for path in folder.parent.glob("*/*.txt")}
    for stem in sorted(texts.keys() | bare):
        text = texts.get(stem)
        try:
            add_image(source, stem, text, found.path(stem), names)
        except (Bad, OSError) as bad:
            source.report(text or found.paths[stem], bad)
    source.check_not_empty("holds no images")
    return source


def declare(source: Source, names: Names | None) -> None:
    """Say which classes a source has, unless a class map does."""
    if names is not None and source.rules.classes is None:
        source.categories = tuple(enumerate(names[0]))


def add_image(
    source: Source, stem: str, text: Path | None, image: Path, names: Names | None
) -> None:
    """Add an image to a source, with the objects in its text file.

    Raises
    ------
    OSError, Bad
        If the image tells no size, or the text cannot be read.
    """
    width, height = size_of(image)
    lines = [] if text is None else list(numbered_lines(text))
    draft = source.begin(Draft(stem, width, height))
    for number, line in lines:
        box: Box | None = None
        try:
            words = line.split()
            if len(words) != 5 and (len(words) < 7 or len(words) % 2 == 0):
                raise Bad(
                    "expected a class and 4 numbers, or a class and 3 points or more, got "
                    f"{line.strip()[:60]!r}"
                )
            box = _box(words[1:], width, height)
            source.add(draft, box, _key(source, words[0], names))
        except Bad as bad:
            source.report(text or image, f"line {number}: {bad}")
            source.ignore(draft, box)


def _box(words: list[str], width: int, height: int) -> Box:
    """Return the box in pixels that 4 numbers are, or the extent of points."""
    if len(words) == 4:
        named = zip(("x", "y", "width", "height"), words, strict=True)
        x, y, wide, high = (parsed_share(name, word) for name, word in named)
        left, top, right, bottom = x - wide / 2, y - high / 2, x + wide / 2, y + high / 2
    else:
        xs, ys = (
            [parsed_share(f"{axis}{k}", word) for k, word in enumerate(words[start::2], start=1)]
            for start, axis in enumerate("xy")
        )
        left, top, right, bottom = min(xs), min(ys), max(xs), max(ys)
    return left * width, top * height, right * width, bottom * height


def _key(source: Source, word: str, names: Names | None) -> Any:
    number = parsed("class", word, 0)
    if number != int(number) or number >= MOST_CLASSES:
        raise Bad(f"class: expected a whole number below {MOST_CLASSES}, got {word[:40]}")
    own = int(number)
    if names is None:
        return source.key(own, None)
    if own >= len(names[0]):
        raise Bad(
            f"class: expected at most {len(names[0]) - 1}, the last that {names[1]} names, "
            f"got {own}"
        )
    return source.key(own, names[0][own])


def _image_folders(folder: Path) -> tuple[list[Path], list[Path]]:
    """Return where the images of a folder of texts may be: in its own folders, or between some."""
    own, parts = [folder], list(folder.parts)
    if "labels" in parts:  # images/train beside labels/train
        last = len(parts) - 1 - parts[::-1].index("labels")
        own.append(Path(*parts[:last], "images", *parts[last + 1 :]))
    return own, [folder.parent / "images"]


def _class_names(path: Path) -> Names | None:
    """Return the names in a file, None if there are none."""
    if not path.exists():
        return None
    try:
        names = [line.strip() for _, line in numbered_lines(path)]
    except Bad as bad:
        raise ValueError(f"{path}: {bad}") from None
    except OSError as error:
        raise ValueError(f"{path}: cannot be read: {error.strerror or error}") from None
    return (names, path) if names else None
