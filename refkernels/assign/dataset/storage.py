"""Targets in files: a Parquet data set, or one ``.npz``; each file is there whole or not at all."""

import importlib
import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any
from uuid import uuid4
from zipfile import BadZipFile

import numpy as np

from refkernels.assign.dataset.part import Part, Summary

__all__ = ["merge_npz", "read_summary", "write_atomically", "write_part"]

# Names in Parquet's metadata and in an .npz.
KEY = "refkernels"


def write_part(path: Path, part: Part, metadata: dict[str, Any]) -> None:
    """Write a part, as Parquet or as ``.npz`` by the suffix of `path`.

    The file appears under its name when it is complete, also if the process is killed.

    Parameters
    ----------
    path : pathlib.Path
    part : Part
    metadata : dict
        What goes with it, for JSON; the part's summary is added.
    """
    noted = json.dumps({**metadata, "summary": part.summary.as_dict()}, sort_keys=True)
    write = _write_parquet if path.suffix == ".parquet" else _write_npz
    write_atomically(path, lambda file: write(file, part, noted))


def write_atomically(path: Path, write: Callable[[Any], None]) -> None:
    """Call `write` on a binary file that becomes `path` when it is complete and on the disk."""
    hidden = path.with_name(f".{path.name}.{uuid4().hex}")  # hosts may share the folder
    with hidden.open("wb") as file:
        write(file)
        file.flush()
        os.fsync(file.fileno())
    hidden.replace(path)
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def read_summary(path: Path) -> Summary | None:
    """Return the summary of a part that was written, None if that is broken."""
    try:
        if path.suffix == ".parquet":
            _, parquet = _pyarrow()
            found = parquet.read_schema(path).metadata[KEY.encode()]
        else:
            with np.load(path) as data:
                found = str(data[KEY])
        return Summary(**json.loads(found)["summary"])
    # pyarrow's own errors are ValueErrors.
    except (OSError, EOFError, BadZipFile, ValueError, KeyError, TypeError):
        return None


def merge_npz(parts: list[Path], path: Path, metadata: dict[str, Any]) -> None:
    """Write the parts' ``.npz`` files, one after the other, as one.

    Parameters
    ----------
    parts : list of pathlib.Path
    path : pathlib.Path
    metadata : dict
        What goes with it, for JSON.
    """
    columns: dict[str, list[Any]] = {}
    for part in parts:
        with np.load(part) as data:
            for name in data.files:
                columns.setdefault(name, []).append(data[name])
    columns.pop(KEY, None)
    merged: dict[str, Any] = {KEY: np.array(json.dumps(metadata, sort_keys=True))}
    for name, pieces in columns.items():
        if name.endswith("_offsets"):
            ends = np.cumsum([0, *(piece[-1] for piece in pieces)])
            moved = [piece[1:] + end for piece, end in zip(pieces, ends, strict=False)]
            merged[name] = np.concatenate([[0], *moved]).astype(np.int64)
        else:
            merged[name] = np.concatenate(pieces)
    write_atomically(path, lambda file: np.savez(file, **merged))


def _write_npz(file: Any, part: Part, noted: str) -> None:
    arrays: dict[str, Any] = {KEY: np.array(noted), **part.images}
    for name, (offsets, values) in part.lists.items():
        arrays[f"{name}_offsets"], arrays[name] = offsets, values
    np.savez(file, **arrays)


def _write_parquet(file: Any, part: Part, noted: str) -> None:
    pyarrow, parquet = _pyarrow()
    columns = {name: pyarrow.array(values) for name, values in part.images.items()}
    for name, (offsets, values) in part.lists.items():
        flat = pyarrow.array(values.reshape(-1))
        if values.ndim == 2:
            flat = pyarrow.FixedSizeListArray.from_arrays(flat, 4)
        columns[name] = pyarrow.ListArray.from_arrays(pyarrow.array(offsets.astype(np.int32)), flat)
    table = pyarrow.table(columns).replace_schema_metadata({KEY: noted})
    parquet.write_table(table, file, compression="zstd")


def _pyarrow() -> tuple[Any, Any]:
    try:
        pyarrow = importlib.import_module("pyarrow")
        parquet = importlib.import_module("pyarrow.parquet")
    except ImportError as error:  # absent, or not made for this NumPy
        raise ImportError(
            f"Parquet needs pyarrow ({error}); install it with: pip install 'refkernels[assign]', "
            "or write a file.npz instead"
        ) from None
    return pyarrow, parquet
