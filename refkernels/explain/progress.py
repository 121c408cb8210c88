"""How far a computation is, on stderr, once it takes long enough to wonder."""

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib import import_module
from typing import Any

from refkernels.arrays.telling import telling

__all__ = ["showing"]

# Seconds until anything is shown.
PATIENCE = 1.5


@contextmanager
def showing(what: str) -> Iterator[Callable[[int, int], None]]:
    """Show how much of something is done: a bar on a terminal with rich, else lines now and then.

    Parameters
    ----------
    what : str
        Such as "trying changes".

    Yields
    ------
    callable
        To be called with how much is done, and of how much.

    Examples
    --------
    >>> with showing("counting") as progress:
    ...     progress(1, 2)
    """
    begun, bar, task, said = time.monotonic(), None, None, what

    def report(done: int, total: int) -> None:
        """Note it, and begin to draw once it is time to."""
        nonlocal bar, task, said
        said = f"{what}: {done} of {total}"
        if bar is None and silent.is_set() and time.monotonic() - begun > PATIENCE:
            bar = _bar()
            bar.start()
            task = bar.add_task(what, total=total)
        if bar is not None:
            bar.update(task, completed=done, total=total)

    with telling(lambda: said) as silent:
        if sys.stderr.isatty() and _bar() is not None:
            silent.set()
        try:
            yield report
        finally:
            if bar is not None:
                bar.stop()


def _bar() -> Any:
    """Make a bar with the time left; none without rich."""
    try:
        rich, console = import_module("rich.progress"), import_module("rich.console")
    except ImportError:
        return None
    return rich.Progress(
        rich.TextColumn("{task.description}"),
        rich.BarColumn(),
        rich.TaskProgressColumn(),
        rich.TimeRemainingColumn(),
        console=console.Console(stderr=True),
        transient=True,
    )
