"""A worker process as its parent sees it.

What the target is at runs in the worker, and may do to it, and to its folder, whatever it likes. So
nothing that the worker says is taken for granted: what cannot be read is one operator's verdict.
"""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any, BinaryIO

from refkernels.conformance.engine.replay import Saved, load, save
from refkernels.conformance.engine.run import Result
from refkernels.conformance.model.dissent import NOT_SAVED, Dissent
from refkernels.conformance.model.quoting import error_text, printable
from refkernels.conformance.model.verdict import VERDICTS
from refkernels.conformance.process.worker import (
    BROKEN,
    CURRENT,
    EVENTS,
    MOMENT,
    STDERR,
    STDOUT,
    TEMPORARY,
)

__all__ = ["OnEvent", "Worker"]

# An import may take longer than the time limit for a call, up to this.
IMPORT_SECONDS = 60

# Between two calls of the target a worker is at what is ours; it is lost if that takes longer.
OWN_SECONDS = 900

# Of what a target has printed, so many bytes at the end are looked at.
TAIL = 4096

OnEvent = Callable[[str, int, Result | None], None]


class Worker:
    """A process that is asked for one thing after the other.

    Parameters
    ----------
    folder : Path
        Its own, with what `worker.main` reads.
    failures : Path
        Where counterexamples are saved.

    Attributes
    ----------
    busy : bool
        Whether it owes an answer.
    gone : bool
        Whether the process has ended, or is of no more use.
    imported : bool
        Whether the target could be imported, or could not in an orderly way.
    names : list of str
        The target's operators, after it was asked to find them.
    """

    def __init__(self, folder: Path, failures: Path) -> None:
        self.busy = self.gone = self.imported = False
        self.names: list[str] = []
        self._folder, self._failures = folder, failures
        self._operator, self._count, self._read = "", 0, 0
        self._request: dict[str, Any] = {}
        self._dissents: list[Dissent] = []
        self._settled: Result | None = None
        self._sign: tuple[int, ...] = ()
        self._since = time.monotonic()
        import refkernels

        # The same refkernels as here, wherever from; and processes are side by side already, one
        # for each core.
        places = [str(Path(refkernels.__file__).parents[1]), os.environ.get("PYTHONPATH")]
        path = os.pathsep.join(place for place in places if place)
        own = {"PYTHONPATH": path, "OMP_NUM_THREADS": "1"}
        own["HYPOTHESIS_STORAGE_DIRECTORY"] = str(folder)  # nothing of it is kept
        own["TMPDIR"] = str(folder / TEMPORARY)  # nor of what a target leaves when it is killed
        (folder / TEMPORARY).mkdir()
        environment = {**os.environ, **own}
        flags = [f"-W{option}" for option in sys.warnoptions]  # what is an error here is one there
        waited_at, held = os.pipe()
        self._pipe = os.fdopen(held, "wb")
        module = ["-m", "refkernels.conformance.process.keeper", str(waited_at), str(folder)]
        with (folder / STDOUT).open("wb") as out, (folder / STDERR).open("wb") as err:
            self._process = subprocess.Popen(
                [sys.executable, *flags, *module],
                stdin=subprocess.PIPE,
                stdout=out,
                stderr=err,
                env=environment,
                pass_fds=(waited_at,),
                start_new_session=True,
            )
        os.close(waited_at)
        # Opened now: the target may put anything in their places later.
        names = (EVENTS, MOMENT, STDOUT, STDERR)
        self._files = {name: (folder / name).open("a+b", buffering=0) for name in names}

    def send(self, operator: str, **request: Any) -> None:
        """Give it the next request: `do` says what, with the rest."""
        self.busy, self._operator, self._count, self._dissents = True, operator, 0, []
        self._settled = None
        self._request = request
        self._since = time.monotonic()
        assert self._process.stdin is not None
        with suppress(BrokenPipeError):  # it died; read() says so
            self._process.stdin.write(f"{json.dumps({**request, 'operator': operator})}\n".encode())
            self._process.stdin.flush()

    def read(self, take: OnEvent, time_limit: float) -> Result | None:
        """Hand on what it has reported, and return a verdict if it died or stalled at that."""
        status = self._process.poll()  # first: a process that has ended reports nothing more
        was_busy = self.busy
        try:
            told = [self._noted(json.loads(line)) for line in self._lines()]
        except Exception as error:  # whatever the target wrote there
            self.gone, self.busy = True, False
            return self._error(f"its reports cannot be read: {error_text(error)}", was_busy)
        for count, result in filter(None, told):
            take(self._operator, count, result)
        if status is not None:
            self.gone = True
            if not self.busy:
                return None
            if status == BROKEN:
                return self._error(f"the check itself failed{self._last_words()}")
            return self._fail("crashes", f"the process {_ending(status)}")
        seconds, at_target = self._stands_still()
        if not self.imported:
            time_limit = max(time_limit, IMPORT_SECONDS)
        if self.busy and seconds > (time_limit if at_target else OWN_SECONDS):
            self.gone = True
            self._kill()
            if at_target:
                return self._fail("hangs", f"no answer within {time_limit:g} s")
            return self._error(f"between two calls of it, no sign for {OWN_SECONDS:g} s")
        return None

    def stop(self) -> None:
        """End the process, and all that its target has started."""
        self.gone = True
        assert self._process.stdin is not None
        with suppress(BrokenPipeError):
            self._process.stdin.close()
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(timeout=2)
        self._kill()
        for file in (self._pipe, *self._files.values()):
            file.close()

    def _kill(self) -> None:
        # The keeper is of that group too, so that it is there when the worker is no more.
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.kill()  # a target may have left the group
        self._process.wait()

    def _lines(self) -> Iterator[bytes]:
        file = self._files[EVENTS]
        if _size(file) < self._read:
            raise ValueError("some are no longer there")
        file.seek(self._read)
        whole, end, _ = file.read().rpartition(b"\n")  # the rest is still being written
        self._read += len(whole) + len(end)
        yield from whole.splitlines()

    def _noted(self, event: dict[str, Any]) -> tuple[int, Result | None] | None:
        """Note an event, and return what there is to hand on: a count of cases, and a result."""
        match event:
            case {"imported": _}:
                self.imported = True
            case {"result": result}:
                self.busy = False
                found = self._known(Result.from_json(result))
                # A check that failed itself may go on failing, of what this operator did.
                self.gone = self.gone or found.verdict == "error"
                return found.cases + found.real_cases, found
            case {"count": int(count)}:
                self._count = count
                return count, None
            case {"settled": settled}:
                self._settled = self._known(Result.from_json(settled))
            case {"dissent": dissent}:
                self._dissents.append(Dissent.from_json(dissent))
            case {"names": list(names)}:
                self.busy, self.names = False, names
                return 0, Result("", "conforms")
            case {"error": str(error)}:
                self.busy = False
                return 0, Result("", "no import", note=error)
            case _:
                raise ValueError("one is of no known kind")
        return None

    def _known(self, result: Result) -> Result:
        """Return a result, or raise if it is none of what was asked for."""
        if result.operator != self._operator.rpartition("=")[2] or result.verdict not in VERDICTS:
            raise ValueError("one is of something else")
        return result

    def _stands_still(self) -> tuple[float, bool]:
        """Return for how long nothing has changed, in seconds, and whether the target is at it.

        By this process's own clock: a file's time is of another one, and may be set.
        """
        found = os.fstat(self._files[MOMENT].fileno())
        sign = (found.st_mtime_ns, found.st_size, self._read)
        if sign != self._sign:
            self._sign, self._since = sign, time.monotonic()
        return time.monotonic() - self._since, found.st_size > 0

    def _error(self, note: str, is_asked_for: bool = True) -> Result | None:
        """Return that the operator it is at could not be checked, with what was found before."""
        self.busy = False
        if not is_asked_for:
            return None
        found = {"cases": self._count, "dissents": self._dissents}
        return Result.of_item(self._operator, "error", note=note, **found)

    def _fail(self, verdict: str, what: str) -> Result | None:
        """Return a verdict on the operator it is at, with what was found before."""
        self.busy = False
        if self._settled is not None:
            self._settled.remarks["dies of nan"] = what
            return self._settled
        found = {"cases": self._count, "dissents": self._dissents}
        result = Result.of_item(self._operator, verdict, **found)
        result.seed = self._request.get("options", {}).get("seed", 0)
        what += self._last_words()
        try:
            moment = self._moment()
            if "importing" in moment:
                result.note = f"at '{moment['importing']}': {what}"
            elif moment:
                result.dissents = [*self._dissents, self._ended(verdict, what, moment)]
            else:
                result.note = f"outside any case: {what}"
        except Exception as error:  # the target has been at those files, or was just killed
            return self._error(f"{what}; at which case cannot be read: {error_text(error)}")
        return result

    def _moment(self) -> dict[str, str]:
        file = self._files[MOMENT]
        file.seek(0)
        moment: dict[str, str] = json.loads(file.read() or b"{}")
        return moment

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
            return replace(dissent, origin=f"{dissent.origin}{NOT_SAVED}{error}")

    def _last_words(self) -> str:
        """Return the last line that the process has printed, as the end of a sentence."""
        for name in (STDERR, STDOUT):
            file = self._files[name]
            file.seek(max(0, _size(file) - TAIL))
            if text := file.read(TAIL).decode(errors="replace").strip():
                return f"; its last words: {printable(text.splitlines()[-1][:200])}"
        return ""


def _size(file: BinaryIO) -> int:
    return os.fstat(file.fileno()).st_size


def _ending(status: int) -> str:
    if status < 0:
        name = (
            signal.Signals(-status).name if -status in set(signal.Signals) else f"signal {-status}"
        )
        return f"was killed by {name}"
    return f"ended with status {status} without a result"
