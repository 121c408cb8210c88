"""Check operators in processes of their own, so that one that crashes or hangs is one verdict.

The parent writes a job to a folder, and requests to the standard input of a process; the worker
appends events, one JSON line each, to a file in that folder, and keeps there what the target is at.
A worker that dies or stalls costs the operator it was at; another worker takes over the rest.
"""

import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import asdict, replace
from pathlib import Path
from types import TracebackType
from typing import Any

from refkernels.conformance.engine.replay import FAILURES, Saved, load, save
from refkernels.conformance.engine.run import Options, Result
from refkernels.conformance.model.dissent import Dissent
from refkernels.conformance.model.operator import Image
from refkernels.conformance.model.quoting import printable
from refkernels.conformance.process.images import write_images
from refkernels.conformance.process.worker import CURRENT, EVENTS, JOB, MOMENT, STDERR, STDOUT
from refkernels.conformance.targets.adapter import TargetError

__all__ = ["Checker", "check"]

POLL_SECONDS = 0.05

# An import may take longer than the time limit for a call, up to this.
IMPORT_SECONDS = 60

Targets = str | Sequence[str]

OnEvent = Callable[[str, int, Result | None], None]


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
    running: list[_Worker] = []
    with tempfile.TemporaryDirectory(prefix="refkernels-") as folder:
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
        self._folder = tempfile.TemporaryDirectory(prefix="refkernels-")
        self._start = _Starter(Path(self._folder.name), target, failures)
        self._worker: _Worker | None = None

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

    def _ask(self, operator: str, **request: Any) -> "tuple[_Worker, Result]":
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
        self._images = folder / "images.npz"
        write_images(self._images, images)

    def __call__(self) -> "_Worker":
        own = self._folder / f"worker-{self._count}"
        self._count += 1
        own.mkdir()
        (own / JOB).write_text(json.dumps(self._job))
        return _Worker(own, self._images, self._failures)


