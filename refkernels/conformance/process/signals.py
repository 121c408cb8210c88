"""Commands that are told to end do so as if they had come to it: they end what they started."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import NoReturn

__all__ = ["ending_in_order"]


@contextmanager
def ending_in_order() -> Iterator[None]:
    """Leave by `SystemExit`, with status 128 and the signal's number, on SIGTERM and SIGHUP.

    One that is ignored, as below ``nohup``, or that somebody takes already, is left as it is.
    """

    def leave(number: int, frame: FrameType | None) -> NoReturn:
        """Leave, undisturbed by more of them."""
        for own in taken:
            signal.signal(own, signal.SIG_IGN)
        raise SystemExit(128 + number)

    numbers = (signal.SIGTERM, signal.SIGHUP)
    taken = [number for number in numbers if signal.getsignal(number) is signal.SIG_DFL]
    for number in taken:
        signal.signal(number, leave)
    try:
        yield
    finally:
        for number in taken:
            signal.signal(number, signal.SIG_DFL)
