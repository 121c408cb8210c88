"""The process in which operators are checked; `watched` starts it and reads what it reports.

It answers requests, one JSON line each on standard input, with events, one JSON line each in a
file. What the target is at is in a folder for as long as it is at it, so that it outlives the
process. A target may spoil all of that, and then what fails is the check of one operator.
"""

import contextlib
import gc
import os
import sys
import traceback
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from json import JSONDecoder, JSONEncoder
from pathlib import Path
from typing import Any, TextIO

from refkernels.conformance.cases import operators
from refkernels.conformance.engine.examine import Moment
from refkernels.conformance.engine.replay import Saved, load, replay, save, saved_cases, write
from refkernels.conformance.engine.run import Options, Result, check_operator
from refkernels.conformance.model.dissent import NOT_SAVED, Dissent
from refkernels.conformance.model.operator import Case, Image
from refkernels.conformance.model.quoting import error_text, printable
from refkernels.conformance.peers.opening import open_target
from refkernels.conformance.process.images import read_images
from refkernels.conformance.process.witness import conforms_elsewhere
from refkernels.conformance.targets.adapter import TargetError
from refkernels.conformance.targets.target import Target

__all__ = [
    "BROKEN",
    "CURRENT",
    "EVENTS",
    "IMAGES",
    "JOB",
    "MOMENT",
    "STDERR",
    "STDOUT",
    "TEMPORARY",
    "main",
]

# In the folder of a worker: its job, the images whose boxes become cases, its events, what the
# target prints, the case that the target was given last, as it is saved, in which way it is run
# now, and what the target itself puts aside. The age of the moment's file, which is empty between
# two runs, tells a hang.
JOB, IMAGES, EVENTS = "job.json", "images.npz", "events.jsonl"
STDOUT, STDERR = "stdout.txt", "stderr.txt"
CURRENT, MOMENT, TEMPORARY = "current", "moment.json", "temporary"

# The status of a process in which the check itself failed, such that it cannot even report that.
BROKEN = 70

# Above this many elements of input a case is not pasted, only saved.
PASTE_LIMIT = 2000

# Of what a target prints, the first characters are kept.
PRINTED = 200

# Ours: a target may replace the functions of the module.
_encoded, _decoded = JSONEncoder().encode, JSONDecoder().decode


class Watch:
    """Writes down what the target is at before it is at it, and notices what it prints."""

    def __init__(self, folder: Path, target: str) -> None:
        self._folder, self.target = folder, target
        self._stdout = (folder / STDOUT).open("rb", buffering=0)
        self._case: Case | None = None
        self._written = 0
        self.operator = self.printed = ""
        self._moment = (folder / MOMENT).open("wb", buffering=0)  # open: it is written often
        (folder / CURRENT).mkdir()

    def importing(self) -> None:
        """Note that the target is being imported."""
        self._at({"importing": f"import {self.target}"})

    def __call__(self, moment: Moment | None) -> None:
        """Take what the target is going to be at, or None when that is over."""
        if moment is None:
            self._at(None)
            self._look()
            return
        case = moment.case
        if case is not self._case:
            seen = (moment.dtype, moment.mode, moment.context, "", "")
            write(self._folder / CURRENT, Saved(self.target, self.operator, case, "", *seen))
            self._case = case
        small = sum(x.size for x in case.inputs.values()) <= PASTE_LIMIT
        paste = moment.paste() if small else f"# a large case of {case.call(self.operator)}"
        self._written = self._size()
        self._at(
            {
                "dtype": moment.dtype,
                "mode": moment.mode,
                "context": moment.context,
                "origin": moment.origin,
                "paste": paste,
            }
        )

    def _at(self, moment: dict[str, str] | None) -> None:
        self._moment.seek(0)
        self._moment.truncate()
        if moment is not None:
            self._moment.write(_encoded(moment).encode())

    def _look(self) -> None:
        if not self.printed and self._size() > self._written:
            self._stdout.seek(self._written)
            self.printed = printable(self._stdout.read(PRINTED).decode(errors="replace"))

    def _size(self) -> int:
        with contextlib.suppress(Exception):  # a target may have put anything in its place
            sys.stdout.flush()
        return os.fstat(self._stdout.fileno()).st_size


