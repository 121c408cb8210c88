"""The targets of a whole data set: in parts, by several processes, to be gone on with at any time.

Images go to parts in their order, so many in each; a part depends on its images and the settings
alone. So the files are the same whatever the number of workers, and however often the run was
killed and started again.
"""

import multiprocessing
import os
import re
import shutil
import signal
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor
from concurrent.futures import wait as wait_for
from concurrent.futures.process import BrokenProcessPool
from contextlib import ExitStack
from dataclasses import dataclass, field
from multiprocessing.connection import wait
from pathlib import Path
from typing import Any

from refkernels.annotations.images import AnnotationSet, ImageAnnotations, cut_images, stack_images
from refkernels.arrays import check_integer
from refkernels.assign.assigner import TargetAssigner
from refkernels.assign.by_size import AssignersBySize
from refkernels.assign.config import AssignerConfig
from refkernels.assign.dataset.claim import (
    MANIFEST,
    OURS,
    SUMMARY,
    check_same,
    claimed,
    shared,
    write_json,
)
from refkernels.assign.dataset.durable import sweep, write_bytes
from refkernels.assign.dataset.metadata import LARGEST_SEED, metadata_of
from refkernels.assign.dataset.part import Summary, assign_part
from refkernels.assign.dataset.storage import (
    ANCHORS,
    KEPT_ANCHORS,
    as_npy,
    import_pyarrow,
    merge_npz,
    read_noted,
    write_part,
)
from refkernels.assign.network import Given, detector_of
from refkernels.assign.resize import Resize

__all__ = ["MANIFEST", "Job", "assign_dataset", "run_images", "run_part"]

# Called with the numbers of images that are done, and of all.
Progress = Callable[[int, int], None]

# Runs all of some parts of a job, and yields their numbers when they are done.
Runner = Callable[["Job", list[int]], Iterable[int]]


