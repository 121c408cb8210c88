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
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any, NamedTuple, NoReturn
from unittest import mock

from refkernels.conformance.engine import run
from refkernels.conformance.engine.examine import Moment
from refkernels.conformance.model.operator import Image
from refkernels.conformance.targets.adapter import TargetError
from refkernels.conformance.targets.target import Target
from tests.mutants.affected import affected
from tests.mutants.configurations import CONFIGURABLE, configurations
from tests.mutants.copies import write_copies
from tests.mutants.first_failure import FirstFailure, Killed
from tests.mutants.mutant import Mutant

__all__ = ["Fate", "judge", "sample_images"]

# One call that takes longer hangs: the time limit of `refkernels check` is twice that.
SECONDS = 60

# With configurations, each is tried on so many cases first, the first of those that follow: most
# mutants die there.
FIRST_EXAMPLES = 10

# So is a mutant of an operator without a block as plain Python, for so many seconds at most of
# each operator that it affects: to compile one takes longer than most live.
PLAIN_SECONDS = 10


@dataclass(frozen=True)
class Fate:
    """What became of a mutant.

    Parameters
    ----------
    mutant : Mutant
    how : str
        What killed it: the kind of the dissent, "crashes", "hangs", "no import", or "not offered"
        of what the original offers, which is all; empty if it survived.
    operator : str
        On which operator.
    examples : int
        Within how many examples; 0 for a law, a scope that is tried whole, or an import.
    what : str
        The dissent.
    config : str
        The configuration that it was found under, where it was fixed.
    survived : int
        How many configurations it survived all examples under, before its time was up.
    untried : int
        How many no case could be drawn for.
    broken : str
        An error that a check itself stopped with, if one did.
    seconds : float
    """

    mutant: Mutant
    how: str = ""
    operator: str = ""
    examples: int = 0
    what: str = ""
    config: str = ""
    survived: int = 0
    untried: int = 0
    broken: str = ""
    seconds: float = 0.0

    @property
    def killed(self) -> bool:
        """Whether the check told it from the block."""
        return bool(self.how)


class _Plan(NamedTuple):
    """How far to go with a mutant; `judge` says what each number is."""

    configs: int
    budget: int
    max_examples: int
    plain: bool = False


def sample_images() -> list[Image]:
    """Return the images whose boxes become cases by default."""
    from refkernels.cli.options import images_of

    images: list[Image] = images_of(None)
    return images


