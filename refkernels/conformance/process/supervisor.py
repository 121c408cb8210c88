"""Check operators in processes of their own, so that one that crashes or hangs is one verdict.

The parent writes a job to a folder, and requests to the standard input of a process; the worker
appends events, one JSON line each, to a file in that folder, and keeps there what the target is at.
A worker that dies or stalls costs the operator it was at; another worker takes over the rest.
"""

import json
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import asdict
from io import BytesIO
from pathlib import Path
from types import TracebackType
from typing import Any

from refkernels.conformance.engine.replay import FAILURES, load
from refkernels.conformance.engine.run import Options, Result
from refkernels.conformance.model.operator import Image
from refkernels.conformance.process.images import write_images
from refkernels.conformance.process.watched import OnEvent, Worker
from refkernels.conformance.process.worker import IMAGES, JOB
from refkernels.conformance.targets.adapter import TargetError

__all__ = ["Checker", "check"]

POLL_SECONDS = 0.05

Targets = str | Sequence[str]


def check(
    target: Targets,
    operators: Sequence[str],
    options: Options,
    images: Sequence[Image] = (),
    *,
    failures: Path = FAILURES,
    workers: int = 2,
    time_limit: float = 120,
    on_event: OnEvent = lambda name, count, result: None,
) -> list[Result]:
    """Check operators of a target side by side in worker processes.

    Parameters
    ----------
    target : str or sequence of str
        The module under test, or bindings (`peers.opening`).
    operators : sequence of str
        Their names, or items of bindings.
    options : Options
        What to try.
    images : sequence of Image
        Boxes that make further cases.
    failures : Path
        Where counterexamples are saved, and found to be tried first.
    workers : int
        How many processes.
    time_limit : float
        An operator hangs if one call takes longer, in seconds.
    on_event : callable
        Called with an operator's name, its number of cases so far, and at its end its result.

    Returns
    -------
    list of Result
        In the order of `operators`.
    """
    results: dict[str, Result] = {}

    def take(name: str, count: int, result: Result | None) -> None:
        if result is not None:
            results[name] = result
        on_event(name, count, result)

    waiting = list(operators)
    running: list[Worker] = []
    with _temporary_folder() as folder:
        start = _Starter(Path(folder), target, failures, images)
        try:
            while waiting or running:
                while waiting and len(running) < workers:
                    running.append(start())
                for worker in list(running):
                    if not worker.busy and waiting:
                        name = waiting.pop(0)
                        worker.send(name, do="check", options=asdict(options))
                    failed = worker.read(take, time_limit)
                    if failed is not None:
                        take(failed.item, failed.cases, failed)
                        if not worker.imported:  # another process would fare no better
                            while waiting:
                                name, said = waiting.pop(0), failed.verdict
                                take(name, 0, Result.of_item(name, said, note=failed.note))
                    if worker.gone or (not waiting and not worker.busy):
                        worker.stop()
                        running.remove(worker)
                time.sleep(POLL_SECONDS)
        finally:
            for worker in running:
                worker.stop()
    return [results[name] for name in operators]


class Checker:
    """One worker process, asked for one thing after the other; where it dies, another takes over.

    Parameters
    ----------
    target : str or sequence of str
        The module under test, or bindings (`peers.opening`).
    failures : Path
        Where counterexamples are saved, and found to be tried first.
    time_limit : float
        An operator hangs if one call takes longer, in seconds.
    """

    def __init__(
        self, target: Targets, failures: Path = FAILURES, *, time_limit: float = 120
    ) -> None:
        self._time_limit = time_limit
        self._folder = _temporary_folder()
        self._start = _Starter(Path(self._folder.name), target, failures)
        self._worker: Worker | None = None

    def __enter__(self) -> "Checker":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """End the process."""
        if self._worker is not None:
            self._worker.stop()
        self._folder.cleanup()

    def find(self) -> list[str]:
        """Return the operators that the target has.

        Raises
        ------
        TargetError
            If it cannot be imported.
        """
        worker, result = self._ask("", do="find")
        if result.verdict != "conforms":
            raise TargetError(result.note)
        return worker.names

    def check(self, operator: str, options: Options) -> Result:
        """Check one operator."""
        return self._ask(operator, do="check", options=asdict(options))[1]

    def replay(self, place: Path, *, strict: bool = False) -> Result:
        """Run a saved failure again; it is not saved once more.

        Raises
        ------
        ValueError
            If it cannot be loaded.
        """
        operator = load(place).operator
        return self._ask(operator, do="replay", place=str(place.absolute()), strict=strict)[1]

    def _ask(self, operator: str, **request: Any) -> "tuple[Worker, Result]":
        if self._worker is None or self._worker.gone:
            self._worker = self._start()
        answers: list[Result] = []

        def take(name: str, count: int, result: Result | None) -> None:
            if result is not None:
                answers.append(result)

        self._worker.send(operator, **request)
        while not answers:
            failed = self._worker.read(take, self._time_limit)
            if failed is not None:
                answers.append(failed)
            time.sleep(POLL_SECONDS / 5)
        if self._worker.gone:
            self._worker.stop()
        return self._worker, answers[0]


class _Starter:
    """Starts worker processes for one target, each in a folder of its own."""

    def __init__(
        self, folder: Path, target: Targets, failures: Path, images: Sequence[Image] = ()
    ) -> None:
        self._folder, self._count = folder, 0
        self._failures = failures.absolute()
        self._job = {
            "target": [target] if isinstance(target, str) else list(target),
            "failures": str(self._failures),
            "path": [str(p) for p in sys.path],
        }
        written = BytesIO()
        write_images(written, images)
        self._images = written.getvalue()

    def __call__(self) -> Worker:
        own = self._folder / f"worker-{self._count}"
        self._count += 1
        # All that it needs is there anew, whatever the target of another one made of what was.
        own.mkdir(parents=True)
        (own / JOB).write_text(json.dumps(self._job))
        (own / IMAGES).write_bytes(self._images)
        return Worker(own, self._failures)


def _temporary_folder() -> "tempfile.TemporaryDirectory[str]":
    return tempfile.TemporaryDirectory(prefix="refkernels-", ignore_cleanup_errors=True)
