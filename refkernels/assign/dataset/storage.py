"""Targets in files: the parts of a Parquet data set, or those of one ``.npz``."""

import importlib
import json
from io import BytesIO
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import numpy as np

from refkernels.arrays import Array
from refkernels.assign.dataset.durable import intact, write_checked, write_npz
from refkernels.assign.dataset.part import Part

__all__ = [
    "ANCHORS",
    "FORMAT",
    "KEPT_ANCHORS",
    "KEY",
    "as_npy",
    "import_pyarrow",
    "merge_npz",
    "read_noted",
    "write_part",
]

# Names in Parquet's metadata and in an .npz.
KEY = "refkernels"

# Anchors that no preset makes again: of an .npz, and the file of a folder.
KEPT_ANCHORS = "kept_anchors"
ANCHORS = "_anchors.npy"

# 2: checksums, categories in all metadata, groups of rows. 1 had none of these, and no number.
FORMAT = 2

# Rows of a group, which is what has to be read for one of them.
GROUP = 128

# What a file raises that is damaged or none of ours; pyarrow's own errors are ValueErrors.
UNREADABLE = (OSError, EOFError, BadZipFile, ValueError, KeyError, TypeError, AttributeError)


def write_part(path: Path, part: Part, metadata: dict[str, Any]) -> None:
    """Write a part, as Parquet or as ``.npz`` by the suffix of `path`, with its checksum.

    The file appears under its name when it is complete, also if the process is killed.

    Parameters
    ----------
    path : pathlib.Path
    part : Part
    metadata : dict
        What goes with it, for JSON; the part's summary is added.

    Raises
    ------
    OSError
        If that fails, with the file's name.
    """
    noted = json.dumps({**metadata, "summary": part.summary.as_dict()}, sort_keys=True)
    if path.suffix == ".parquet":
        write_checked(path, _as_parquet(part, noted))
        return
    arrays: dict[str, Any] = {KEY: np.array(noted), **part.images}
    for name, (offsets, values) in part.lists.items():
        arrays[f"{name}_offsets"], arrays[name] = offsets, values
    write_npz(path, arrays)


def read_noted(path: Path) -> dict[str, Any] | None:
    """Return what goes with a file that was written; None if it is damaged, or none of ours."""
    try:
        if not intact(path):
            return None
        if path.suffix == ".parquet":
            _, parquet = import_pyarrow()
            found = parquet.read_schema(path).metadata[KEY.encode()]
        else:
            with np.load(path) as data:
                found = str(data[KEY])
        noted = json.loads(found)
        return noted if isinstance(noted, dict) else None
    except UNREADABLE:
        return None


def merge_npz(
    parts: list[Path], path: Path, metadata: dict[str, Any], more: dict[str, Array] | None = None
) -> None:
    """Write the parts' ``.npz`` files, one after the other, as one.

    Parameters
    ----------
    parts : list of pathlib.Path
    path : pathlib.Path
    metadata : dict
        What goes with it, for JSON.
    more : dict of str to array, optional
        What else goes with it.

    Raises
    ------
    OSError
        If that fails, with the file's name.
    """
    columns: dict[str, list[Any]] = {}
    for part in parts:
        with np.load(part) as data:
            for name in data.files:
                columns.setdefault(name, []).append(data[name])
    columns.pop(KEY, None)
    merged: dict[str, Any] = {KEY: np.array(json.dumps(metadata, sort_keys=True)), **(more or {})}
    for name in list(columns):
        pieces = columns.pop(name)
        if name.endswith("_offsets"):
            ends = np.cumsum([0, *(piece[-1] for piece in pieces)])
            moved = [piece[1:] + end for piece, end in zip(pieces, ends, strict=False)]
            merged[name] = np.concatenate([[0], *moved]).astype(np.int64)
        else:
            merged[name] = np.concatenate(pieces)
    write_npz(path, merged)


def as_npy(array: Array) -> bytes:
    """Return the bytes of an ``.npy``."""
    file = BytesIO()
    np.save(file, array)
    return file.getvalue()


def _as_parquet(part: Part, noted: str) -> bytes:
    pyarrow, parquet = import_pyarrow()

    def column(values: Any) -> Any:
        """Return a column of numbers, or of ids, which may be strings."""
        # pyarrow.array would import pandas, wherever that is installed, and take a second for it.
        array = np.ascontiguousarray(values)
        if array.dtype.kind not in "if" or (isinstance(values, list) and not values):
            return pyarrow.array(values)
        kind = pyarrow.from_numpy_dtype(array.dtype)
        return pyarrow.Array.from_buffers(kind, array.size, [None, pyarrow.py_buffer(array)])

    columns = {name: column(values) for name, values in part.images.items()}
    for name, (offsets, values) in part.lists.items():
        flat = column(values.reshape(-1))
        if values.ndim == 2:
            flat = pyarrow.FixedSizeListArray.from_arrays(flat, 4)
        columns[name] = pyarrow.ListArray.from_arrays(column(offsets.astype(np.int32)), flat)
    table = pyarrow.table(columns).replace_schema_metadata({KEY: noted})
    file = BytesIO()
    # Hardly a value comes often enough in a group for dictionaries: files are a quarter smaller
    # without, and written in half the time.
    parquet.write_table(table, file, compression="zstd", use_dictionary=False, row_group_size=GROUP)
    return file.getvalue()


def import_pyarrow() -> tuple[Any, Any]:
    """Return pyarrow and its module of Parquet.

    Raises
    ------
    ImportError
        One line that says what to install.
    """
    try:
        pyarrow = importlib.import_module("pyarrow")
        parquet = importlib.import_module("pyarrow.parquet")
    except ImportError as error:  # absent, or not made for this NumPy
        raise ImportError(
            f"Parquet needs pyarrow ({error}); install it with: pip install 'refkernels[assign]', "
            "or write a file.npz instead"
        ) from None
    return pyarrow, parquet