def judge(
    mutants: Sequence[Mutant],
    images: Sequence[Image],
    *,
    workers: int = 2,
    max_examples: int = 100,
    configs: int = 0,
    budget: int = 60,
    plain: bool = False,
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
    configs : int
        How many configurations of each operator to check under, one by one, and without images; 0
        checks as `refkernels check` does, with parameters of every sort.
    budget : int
        How many seconds of computing to spend on a mutant under fixed configurations.
    plain : bool
        Whether to leave alive what lives as plain Python, where it is of an operator.
    """
    fork = multiprocessing.get_context("fork")
    waiting = list(mutants)
    running: dict[Connection, tuple[Mutant, BaseProcess, float]] = {}
    with tempfile.TemporaryDirectory(prefix="refkernels-mutants-") as folder:
        while waiting or running:
            while waiting and len(running) < workers:
                mutant, (ours, theirs) = waiting.pop(0), fork.Pipe(duplex=False)
                name = f"mutant_{len(mutants) - len(waiting)}"
                plan = _Plan(configs, budget, max_examples, plain)
                arguments = (mutant, name, Path(folder), images, plan, theirs)
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
        return Fate(
            mutant, broken=answer["error"], seconds=seconds
        )  # others are checked all the same
    return Fate(mutant, **answer, seconds=seconds)


def _check(
    mutant: Mutant,
    name: str,
    folder: Path,
    images: Sequence[Image],
    plan: _Plan,
    answer: Connection,
) -> None:
    """Check a mutant in this process, and send what becomes of it."""
    os.chdir(folder)
    nothing = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nothing, 1)  # MXNet writes there by itself
    os.dup2(nothing, 2)
    sys.path.insert(0, str(folder))
    try:
        if mutant.is_of_operator:
            answer.send(_first_failure_of_operator(mutant, name, folder, images, plan))
            answer.close()
            os._exit(0)
        mutant.write(folder, name)
        if plan.configs:
            answer.send(_first_failure_configured(name, affected(mutant), plan))
        else:
            options = run.Options(plan.max_examples)
            answer.send(_first_failure(name, affected(mutant), images, options))
    except Exception as error:
        answer.send({"error": f"{type(error).__name__}: {error}"})
    answer.close()
    os._exit(0)  # MXNet has nothing to clean up that it did not start here


def _first_failure(
    name: str,
    operators: Sequence[str],
    images: Sequence[Image],
    options: run.Options,
    *,
    watched: bool = True,
) -> dict[str, Any]:
    try:
        target = Target(name)
    except TargetError as error:
        return {"how": "no import", "what": str(error)}
    for operator in operators:
        result, answer = _checked(operator, target, options, images, watched=watched)
        answer = answer or _told(operator, result)
        if answer:
            return answer
    return {}


def _told(operator: str, result: run.Result) -> dict[str, Any]:
    """Return what the result of a check says against a mutant, if anything."""
    if result.verdict != "conforms":
        return {"how": result.verdict, "operator": operator, "what": result.note}
    if result.not_offered:  # the check tells it, and fails it if it is strict
        lacks = "; ".join(f"{what}: {why}" for what, why in result.not_offered.items())
        return {"how": "not offered", "operator": operator, "what": lacks}
    return {}


def _first_failure_of_operator(
    mutant: Mutant, name: str, folder: Path, images: Sequence[Image], plan: _Plan
) -> dict[str, Any]:
    """Check as plain Python, on few examples, and then what is left of all, compiled."""
    write_copies(mutant, folder, f"{name}_plain", compiled=False)
    options = run.Options(min(FIRST_EXAMPLES, plan.max_examples), scope_seconds=1)
    for operator in affected(mutant):
        found = _first_failure_in_time(f"{name}_plain", operator, options)
        if found:
            return {**found, "what": f"as Python: {found['what']}"}
    if plan.plain:
        return {}
    write_copies(mutant, folder, name, compiled=True)
    return _first_failure(name, affected(mutant), images, run.Options(plan.max_examples))


def _first_failure_in_time(name: str, operator: str, options: run.Options) -> dict[str, Any]:
    """Check plain Python for `PLAIN_SECONDS`; what takes longer has shown nothing."""
    late = False

    def end(*arguments: object) -> NoReturn:
        nonlocal late
        late = True
        signal.alarm(1)  # what hangs in one call does in the next
        raise TimeoutError("as plain Python it takes too long")

    found: dict[str, Any] = {}
    before = signal.signal(signal.SIGALRM, end)
    signal.alarm(PLAIN_SECONDS)
    try:
        found = _first_failure(name, [operator], (), options, watched=False)
    except Exception:
        if not late:  # it may come out as another error, as while a case is drawn
            raise
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)
    # What the alarm raises within a call looks like a fault of the mutant.
    return {} if late else found


def _first_failure_configured(name: str, operators: Sequence[str], plan: _Plan) -> dict[str, Any]:
    """Check under one fixed configuration after the other, as `assert_conforms` does."""
    try:
        target = Target(name)
    except TargetError as error:
        return {"how": "no import", "what": str(error)}
    drawn = {
        operator: configurations(operator, plan.configs)
        for operator in operators
        if operator in CONFIGURABLE
    }
    # One of each operator, then the next of each: what differs seldom differs in all of them.
    places = [
        (operator, own[i])
        for i in range(plan.configs)
        for operator, own in drawn.items()
        if i < len(own)
    ]
    survived, untried, broken = 0, 0, ""
    started = time.process_time()
    for examples in sorted({min(FIRST_EXAMPLES, plan.max_examples), plan.max_examples}):
        survived = untried = 0
        for operator, config in places:
            if time.process_time() - started > plan.budget:
                return {"survived": survived, "untried": untried, "broken": broken}
            try:
                result, answer = _checked(operator, target, run.Options(examples), (), config)
            except Exception as error:
                broken = f"{operator}({dict(config)}): {type(error).__name__}: {error}"
                continue
            if not answer and result.verdict != "error":
                answer = _told(operator, result)
            if answer:
                return {**answer, "config": f"{operator}({dict(config)})"}
            untried += result.verdict == "error"
            survived += result.verdict == "conforms" and examples == plan.max_examples
    return {"survived": survived, "untried": untried, "broken": broken}


def _checked(
    operator: str,
    target: Target,
    options: run.Options,
    images: Sequence[Image],
    config: Mapping[str, Any] | None = None,
    *,
    watched: bool = True,
) -> tuple[Any, dict[str, Any]]:
    """Check one operator up to the first dissent; return the result, or else what to say of it."""
    count = 0

    def progress(cases: int) -> None:
        nonlocal count
        count = cases

    def watch(moment: Moment | None) -> None:
        if watched:
            signal.alarm(0 if moment is None else SECONDS)  # which ends this process

    check: Callable[..., run.Result] = run.check_operator
    with mock.patch.object(run, "Examiner", FirstFailure):
        try:
            keywords = {"progress": progress, "watch": watch, "config": config}
            return check(operator, target, options, images, **keywords), {}
        except Killed as killed:
            dissent = killed.dissent
            return None, {
                "how": dissent.kind,
                "operator": operator,
                "examples": 0 if killed.law else count,
                "what": f"{dissent.dtype}, {dissent.mode}: {dissent.what}",
            }
