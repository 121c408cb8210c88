"""Threads that share the images of a batch."""

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np

from refkernels.arrays import Array

__all__ = ["Workers"]


class Workers:
    """Threads that are started when they are needed, anew in every process.

    Parameters
    ----------
    count : int
        How many threads share a batch, with the one that calls.
    """

    def __init__(self, count: int) -> None:
        self.count = count
        self._pool: ThreadPoolExecutor | None = None
        self._process = -1

    def __getstate__(self) -> dict[str, Any]:
        return {"count": self.count, "_pool": None, "_process": -1}

    def share(self, work: Callable[[Array], None], size: int) -> None:
        """Call `work` once in each thread, this one included.

        Each image goes to the thread that is free first: what one costs need not be known, nor how
        long a thread takes to wake up.

        Parameters
        ----------
        work : callable
            Called with a counter; does image `refkernels.jit.next_number` of that, again and again,
            until it has passed the last one.
        size : int
            The number of images.
        """
        counter = np.zeros(1, np.int64)
        if self.count == 1 or size < 2:
            work(counter)
            return
        others = min(self.count, size) - 1
        tasks = [self._started().submit(work, counter) for _ in range(others)]
        try:
            work(counter)
        finally:
            errors = [task.exception() for task in tasks]  # waits, so that none goes on alone
        for error in errors:
            if error is not None:
                raise error

    def _started(self) -> ThreadPoolExecutor:
        # Threads do not survive a fork.
        if self._pool is None or self._process != os.getpid():
            self._pool = ThreadPoolExecutor(self.count - 1, "refkernels-assign")
            self._process = os.getpid()
        return self._pool
