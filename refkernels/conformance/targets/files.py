"""Modules that are named by their file."""

import sys
from pathlib import Path

from refkernels.conformance.targets.representation import RepresentationError

__all__ = ["as_module"]


def as_module(spec: str) -> str:
    """Return what is asked for with the module's name in place of its file's.

    The folder that it is imported from is put on the path, of a file in a package that of the whole
    package.

    Parameters
    ----------
    spec : str
        Such as ``src/det.py``, or ``src/det.py:iou=BBoxBatchIOU``; of others nothing changes.

    Raises
    ------
    RepresentationError
        If there is no such file, or its name is none of a module.

    Examples
    --------
    >>> as_module("my.detector:iou=BBoxBatchIOU")
    'my.detector:iou=BBoxBatchIOU'
    """
    place, colon, rest = spec.partition(":")
    if not place.endswith(".py"):
        return spec
    path = Path(place)
    if not path.is_file():
        raise RepresentationError(f"{place}: there is no such file")
    folder = path.absolute().parent
    parts = [] if path.stem == "__init__" else [path.stem]
    while (folder / "__init__.py").is_file():
        parts.insert(0, folder.name)
        folder = folder.parent
    for part in parts:
        if not part.isidentifier():
            raise RepresentationError(f"{place}: {part!r} cannot be imported, as it is no name")
    if str(folder) not in sys.path:
        sys.path.insert(0, str(folder))
    return f"{'.'.join(parts)}{colon}{rest}"
