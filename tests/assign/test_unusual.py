"""What fused kernels leave to the operators has the same targets."""

import numpy as np
import pytest

from refkernels.assign import TargetAssigner
from refkernels.coder import SigmoidClassEncoder
from refkernels.matcher import MaximumMatcher
from refkernels.sampler import QuotaSampler
from tests.assign.scenes import ANCHORS, BOX, assert_same, composed, scene


def test_sparse_targets_of_an_image_that_fused_kernels_cannot_do() -> None:
    boxes = np.concatenate([BOX, [[0, 0, 1e19, 1e19]]])  # whose area overflows in float32
    assigner = TargetAssigner(ANCHORS)
    assert assigner.fused
    dense, sparse = assigner(boxes, [7, 0]), assigner.sparse(boxes, [7, 0])
    positives = np.flatnonzero(dense.samples > 0)
    assert positives.tolist() == [0, 3]
    np.testing.assert_array_equal(sparse.positives, positives)
    np.testing.assert_array_equal(sparse.negatives, np.flatnonzero(dense.samples < 0))
    for name in ("matches", "cls_targets", "box_targets"):
        np.testing.assert_array_equal(getattr(sparse, name), getattr(dense, name)[positives])
    assert sparse.dropped == dense.dropped


def test_a_sampler_that_makes_positives_of_everything_is_not_fused() -> None:
    anchors, images = scene(8, 70, 2, 6)
    sampler = QuotaSampler(8, pos_thresh=0.0, neg_thresh_high=0.0)
    assigner = TargetAssigner(anchors, MaximumMatcher(0.5), sampler)
    assert not assigner.fused
    with pytest.raises(ValueError, match="is a positive sample with match -1"):
        assigner(*images[0], rng=0)


def test_signs_are_class_targets_of_the_operators_too() -> None:
    anchors, images = scene(8, 70, 2, 6)
    encoder = SigmoidClassEncoder()
    assigner = TargetAssigner(anchors, MaximumMatcher(0), class_encoder=encoder)
    assert not assigner.fused
    boxes, labels, regions = zip(*images, strict=True)
    assert_same(assigner(list(boxes), list(labels), list(regions)), composed(assigner, images))
