"""Anchors are laid out as published."""

import numpy as np
import pytest

from refkernels.assign.anchors import ssd300_anchors


def test_ssd300_has_the_default_boxes_of_its_paper() -> None:
    # Liu et al. 2016, section 3.1: 38*38*4 + 19*19*6 + 10*10*6 + 5*5*6 + 3*3*4 + 1*1*4 boxes.
    anchors = ssd300_anchors()
    assert anchors.shape == (8732, 4)
    assert anchors.dtype == np.float64
    # conv4_3: stride 8, size 30, next size 60, aspect ratio 2; the first cell's centre is (4, 4).
    root = np.sqrt(2)
    big = np.sqrt(30 * 60)
    halves = [(30, 30), (big, big), (30 * root, 30 / root), (30 / root, 30 * root)]
    half = np.array(halves) / 2
    np.testing.assert_allclose(anchors[:4], np.concatenate([4 - half, 4 + half], axis=1))
    np.testing.assert_allclose(anchors[4:8] - anchors[:4], [[8, 0, 8, 0]] * 4, atol=1e-12)
    np.testing.assert_allclose(anchors[38 * 4 :][:4] - anchors[:4], [[0, 8, 0, 8]] * 4, atol=1e-12)
    # The last map is one cell whose centre is the image's.
    np.testing.assert_allclose(anchors[-4:, :2] + anchors[-4:, 2:], np.full((4, 2), 300.0))
    np.testing.assert_allclose(anchors[-4], [150 - 132, 150 - 132, 150 + 132, 150 + 132])


def test_ssd300_for_coco_starts_smaller() -> None:
    np.testing.assert_array_equal(ssd300_anchors("coco")[0], [4 - 10.5, 4 - 10.5, 14.5, 14.5])


def test_an_unknown_data_set_is_an_error() -> None:
    with pytest.raises(ValueError, match="dataset: expected 'voc' or 'coco', got 'kitti'"):
        ssd300_anchors("kitti")