class _Worker:
    """A worker process as its parent sees it.

    Attributes
    ----------
    busy : bool
        Whether it owes an answer.
    gone : bool
        Whether the process has ended.
    imported : bool
        Whether the target could be imported, or could not in an orderly way.
    names : list of str
        The target's operators, after it was asked to find them.
    """

    def __init__(self, folder: Path, images: Path, failures: Path) -> None:
        self.busy = self.gone = self.imported = False
        self.names: list[str] = []
        self._folder, self._failures = folder, failures
        self._operator, self._count, self._read = "", 0, 0
        self._request: dict[str, Any] = {}
        self._dissents: list[Dissent] = []
        self._settled: Result | None = None
        import refkernels

        # The same refkernels as here, wherever from; and processes are side by side already, one
        # for each core.
        places = [str(Path(refkernels.__file__).parents[1]), os.environ.get("PYTHONPATH")]
        path = os.pathsep.join(place for place in places if place)
        own = {"PYTHONPATH": path, "OMP_NUM_THREADS": "1"}
        own["HYPOTHESIS_STORAGE_DIRECTORY"] = str(folder)  # nothing of it is kept
        environment = {**os.environ, **own}
        flags = [f"-W{option}" for option in sys.warnoptions]  # what is an error here is one there
        module = ["-m", "refkernels.conformance.process.worker", str(folder), str(images)]
        command = [sys.executable, *flags, *module]
        with (folder / STDOUT).open("wb") as out, (folder / STDERR).open("wb") as err:
            self._process = subprocess.Popen(
                command, stdin=subprocess.PIPE, stdout=out, stderr=err, env=environment
            )

    def send(self, operator: str, **request: Any) -> None:
        """Give it the next request: `do` says what, with the rest."""
        self.busy, self._operator, self._count, self._dissents = True, operator, 0, []
        self._settled = None
        self._request = request
        assert self._process.stdin is not None
        with suppress(BrokenPipeError):  # it died; read() says so
            self._process.stdin.write(f"{json.dumps({**request, 'operator': operator})}\n".encode())
            self._process.stdin.flush()

    def read(self, take: OnEvent, time_limit: float) -> Result | None:
        """Hand on what it has reported, and return a verdict if it died or stalled at that."""
        status = self._process.poll()  # first: a process that has ended reports nothing more
        for event in self._events():
            self._note(event, take)
        if status is not None:
            self.gone = True
            return self._fail("crashes", f"the process {_ending(status)}") if self.busy else None
        if not self.imported:
            time_limit = max(time_limit, IMPORT_SECONDS)
        if self.busy and self._age() > time_limit:
            self.gone = True
            self._process.kill()
            self._process.wait()
            return self._fail("hangs", f"no answer within {time_limit:g} s")
        return None

    def stop(self) -> None:
        """End the process."""
        self.gone = True
        assert self._process.stdin is not None
        with suppress(BrokenPipeError):
            self._process.stdin.close()
        try:
            self._process.wait(timeout=2)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def _events(self) -> Iterator[dict[str, Any]]:
        path = self._folder / EVENTS
        if not path.exists():
            return
        with path.open("rb") as file:
            file.seek(self._read)
            whole, end, _ = file.read().rpartition(b"\n")  # the rest is still being written
        self._read += len(whole) + len(end)
        for line in whole.splitlines():
            yield json.loads(line)

    def _note(self, event: dict[str, Any], take: OnEvent) -> None:
        match event:
            case {"imported": _}:
                self.imported = True
            case {"result": result}:
                self.busy = False
                found = Result.from_json(result)
                take(found.item, found.cases + found.real_cases, found)
            case {"count": int(count)}:
                self._count = count
                take(self._operator, count, None)
            case {"settled": settled}:
                self._settled = Result.from_json(settled)
            case {"dissent": dissent}:
                self._dissents.append(Dissent.from_json(dissent))
            case {"names": list(names)}:
                self.busy, self.names = False, names
                take("", 0, Result("", "conforms"))
            case _:  # an error
                self.busy = False
                take("", 0, Result("", "no import", note=event["error"]))

    def _age(self) -> float:
        """Return for how long the target has been at what it is at, in seconds."""
        try:
            found = (self._folder / MOMENT).stat()
        except FileNotFoundError:
            return 0.0
        return time.time() - found.st_mtime if found.st_size else 0.0

    def _moment(self) -> dict[str, str]:
        try:
            moment: dict[str, str] = json.loads((self._folder / MOMENT).read_text())
        except (OSError, ValueError):
            return {}
        return moment

    def _fail(self, verdict: str, what: str) -> Result:
        """Return a verdict on the operator it is at, with what was found before."""
        self.busy = False
        if self._settled is not None:
            self._settled.remarks["dies of nan"] = what
            return self._settled
        moment = self._moment()
        found = {"cases": self._count, "dissents": self._dissents}
        result = Result.of_item(self._operator, verdict, **found)
        result.seed = self._request.get("options", {}).get("seed", 0)
        if said := self._last_words():
            what += f"; its last words: {said}"
        if "importing" in moment:
            result.note = f"at '{moment['importing']}': {what}"
        elif moment:
            result.dissents = [*self._dissents, self._ended(verdict, what, moment)]
        else:
            result.note = f"outside any case: {what}"
        return result

    def _ended(self, kind: str, what: str, moment: dict[str, str]) -> Dissent:
        """Return the dissent of a process that ended at a case, and save it if it is a new one."""
        saved = load(self._folder / CURRENT)
        dissent = Dissent("target", kind, what, **moment, case=saved.case)
        if self._request["do"] == "replay":
            return dissent
        try:
            seen = Saved.of(dissent, saved.target, saved.operator)
            return replace(dissent, saved=str(save(self._failures, seen)))
        except OSError as error:
            return replace(dissent, origin=f"{dissent.origin}; it cannot be saved: {error}")

    def _last_words(self) -> str:
        for name in (STDERR, STDOUT):
            text = (self._folder / name).read_text(errors="replace").strip()
            if text:
                return printable(text.splitlines()[-1][:200])
        return ""


def _ending(status: int) -> str:
    if status < 0:
        return f"was killed by {signal.Signals(-status).name}"
    return f"ended with status {status} without a result"
