"""The same assignment as a graph of tasks: on a Dask bag, or for a whole data set on a cluster."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from importlib import import_module
from typing import Any

from refkernels.annotations.images import ImageAnnotations
from refkernels.assign.assigner import TargetAssigner
from refkernels.assign.dataset.job import Job, run_images
from refkernels.assign.dataset.part import numeric_id
from refkernels.assign.resize import Resize
from refkernels.assign.results import SparseTargets

__all__ = ["DaskRunner", "dask_assign"]


def dask_assign(
    bag: Any, assigner: TargetAssigner, resize: Resize | None = None, *, seed: int = 0
) -> Any:
    """Assign the images of a Dask bag.

    Parameters
    ----------
    bag : dask.bag.Bag of ImageAnnotations
        Crowds are ignored regions.
    assigner : TargetAssigner
        Sent to each worker once.
    resize : Resize, optional
        How boxes are scaled, to one size of all images; by default they are in the anchors' pixels
        already.
    seed : int, default 0
        What random samples depend on, with each image's id and not its partition.

    Returns
    -------
    dask.bag.Bag of (image id, SparseTargets)
        With the partitions of `bag`.

    Examples
    --------
    >>> import dask.bag
    >>> from refkernels.assign import TargetAssigner, dask_assign, sample_images
    >>> bag = dask.bag.from_sequence(sample_images(4), npartitions=2)
    >>> targets = dask_assign(bag, TargetAssigner.yolo3())
    >>> [image_id for image_id, _ in targets.compute(scheduler="sync")]
    [1, 2, 3, 4]
    """
    shared = _dask("dask").delayed(assigner, pure=True)
    return bag.map_partitions(_assign_images, shared, resize, seed)


def _assign_images(
    images: Iterable[ImageAnnotations], assigner: TargetAssigner, resize: Resize | None, seed: int
) -> list[tuple[int | str, SparseTargets]]:
    own = list(images)
    boxes = [image.boxes if resize is None else resize.boxes(image) for image in own]
    if not own:
        return []
    targets = assigner.sparse(
        [box[~image.iscrowd] for box, image in zip(boxes, own, strict=True)],
        [image.labels[~image.iscrowd] for image in own],
        [box[image.iscrowd] for box, image in zip(boxes, own, strict=True)],
        rng=seed,
        image_ids=[numeric_id(image.image_id) for image in own],
    )
    return [(image.image_id, found) for image, found in zip(own, targets, strict=True)]


class DaskRunner:
    """Runs the parts of `assign_dataset` on the workers of a Dask cluster.

    The workers write the files, so they have to see the output folder under the same name. A part
    whose worker dies is done by another one.

    Parameters
    ----------
    scheduler : str or distributed.Client
        The scheduler's address, such as ``tcp://10.0.0.1:8786``, or a client of it.

    Raises
    ------
    OSError
        If nothing answers at that address.
    """

    def __init__(self, scheduler: Any) -> None:
        self.scheduler = scheduler

    def __call__(self, job: Job, parts: list[int]) -> Iterator[int]:
        """Run parts, and yield their numbers when they are done."""
        distributed = _dask("distributed")
        if not isinstance(self.scheduler, str):
            yield from self._run(distributed, self.scheduler, job, parts)
            return
        with distributed.Client(self.scheduler) as client:
            yield from self._run(distributed, client, job, parts)

    def _run(self, distributed: Any, client: Any, job: Job, parts: list[int]) -> Iterator[int]:
        bare = replace(job, images=(), folder=job.folder.resolve())
        shared = client.scatter(bare, broadcast=True)
        tasks = [
            client.submit(_work, shared, part, job.images_of(part), pure=False, retries=2)
            for part in parts
        ]
        for task in distributed.as_completed(tasks):
            yield task.result()


def _work(job: Job, part: int, images: Sequence[ImageAnnotations]) -> int:
    run_images(job, part, images)
    return part


def _dask(name: str) -> Any:
    try:
        return import_module(name)
    except ImportError as error:
        raise ImportError(
            f"a Dask cluster needs dask and distributed ({error}); install them with: "
            "pip install 'refkernels[dask]'"
        ) from None
