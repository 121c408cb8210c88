"""Make one call after the other, in a process of its own, so that a crash is one finding."""

import faulthandler
import resource
import signal
import time
import traceback
import warnings
from collections import defaultdict
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from typing import Any

__all__ = ["Found", "Job", "Tally", "call_number", "examine_one", "work"]

# Memory that no call needs, so that one that asks for all there is has an error instead.
MOST_BYTES = 24 * 2**30

# A report is sent this often.
REPORT_SECONDS = 0.5

SHRINK_SECONDS = 4.0


@dataclass(frozen=True)
class Job:
    """Which calls a process makes: of turns `first`, `first + step` and so on, below `stop`.

    Attributes
    ----------
    seed : int
    names : tuple of str
        The operators.
    first, step, stop : int
    numbers : tuple of int
        The numbers of single calls, instead of all of those.
    end : float
        The time to stop at.
    trace : str
        The file in which a crash leaves a traceback.
    """

    seed: int
    names: tuple[str, ...]
    first: int
    step: int
    stop: int
    numbers: tuple[int, ...] = ()
    end: float = float("inf")
    trace: str = ""


@dataclass
class Tally:
    """How many calls of an operator there were, and what became of them."""

    calls: int = 0
    accepted: int = 0
    compared: int = 0
    findings: int = 0
    seconds: float = 0.0

    def add(self, other: "Tally") -> None:
        """Add another one's calls."""
        for name, value in vars(other).items():
            setattr(self, name, getattr(self, name) + value)


@dataclass(frozen=True)
class Found:
    """A finding with the call that shows it."""

    operator: str
    number: int
    kind: str
    what: str
    python: str


@dataclass
class Report:
    """What became of calls since the last report; `turn` is the last of them."""

    tallies: dict[str, Tally] = field(default_factory=lambda: defaultdict(Tally))
    found: list[Found] = field(default_factory=list)


def call_number(turn: int, names: tuple[str, ...], every: tuple[str, ...]) -> int:
    """Return the number of the call of a turn.

    A call's number says which operator it calls: they take turns, all of them, whichever are
    called.
    """
    return turn // len(names) * len(every) + every.index(names[turn % len(names)])


def examine_one(seed: int, number: int, *, shrunk: bool = False) -> tuple[str, Any, Found | None]:
    """Make the call of a number; return its operator, what became of it and what is wrong."""
    from tests.fuzz.shrink import shrink
    from tests.fuzz.subjects import subjects

    every = list(subjects().values())
    subject = every[number % len(every)]
    call = subject.call(seed, number)
    examined = subject.examine(call)
    finding = examined.finding
    if finding is None:
        return subject.name, examined, None
    if shrunk:
        call, finding = shrink(call, finding, SHRINK_SECONDS)
    python = call.python()
    return subject.name, examined, Found(subject.name, number, finding.kind, finding.what, python)


def work(job: Job, position: Any, reports: Connection) -> None:
    """Make the calls of a job; `position` holds the turn that it is at."""
    from tests.fuzz.subjects import subjects

    resource.setrlimit(resource.RLIMIT_AS, (MOST_BYTES, MOST_BYTES))
    with open(job.trace, "w") as trace:
        faulthandler.enable(trace)
        faulthandler.register(signal.SIGUSR1, trace)
        warnings.simplefilter("error")
        every = tuple(subjects())
        report, seen, sent = Report(), set(), time.monotonic()
        turns = range(len(job.numbers)) if job.numbers else range(job.first, job.stop, job.step)
        for turn in turns:
            if time.time() > job.end:
                break
            position.value = turn
            number = job.numbers[turn] if job.numbers else call_number(turn, job.names, every)
            _one(job.seed, number, every[number % len(every)], report, seen)
            if report.found or time.monotonic() - sent > REPORT_SECONDS:
                reports.send(report)
                report, sent = Report(), time.monotonic()
        reports.send(report)
        faulthandler.disable()


def _one(seed: int, number: int, name: str, report: Report, seen: set[tuple[str, str]]) -> None:
    started = time.perf_counter()
    tally = report.tallies[name]
    tally.calls += 1
    try:
        _, examined, found = examine_one(seed, number)
        tally.accepted += examined.accepted
        tally.compared += examined.compared
        tally.seconds += time.perf_counter() - started
        if found is not None and (name, found.kind) not in seen:
            seen.add((name, found.kind))
            found = examine_one(seed, number, shrunk=True)[2] or found
    except Exception as error:  # of the fuzzer itself, or of the definition
        kind = f"cannot be examined: {type(error).__name__}"
        found = Found(name, number, kind, str(error), traceback.format_exc())
    if found is not None:
        tally.findings += 1
        report.found.append(found)
