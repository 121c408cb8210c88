"""Processes that make calls side by side; one that crashes or hangs is a finding, and replaced."""

import multiprocessing
import os
import signal
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

from tests.fuzz.worker import Found, Job, Report, call_number, work

__all__ = ["run"]

# A call may compile a kernel, which takes a minute or two on a busy machine.
HANG_SECONDS = 300.0

# Where this many processes die, what is wrong is not a single call.
MOST_DEATHS = 100


@dataclass
class _Member:
    """A process, the job that it does, and where it is."""

    job: Job
    process: BaseProcess
    position: Any
    reports: Connection
    turn: int = -1
    since: float = 0.0


Work = Callable[[Job, Any, Connection], None]


def run(
    job: Job, processes: int, on_report: Callable[[Report], None], *, work: Work = work
) -> None:
    """Make the calls of a job in several processes.

    Parameters
    ----------
    job : Job
        All calls; each process takes its share.
    processes : int
    on_report : callable
        Called with what became of some calls.
    work : callable
        What a process does.
    """
    with tempfile.TemporaryDirectory(prefix="refkernels-fuzz-") as folder:
        crew = [
            _start(
                replace(job, first=k, step=processes, trace=str(Path(folder, f"trace-{k}"))), work
            )
            for k in range(1 if job.numbers else processes)
        ]
        deaths = 0
        try:
            while crew:
                ready = wait([member.reports for member in crew], timeout=1.0)
                for member in list(crew):
                    if member.reports in ready and _received(member, on_report):
                        continue
                    hangs = member.reports not in ready and _hangs(member)
                    if member.reports in ready or hangs:
                        crew.remove(member)
                        rest = _end(member, hangs, on_report)
                        deaths += rest is not None
                        if rest is not None and deaths < MOST_DEATHS:
                            crew.append(_start(rest, work))
        finally:
            for member in crew:
                member.process.kill()


def _start(job: Job, work: Work) -> _Member:
    spawn = multiprocessing.get_context("spawn")
    position = spawn.RawValue("q", -1)
    ours, theirs = spawn.Pipe(duplex=False)
    process = spawn.Process(target=work, args=(job, position, theirs), daemon=True)
    process.start()
    theirs.close()
    return _Member(job, process, position, ours, since=time.monotonic())


def _received(member: _Member, on_report: Callable[[Report], None]) -> bool:
    """Read a report; return whether there was one."""
    try:
        on_report(member.reports.recv())
    except (EOFError, OSError):
        return False
    return True


def _hangs(member: _Member) -> bool:
    turn = member.position.value
    if turn != member.turn:
        member.turn, member.since = turn, time.monotonic()
    return time.monotonic() - member.since > HANG_SECONDS


def _end(member: _Member, hangs: bool, on_report: Callable[[Report], None]) -> Job | None:
    """Report how a process came to its end; return what is left of its job if that was too soon."""
    if hangs and member.process.pid is not None:
        os.kill(member.process.pid, signal.SIGUSR1)  # at which it writes down where it is
        time.sleep(1.0)
        member.process.kill()
    member.process.join()
    status, turn, job = member.process.exitcode, member.position.value, member.job
    if status == 0:
        return None
    on_report(_death(job, turn, "hangs" if hangs else _words(status)))
    if job.numbers:
        left = job.numbers[turn + 1 :]
        return replace(job, numbers=left) if left else None
    return replace(job, first=max(turn, job.first - job.step) + job.step)


def _words(status: int | None) -> str:
    if status is not None and status < 0:
        return f"crashes with {signal.Signals(-status).name}"
    return f"ends its process with status {status}"


def _death(job: Job, turn: int, kind: str) -> Report:
    from tests.fuzz.subjects import subjects

    every = subjects()
    number = (
        job.numbers[turn] if job.numbers else call_number(max(turn, 0), job.names, tuple(every))
    )
    name = list(every)[number % len(every)]
    trace = Path(job.trace).read_text() if Path(job.trace).exists() else ""
    python = every[name].call(job.seed, number).python()
    report = Report()
    report.tallies[name].calls += 1
    report.tallies[name].findings += 1
    report.found.append(Found(name, number, kind, trace[-2000:] or kind, python))
    return report
