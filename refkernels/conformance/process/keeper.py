"""How a worker process begins: with a keeper beside it, which sees to its end.

A worker is a session of its own, with all that its target starts. Whoever wants it ended kills the
group. Where whoever started it is killed himself, nobody is left to do that, and a target that
hangs would hang for ever: so the keeper waits at a pipe that closes with its holder, however that
one ends. It waits in a process of its own, as the target may hold Python's lock.
"""

import os
import select
import shutil
import signal
import sys
from pathlib import Path

__all__ = ["main"]


def main(pipe: int, folder: Path) -> None:
    """Start the keeper, then be the worker.

    Parameters
    ----------
    pipe : int
        The descriptor that reads from the pipe which whoever has started this process holds.
    folder : Path
        As `worker.main` takes it; its parent is removed when the pipe closes.
    """
    between = os.fork()  # so that the keeper is no child of the worker, which may wait for its own
    if between == 0:  # pragma: no cover (it ends without a word)
        try:
            if os.fork() == 0:
                _keep(pipe, folder.parent)
        finally:
            os._exit(0)
    os.waitpid(between, 0)
    os.close(pipe)
    from refkernels.conformance.process import worker

    worker.main(folder)


def _keep(pipe: int, folder: Path) -> None:  # pragma: no cover (it is killed in the end)
    """Wait until the pipe closes, then kill the group that this process is in."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    os.close(0)  # else nobody would see that the worker no longer reads
    closed = select.poll()
    closed.register(pipe, 0)
    closed.poll()
    # Meanwhile this process is one of the group: its number is nobody else's.
    group = os.getpgrp()
    if os.fork():
        signal.pause()
    os.setsid()
    os.killpg(group, signal.SIGKILL)
    shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main(int(sys.argv[1]), Path(sys.argv[2]))
