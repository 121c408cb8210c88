"""The images that a command is given, and how it says what is wrong with them."""

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NoReturn

from refkernels.annotations.formats import read_annotations
from refkernels.annotations.generated import sample_images
from refkernels.annotations.images import AnnotationSet
from refkernels.arrays.printing import times
from refkernels.arrays.telling import telling
from refkernels.assign.beside import classes_of

__all__ = ["check_given", "given_images", "stop", "tell_problems"]

SHOWN_PROBLEMS = 10

# What a shell makes of a command that an interrupt ended.
INTERRUPTED = 130


def check_given(
    annotations: Path | Sequence[Path] | None,
    preset: str,
    options: dict[str, Any],
    *,
    generated: bool,
    classes: str | None,
    classes_from: Path | None,
) -> None:
    """Raise `ValueError` for options that contradict each other."""
    if "dataset" in options and preset not in ("ssd300", "ssd512"):
        raise ValueError("boxes: only those of ssd300 and ssd512 come in two scales")
    if classes is not None and classes_from is not None:
        raise ValueError("classes: expected a list or an earlier output, not both")
    if annotations is not None and generated:
        raise ValueError("expected annotations or generated images, not both")


def given_images(
    annotations: Path | Sequence[Path] | None,
    *,
    count: int,
    classes: str | None = None,
    classes_from: Path | None = None,
    **reading: Any,
) -> AnnotationSet:
    """Read annotations, or generate images.

    Parameters
    ----------
    annotations : pathlib.Path or sequence of pathlib.Path, optional
        What `refkernels.assign.read_annotations` reads; without, images are generated.
    count : int
        How many images are generated.
    classes : str, optional
        As for `refkernels.assign.read_annotations`.
    classes_from : pathlib.Path, optional
        An earlier output, or the file of its classes, to have the same labels as there.
    **reading
        What else `refkernels.assign.read_annotations` takes.

    Returns
    -------
    AnnotationSet

    Raises
    ------
    ValueError, TypeError, OSError, ImportError
        One line that says what is wrong.
    """
    if classes_from is not None:
        reading["classes"] = classes_of(classes_from)
    elif classes is not None:
        reading["classes"] = classes
    if annotations is None:
        with telling(f"generating {times(count, 'image')}"):
            return sample_images(count)
    with telling(f"reading {_named(annotations)}"):
        return read_annotations(annotations, **reading)


def tell_problems(found: AnnotationSet, listed: Path | None) -> None:
    """Say on stderr what was skipped, the first of much, and where all is listed."""
    for problem in found.problems[:SHOWN_PROBLEMS]:
        print(f"skipped: {problem}", file=sys.stderr)
    if len(found.problems) > SHOWN_PROBLEMS:
        more = f"{len(found.problems) - SHOWN_PROBLEMS} more"
        print(f"skipped: {more}{'' if listed is None else f', all in {listed}'}", file=sys.stderr)


def stop(kept: str) -> NoReturn:
    """End after an interrupt, with a line of what is kept."""
    print(f"refkernels: interrupted: {kept}", file=sys.stderr)
    raise SystemExit(INTERRUPTED) from None


def _named(annotations: Path | Sequence[Path]) -> str:
    if isinstance(annotations, Path):
        return str(annotations)
    more = f" and {len(annotations) - 1} more" if len(annotations) > 1 else ""
    return f"{annotations[0]}{more}"
