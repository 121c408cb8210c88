"""Saying what takes long, so that nobody looks at a silent terminal."""

import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

__all__ = ["telling"]

# Seconds until the first line, and between later ones.
FIRST, LATER = 1.0, 2.0


@contextmanager
def telling(what: str | Callable[[], str]) -> Iterator[threading.Event]:
    """Say on stderr what is being done: after a second, and then every two seconds.

    Parameters
    ----------
    what : str or callable
        Such as "reading instances.json", or what returns such when it is to be said.

    Yields
    ------
    threading.Event
        Set it, and no more is said.

    Raises
    ------
    KeyboardInterrupt
        Also where Ctrl-C came while a kernel ran: as Numba makes its result Python's, that becomes
        a `SystemError`.

    Examples
    --------
    >>> with telling("counting to a thousand"):
    ...     total = sum(range(1000))
    """
    done = threading.Event()
    begun = time.monotonic()

    def tell() -> None:
        """Print lines until it is done."""
        wait = FIRST
        while not done.wait(wait):
            seconds = time.monotonic() - begun
            said = what if isinstance(what, str) else what()
            print(f"{said}: {seconds:.0f} s", file=sys.stderr, flush=True)
            wait = LATER

    teller = threading.Thread(target=tell, daemon=True)
    teller.start()
    try:
        yield done
    except SystemError as error:
        cause: BaseException | None = error
        while cause is not None and not isinstance(cause, KeyboardInterrupt):
            cause = cause.__cause__
        if cause is None:
            raise
        raise KeyboardInterrupt from error
    finally:
        done.set()
        teller.join()
