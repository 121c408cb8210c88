"""The rows of targets in files, of a Parquet data set or an ``.npz``, without reading all of them.

A block is a run of images, as columns: a value for each image, or for a list its values one after
the other with the offsets that cut them. What is read of a Parquet data set is a group of rows, of
which the last few are kept; an ``.npz`` is one block, which is mapped to memory and not read.
"""

import json
import os
import struct
from functools import lru_cache
from pathlib import Path
from typing import Any
from zipfile import ZIP_STORED, BadZipFile, ZipFile

import numpy as np

from refkernels.arrays import Array
from refkernels.arrays.files import no_pipe
from refkernels.arrays.printing import times
from refkernels.assign.dataset.claim import MANIFEST
from refkernels.assign.dataset.durable import intact
from refkernels.assign.dataset.storage import ANCHORS, FORMAT, KEPT_ANCHORS, KEY, import_pyarrow

__all__ = ["Block", "NpzRows", "ParquetRows", "open_rows"]

# Columns of one value for each image; the others are lists.
SINGLE = (
    "image_id", "width", "height", "scale_x", "scale_y", "shift_x", "shift_y",
    "input_height", "input_width", "anchors",
)  # fmt: skip

# How many groups of rows are kept.
KEPT = 8

# Where a ZIP archive says how long the name and the extra field of a member are, before its data.
MEMBER = struct.Struct("<26xHH")

# A block's columns by name; those of a list are under "name" and "name_offsets".
Block = dict[str, Array]

DAMAGED = (EOFError, BadZipFile, ValueError, KeyError, TypeError, AttributeError, struct.error)


def open_rows(path: Path, verify: bool) -> "NpzRows | ParquetRows":
    """Open what `assign_dataset` has written.

    Raises
    ------
    OSError
        If there is nothing at `path`, or it cannot be read.
    ValueError
        If it is damaged, not finished, or none of ours.
    """
    if path.is_dir():
        return ParquetRows(path, verify)
    if path.suffix != ".npz":
        path.stat()  # nothing at all is another error
        raise ValueError(f"{path}: expected a folder or a file.npz that refkernels assign wrote")
    return NpzRows(path, verify)


class NpzRows:
    """The rows of an ``.npz``, mapped to memory."""

    def __init__(self, path: Path, verify: bool) -> None:
        self.path = path
        self._open()
        if verify:
            self.verify()

    def __getstate__(self) -> dict[str, Any]:
        return {"path": self.path}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.path = state["path"]
        self._open()

    def _open(self) -> None:
        try:
            self.columns = _mapped(self.path)
            text = str(self.columns.pop(KEY)[()])
            self._anchors = self.columns.pop(KEPT_ANCHORS, None)
            images = len(self.columns["image_id"])
        except DAMAGED as error:
            raise not_ours(self.path, error) from None
        self.metadata = read_metadata(self.path, text)
        if images != self.metadata["images"]:
            raise ValueError(f"{self.path}: is damaged: it has not all images")

    def __len__(self) -> int:
        return len(self.columns["image_id"])

    def find(self, position: int) -> tuple[Block, int]:
        """Return the block that an image is in, and its place there."""
        return self.columns, position

    def ids(self) -> Array:
        """Return the ids of all images."""
        return np.asarray(self.columns["image_id"])

    def kept_anchors(self) -> Array | None:
        """Return the anchors that were kept with the targets, if any were."""
        return self._anchors

    def verify(self) -> None:
        """Raise `ValueError` if the file is damaged."""
        if self.metadata.get("format", 1) > 1 and not intact(self.path):
            raise ValueError(f"{self.path}: is damaged: its checksum is another one")

    def table(self, columns: list[str] | None) -> Any:
        """Return the rows as a table of Arrow, whose numbers lie where they are mapped."""
        pyarrow, _ = import_pyarrow()
        lists = [name.removesuffix("_offsets") for name in self.columns if "_offsets" in name]
        names = [name for name in self.columns if not name.endswith("_offsets")]
        made = {}
        for name in names if columns is None else columns:
            flat = pyarrow.array(np.asarray(self.columns[name]).reshape(-1))
            if name in lists:
                if self.columns[name].ndim == 2:
                    flat = pyarrow.FixedSizeListArray.from_arrays(flat, 4)
                offsets = pyarrow.array(np.asarray(self.columns[f"{name}_offsets"]))
                flat = pyarrow.LargeListArray.from_arrays(offsets, flat)
            made[name] = flat
        return pyarrow.table(made).replace_schema_metadata({KEY: json.dumps(self.metadata)})


