"""What a project says in its ``pyproject.toml`` that is to be checked."""

import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from refkernels.conformance.targets.representation import RepresentationError

__all__ = ["PROJECT", "targets_of_project"]

PROJECT = Path("pyproject.toml")

EXPECTED = (
    'expected a module, or a table such as {"my.detector:box_iou" = "BBoxBatchIOU"}, '
    "with a table in place of the operator where code writes things otherwise"
)


def targets_of_project(path: Path = PROJECT) -> list[str]:
    """Return what ``[tool.refkernels] check`` says, as arguments of ``refkernels check``.

    It is a module's import path, or a table with a binding in each line. Of a file that is not
    there, or that says nothing, the list is empty.

    Raises
    ------
    RepresentationError
        If it is neither, or the file cannot be read; the message says where.
    """
    if not path.is_file():
        return []
    if sys.version_info >= (3, 11):
        import tomllib
    else:
        import tomli as tomllib
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8"))
    except (ValueError, OSError) as error:
        raise RepresentationError(f"{path}: {error}") from None
    said = content.get("tool", {}).get("refkernels", {}).get("check")
    if said is None:
        return []
    where = f"{path}, [tool.refkernels] check"
    if isinstance(said, str):
        return [said]
    if not isinstance(said, Mapping) or not said:
        raise RepresentationError(f"{where}: {EXPECTED}")
    return [text for place, own in said.items() for text in _bindings(where, place, own)]


def _bindings(where: str, place: str, said: Any) -> list[str]:
    """Return the bindings of an object, which may be several operators, as texts."""
    found = []
    for own in said if isinstance(said, list) else [said]:
        if isinstance(own, str):
            found.append(f"{place}={own}")
        elif isinstance(own, Mapping) and isinstance(own.get("operator"), str):
            words = {name: value for name, value in own.items() if name != "operator"}
            found.append(f"{place}={own['operator']}" + (f",{json.dumps(words)}" if words else ""))
        else:
            raise RepresentationError(f"{where}, {place!r}: {EXPECTED}")
    return found
