"""Small files beside an output: its classes, and what was skipped.

In a folder their names begin with an underscore, as readers of Parquet pass over such files.
"""

import re
from pathlib import Path

from refkernels.annotations.classes import classes_as_json
from refkernels.annotations.images import AnnotationSet
from refkernels.assign.dataset.claim import MANIFEST
from refkernels.assign.dataset.durable import sweep, write_bytes

__all__ = ["CLASSES", "PROBLEMS", "beside", "classes_of", "write_beside"]

CLASSES = "classes.json"
PROBLEMS = "problems.txt"


def beside(output: Path, name: str) -> Path:
    """Return where a small file of an output is.

    Examples
    --------
    >>> str(beside(Path("train.npz"), CLASSES)), str(beside(Path("train"), CLASSES))
    ('train.classes.json', 'train/_classes.json')
    """
    return output.with_suffix(f".{name}") if output.suffix == ".npz" else output / f"_{name}"


def classes_of(path: Path) -> Path:
    """Return the file that has the classes of an output, which may be that file itself."""
    if path.is_dir():
        written = beside(path, CLASSES)
        return written if written.exists() else path / MANIFEST  # which has them as well
    return beside(path, CLASSES) if path.suffix == ".npz" else path


def write_beside(output: Path, found: AnnotationSet) -> None:
    """Write the classes of what was found, and the problems if there were any.

    Parameters
    ----------
    output : pathlib.Path
        A folder that is there, or a file.npz.
    found : AnnotationSet

    Raises
    ------
    OSError
        If that fails, with the file's name.
    """
    classes, problems = beside(output, CLASSES), beside(output, PROBLEMS)
    sweep(classes.parent, "|".join(re.escape(path.name) for path in (classes, problems)))
    write_bytes(classes, classes_as_json(found.categories))
    if found.problems:
        lines = "".join(f"{problem}\n" for problem in found.problems)
        write_bytes(problems, lines.encode(errors="backslashreplace"))
    else:
        problems.unlink(missing_ok=True)  # those of an earlier run
