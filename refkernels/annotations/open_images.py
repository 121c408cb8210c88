"""Ground truth from Open Images' CSV files of boxes."""

import csv
from pathlib import Path
from typing import Any

from refkernels.annotations.image_files import ImageFiles, size_of
from refkernels.annotations.images import AnnotationSet
from refkernels.annotations.joined import joined
from refkernels.annotations.problems import Bad, parsed_share
from refkernels.annotations.rules import Rules
from refkernels.annotations.source import Box, Draft, Source
from refkernels.annotations.text_files import open_text

__all__ = ["open_images_source", "read_open_images"]

COLUMNS = ("ImageID", "LabelName", "XMin", "XMax", "YMin", "YMax")

# Files that tell the names of LabelName's codes, in the names that they have been published under.
DESCRIPTIONS = (
    "class-descriptions-boxable.csv",
    "oidv7-class-descriptions-boxable.csv",
    "class-descriptions.csv",
)


def read_open_images(
    path: str | Path,
    *,
    skip_bad: bool = False,
    classes: Any = None,
    clip: bool = False,
    images: str | Path | None = None,
) -> AnnotationSet:
    """Read a CSV file of boxes of Open Images.

    Boxes are relative to the image's size, which is read from the image. A box of a group is a
    crowd.

    Parameters
    ----------
    path : str or pathlib.Path
        The file, such as ``train-annotations-bbox.csv``, or a gzip of it. Of its columns are
        looked at: ImageID, LabelName, XMin, XMax, YMin, YMax and IsGroupOf. Names and the order of
        classes come from a file ``class-descriptions-boxable.csv`` beside it, if there is one.
    skip_bad : bool, default False
        Leave bad lines, and images that are missing, out, and list them as `problems`, instead of
        raising. The box of a line that is skipped is an ignored region, if it is a good one.
    classes, clip
        As for `read_annotations`.
    images : str or pathlib.Path, optional
        The images' folder; by default `images`, beside the file.

    Returns
    -------
    AnnotationSet
        The images that have boxes, in the file's order. Labels are in the order of the
        descriptions, or else of the sorted codes that are found, unless `classes` says others.

    Raises
    ------
    ValueError
        One line that names the file, the line, and what is wrong.

    References
    ----------
    Kuznetsova et al., "The Open Images Dataset V4", 2020; the format is described at
    storage.googleapis.com/openimages/web, "Download", "Data formats".
    """
    rules = Rules.of(skip_bad=skip_bad, classes=classes, clip=clip, images=images)
    return joined([open_images_source(Path(path), rules)], rules)


def open_images_source(path: Path, rules: Rules) -> Source:
    """Return what a CSV file of Open Images has, by these rules."""
    source = Source(path, rules)
    names = _descriptions(path.parent)
    if names and rules.classes is None:
        source.categories = tuple(names.items())
    labels = {code: label for label, code in enumerate(names)}
    try:
        found = ImageFiles([rules.images or path.parent / "images"])
        with open_text(path, newline="") as file:
            reader = csv.DictReader(file, restkey="", strict=True)
            for column in COLUMNS:
                if column not in (reader.fieldnames or ()):
                    raise Bad(f"column {column} is missing; is this a file of boxes?")
            missing: set[str] = set()
            for row in reader:
                _add_row(source, row, reader.line_num, found, missing, names, labels)
    except csv.Error as error:
        raise ValueError(f"{path}: not CSV: {error}") from None
    except Bad as bad:
        raise ValueError(f"{path}: {bad}") from None
    except OSError as error:
        raise ValueError(f"{error.filename or path}: cannot be read: {error.strerror}") from None
    if source.problems:
        source.check_not_empty("")
    return source


def _add_row(
    source: Source,
    row: dict[str, Any],
    line: int,
    found: ImageFiles,
    missing: set[str],
    names: dict[str, str],
    labels: dict[str, int],
) -> None:
    """Add what a row says; images that are missing are told once."""
    image_id = row["ImageID"]
    if image_id in missing:
        return
    draft, box = source.drafts.get(image_id), None
    try:
        if None in row.values():
            raise Bad("has fewer columns than the first line")
        if draft is None:
            missing.add(image_id)
            draft = source.begin(Draft(image_id, *size_of(found.path(image_id))))
            missing.remove(image_id)
        box = _box(row, draft)
        group, code = row.get("IsGroupOf", "0").strip(), row["LabelName"]
        if group not in ("0", "1", "-1"):
            raise Bad(f"IsGroupOf: expected 0, 1 or -1, got {group[:40]!r}")
        if not code:
            raise Bad("LabelName: expected the code of a class, got nothing")
        if names and code not in names:
            raise Bad(f"LabelName: {code!r} is not among the class descriptions")
        key = source.key(code, names.get(code, code))
        if source.categories is not None:
            key = labels[code]
        source.add(draft, box, key, ignored=group == "1")
    except Bad as bad:
        source.report(source.name, f"line {line}: {bad}")
        if draft is not None:
            source.ignore(draft, box)


def _box(row: dict[str, Any], draft: Draft) -> Box:
    left, right, top, bottom = (parsed_share(key, row[key]) for key in COLUMNS[2:])
    if right < left or bottom < top:
        raise Bad(f"box ends before it begins: XMin {left:g}, XMax {right:g}, YMin {top:g}, "
                  f"YMax {bottom:g}")  # fmt: skip
    return left * draft.width, top * draft.height, right * draft.width, bottom * draft.height


def _descriptions(folder: Path) -> dict[str, str]:
    """Return names by the codes of classes, in the order of the file; empty without one."""
    path = next((folder / name for name in DESCRIPTIONS if (folder / name).is_file()), None)
    if path is None:
        return {}
    names: dict[str, str] = {}
    try:
        with open_text(path, newline="") as file:
            reader = csv.reader(file, strict=True)
            for row in reader:
                if len(row) != 2:
                    raise Bad(
                        f"line {reader.line_num}: expected a code and a name, got {row!r:.60}"
                    )
                if row != ["LabelName", "DisplayName"]:
                    names[row[0]] = row[1]
    except csv.Error as error:
        raise ValueError(f"{path}: not CSV: {error}") from None
    except Bad as bad:
        raise ValueError(f"{path}: {bad}") from None
    except OSError as error:
        raise ValueError(f"{path}: cannot be read: {error.strerror or error}") from None
    return names
