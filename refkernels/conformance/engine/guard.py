"""Run what is not ours so that it leaves no trace in the process, and tell its interrupts apart."""

import signal
import sys
import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

import numpy as np

__all__ = ["TargetInterrupt", "guarded"]


class TargetInterrupt(Exception):
    """A `KeyboardInterrupt` that no one has sent: a target raised it, as its cause says."""


@contextmanager
def guarded() -> Iterator[None]:
    """Undo what a target changes of how Python and NumPy deal with errors.

    Filters of warnings, what NumPy does about floating-point errors, and how deep calls may go are
    afterwards as they were: a target that has warnings raised does so to itself alone.

    Raises
    ------
    KeyboardInterrupt
        If somebody interrupts this process meanwhile.
    TargetInterrupt
        If the body raises a `KeyboardInterrupt` by itself.
    """
    filters, depth = list(warnings.filters), sys.getrecursionlimit()
    try:
        with np.errstate(), _interrupts_told_apart():
            yield
    finally:
        if sys.getrecursionlimit() != depth:
            sys.setrecursionlimit(depth)
        if list(warnings.filters) != filters:
            warnings.resetwarnings()  # which also makes Python forget what it has filtered so far
            warnings.filters[:] = filters  # type: ignore[index]


@contextmanager
def _interrupts_told_apart() -> Iterator[None]:
    sent = False

    def note(number: int, frame: FrameType | None) -> None:
        """Note that the interrupt is one that was sent, and raise it."""
        nonlocal sent
        sent = True
        signal.default_int_handler(number, frame)

    is_main = threading.current_thread() is threading.main_thread()
    if not is_main or signal.getsignal(signal.SIGINT) is not signal.default_int_handler:
        yield  # who it comes from is not to be seen here: it is taken for sent
        return
    signal.signal(signal.SIGINT, note)
    try:
        yield
    except KeyboardInterrupt as error:
        if sent:
            raise
        raise TargetInterrupt from error
    finally:
        if signal.getsignal(signal.SIGINT) is note:
            signal.signal(signal.SIGINT, signal.default_int_handler)
