"""A run that dies, or that the disk fails, at any of its steps: what the next one makes of that.

No chance is in it: what a run asks of the disk is counted, and there is a run for each of these.
"""

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from refkernels.assign import sample_images
from refkernels.assign.dataset.job import assign_dataset

# Of processes, files and pages: the versions of NumPy and of frameworks play no part.
pytestmark = pytest.mark.once

pytest.importorskip("pyarrow.parquet", exc_type=ImportError)

IMAGES = sample_images(7, seed=2)

CALLS = ("replace", "unlink", "mkdir", "rmdir", "fsync")


class Died(BaseException):
    """Takes the place of a SIGKILL: from there on nothing that is asked of the disk is done."""


class Faults:
    """Counts what is asked of the disk; at one step of that, the fault happens."""

    def __init__(self, step: int, fault: str) -> None:
        self.step, self.fault = step, fault
        self.asked = 0
        self.happened = False

    def __call__(self, what: str, path: Any = None) -> None:
        self.asked += 1
        if self.asked >= self.step and (self.fault != "full" or not self.happened):
            if self.fault == "full" and what in ("unlink", "rmdir"):  # need no room
                return
            self.happened = True
            if self.fault == "full":
                # Those that take a descriptor do not know its name.
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), path)
            raise Died(what)


class File:
    """A file that is written to; a fault may come when half of a write is done."""

    def __init__(self, file: Any, faults: Faults) -> None:
        self.file, self.faults = file, faults

    def write(self, data: Any) -> int:
        try:
            self.faults("write")
        except (Died, OSError):
            if self.faults.asked == self.faults.step and self.faults.fault != "killed before":
                self.file.write(bytes(data)[: len(bytes(data)) // 2])
            raise
        written: int = self.file.write(data)
        return written

    def __getattr__(self, name: str) -> Any:
        return getattr(self.file, name)

    def __enter__(self) -> "File":
        return self

    def __exit__(self, *_: object) -> None:
        self.file.close()


@contextmanager
def failing(step: int, fault: str) -> Iterator[Faults]:
    faults, opened = Faults(step, fault), Path.open

    def opens(path: Path, mode: str = "r", *rest: Any, **more: Any) -> Any:
        if "r" in mode and "+" not in mode:
            return opened(path, mode, *rest, **more)
        faults("open", str(path))
        return File(opened(path, mode, *rest, **more), faults)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Path, "open", opens)
        for name in CALLS:
            patch.setattr(os, name, counted(name, getattr(os, name), faults))
        yield faults


def counted(name: str, call: Any, faults: Faults) -> Any:
    def asks(*given: Any, **more: Any) -> Any:
        faults(name, None if name == "fsync" else str(given[0]))
        return call(*given, **more)

    return asks


def contents(folder: Path) -> dict[str, bytes]:
    files = (path for path in folder.rglob("*") if path.is_file())
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(files)}


def run(output: Path) -> None:
    assign_dataset(IMAGES, output, "ssd300", part_size=3)


def outcome(output: Path) -> BaseException | None:
    try:
        run(output)
    except (Died, OSError) as error:
        return error
    return None


@pytest.mark.parametrize("name", ["out", "out.npz"])
@pytest.mark.parametrize("fault", ["killed before", "killed half way", "full"])
def test_whatever_step_a_run_fails_at_the_next_one_ends_with_the_same_files(
    name: str, fault: str, tmp_path: Path
) -> None:
    run(tmp_path / "undisturbed" / name)
    expected = contents(tmp_path / "undisturbed")
    for step in count(1):
        folder = tmp_path / str(step)
        with failing(step, fault) as faults:
            said = outcome(folder / name)
        if faults.happened and fault == "full":
            assert isinstance(said, OSError)
            assert str(said.filename).startswith(str(folder)), f"step {step} names no path"
            assert not [path for path in contents(folder) if "/." in path]
        elif faults.happened:
            assert isinstance(said, Died)
        run(folder / name)
        assert contents(folder) == expected, f"step {step}"
        if not faults.happened:
            break
    assert step > 20


@pytest.mark.parametrize("name", ["out", "out.npz"])
def test_the_next_one_may_die_as_well(name: str, tmp_path: Path) -> None:
    run(tmp_path / "undisturbed" / name)
    expected = contents(tmp_path / "undisturbed")
    for step in count(1):
        folder = tmp_path / str(step)
        with failing(step, "killed before") as faults:
            outcome(folder / name)
        for later in (1 + 7 * step % 11, 1 + 5 * step % 23):
            with failing(later, "killed half way"):
                outcome(folder / name)
        run(folder / name)
        assert contents(folder) == expected, f"step {step}"
        if not faults.happened:
            break
