"""The targets of many images as columns: those of each image, one after the other."""

from typing import Any

import numpy as np
import pytest

from refkernels.arrays import as_seed
from refkernels.assign import TargetAssigner
from refkernels.assign.batch import Batch, read_batch
from refkernels.sampler import QuotaSampler

ANCHORS = np.array(
    [[x, y, x + s, y + s] for s in (10.0, 20.0) for x in range(0, 50, 5) for y in range(0, 50, 5)]
)


def batch(count: int, seed: int, huge: tuple[int, ...] = ()) -> Batch:
    """Images with boxes and regions, of which some have coordinates too large for the kernels."""
    rng = np.random.default_rng(seed)
    boxes, regions = [], []
    for image in range(count):
        corner = rng.uniform(0, 40, (rng.integers(0, 5), 2))
        boxes.append(np.hstack([corner, corner + rng.choice([0, 8, 15, 25], (len(corner), 2))]))
        regions.append(np.array([[0, 0, 30, 30]])[: rng.integers(0, 2)])
        if image in huge:
            boxes[-1] = np.vstack([boxes[-1], [0, 0, 1e30, 1e30]])
    labels = [np.arange(len(own)) for own in boxes]
    found = read_batch(boxes, labels, regions, list(range(count)), np.dtype(np.float32))
    found.places[:, 3] = as_seed("rng", 0)
    return found


@pytest.mark.parametrize("ignored", [False, True])
@pytest.mark.parametrize(
    ("assigner", "huge"),
    [
        (TargetAssigner(ANCHORS), ()),
        (TargetAssigner(ANCHORS, threads=2), ()),
        (TargetAssigner(ANCHORS), (0, 7, 69)),
        (TargetAssigner(ANCHORS, threads=2), (33,)),
        (
            TargetAssigner(ANCHORS, sampler=QuotaSampler(8, pos_thresh=0.5, neg_thresh_high=0.4)),
            (3,),
        ),
        (TargetAssigner.atss(64, 64), ()),
    ],
)
def test_columns_hold_the_sparse_targets_of_each_image(
    assigner: TargetAssigner, huge: tuple[int, ...], ignored: bool
) -> None:
    given = batch(70, 5, huge)
    found = assigner.columns(given, ignored=ignored)
    positive = np.split(found.positives, np.cumsum(found.counts[:, 1])[:-1])
    matches = np.split(found.matches, np.cumsum(found.counts[:, 1])[:-1])
    labels = np.split(found.cls_targets, np.cumsum(found.counts[:, 1])[:-1])
    boxes = np.split(found.box_targets, np.cumsum(found.counts[:, 1])[:-1])
    listed = np.split(found.listed, np.cumsum(found.counts[:, 2])[:-1])
    assert found.counts.shape == (70, 3)
    assert found.counts[:, :2].sum(axis=0).min() > 0
    for k in range(70):
        own = assigner.sparse(*given.image(k), rng=0, image_ids=k)
        np.testing.assert_array_equal(positive[k], own.positives)
        np.testing.assert_array_equal(matches[k], own.matches)
        np.testing.assert_array_equal(labels[k], own.cls_targets)
        np.testing.assert_array_equal(boxes[k], own.box_targets)
        assert found.counts[k, 0] == own.dropped
        rest = np.setdiff1d(np.arange(len(assigner)), [*own.positives, *own.negatives])
        np.testing.assert_array_equal(listed[k], rest if ignored else own.negatives)


def test_columns_refuse_what_a_call_refuses() -> None:
    flat: Any = [[[0, 0, 5, 5]], [[1, 1, 1, 5]]]
    given = read_batch(flat, [[0], [0]], None, None, np.dtype(np.float32))
    with pytest.raises(ValueError, match=r"^boxes\[1\]\[0\] has width 0.0 and height 4.0"):
        TargetAssigner(ANCHORS, degenerate="error").columns(given, ignored=True)
    with pytest.raises(TypeError, match="predictions: the matcher looks at some, got none"):
        TargetAssigner.detr().columns(given, ignored=True)
