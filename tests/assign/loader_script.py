"""Run by test_loaders.py in a process of its own: ``FRAMEWORK METHOD``.

Prints a digest of all targets for several numbers of workers and batch sizes.
"""

import hashlib
import multiprocessing
import sys
import warnings
from typing import Any

import numpy as np

from refkernels.assign import TargetAssigner, sample_images
from refkernels.sampler import QuotaSampler

if "mxnet" in sys.argv:
    warnings.simplefilter("ignore")
    from refkernels.gluon.compat import import_mxnet

    mxnet = import_mxnet()  # a spawned worker runs this too, before it unpickles a dataset

IMAGES = 24
BASE: Any = object


class Images(BASE):
    """A data set whose examples are assigned in the worker that loads them."""

    def __init__(self, assigner: TargetAssigner) -> None:
        self.assigner = assigner
        self.images = sample_images(IMAGES, seed=5).images

    def __len__(self) -> int:
        return IMAGES

    def __getitem__(self, index: int) -> Any:
        image = self.images[index]
        targets = self.assigner(image.boxes * 0.4, image.labels, rng=7, image_ids=image.image_id)
        return index, targets.cls_targets, targets.box_targets, targets.samples


def stacked(examples: Any) -> list[Any]:
    return [np.stack([np.asarray(part) for part in parts]) for parts in zip(*examples, strict=True)]


def digest(batches: Any) -> str:
    """A digest of what the batches hold, whatever their order and size."""
    rows = {}
    for batch in batches:
        index, *parts = [
            part.asnumpy() if hasattr(part, "asnumpy") else np.asarray(part) for part in batch
        ]
        for k, number in enumerate(index):
            rows[int(number)] = b"".join(np.ascontiguousarray(part[k]).tobytes() for part in parts)
    assert sorted(rows) == list(range(IMAGES))
    return hashlib.sha256(b"".join(rows[k] for k in sorted(rows))).hexdigest()


def main(framework: str, method: str) -> None:
    assigner = TargetAssigner.ssd300(
        sampler=QuotaSampler(64, pos_thresh=1.0, neg_thresh_high=0.4), threads=2
    )
    images = Images(assigner)
    assigner(
        [image.boxes for image in images.images[:4]], [image.labels for image in images.images[:4]]
    )
    for workers, batch in ((0, 5), (1, 24), (2, 3)):
        if framework == "torch":
            from torch.utils.data import DataLoader

            context = method if workers else None
            loader = DataLoader(
                images,
                batch,
                num_workers=workers,
                multiprocessing_context=context,
                collate_fn=stacked,
                shuffle=True,
            )
        else:
            from mxnet.gluon.data import DataLoader

            loader = DataLoader(
                images,
                batch,
                num_workers=workers,
                batchify_fn=stacked,
                shuffle=True,
                last_batch="keep",
                timeout=120,
            )
        print(digest(loader), flush=True)


if __name__ == "__main__":
    if "mxnet" in sys.argv:
        multiprocessing.set_start_method(sys.argv[2])
    main(*sys.argv[1:])