def main(folder: Path) -> None:
    """Take requests from standard input until it ends, and answer one after the other.

    Parameters
    ----------
    folder : Path
        Holds the `JOB` and the `IMAGES`; all that is written goes there.
    """
    try:
        _serve(folder)
    except BaseException:  # whatever it is, it is no answer of the target
        traceback.print_exc()
        sys.exit(BROKEN)


def _serve(folder: Path) -> None:
    job = _decoded((folder / JOB).read_text())
    # The parent finds its modules where its own path says; so must this process.
    sys.path.extend(place for place in job["path"] if place not in sys.path)
    images = read_images(folder / IMAGES)
    requests = _take_standard_input()
    watch = Watch(folder, " ".join(job["target"]))
    with (folder / EVENTS).open("a") as events:

        def report(**event: Any) -> None:
            events.write(_encoded(event) + "\n")
            events.flush()

        watch.importing()
        try:
            target: Target | TargetError = open_target(job["target"])
        except TargetError as error:
            target = error
        watch(None)
        watch.printed = ""  # a greeting at import is no remark on an operator
        gc.freeze()  # what is imported stays; to look at it again and again takes time
        report(imported=True)
        desk = _Desk(target, watch, Path(job["failures"]), images, report)
        for line in requests:
            desk.answer(_decoded(line))


class _Desk:
    """Answers requests about one target."""

    def __init__(
        self,
        target: Target | TargetError,
        watch: Watch,
        failures: Path,
        images: list[Image],
        report: Callable[..., None],
    ) -> None:
        self._target, self._watch, self._failures = target, watch, failures
        self._images, self._report = images, report

    def answer(self, request: dict[str, Any]) -> None:
        """Report the result of a check or a replay, or the names that there are."""
        if request["do"] == "find":
            self._find()
            return
        item = request["operator"]
        if isinstance(self._target, TargetError):
            result = Result.of_item(item, "no import", note=printable(str(self._target)))
        else:
            try:
                self._watch.importing()
                target = self._target.of(item)
                self._watch(None)
                self._watch.printed = ""
                self._watch.operator, self._watch.target = item, target.spec
                if request["do"] == "replay":
                    result = self._replay(target, Path(request["place"]), request["strict"])
                else:
                    result = self._check(item, target, Options(**request["options"]))
            except TargetError as error:
                result = Result.of_item(item, "no import", note=printable(str(error)))
            except (Exception, SystemExit) as error:
                reason = f"the check itself failed: {error_text(error)}"
                result = Result.of_item(item, "error", note=reason)
            if self._watch.printed:
                result.remarks["prints"] = self._watch.printed
        self._report(result=result.as_json())

    def _find(self) -> None:
        if isinstance(self._target, TargetError):
            self._report(error=printable(str(self._target)))
            return
        self._report(names=self._target.items(operators().values()))

    def _replay(self, target: Target, place: Path, strict: bool) -> Result:
        return replay(load(place), target, str(place), strict=strict, watch=self._watch)

    def _check(self, item: str, target: Target, options: Options) -> Result:
        result = check_operator(
            item.rpartition("=")[2],
            target,
            options,
            self._images,
            list(saved_cases(self._failures, target.spec, item)),
            lambda count: self._report(operator=item, count=count),
            self._watch,
            partial(self._keep, target.spec, item),
            elsewhere=conforms_elsewhere,
            interim=lambda result: self._settle(result, target.place),
        )
        result.place = target.place
        return result

    def _settle(self, result: Result, place: str) -> None:
        """Report a verdict that stands, whatever ends this process from here on."""
        result.place = place
        self._report(settled=result.as_json())

    def _keep(self, target: str, name: str, dissent: Dissent) -> Dissent:
        try:
            place = save(self._failures, Saved.of(dissent, target, name))
            dissent = replace(dissent, saved=str(place))
        except (OSError, TypeError) as error:
            dissent = replace(dissent, origin=f"{dissent.origin}{NOT_SAVED}{error}")
        # At once: what the target does next may be the end of this process.
        self._report(operator=name, dissent=dissent.as_json())
        return dissent


def _take_standard_input() -> TextIO:
    """Return standard input for ourselves; a target that reads its own finds it at its end."""
    own = os.dup(0)
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.close(nothing)
    sys.stdin = open(0, closefd=False)  # noqa: SIM115
    return os.fdopen(own)
