"""``python -m tests.soak``: operators called for long, in threads of several processes.

It says how many calls there were, and how much memory each process held in the middle and at the
end. What grows by more than `SPREAD`, or gives another result than the first time, is an error.
"""

import os
import threading
import time
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import click
import numpy as np

import refkernels
from refkernels.assign import TargetAssigner, sample_images

# By how much the memory of a process may grow from the middle of its time to the end, in bytes.
SPREAD = 32 * 2**20

# So many rounds differ; those with equal numbers modulo it are the same.
ROUNDS = 64

PAGE = os.sysconf("SC_PAGE_SIZE")


def memory() -> int:
    """Return the bytes that this process holds in memory now."""
    return PAGE * int(Path("/proc/self/statm").read_text().split()[1])


class Work:
    """Calls on inputs of many shapes, each of which must give what it gave the first time."""

    def __init__(self) -> None:
        self._assigner = TargetAssigner.ssd300()
        self._images = [(image.boxes, image.labels) for image in sample_images(16)]
        self._first: dict[int, list[bytes]] = {}

    def once(self, number: int) -> None:
        """Do one round of calls, on inputs that its number alone says."""
        own = number % ROUNDS
        dice = np.random.default_rng(own)
        boxes = np.sort(dice.random((2, 20 + own, 2, 2)), axis=2).reshape(2, -1, 4)
        ious = refkernels.BBoxBatchIOU()(boxes, boxes[:, :9])
        matches = refkernels.MaximumMatcher(0.5)(ious)
        image, labels = self._images[own % len(self._images)]
        given = self._assigner([image], [labels], rng=own)
        results = [ious, matches, refkernels.NaiveSampler()(matches), given.cls_targets]
        said = [np.ascontiguousarray(result).tobytes() for result in results]
        if self._first.setdefault(own, said) != said:
            raise AssertionError(f"round {own} has another result than before")


def soak(threads: int, seconds: float) -> tuple[int, int, int]:
    """Work in threads, and return how many rounds, and the memory in the middle and at the end."""
    work, rounds, faults = Work(), [0] * threads, list[BaseException]()
    for number in range(ROUNDS):  # what is compiled and kept is there before memory is looked at
        work.once(number)
    end = time.monotonic() + seconds

    def run(thread: int) -> None:
        try:
            while time.monotonic() < end and not faults:
                work.once(thread + rounds[thread])
                rounds[thread] += 1
        except BaseException as error:
            faults.append(error)

    crew = [threading.Thread(target=run, args=(thread,)) for thread in range(threads)]
    for thread in crew:
        thread.start()
    time.sleep(seconds / 2)
    middle = memory()
    for thread in crew:
        thread.join()
    if faults:
        raise faults[0]
    return sum(rounds), middle, memory()


@click.command()
@click.option("--minutes", type=click.FloatRange(min=0, min_open=True), default=10.0)
@click.option("--threads", type=click.IntRange(min=1), default=4, show_default=True)
@click.option("--processes", type=click.IntRange(min=1), default=4, show_default=True)
def main(minutes: float, threads: int, processes: int) -> None:
    """Call operators for --minutes (10), and say whether memory grew.

    Exit status: 0 if it is flat and all results stay the same, 1 if not.
    """
    with ProcessPoolExecutor(processes, get_context("spawn")) as pool:
        found = list(pool.map(soak, [threads] * processes, [60 * minutes] * processes))
    for rounds, middle, last in found:
        print(f"{rounds} rounds; {middle / 2**20:.0f} MiB midway, {last / 2**20:.0f} at the end")
    grown = max(last - middle for _, middle, last in found)
    print(
        f"{threads} threads in each of {processes} processes, {minutes:g} minutes: "
        f"memory grew by {grown / 2**20:.1f} MiB at most"
    )
    raise SystemExit(grown > SPREAD)


if __name__ == "__main__":
    main()
