"""What folders of small files have in common, whatever is in them."""

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from refkernels.annotations.images import AnnotationSet, ImageAnnotations
from refkernels.arrays import check_flag

__all__ = ["Bad", "Entry", "parsed", "read_folder"]

# A box, and what it is of.
Entry = tuple[tuple[float, float, float, float], Any]


class Bad(Exception):
    """What is wrong with a file or with one annotation, without the file's name."""


def read_folder(
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
            """Note a problem of the file, or raise `Bad` where nothing bad is to be skipped."""
            if not skip_bad:
                raise Bad(problem)
            problems.append(f"{path}: {problem}")

        try:
            images.append((path.stem, *read_image(path, report)))
        except Bad as bad:
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


def parsed(name: str, text: str, least: float = -math.inf) -> float:
    """Return the number that a text is, finite and not below `least`."""
    try:
        number = float(text)
    except ValueError:
        raise Bad(f"{name}: expected a number, got {text.strip()[:40]!r}") from None
    if not math.isfinite(number) or number < least:
        wanted = "a finite number" if least == -math.inf else f"a number of at least {least:g}"
        raise Bad(f"{name}: expected {wanted}, got {text.strip()}")
    return number
