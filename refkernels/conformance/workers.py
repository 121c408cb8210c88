"""Check operators in processes of their own, so that one that crashes or hangs is one verdict.

The parent writes a job to a folder; each worker appends events, one JSON line each, to a file
there, and keeps the case it is at in another. What the target prints goes to a log. A worker that
dies or stalls costs the operator it was at; another worker takes over the rest.
"""

import contextlib
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from refkernels.arrays import Array
from refkernels.conformance.replay import FAILURES
from refkernels.conformance.run import Options, Result
from refkernels.conformance.spec import Image
from refkernels.conformance.worker import CURRENT

__all__ = ["check"]

POLL_SECONDS = 0.05


def check(
    target: str,
    operators: Sequence[str],
    options: Options,
    images: Sequence[Image] = (),
    *,
    failures: Path = FAILURES,
    workers: int = 2,
    seconds_per_case: float = 120,
    on_event: Callable[[str, int, Result | None], None] = lambda name, count, result: None,
) -> list[Result]:
    """Check operators of a target side by side in worker processes.

    Parameters
    ----------
    target : str
        The module under test.
    operators : sequence of str
        Their names.
    options : Options
        What to try.
    images : sequence of Image
        Boxes that make further cases.
    failures : Path
        Where counterexamples are saved, and found to be tried first.
    workers : int
        How many processes.
    seconds_per_case : float
        A case that takes longer is a verdict: the operator hangs.
    on_event : callable
        Called with an operator's name, its number of cases so far, and at its end its result.

    Returns
    -------
    list of Result
        In the order of `operators`.
    """
    results: dict[str, Result] = {}
    waiting = list(operators)
    running: list[_Worker] = []
    with tempfile.TemporaryDirectory(prefix="refkernels-") as folder:
        images_file = Path(folder) / "images.npz"
        _write_images(images_file, images)
        try:
            while waiting or running:
                while waiting and len(running) < workers:
                    number = sum(1 for _ in Path(folder).glob("worker-*"))
                    own = Path(folder) / f"worker-{number}"
                    own.mkdir()
                    job = {
                        "target": target,
                        "options": asdict(options),
                        "path": sys.path,
                        "failures": str(failures.absolute()),
                    }
                    running.append(_Worker(own, job, images_file))
                for worker in list(running):
                    if not worker.busy and waiting:
                        worker.send(waiting.pop(0))
                    for name, count, result in worker.events():
                        if result is not None:
                            results[name] = result
                        on_event(name, count, result)
                    failed = worker.failure(seconds_per_case)
                    if failed is not None:
                        results[failed.operator] = failed
                        on_event(failed.operator, failed.cases, failed)
                    if worker.gone or (not waiting and not worker.busy):
                        worker.stop()
                        running.remove(worker)
                time.sleep(POLL_SECONDS)
        finally:
            for worker in running:
                worker.stop()
    return [results[name] for name in operators]


@dataclass
class _Worker:
    """A worker process as its parent sees it."""

    folder: Path
    job: dict[str, Any]
    images: Path
    busy: str | None = None
    gone: bool = False
    _count: int = 0
    _read: int = 0
    _process: "subprocess.Popen[bytes]" = field(init=False)

    def __post_init__(self) -> None:
        (self.folder / "job.json").write_text(json.dumps(self.job))
        # Processes are side by side already, one for each core.
        environment = {**os.environ, "OMP_NUM_THREADS": "1"}
        with (self.folder / "log.txt").open("wb") as log:
            self._process = subprocess.Popen(
                [
                    sys.executable,
                    "-m",
                    "refkernels.conformance.worker",
                    str(self.folder),
                    str(self.images),
                ],
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=log,
                env=environment,
            )

    def send(self, operator: str) -> None:
        """Give it the next operator."""
        self.busy, self._count = operator, 0
        assert self._process.stdin is not None
        with contextlib.suppress(BrokenPipeError):  # it died; failure() says so
            self._process.stdin.write(f"{operator}\n".encode())
            self._process.stdin.flush()

    def events(self) -> Iterator[tuple[str, int, Result | None]]:
        """Return what it has reported since the last call."""
        path = self.folder / "events.jsonl"
        if not path.exists():
            return
        with path.open() as file:
            file.seek(self._read)
            while line := file.readline():
                if not line.endswith("\n"):
                    break  # still being written
                self._read += len(line.encode())
                event = json.loads(line)
                if "result" in event:
                    self.busy = None
                    result = Result.from_json(event["result"])
                    yield result.operator, result.cases + result.real_cases, result
                else:
                    self._count = event["count"]
                    yield event["operator"], event["count"], None

    def failure(self, seconds_per_case: float) -> Result | None:
        """Return a verdict if the process died or stalled at an operator."""
        status = self._process.poll()
        if status is None and self.busy and self._age() > seconds_per_case:
            self._process.kill()
            self._process.wait()
            return self._fail("hangs", f"no answer on one case within {seconds_per_case:g} s")
        if status is None:
            return None
        self.gone = True
        if not self.busy or any(True for _ in self._unread()):
            return None
        return self._fail("crashes", f"the process {_ending(status)}")

    def _age(self) -> float:
        """Return for how long the target has been at what it is at, in seconds."""
        try:
            return time.time() - (self.folder / CURRENT).stat().st_mtime
        except FileNotFoundError:
            return 0.0

    def _unread(self) -> Iterator[None]:
        path = self.folder / "events.jsonl"
        if path.exists() and path.stat().st_size > self._read:
            self.gone = False
            yield

    def _fail(self, verdict: str, what: str) -> "Result":
        self.gone = True
        name, self.busy = self.busy or "", None
        lines = (self.folder / "log.txt").read_text(errors="replace").strip().splitlines()
        said = f"; its last words: {lines[-1][:200]}" if lines else ""
        case = self.folder / CURRENT
        at = f"\nThe case it was at:\n{case.read_text()}" if case.exists() else ""
        seed = self.job["options"]["seed"]
        return Result(name, verdict, cases=self._count, seed=seed, note=what + said + at)

    def stop(self) -> None:
        """End the process."""
        if self._process.stdin is not None:
            with contextlib.suppress(BrokenPipeError):
                self._process.stdin.close()
        try:
            self._process.wait(timeout=2)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()


def _ending(status: int) -> str:
    if status < 0:
        return f"was killed by {signal.Signals(-status).name}"
    return f"ended with status {status} without a result"


def _write_images(path: Path, images: Sequence[Image]) -> None:
    arrays: dict[str, Array] = {"names": np.array([image.name for image in images], np.str_)}
    anchors: list[Array] = []
    for i, image in enumerate(images):
        known = next((k for k, other in enumerate(anchors) if other is image.anchors), None)
        if known is None:
            known = len(anchors)
            anchors.append(image.anchors)
            arrays[f"anchors-{known}"] = image.anchors
        arrays[f"boxes{i}"], arrays[f"labels{i}"] = image.boxes, image.labels
        arrays[f"anchors{i}"] = np.array(known)
    np.savez(path, **arrays)
