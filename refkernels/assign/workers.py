"""Threads that share the images of a batch."""

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from typing import Any

import numpy as np

from refkernels.arrays import Array

__all__ = ["Workers"]

# Waking a thread takes about as long as finding the targets of so many boxes, some 20 microseconds.
BOXES_PER_START = 20


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

    def share(self, work: Callable[[range], None], starts: Array, image_cost: float) -> None:
        """Call `work` on ranges of images of like cost, one of them in this thread.

        Parameters
        ----------
        work : callable
            Called on ranges that make up all images.
        starts : numpy.ndarray, (B + 1,)
            Where each image's boxes begin, and where the last one's end.
        image_cost : float
            How many boxes an image without any costs as much as.
        """
        size = len(starts) - 1
        if self.count == 1 or size < 2:
            work(range(size))
            return
        cost = starts + image_cost * np.arange(size + 1)
        # This thread, which need not be woken, has the first part.
        each = max(cost[-1] - BOXES_PER_START, 0) / self.count
        goals = cost[-1] - each * np.arange(self.count - 1, 0, -1)
        ends = np.searchsorted((cost[:-1] + cost[1:]) / 2, goals)  # the nearest whole image
        cuts = [0, *ends.tolist(), size]
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
