"""Files that are read: what is none is refused before it is opened."""

import errno
import os
import stat
from pathlib import Path

__all__ = ["no_pipe"]


def no_pipe(path: str | os.PathLike[str]) -> Path:
    """Return a path that may be opened: a pipe would let whoever opens it wait, for ever perhaps.

    Raises
    ------
    OSError
        If it is a pipe, or there is nothing.
    """
    if stat.S_ISFIFO(os.stat(path).st_mode):
        raise OSError(errno.EINVAL, "expected a file, got a pipe", os.fspath(path))
    return Path(path)
