"""Threads that share a batch."""

from threading import Barrier, current_thread, main_thread

import numpy as np
import pytest

from refkernels.arrays import Array
from refkernels.assign.threads import Workers
from refkernels.jit import next_number


def test_no_image_is_left_out() -> None:
    done = np.zeros(1000, int)

    def work(counter: Array) -> None:
        while (image := next_number(counter)) < len(done):
            done[image] += 1

    Workers(3).share(work, len(done))
    assert done.all()


def test_an_error_of_any_thread_is_raised_when_all_have_ended() -> None:
    begun, ended = Barrier(3), []

    def work(counter: Array) -> None:
        order = begun.wait(timeout=60)
        ended.append(order)
        if order == 1:
            raise ValueError("one of three")

    for _ in range(3):  # another thread each time, or most times
        with pytest.raises(ValueError, match="one of three"):
            Workers(3).share(work, 8)
    assert sorted(ended) == sorted([0, 1, 2] * 3)


def test_an_error_of_another_thread_is_raised_in_this_one() -> None:
    both = Barrier(2)

    def work(counter: Array) -> None:
        both.wait(timeout=60)
        if current_thread() is not main_thread():
            raise ValueError("the other")

    with pytest.raises(ValueError, match="the other"):
        Workers(2).share(work, 8)