class ParquetRows:
    """The rows of a Parquet data set."""

    def __init__(self, path: Path, verify: bool) -> None:
        self.path = path
        self.checks = verify
        manifest = path / MANIFEST
        try:
            text = no_pipe(manifest).read_text()
        except FileNotFoundError:
            raise ValueError(f"{path}: was not made by refkernels assign: no {MANIFEST}") from None
        except ValueError as error:
            raise not_ours(manifest, error) from None
        self.metadata = read_metadata(manifest, text)
        self.size = int(self.metadata["part_size"])
        self.parts = max(1, -(-len(self) // self.size))
        present = set(os.listdir(path))
        for part in range(self.parts):
            if self._path(part).name not in present:
                raise ValueError(
                    f"{self._path(part)}: is missing: run refkernels assign again to finish {path}"
                )
        self._keep()

    def __getstate__(self) -> dict[str, Any]:
        return {name: value for name, value in vars(self).items() if not name.startswith("_")}

    def __setstate__(self, state: dict[str, Any]) -> None:
        vars(self).update(state)
        self._keep()

    def _keep(self) -> None:
        # Of each process its own; they are safe for threads.
        self._group = lru_cache(KEPT)(self._read_group)
        self._starts = lru_cache(None)(self._read_starts)

    def __len__(self) -> int:
        return int(self.metadata["images"])

    def _path(self, part: int) -> Path:
        return self.path / f"part-{part:05d}.parquet"

    def find(self, position: int) -> tuple[Block, int]:
        """Return the block that an image is in, and its place there."""
        part, row = divmod(position, self.size)
        starts = self._starts(part)
        group = int(np.searchsorted(starts, row, side="right")) - 1
        return self._group(part, group), row - int(starts[group])

    def ids(self) -> Array:
        """Return the ids of all images."""
        _, parquet = import_pyarrow()
        parts = []
        for part in range(self.parts):
            self._starts(part)
            parts.append(parquet.read_table(self._path(part), columns=["image_id"])["image_id"])
        return np.concatenate([column.to_numpy() for column in parts])

    def kept_anchors(self) -> Array | None:
        """Return the anchors that were kept with the targets, if any were."""
        if not self.metadata.get("anchors_kept", False):
            return None
        path = self.path / ANCHORS
        try:
            return np.asarray(np.load(path, allow_pickle=False))
        except FileNotFoundError:
            raise ValueError(f"{path}: is missing: run refkernels assign again") from None
        except DAMAGED as error:
            raise not_ours(path, error) from None

    def verify(self) -> None:
        """Raise `ValueError` if a part is damaged."""
        for part in range(self.parts):
            self._check(part)
            self._read_starts(part)

    def table(self, columns: list[str] | None) -> Any:
        """Return the rows as a table of Arrow."""
        pyarrow, parquet = import_pyarrow()
        read = []
        for part in range(self.parts):
            self._starts(part)
            read.append(parquet.read_table(self._path(part), columns=columns))
        noted = {KEY: json.dumps(self.metadata)}
        return pyarrow.concat_tables(
            [table.replace_schema_metadata(noted) for table in read], promote_options="permissive"
        )

    def _check(self, part: int) -> None:
        path = self._path(part)
        try:
            fine = self.metadata.get("format", 1) == 1 or intact(path)
        except FileNotFoundError as error:
            raise ValueError(f"{error.filename}: is missing: run refkernels assign again") from None
        if not fine:
            raise ValueError(
                f"{path}: is damaged: its checksum is another one; run refkernels assign again"
            )

    def _read_starts(self, part: int) -> Array:
        """Return where the groups of a part begin, and its end, after a look at the part itself."""
        if self.checks:
            self._check(part)
        path = self._path(part)
        _, parquet = import_pyarrow()
        try:
            found = parquet.read_metadata(path)
        except DAMAGED as error:
            raise not_ours(path, error) from None
        starts: Array = np.cumsum(
            [0, *(found.row_group(k).num_rows for k in range(found.num_row_groups))]
        )
        wanted = min(self.size, len(self) - part * self.size)
        if starts[-1] != wanted:
            raise ValueError(f"{path}: is damaged: it has {times(starts[-1], 'image')} of {wanted}")
        return starts

    def _read_group(self, part: int, group: int) -> Block:
        _, parquet = import_pyarrow()
        path = self._path(part)
        try:
            with parquet.ParquetFile(path) as file:
                table = file.read_row_group(group, use_threads=False)
            return {
                name: column
                for own in table.column_names
                for name, column in _columns(own, table[own].combine_chunks())
            }
        except (*DAMAGED, OSError) as error:  # pyarrow's word for what it cannot decode
            raise not_ours(path, error) from None


def _columns(name: str, column: Any) -> list[tuple[str, Array]]:
    """Return a column of Arrow as arrays: a single value for each image, or offsets and values."""
    if name in SINGLE:
        return [(name, column.to_numpy(zero_copy_only=False))]
    offsets, values = np.asarray(column.offsets), column.values
    wide = hasattr(values.type, "list_size")
    flat = (values.flatten() if wide else values).to_numpy(zero_copy_only=False)
    return [(f"{name}_offsets", offsets), (name, flat.reshape(-1, 4) if wide else flat)]


def read_metadata(path: Path, text: str) -> dict[str, Any]:
    """Return what a file says of itself.

    Raises
    ------
    ValueError
        If it says nothing of that kind, or has a format of a later version.
    """
    try:
        found = json.loads(text)
        number = found.get("format", 1)
        found = {**found, "images": int(found["images"]), "part_size": int(found["part_size"])}
    except DAMAGED as error:
        raise not_ours(path, error) from None
    if number not in range(1, FORMAT + 1):
        raise ValueError(
            f"{path}: has format {number}, expected one up to {FORMAT}; update refkernels"
        )
    return found


def not_ours(path: Path, error: BaseException) -> ValueError:
    """Return the error for what is damaged, or was made by something else."""
    said = " ".join(str(error).split()) or type(error).__name__
    short = said if len(said) <= 80 else f"{said[:77]}..."
    return ValueError(f"{path}: is damaged, or was not made by refkernels assign ({short})")


def _mapped(path: Path) -> Block:
    """Map the arrays of an ``.npz`` to memory; they must not be compressed."""
    found: Block = {}
    with ZipFile(no_pipe(path)) as archive, path.open("rb") as file:
        for member in archive.infolist():
            if member.compress_type != ZIP_STORED:
                raise ValueError("its arrays are compressed")
            file.seek(member.header_offset)
            name, extra = MEMBER.unpack(file.read(MEMBER.size))
            file.seek(member.header_offset + MEMBER.size + name + extra)
            found[member.filename.removesuffix(".npy")] = _map_array(path, file)
    return found


def _map_array(path: Path, file: Any) -> Array:
    read: Any = np.lib.format
    version = read.read_magic(file)
    header = {(1, 0): read.read_array_header_1_0, (2, 0): read.read_array_header_2_0}[version]
    shape, fortran, dtype = header(file)
    if dtype.hasobject or fortran:
        raise ValueError("it has arrays of objects")
    if 0 in shape:
        return np.empty(shape, dtype)
    array: Array = np.memmap(path, dtype, "r", file.tell(), shape)
    return array