@dataclass(frozen=True)
class Job:
    """All that a part depends on.

    Attributes
    ----------
    assigner : TargetAssigner
    images : sequence of ImageAnnotations
    resize : Resize
    seed : int
    part_size : int
        How many images there are in a part; the last one may have fewer.
    folder : pathlib.Path
        Where the parts go.
    suffix : {'.parquet', '.npz'}
    metadata : dict
        What is written with every part.
    by_size : AssignersBySize or None
        The assigners of inputs as large as images.
    """

    assigner: TargetAssigner
    images: Sequence[ImageAnnotations]
    resize: Resize
    seed: int
    part_size: int
    folder: Path
    suffix: str
    metadata: dict[str, Any] = field(default_factory=dict)
    by_size: AssignersBySize | None = None

    @property
    def parts(self) -> range:
        """The numbers of the parts; a data set without images has one that is empty."""
        return range(max(1, -(-len(self.images) // self.part_size)))

    def path(self, part: int) -> Path:
        """Return the file of a part."""
        return self.folder / f"part-{part:05d}{self.suffix}"

    def images_of(self, part: int) -> Sequence[ImageAnnotations]:
        """Return the images of a part."""
        return self.images[part * self.part_size : (part + 1) * self.part_size]


def run_part(job: Job, part: int) -> None:
    """Assign the images of a part, and write its file."""
    run_images(job, part, job.images_of(part))


def run_images(job: Job, part: int, images: Sequence[ImageAnnotations]) -> None:
    """Assign images that are those of a part, and write its file."""
    with shared(job.folder):
        result = assign_part(job.assigner, images, job.resize, job.seed, job.by_size)
        write_part(job.path(part), result, {**job.metadata, "part": part})


def assign_dataset(
    annotations: AnnotationSet,
    output: str | Path,
    preset: Given,
    *,
    options: dict[str, Any] | None = None,
    size: tuple[int, int] | None = None,
    resize: str | None = None,
    seed: int = 0,
    part_size: int = 512,
    workers: int = 1,
    runner: Runner | None = None,
    progress: Progress | None = None,
) -> Summary:
    """Assign all images of a data set, and write their targets.

    A run that was killed, at any moment, goes on where it was, and ends with the same files.

    Parameters
    ----------
    annotations : AnnotationSet
        The images; crowds are ignored regions.
    output : str or pathlib.Path
        A folder, for a Parquet data set; or a file that ends in ``.npz``.
    preset : str, AssignerConfig or TargetAssigner
        The name of a preset of `TargetAssigner`; what `read_config` returns; or an assigner of your
        own, with its `size`.
    options : dict, optional
        The preset's parameters.
    size : (int, int), optional
        Height and width of the network's input in pixels, for presets that leave it open; with
        ``resize="shorter"`` those of the shorter side and the longest, by default 800 and 1333.
    resize : {'stretch', 'fit', 'letterbox', 'shorter'}, optional
        How images are brought to that size: `Resize` says what is meant. By default as the preset's
        paper does; with an assigner of your own they are made to fit.
    seed : int, default 0
        What random samples depend on, with each image's id.
    part_size : int, default 512
        How many images go into one file.
    workers : int, default 1
        How many processes share the work.
    runner : callable, optional
        Runs the parts somewhere else, such as `refkernels.assign.dataset.dask_graph.DaskRunner`.
    progress : callable, optional
        Called with the numbers of images done and of all.

    Returns
    -------
    Summary
        Of all images, those that were done by earlier runs included.

    Raises
    ------
    ValueError
        If a parameter is out of range, or the output was made with other settings or by something
        else.
    RuntimeError
        If another process is at work on the same output, or a worker was killed.
    OSError
        If something cannot be written, with the name of the file; what was done is kept.

    Examples
    --------
    >>> from pathlib import Path
    >>> from tempfile import TemporaryDirectory
    >>> from refkernels.assign import sample_images
    >>> with TemporaryDirectory() as folder:
    ...     summary = assign_dataset(sample_images(4), Path(folder) / "targets.npz", "ssd300")
    >>> summary.images
    4
    """
    seed = check_integer("seed", seed, low=0, high=LARGEST_SEED)
    part_size = check_integer("part_size", part_size, low=1)
    workers = check_integer("workers", workers, low=1)
    output = Path(output)
    single = output.suffix == ".npz"
    if not single:
        import_pyarrow()  # now: what is not installed must not be noticed in the end
    detector = detector_of(preset, options, size, resize)
    metadata = metadata_of(annotations, detector, options or {}, seed, part_size)
    if isinstance(preset, AssignerConfig):
        metadata["config"] = preset.noted
    folder = output.with_name(output.name + ".parts") if single else output
    if single and output.is_file():
        summary = _finished(output, metadata)
        shutil.rmtree(folder, ignore_errors=True)  # if that run was killed before it could do it
        return summary
    job = Job(
        detector.assigner, annotations.images, detector.resize, seed, part_size, folder,
        ".npz" if single else ".parquet", metadata, detector.by_size,
    )  # fmt: skip
    kept = detector.assigner.anchors if metadata["anchors_kept"] else None
    with claimed(folder, metadata):
        if kept is not None and not single:
            write_bytes(folder / ANCHORS, as_npy(kept))
        summary = _run(job, runner or (_Processes(workers) if workers > 1 else _here), progress)
        sweep(folder, OURS)  # what workers of this run that were killed have left
        noted = {**metadata, "summary": summary.as_dict()}
        if single:
            sweep(output.parent, re.escape(output.name))  # what merges that were killed have left
            more = {} if kept is None else {KEPT_ANCHORS: kept}
            merge_npz([job.path(part) for part in job.parts], output, noted, more)
            shutil.rmtree(folder)
        else:
            write_json(folder / SUMMARY, noted)
    return summary


def _run(job: Job, runner: Runner, progress: Progress | None) -> Summary:
    """Run the parts that are missing; return the summary of all."""
    summary = Summary()
    left = []
    for part in job.parts:
        earlier = _written(job, part)
        if earlier is None:
            left.append(part)
        else:
            summary.add(earlier)
    if progress is not None:
        progress(summary.images, len(job.images))
    for part in runner(job, left):
        written = _written(job, part)
        if written is None:
            raise RuntimeError(f"{job.path(part)}: was written and cannot be read")
        summary.add(written)
        if progress is not None:
            progress(summary.images, len(job.images))
    return summary


def _written(job: Job, part: int) -> Summary | None:
    """Return the summary of a part that is there, whole, and of this job."""
    noted = read_noted(job.path(part))
    if noted is None:
        return None
    summary = noted.pop("summary", {})
    return Summary(**summary) if noted == {**job.metadata, "part": part} else None


def _here(job: Job, parts: list[int]) -> Iterator[int]:
    for part in parts:
        run_part(job, part)
        yield part


class _Processes:
    """Runs parts in several processes, of which this one is the first.

    Another takes seconds to start, in which this one has done thousands of images.
    """

    def __init__(self, workers: int) -> None:
        self.others = workers - 1

    def __call__(self, job: Job, parts: list[int]) -> Iterator[int]:
        # Spawned: a fork would copy whatever threads the caller's libraries have.
        context = multiprocessing.get_context("spawn")
        bare = Job(**{**vars(job), "images": ()})
        others = min(self.others, len(parts) - 1)
        if others < 1:
            yield from _here(job, parts)
            return
        left = deque(parts)
        tasks: dict[Future[None], int] = {}
        with ProcessPoolExecutor(others, context, _begin_worker, (bare,)) as pool:
            try:
                while left or tasks:
                    # Each has the next part before it is done with one.
                    while left and len(tasks) < 2 * others:
                        part = left.popleft()
                        tasks[_submitted(pool, job, part)] = part
                    if left:
                        part = left.popleft()
                        run_part(job, part)
                        yield part
                    # Without a part of its own this process waits for the others.
                    done, _ = wait_for(
                        tasks, timeout=0 if left else None, return_when=FIRST_COMPLETED
                    )
                    for task in done:
                        task.result()
                        yield tasks.pop(task)
            except BrokenProcessPool:
                raise RuntimeError(
                    "a worker process was killed; what it had done is kept: run it again to go on"
                ) from None
            finally:
                pool.shutdown(cancel_futures=True)


def _submitted(pool: ProcessPoolExecutor, job: Job, part: int) -> Future[None]:
    """Give a part to the other processes, of which this may be what starts them."""
    # Processes inherit what is blocked: an interrupt is the parent's, and workers finish the part
    # that they are at.
    usual = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        return pool.submit(_work, part, _Stacked(job.images_of(part)))
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, usual)


_job: Job | None = None
_held = ExitStack()


def _begin_worker(job: Job) -> None:
    global _job
    _job = job
    # A worker whose parent is killed would wait for work for ever.
    parent = multiprocessing.parent_process()
    assert parent is not None  # this is a worker
    threading.Thread(target=_end_with, args=(parent.sentinel,), daemon=True).start()
    # No other run begins while this is held. If one has begun before, the parent was dead by then.
    _held.enter_context(shared(job.folder))
    if wait([parent.sentinel], timeout=0):
        os._exit(1)  # pragma: no cover: as below


def _end_with(sentinel: int) -> None:
    wait([sentinel])
    os._exit(1)  # pragma: no cover: what ends so has no time to say what it ran


class _Stacked:
    """Images on their way to a worker, where they are images again: a few arrays go quicker."""

    def __init__(self, images: Sequence[ImageAnnotations]) -> None:
        self.images = images

    def __reduce__(self) -> Any:
        return cut_images, stack_images(self.images)


def _work(part: int, images: Any) -> None:
    assert _job is not None
    run_images(_job, part, images)


def _finished(output: Path, metadata: dict[str, Any]) -> Summary:
    """Return the summary of an ``.npz`` that an earlier run has finished."""
    noted = read_noted(output)
    if noted is None:
        raise ValueError(
            f"{output}: is there, and is damaged, or was not made by refkernels assign; remove it, "
            "or choose another output"
        )
    check_same(output, noted, metadata)
    return Summary(**noted["summary"])
