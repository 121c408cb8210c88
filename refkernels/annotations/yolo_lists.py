"""Ground truth of YOLO data sets by their lists of images: a data.yaml, or a file of paths."""

from pathlib import Path
from typing import Any

from refkernels.annotations.image_files import is_image
from refkernels.annotations.problems import Bad, quoted
from refkernels.annotations.rules import Rules
from refkernels.annotations.source import Source
from refkernels.annotations.text_files import numbered_lines
from refkernels.annotations.yaml_files import read_yaml
from refkernels.annotations.yolo import Names, add_image, declare

__all__ = ["lists_images", "yolo_list_source", "yolo_yaml_source"]


def lists_images(path: Path) -> bool:
    """Return whether a text file lists paths of images, by its first line."""
    try:
        first = next(iter(numbered_lines(path)), None)
    except (Bad, OSError):
        return False
    return first is not None and is_image(Path(first[1].strip()).name)


def yolo_list_source(path: Path, rules: Rules) -> Source:
    """Return what the images that a file lists have, a path a line, by these rules."""
    source = Source(path, rules)
    try:
        images = _listed(path)
    except Bad as bad:
        raise ValueError(f"{path}: {bad}") from None
    except OSError as error:
        raise ValueError(f"{path}: cannot be read: {error.strerror or error}") from None
    return _of_images(source, images, None)


def yolo_yaml_source(path: Path, rules: Rules) -> Source:
    """Return what a split of the data set that a ``data.yaml`` describes has, by these rules.

    Of the file are looked at: `path` (the data set's folder, from the file's own), the split (a
    folder of images, a file that lists them, or several of those) and `names` (a list, or a map
    from numbers), or `nc`, how many classes there are.
    """
    source = Source(path, rules)
    try:
        content = read_yaml(path)
        if not isinstance(content, dict):
            raise Bad(f"expected a map with 'train', 'val' and 'names', got {quoted(content)}")
        names = _names(content)
        if rules.split not in content:
            raise Bad(f"'{rules.split}' is missing")
        folders = content[rules.split]
        root = content.get("path") or "."
        if not isinstance(root, str):
            raise Bad(f"path: expected a folder, got {quoted(root)}")
        images = []
        for folder in folders if isinstance(folders, list) else [folders]:
            if not isinstance(folder, str):
                raise Bad(f"{rules.split}: expected a folder of images, got {quoted(folder)}")
            images += _images_in(path.parent / root, folder, rules.split)
    except Bad as bad:
        raise ValueError(f"{path}: {bad}") from None
    except OSError as error:
        raise ValueError(f"{error.filename}: cannot be read: {error.strerror}") from None
    source.name = f"{path} ({rules.split})"
    return _of_images(source, images, None if names is None else (names, path))


def _of_images(source: Source, images: list[Path], names: Names | None) -> Source:
    """Add images, each with the text file that belongs to it if there is one."""
    declare(source, names)
    for image in images:
        belongs = _text_of(image)
        text = belongs if belongs.exists() else None
        try:
            add_image(source, image.stem, text, image, names)
        except (Bad, OSError) as bad:
            source.report(text or image, bad)
    source.check_not_empty("lists no images")
    return source


def _text_of(image: Path) -> Path:
    """Return where the text file of an image is: in `labels` for `images`, or beside it."""
    parts = list(image.parts)
    if "images" in parts[:-1]:
        parts[len(parts) - 1 - parts[::-1].index("images")] = "labels"
    return Path(*parts).with_suffix(".txt")


def _images_in(root: Path, name: str, split: str) -> list[Path]:
    """Return the images in a folder and all below, or those that a file lists."""
    path = root / name
    if not path.exists() and name.startswith("../"):
        path = root / name[3:]  # as some exports have it, and ultralytics takes it
    if not path.exists():
        raise Bad(f"{split}: {root / name} does not exist")
    if path.is_file():
        return _listed(path)
    return sorted(file for file in path.rglob("*") if is_image(file.name))


def _listed(path: Path) -> list[Path]:
    """Return the images that a file lists, from its own folder where a path is not absolute."""
    images = []
    for number, line in numbered_lines(path):
        image = path.parent / line.strip()
        if not is_image(image.name):
            raise Bad(f"line {number}: expected a JPEG or PNG file, got {line.strip()[:60]!r}")
        images.append(image)
    return images


def _names(content: dict[Any, Any]) -> list[str] | None:
    """Return the names of the classes by their numbers, None if there are none."""
    names, count = content.get("names"), content.get("nc")
    if count is not None and (not isinstance(count, int) or not 0 < count < 2**20):
        raise Bad(f"nc: expected the number of classes, got {quoted(count)}")
    if names is None:
        return None if count is None else [str(number) for number in range(count)]
    if isinstance(names, dict):
        for number in range(len(names)):
            if number not in names:
                raise Bad(f"names: expected the classes 0 to {len(names) - 1}, without {number}")
        names = [names[number] for number in range(len(names))]
    if not isinstance(names, list) or not names:
        raise Bad(f"names: expected a list or a map of names, got {quoted(names)}")
    if count is not None and count != len(names):
        raise Bad(f"names: expected {count}, as nc says, got {len(names)}")
    return [str(name) for name in names]
