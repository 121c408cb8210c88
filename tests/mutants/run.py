"""Hold mutants to `refkernels check`, each in a process of its own, up to the first failure.

A process is forked from one that has imported everything and loaded the kernels, so that a mutant
costs little more than the cases that it takes to kill it.
"""

import multiprocessing
import os
import signal
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any
from unittest import mock

from refkernels.conformance import run
from refkernels.conformance.examine import Examiner, Moment
from refkernels.conformance.spec import Case, Image
from refkernels.conformance.target import Target, TargetError
from tests.mutants.affected import affected
from tests.mutants.mutant import Mutant

__all__ = ["Fate", "judge", "sample_images"]

# One call that takes longer hangs: the time limit of `refkernels check` is twice that.
SECONDS = 60


@dataclass(frozen=True)
class Fate:
    """What became of a mutant.

    Parameters
    ----------
    mutant : Mutant
    how : str
        What killed it: the kind of the dissent, "crashes", "hangs", "no import"; empty if it
        survived.
    operator : str
        On which operator.
    examples : int
        Within how many examples; 0 for a law or an import.
    what : str
        The dissent.
    seconds : float
    """

    mutant: Mutant
    how: str = ""
    operator: str = ""
    examples: int = 0
    what: str = ""
    seconds: float = 0.0

    @property
    def killed(self) -> bool:
        """Whether the check told it from the block."""
        return bool(self.how)


class _Killed(BaseException):
    """Carries a dissent out of everything that would look for a smaller one."""


class _FirstFailure(Examiner):
    """An examiner that ends the check at the first dissent."""

    def examine(self, case: Case, *arguments: Any) -> None:
        return _raised(super().examine(case, *arguments))

    def examine_laws(self, name: str = "") -> None:
        return _raised(super().examine_laws(name), law=True)


def _raised(dissent: Any, *, law: bool = False) -> None:
    if dissent is not None:
        if dissent.who == "kernel":
            raise AssertionError(f"the kernel dissents, not the mutant: {dissent.what}")
        raise _Killed(dissent, law)


def sample_images() -> list[Image]:
    """Return the images whose boxes become cases by default."""
    from refkernels import cli

    images: list[Image] = cli._images(None)
    return images


def judge(
    mutants: Sequence[Mutant],
    images: Sequence[Image],
    *,
    workers: int = 2,
    max_examples: int = 100,
) -> Iterator[Fate]:
    """Yield the fate of each mutant, in the order in which they are known.

    Parameters
    ----------
    mutants : sequence of Mutant
    images : sequence of Image
        Boxes that make further cases.
    workers : int
        How many side by side.
    max_examples : int
        Drawn cases per operator.
    """
    fork = multiprocessing.get_context("fork")
    waiting = list(mutants)
    running: dict[Connection, tuple[Mutant, BaseProcess, float]] = {}
    with tempfile.TemporaryDirectory(prefix="refkernels-mutants-") as folder:
        while waiting or running:
            while waiting and len(running) < workers:
                mutant, (ours, theirs) = waiting.pop(0), fork.Pipe(duplex=False)
                name = f"mutant_{len(mutants) - len(waiting)}"
                arguments = (mutant, name, Path(folder), images, max_examples, theirs)
                process = fork.Process(target=_check, args=arguments)
                process.start()
                theirs.close()
                running[ours] = mutant, process, time.monotonic()
            for ours in wait(list(running)):
                assert isinstance(ours, Connection)
                mutant, process, started = running.pop(ours)
                yield _fate(mutant, ours, process, time.monotonic() - started)
                ours.close()


def _fate(mutant: Mutant, ours: Connection, process: BaseProcess, seconds: float) -> Fate:
    try:
        answer = ours.recv()
    except EOFError:
        process.join()
        how = "hangs" if process.exitcode == -signal.SIGALRM else "crashes"
        return Fate(mutant, how, what=f"status {process.exitcode}", seconds=seconds)
    process.join()
    if "error" in answer:
        raise RuntimeError(f"{mutant.name} could not be checked: {answer['error']}")
    return Fate(mutant, **answer, seconds=seconds)


def _check(
    mutant: Mutant,
    name: str,
    folder: Path,
    images: Sequence[Image],
    max_examples: int,
    answer: Connection,
) -> None:
    """Check a mutant in this process, and send what becomes of it."""
    os.chdir(folder)
    nothing = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nothing, 1)  # MXNet writes there by itself
    os.dup2(nothing, 2)
    try:
        mutant.write(folder, name)
        sys.path.insert(0, str(folder))
        answer.send(_first_failure(name, affected(mutant), images, max_examples))
    except Exception as error:
        answer.send({"error": f"{type(error).__name__}: {error}"})
    answer.close()
    os._exit(0)  # MXNet has nothing to clean up that it did not start here


def _first_failure(
    name: str, operators: Sequence[str], images: Sequence[Image], max_examples: int
) -> dict[str, Any]:
    try:
        target = Target(name)
    except TargetError as error:
        return {"how": "no import", "what": str(error)}
    count = 0

    def progress(cases: int) -> None:
        nonlocal count
        count = cases

    def watch(moment: Moment | None) -> None:
        signal.alarm(0 if moment is None else SECONDS)  # which ends this process

    check: Callable[..., run.Result] = run.check_operator
    options = run.Options(max_examples)
    with mock.patch.object(run, "Examiner", _FirstFailure):
        for operator in operators:
            count = 0
            try:
                result = check(operator, target, options, images, progress=progress, watch=watch)
            except _Killed as killed:
                dissent, law = killed.args
                place = f"{dissent.dtype}, {dissent.mode}"
                return {
                    "how": dissent.kind,
                    "operator": operator,
                    "examples": 0 if law else count,
                    "what": f"{place}: {dissent.what}",
                }
            if result.verdict != "conforms":
                return {"how": result.verdict, "operator": operator, "what": result.note}
    return {}
