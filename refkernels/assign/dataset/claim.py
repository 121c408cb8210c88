"""Whose a folder of parts is: its settings, and the locks that keep other runs out.

A run that begins needs its folder alone, sweeps it, and from then on shares it with its own
workers, each of which holds the lock as long as it lives. So no run begins beside workers that have
outlived theirs: one of those could die later, and leave half a file in a folder that is finished.
"""

import fcntl
import json
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from refkernels.assign.dataset.durable import half_written, sweep, write_bytes

__all__ = ["MANIFEST", "OURS", "SUMMARY", "check_same", "claimed", "shared", "write_json"]

MANIFEST = "_refkernels.json"
SUMMARY = "_summary.json"

# The names of all files that are written to a folder.
OURS = "|".join(
    (
        r"_refkernels\.json", r"_summary\.json", r"_anchors\.npy", r"part-\d+\.npz",
        r"part-\d+\.parquet", r"_part-\d+\.parquet\.sha256",
    )
)  # fmt: skip

# How long a run waits for workers of one that was killed; they end by themselves.
PATIENCE = 2.0


@contextmanager
def claimed(folder: Path, manifest: dict[str, Any]) -> Iterator[None]:
    """Keep other runs out of `folder`, which is made, or has to be one of the same settings.

    Parameters
    ----------
    folder : pathlib.Path
    manifest : dict
        The settings, as JSON has them.

    Raises
    ------
    ValueError
        If the folder has other settings, or is not one of ours.
    RuntimeError
        If another process is at work on it.
    """
    path = folder / MANIFEST
    folder.mkdir(parents=True, exist_ok=True)
    with _lock(folder) as descriptor:
        _take(folder, descriptor, fcntl.LOCK_EX, PATIENCE)
        if path.exists():
            check_same(path, _read_json(path), manifest)
        elif not all(half_written(name, OURS) for name in os.listdir(folder)):
            raise ValueError(f"{folder}: is not empty, and was not made by refkernels assign")
        sweep(folder, OURS)
        if not path.exists():
            write_json(path, manifest)
        _take(folder, descriptor, fcntl.LOCK_SH, 0.0)
        yield


@contextmanager
def shared(folder: Path) -> Iterator[None]:
    """Keep runs that begin out of `folder` for as long as something is written to it.

    Raises
    ------
    RuntimeError
        If a run begins at this moment: what asks is of an earlier one then, and has to end.
    """
    with _lock(folder) as descriptor:
        _take(folder, descriptor, fcntl.LOCK_SH, 0.0)
        yield


@contextmanager
def _lock(folder: Path) -> Iterator[int]:
    """Open something to lock, whose locks end with the process, however that ends."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def _take(folder: Path, descriptor: int, kind: int, patience: float) -> None:
    end = time.monotonic() + patience
    while True:
        try:
            fcntl.flock(descriptor, kind | fcntl.LOCK_NB)
            break
        except BlockingIOError:
            if time.monotonic() >= end:
                raise RuntimeError(f"{folder}: another process is writing to it") from None
            time.sleep(0.02)
    # The run that had it may have removed the folder, as one does that writes an .npz.
    if not os.fstat(descriptor).st_nlink:
        raise RuntimeError(f"{folder}: another process has removed it; run it again")


def check_same(path: Path, found: dict[str, Any], wanted: dict[str, Any]) -> None:
    """Raise `ValueError` if settings that were found are not those that are wanted."""
    for key, value in wanted.items():
        if found.get(key) != value:
            raise ValueError(
                f"{path.parent if path.name == MANIFEST else path}: was made with other settings "
                f"({key} {_shown(found.get(key))}, now {_shown(value)}); remove it, or choose "
                "another output"
            )


def write_json(path: Path, content: dict[str, Any]) -> None:
    """Write a file of JSON."""
    write_bytes(path, json.dumps(content, indent=2, sort_keys=True).encode() + b"\n")


def _read_json(path: Path) -> dict[str, Any]:
    try:
        found = json.loads(path.read_bytes())
        if isinstance(found, dict):
            return found
    except ValueError:
        pass
    raise ValueError(f"{path}: is damaged; remove {path.parent}, or choose another output")


def _shown(value: Any) -> str:
    text = str(value)
    return text if len(text) <= 40 else f"{text[:37]}..."
