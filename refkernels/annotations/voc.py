"""Ground truth from Pascal VOC's XML files."""

import math
import xml.etree.ElementTree as ElementTree
from collections.abc import Callable
from pathlib import Path
from typing import Any

from refkernels.annotations.folder import Bad, Entry, parsed, read_folder
from refkernels.annotations.images import AnnotationSet

__all__ = ["read_voc"]


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
    return read_folder(Path(folder), ".xml", _voc_image, skip_bad, lambda names: sorted(names))


def _voc_image(path: Path, report: Callable[[str], None]) -> tuple[int, int, list[Entry]]:
    try:
        root = ElementTree.parse(path).getroot()
    except ElementTree.ParseError as error:
        raise Bad(f"not XML: {error}") from None
    width, height = (_number(root, f"size/{side}", 1) for side in ("width", "height"))
    for side in (width, height):
        if side != int(side) or side >= 2**31:
            raise Bad(f"size: expected whole numbers of pixels, got {side:g}")
    entries = []
    for index, element in enumerate(root.iter("object")):
        try:
            name = (element.findtext("name") or "").strip()
            if not name:
                raise Bad("'name' is missing")
            corners = ("xmin", "ymin", "xmax", "ymax")
            left, top, right, bottom = (_number(element, f"bndbox/{key}") for key in corners)
            if right < left - 1 or bottom < top - 1:
                raise Bad(f"bndbox: ends before it begins: {left}, {top}, {right}, {bottom}")
            entries.append(((left - 1, top - 1, right, bottom), name))
        except Bad as bad:
            report(f"object[{index}]: {bad}")
    return int(width), int(height), entries


def _number(element: Any, key: str, least: float = -math.inf) -> float:
    text = element.findtext(key)
    if text is None:
        raise Bad(f"'{key}' is missing")
    return parsed(key, text, least)
