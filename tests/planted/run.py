"""Hold planted mistakes and their right twins to `assert_conforms`, side by side."""

import importlib.util
import os
import signal
import tempfile
import time
import warnings
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from contextlib import AbstractContextManager, nullcontext
from multiprocessing import get_context
from typing import Any, NamedTuple, NoReturn
from unittest import mock

from refkernels.conformance import assert_conforms
from refkernels.conformance.engine import run
from tests.mutants.first_failure import FirstFailure, Killed
from tests.planted.planted import Planted

__all__ = ["Outcome", "Pair", "is_runnable", "judge", "outcome"]

# Longer than any check takes here by far.
SECONDS = 600


class Outcome(NamedTuple):
    """What became of one check.

    Attributes
    ----------
    verdict : str
        "conforms"; "differs", with the difference; or "error", if it could not be checked.
    what : str
        The first line of the message.
    seconds : float
    """

    verdict: str
    what: str
    seconds: float


class Pair(NamedTuple):
    """What became of a mistake and of its right twin."""

    planted: Planted
    wrong: Outcome
    right: Outcome

    @property
    def is_told_apart(self) -> bool:
        """Whether the mistake was found, and the right code found right."""
        return self.wrong.verdict == "differs" and self.right.verdict == "conforms"


def is_runnable(planted: Planted) -> bool:
    """Return whether the framework that the code is in is installed."""
    return planted.style == "numpy" or importlib.util.find_spec("torch") is not None


def judge(table: Sequence[Planted], workers: int, *, quick: bool) -> Iterator[Pair]:
    """Yield what becomes of each, as soon as it is known; a twin of several is checked once.

    `quick` leaves the first difference as it is, and makes no smaller one of it.
    """
    context = get_context("fork")
    twins: dict[Any, Any] = {}
    with (
        tempfile.TemporaryDirectory(prefix="refkernels-planted-") as folder,
        ProcessPoolExecutor(workers, context, _start, (folder,)) as pool,
    ):
        wrongs = {}
        for planted in table:
            if _twin(planted) not in twins:
                twins[_twin(planted)] = pool.submit(outcome, planted, right=True, quick=quick)
            wrongs[pool.submit(outcome, planted, right=False, quick=quick)] = planted
        for done in as_completed(wrongs):
            planted = wrongs[done]
            yield Pair(planted, done.result(), twins[_twin(planted)].result())


def outcome(planted: Planted, *, right: bool, quick: bool = False) -> Outcome:
    """Check one side at default settings, in this process."""
    started = time.perf_counter()
    signal.alarm(SECONDS)
    try:
        subject = planted.right() if right else planted.wrong()
        with warnings.catch_warnings(), _first_failure() if quick else nullcontext():
            warnings.simplefilter("ignore")
            assert_conforms(subject, planted.operator, config=planted.config)
    except (AssertionError, Killed) as error:
        verdict, what = "differs", _first_line(error)
    except Exception as error:
        verdict, what = "error", f"{type(error).__name__}: {_first_line(error)}"
    else:
        verdict, what = "conforms", ""
    finally:
        signal.alarm(0)
    return Outcome(verdict, what, time.perf_counter() - started)


def _first_failure() -> AbstractContextManager[Any]:
    return mock.patch.object(run, "Examiner", FirstFailure)


def _twin(planted: Planted) -> tuple[str, str, str]:
    return planted.operator, planted.style, repr(planted.config)


def _first_line(error: BaseException) -> str:
    return next(iter(str(error).splitlines()), "")


def _start(folder: str) -> None:
    """Prepare a process: nothing is written to the tree, and what hangs is ended."""
    os.chdir(folder)
    os.environ["HYPOTHESIS_STORAGE_DIRECTORY"] = folder
    if importlib.util.find_spec("torch") is not None:
        import torch

        torch.set_num_threads(1)
    signal.signal(signal.SIGALRM, _hang)


def _hang(*arguments: object) -> NoReturn:
    raise TimeoutError(f"it takes more than {SECONDS} s")
