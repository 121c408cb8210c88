"""Threads that share the images of a batch."""

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from typing import Any

import numpy as np

from refkernels.arrays import Array

__all__ = ["Workers"]

# Writing an image's targets costs about as much as finding those of so many boxes.
BOXES_PER_IMAGE = 8


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

    def share(self, work: Callable[[range], None], starts: Array) -> None:
        """Call `work` on ranges of images of like cost, one of them in this thread.

        Parameters
        ----------
        work : callable
            Called on ranges that make up all images.
        starts : numpy.ndarray, (B + 1,)
            Where each image's boxes begin, and where the last one's end.
        """
        size = len(starts) - 1
        if self.count == 1 or size < 2:
            work(range(size))
            return
        cost = starts.astype(np.int64) + BOXES_PER_IMAGE * np.arange(size + 1)
        goals = np.arange(1, self.count) * (cost[-1] / self.count)
        cuts = [0, *np.searchsorted(cost, goals).tolist(), size]
        own, *others = (range(*pair) for pair in pairwise(cuts))
        pool = self._started()
        tasks = [pool.submit(work, part) for part in others]
        try:
            work(own)
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
