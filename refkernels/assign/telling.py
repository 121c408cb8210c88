"""Saying what takes long, so that nobody looks at a silent terminal."""

import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

__all__ = ["telling"]

# Seconds until the first line, and between later ones.
FIRST, LATER = 1.0, 10.0


@contextmanager
def telling(what: str | Callable[[], str], later: float | None = None) -> Iterator[threading.Event]:
    """Say on stderr what is being done, once it takes longer than a second, then now and then.

    Parameters
    ----------
    what : str or callable
        Such as "reading instances.json", or what returns such when it is to be said.
    later : float, optional
        Seconds between lines after the first; by default 10.

    Yields
    ------
    threading.Event
        Set it, and no more is said.

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
            wait = LATER if later is None else later

    teller = threading.Thread(target=tell, daemon=True)
    teller.start()
    try:
        yield done
    finally:
        done.set()
        teller.join()
