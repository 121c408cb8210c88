"""Ground truth from Pascal VOC's XML files."""

import math
import re
import xml.etree.ElementTree as ElementTree
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from refkernels.annotations.images import AnnotationSet
from refkernels.annotations.joined import joined
from refkernels.annotations.problems import Bad, parsed
from refkernels.annotations.rules import Rules
from refkernels.annotations.source import Box, Draft, Source
from refkernels.annotations.text_files import numbered_lines
from refkernels.arrays.files import no_pipe

__all__ = ["image_set", "read_voc", "voc_source"]

# The encoding that a file names in its first line.
ENCODING = re.compile(rb"""<\?xml[^>]*?\bencoding\s*=\s*["']([A-Za-z0-9._-]+)["'][^>]*\?>""")


def read_voc(
    folder: str | Path,
    *,
    skip_bad: bool = False,
    classes: Any = None,
    difficult: str | None = None,
    clip: bool = False,
    voc_origin: int = 1,
) -> AnnotationSet:
    """Read a folder of Pascal VOC XML files, one an image, or those of an image set.

    Pixels are counted from 1 there, and a box includes its last one; so a box begins at
    ``xmin - 1`` and ends at ``xmax``. Difficult objects are objects like others by default.

    Parameters
    ----------
    folder : str or pathlib.Path
        The files' folder, such as ``VOC2012/Annotations``, or a list of their stems, such as
        ``VOC2012/ImageSets/Main/train.txt``. Of each file are looked at: `size` (width, height)
        and each `object` (name, bndbox, difficult).
    skip_bad : bool, default False
        Leave bad objects and files out, and list them as `problems`, instead of raising. The box
        of an object that is skipped is an ignored region, if it is a good one.
    classes, difficult, clip, voc_origin
        As for `read_annotations`.

    Returns
    -------
    AnnotationSet
        The images in the order of their names, or of the list, with the files' stems as ids.
        Labels in the order of the sorted class names that are found, numbers in them by value,
        unless `classes` says others.

    Raises
    ------
    ValueError
        One line that names the file and what is wrong.

    References
    ----------
    Everingham et al., "The PASCAL Visual Object Classes (VOC) Challenge", 2010; the format is
    that of its development kit, section 6.
    """
    rules = Rules.of(
        skip_bad=skip_bad,
        classes=classes,
        difficult=difficult,
        clip=clip,
        voc_origin=voc_origin,
    )
    path = Path(folder)
    files = image_set(path) if path.is_file() else None
    return joined([voc_source(path, rules, files)], rules)


def image_set(path: Path) -> list[Path]:
    """Return the XML files that an image set lists, a stem a line.

    They are in the folder ``Annotations`` beside ``ImageSets``; where the list is in no folder of
    that name, beside the list or in the list's own folder.

    Raises
    ------
    ValueError
        One line that names the list, and what is wrong.
    """
    parts = path.absolute().parts
    if "ImageSets" in parts:
        last = len(parts) - 1 - parts[::-1].index("ImageSets")
        folder = Path(*parts[:last], "Annotations")
        if not path.is_absolute() and folder.is_relative_to(Path.cwd()):
            folder = folder.relative_to(Path.cwd())
    else:
        folder = path.parent / "Annotations"
        if not folder.is_dir():
            folder = path.parent
    if not folder.is_dir():
        raise ValueError(f"{path}: expected the XML files in {folder}, which is no folder")
    found = []
    try:
        for number, line in numbered_lines(path):
            words = line.split()
            if len(words) != 1:
                raise Bad(
                    f"line {number}: expected the stem of a file and nothing more, got "
                    f"{line.strip()[:60]!r}; lists of one class have a flag as well: take that of "
                    "all, such as train.txt"
                )
            found.append(folder / f"{words[0]}.xml")
    except OSError as error:
        raise ValueError(f"{path}: cannot be read: {error.strerror or error}") from None
    except Bad as bad:
        raise ValueError(f"{path}: {bad}") from None
    if not found:
        raise ValueError(f"{path}: lists no files")
    return found


def voc_source(path: Path, rules: Rules, files: Sequence[Path] | None = None) -> Source:
    """Return what a folder's XML files have, or these ones, by these rules."""
    source = Source(path, rules)
    found = sorted(path.glob("*.xml")) if files is None else files
    for file in found:
        try:
            _add_image(source, file)
        except (Bad, OSError) as bad:
            source.report(file, bad)
    source.check_not_empty("holds no .xml files")
    return source


def _add_image(source: Source, file: Path) -> None:
    root = _parsed_xml(file)
    width, height = (_number(root, f"size/{side}", 1) for side in ("width", "height"))
    for side in (width, height):
        if side != int(side) or side >= 2**31:
            raise Bad(f"size: expected whole numbers of pixels, got {side:g}")
    draft = source.begin(Draft(file.stem, int(width), int(height)))
    for index, element in enumerate(root.iter("object")):
        try:
            _add_object(source, draft, element)
        except Bad as bad:
            source.report(file, f"object[{index}]: {bad}")
            with suppress(Bad):
                source.ignore(draft, _box(element, source.rules.voc_origin))


def _add_object(source: Source, draft: Draft, element: Any) -> None:
    name = (element.findtext("name") or "").strip()
    if not name:
        raise Bad("'name' is missing")
    box = _box(element, source.rules.voc_origin)
    key = source.key(name, name)
    difficult = (element.findtext("difficult") or "").strip() or "0"
    if difficult not in ("0", "1"):
        raise Bad(f"difficult: expected 0 or 1, got {difficult[:40]!r}")
    if difficult == "1":
        source.add_marked(draft, box, key, "difficult", "object")
    else:
        source.add(draft, box, key)


def _box(element: Any, origin: int) -> Box:
    """Return an object's box in continuous pixels."""
    corners = ("xmin", "ymin", "xmax", "ymax")
    left, top, right, bottom = (_number(element, f"bndbox/{key}") for key in corners)
    if right < left - origin or bottom < top - origin:
        raise Bad(f"bndbox: ends before it begins: {left}, {top}, {right}, {bottom}")
    return left - origin, top - origin, right, bottom


def _number(element: Any, key: str, least: float = -math.inf) -> float:
    text = element.findtext(key)
    if text is None:
        raise Bad(f"'{key}' is missing")
    return parsed(key, text, least)


def _parsed_xml(file: Path) -> Any:
    """Return the root of an XML file, in whatever encoding it names."""
    data = no_pipe(file).read_bytes()
    try:
        try:
            return ElementTree.fromstring(data)
        except ElementTree.ParseError:
            raise
        # Expat decodes no encoding of several bytes a character but UTF-8 and UTF-16.
        except (ValueError, LookupError):
            return ElementTree.fromstring(_decoded(data))
    except ElementTree.ParseError as error:
        resource = "; a file of macOS beside the real one" * file.name.startswith("._")
        raise Bad(f"not XML: {error}{resource}") from None


def _decoded(data: bytes) -> str:
    declared = ENCODING.match(data.lstrip())
    name = declared.group(1).decode() if declared else "utf-8"
    try:
        return data.decode(name)
    except UnicodeDecodeError as error:
        raise Bad(f"not {name} text, as it says, at byte {error.start}") from None
    except (LookupError, ValueError):
        raise Bad(f"is in the encoding {name!r}, which Python does not know") from None
