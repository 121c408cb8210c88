"""What the definitions of the box operators say, by cases worked by hand."""

from fractions import Fraction as F

import numpy as np
import pytest

from refkernels.definition import bbox as definition

PIXELS = [[10, 20, 30, 60]]
INVERTED = [[5, 5, 4, 9]]


def values(array):
    return np.asarray(array).tolist()


def test_results_are_exact_fractions():
    third = np.float32(1 / 3)
    (((xmin, _, xmax, _),),) = definition.BBoxCenterToCorner([[[third, 0, 1, 1]]])
    assert xmax == F(float(third)) + F(1, 2)
    assert isinstance(xmin, F)
    assert all(isinstance(v, F) for v in definition.BBoxArea([[0, 0, 0, 0.0]]).ravel())


def test_integers_count_as_float64():
    assert definition.exact(np.array([2**53 + 1]))[0] == 2**53


def test_corner_to_center():
    assert values(definition.BBoxCornerToCenter(PIXELS)) == [[20, 40, 20, 40]]
    assert values(definition.BBoxCornerToCenter(INVERTED)) == [[4.5, 7, -1, 4]]
    assert values(definition.NumPyBBoxCornerToCenter(PIXELS)) == [[20, 40, 20, 40]]


def test_center_to_corner():
    assert values(definition.BBoxCenterToCorner([[20, 40, 20, 40]])) == PIXELS
    assert values(definition.BBoxCenterToCorner([[4.5, 7, -1, 4]])) == INVERTED


def test_transforms_honour_axis_and_split():
    x = np.array([[10.0], [20], [30], [60]])
    assert values(definition.BBoxCornerToCenter(x, axis=0)) == [[20], [40], [20], [40]]
    cx, cy, w, h = definition.BBoxCornerToCenter(x, axis=0, split=True)
    assert [values(v) for v in (cx, cy, w, h)] == [[[20]], [[40]], [[20]], [[40]]]
    xmin, *_ = definition.BBoxCenterToCorner([[20, 40, 20, 40]], split=True)
    assert values(xmin) == [[10]]


def test_split():
    columns = definition.BBoxSplit(PIXELS, axis=-1)
    assert [values(c) for c in columns] == [[[10]], [[20]], [[30]], [[60]]]
    columns = definition.BBoxSplit(PIXELS, axis=1, squeeze_axis=True)
    assert [values(c) for c in columns] == [[10], [20], [30], [60]]


def test_area():
    assert values(definition.BBoxArea(PIXELS + INVERTED)) == [[800], [0]]
    assert values(definition.BBoxArea([[7, 7, 3, -2], [7, 7, -3, -2]], fmt="center")) == [[0], [0]]
    assert values(definition.BBoxArea(np.transpose([[7, 7, 3, 2]]), axis=0, fmt="center")) == [[6]]


@pytest.mark.parametrize(
    ("a", "b", "iou"),
    [
        ([0, 0, 2, 2], [0, 0, 2, 2], 1),  # identical
        ([0, 0, 2, 2], [1, 1, 3, 3], F(1, 7)),  # one of 4 + 4 - 1
        ([0, 0, 4, 4], [1, 1, 3, 3], F(4, 16)),  # nested
        ([0, 0, 2, 2], [2, 0, 4, 2], 0),  # touching
        ([0, 0, 2, 2], [5, 5, 6, 6], 0),  # apart
        ([0, 0, 2, 2], [1, 1, 1, 1], 0),  # a point inside
        ([-1, -1, -1, -1], [-1, -1, -1, -1], 0),  # padding on padding
        ([2, 2, 0, 0], [2, 2, 0, 0], 0),  # inverted both ways
        ([2, 0, 0, 2], [0, 0, 2, 2], 0),  # inverted one way
    ],
)
def test_iou(a, b, iou):
    assert values(definition.BBoxBatchIOU([a], [b], eps=0)) == [[iou]]


def test_iou_counts_pixels_with_an_offset():
    assert values(definition.BBoxBatchIOU([[0, 0, 1, 1]], [[1, 1, 2, 2]], offset=1, eps=0)) == [
        [F(1, 7)]
    ]
    assert values(definition.BBoxBatchIOU([[0, 0, 0, 0]], [[0, 0, 0, 0]], offset=1, eps=0)) == [[1]]


def test_iou_rounds_eps_to_the_computing_dtype():
    box = np.array([[0, 0, 1, 1]])
    for dtype, computing in ((np.float16, np.float32), (np.float32, np.float32), (int, np.float64)):
        iou = definition.BBoxBatchIOU(box.astype(dtype), box.astype(dtype), eps=0.1)
        assert iou[0, 0] == 1 / (1 + F(float(computing(0.1))))
    mixed = definition.BBoxBatchIOU(box.astype(np.float32), box.astype(np.float64), eps=0.1)
    assert mixed[0, 0] == 1 / (1 + F(0.1))


def test_iou_of_centre_boxes():
    a, b = [[1, 1, 2, 2]], [[2, 2, 2, 2], [2, 2, -2, 2]]
    assert values(definition.BBoxBatchIOU(a, b, fmt="center", eps=0)) == [[F(1, 7), 0]]


def test_iou_honours_axis_and_broadcasts_batches():
    a, b = np.array([[0, 0, 2, 2.0], [1, 1, 3, 3]]), np.array([[0, 0, 2, 4.0]])
    expected = [[F(1, 2)], [F(1, 5)]]
    assert values(definition.BBoxBatchIOU(a, b, eps=0)) == expected
    assert values(definition.BBoxBatchIOU(a.T, b.T, axis=0, eps=0)) == expected
    assert values(definition.BBoxBatchIOU(a[None], np.stack([b, b]), eps=0)) == [expected] * 2
    assert values(definition.BBoxBatchIOU(a, b[None], eps=0)) == [expected]


def test_iou_of_no_boxes_is_empty():
    assert definition.BBoxBatchIOU(np.zeros((0, 4)), np.zeros((3, 4))).shape == (0, 3)
    assert definition.BBoxBatchIOU(np.zeros((2, 3, 4)), np.zeros((1, 0, 4))).shape == (2, 3, 0)
    assert definition.BBoxBatchIOU(np.zeros((0, 3, 4)), np.zeros((0, 2, 4))).shape == (0, 3, 2)


def test_clip():
    x = [[[-5, 10, 250, 120], [3.5, -0.5, 200, 100]]]
    img = np.zeros((1, 3, 100, 200))
    assert values(definition.BBoxClipToImage(x, img)) == [[[0, 10, 200, 100], [3.5, 0, 200, 100]]]
    assert values(definition.BBoxClipToImage(x[0], img)) == [[0, 10, 200, 100], [3.5, 0, 200, 100]]


def test_clip_to_true_sizes():
    x = np.full((2, 1, 4), 50.0)
    img = np.zeros((2, 3, 100, 200))
    each = definition.BBoxClipToImage(x, img, [[10, 20], [30, 40.5]])
    assert values(each) == [[[20, 10, 20, 10]], [[40.5, 30, 40.5, 30]]]
    assert values(definition.BBoxClipToImage(x, img, [[10, 20]])) == [[[20, 10, 20, 10]]] * 2
    assert values(definition.BBoxClipToImage(x[0], img, [10, 20])) == [[20, 10, 20, 10]]
