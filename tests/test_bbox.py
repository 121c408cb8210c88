"""The box operators: right to a few units of roundoff, whatever the boxes and their layout."""

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from refkernels import bbox as bbox_module
from refkernels.bbox import (
    BBoxArea,
    BBoxBatchIOU,
    BBoxClipToImage,
    BBoxCornerToCenter,
    BBoxSplit,
)
from refkernels.definition import bbox as definition

DTYPES = [np.float16, np.float32, np.float64]
IMAGE = np.zeros((3, 24, 32))


def grid(*shape, seed=0):
    """Return boxes on a grid of eighths, on which all but division is exact in every dtype.

    Some are empty, inverted, equal or padding.
    """
    rng = np.random.default_rng(seed)
    corners = rng.integers(0, 128, (*shape, 2))
    x = np.concatenate([corners, corners + rng.integers(-8, 64, (*shape, 2))], -1) / 8
    x[rng.random(shape) < 0.1] = -1
    x[rng.random(shape) < 0.1] = [1, 2, 5, 5]
    return x


def parts(result):
    return result if isinstance(result, tuple) else (result,)


def assert_equal(result, expected):
    assert len(parts(result)) == len(parts(expected))
    for a, b in zip(parts(result), parts(expected), strict=True):
        assert a.dtype == b.dtype
        assert np.array_equal(a, b)


def is_exactly(result, exact):
    """Return whether results are the exact values, shape included."""
    return [(a.shape, a.tolist()) for a in parts(result)] == [
        (b.shape, b.tolist()) for b in parts(exact)
    ]


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(
    ("shape", "axis"),
    [((5,), -1), ((5,), 0), ((2, 5), -1), ((2, 5), 2), ((2, 5), -2), ((2, 5), 0), ((2, 0), 1)],
)
class TestOnAGridResultsAreExact:
    def boxes(self, shape, axis, dtype):
        return np.moveaxis(grid(*shape), -1, axis).astype(dtype)

    @pytest.mark.parametrize("split", [False, True])
    def test_transforms(self, shape, axis, dtype, split):
        x = self.boxes(shape, axis, dtype)
        for name in ("BBoxCornerToCenter", "BBoxCenterToCorner", "NumPyBBoxCornerToCenter"):
            result = getattr(bbox_module, name)(axis=axis, split=split)(x)
            assert all(part.dtype == dtype for part in parts(result))
            assert is_exactly(result, getattr(definition, name)(x, axis=axis, split=split))

    @pytest.mark.parametrize("squeeze", [False, True])
    def test_split(self, shape, axis, dtype, squeeze):
        x = self.boxes(shape, axis, dtype)
        result = BBoxSplit(axis=axis, squeeze_axis=squeeze)(x)
        assert all(part.dtype == dtype for part in result)
        assert is_exactly(result, definition.BBoxSplit(x, axis=axis, squeeze_axis=squeeze))

    @pytest.mark.parametrize("fmt", ["corner", "center"])
    def test_area(self, shape, axis, dtype, fmt):
        x = self.boxes(shape, axis, dtype) / dtype(4)
        result = BBoxArea(axis=axis, fmt=fmt)(x)
        assert result.dtype == dtype
        exact = definition.BBoxArea(x, axis=axis, fmt=fmt)
        assert result.shape == exact.shape
        assert np.array_equal(result, exact.astype(np.float64).astype(dtype))

    @pytest.mark.parametrize("fmt", ["corner", "center"])
    def test_iou_is_rounded_once(self, shape, axis, dtype, fmt):
        a = self.boxes(shape, axis, dtype)
        b = np.moveaxis(grid(*shape[:-1], 9, seed=1), -1, axis).astype(dtype)
        result = BBoxBatchIOU(axis=axis, fmt=fmt, eps=0)(a, b)
        exact = definition.BBoxBatchIOU(a, b, axis=axis, fmt=fmt, eps=0)
        assert result.dtype == dtype
        assert result.shape == exact.shape
        # The quotient of two exact numbers, rounded; float16's from float32 once more.
        computed = exact.astype(np.float64).astype(np.promote_types(dtype, np.float32))
        assert np.array_equal(result, computed.astype(dtype))


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("sizes", [None, [[10, 20], [7.5, 0]], [[10, 20]]])
def test_clip_is_exact(sizes, dtype):
    x = (grid(2, 7) * 2 - 3).astype(dtype)
    result = BBoxClipToImage()(x, IMAGE, sizes)
    assert result.dtype == dtype
    assert is_exactly(result, definition.BBoxClipToImage(x, IMAGE, sizes))
    alone = None if sizes is None else sizes[0]
    assert is_exactly(BBoxClipToImage()(x[0], IMAGE, alone), result[0])


COORDINATES = {
    np.float32: st.floats(-1e6, 1e6, width=32, allow_subnormal=False),
    np.float64: st.floats(-1e6, 1e6, allow_subnormal=False).filter(lambda v: abs(v) > 1e-100),
}
COORDINATES[np.float16] = st.floats(-60000, 60000, width=16)


@given(st.data(), st.sampled_from(DTYPES))
def test_iou_of_any_corner_boxes_is_right_to_17_units_of_roundoff(data, dtype):
    boxes = st.lists(st.tuples(*[COORDINATES[dtype]] * 4), min_size=1, max_size=3)
    a, b = (np.array(data.draw(boxes), dtype) for _ in "ab")
    a.sort(-1)  # not inverted
    b.sort(-1)
    result = BBoxBatchIOU(eps=0)(a, b)
    assert ((result >= 0) & (result <= 1)).all()
    exact = definition.BBoxBatchIOU(a, b, eps=0)
    unit = Fraction(float(np.finfo(np.promote_types(dtype, np.float32)).eps)) / 2
    last = Fraction(float(np.finfo(dtype).eps)) / 2
    for got, value in zip(result.ravel().tolist(), exact.ravel().tolist(), strict=True):
        bound = value * (17 * unit + last)
        assert abs(Fraction(got) - value) <= bound + Fraction(float(np.finfo(dtype).tiny))


@given(st.data(), st.sampled_from([np.float32, np.float64]))
def test_iou_of_boxes_of_any_two_sizes_is_right_to_a_unit_of_roundoff(data, dtype):
    info = np.finfo(dtype)
    exponents = st.integers(int(np.log2(info.smallest_subnormal)), int(info.maxexp) - 1)

    def draw():
        # Along each axis of a size of its own.
        sizes = np.ldexp(1.0, [data.draw(exponents), data.draw(exponents)])
        corners = data.draw(st.lists(st.integers(-8, 8), min_size=4, max_size=4))
        box = np.sort(np.reshape(corners, (2, 2)) / 8, axis=0) * sizes
        return box.reshape(1, 4).astype(dtype)

    a, b = draw(), draw()
    if data.draw(st.booleans()):  # of the same size along x
        b[0, [0, 2]] = np.sort(a[0, 0] + a[0, [0, 2]] / 4)
    result = BBoxBatchIOU(eps=0)(a, b)[0, 0]
    exact = definition.BBoxBatchIOU(a, b, eps=0)[0, 0]
    unit = Fraction(float(info.eps)) / 2
    # The second: what underflows of an overlap, next to the smallest area that is not scaled.
    assert abs(Fraction(float(result)) - exact) <= exact * 17 * unit + 2 * unit
    assert BBoxBatchIOU(eps=0)(a, a)[0, 0] == (a[0, 2] > a[0, 0] and a[0, 3] > a[0, 1])


@pytest.mark.parametrize(
    ("dtype", "size"),
    [
        (np.float16, 300),
        (np.float16, 60000),
        (np.float32, 1e-30),
        (np.float32, 1e5),
        (np.float32, 1e30),
        (np.float32, 3e38),
        (np.float64, 1e-200),
        (np.float64, 1e-310),
        (np.float64, 1e300),
        (np.float64, 1.7e308),
    ],
)
@pytest.mark.parametrize("fmt", ["corner", "center"])
def test_boxes_of_any_size_have_the_iou_that_their_shape_has(dtype, size, fmt):
    unit = np.array([[0, 0, 1, 1], [0, 0, 1, 0.5], [0.5, 0.5, 1, 1], [1, 1, 0, 0]])
    a = (unit * size).astype(dtype)
    exact = definition.BBoxBatchIOU(a, a, fmt=fmt, eps=0).astype(np.float64)
    result = BBoxBatchIOU(fmt=fmt, eps=0)(a, a)
    assert result[0, 0] == 1
    assert ((result >= 0) & (result <= 1)).all()
    assert np.array_equal(result == 0, exact == 0)
    assert (np.abs(result - exact) <= 4 * np.finfo(dtype).eps * exact).all()


@pytest.mark.parametrize("operand", ["a", "b"])
def test_what_is_not_finite_is_named_even_where_there_is_nothing_to_compare_it_with(operand):
    inputs = {"a": np.zeros((0, 4)), "b": np.zeros((0, 4))}
    inputs[operand] = np.array([[0, 0, np.inf, 0]])
    with pytest.raises(ValueError, match=rf"^{operand}\[0, 2\] is inf, expected finite numbers$"):
        BBoxBatchIOU()(**inputs)


def test_a_usual_eps_is_no_more_than_it_is_for_tiny_boxes():
    box = np.array([[0, 0, 1e-8, 1e-8]], np.float32)
    exact = definition.BBoxBatchIOU(box, box).astype(np.float64)
    assert 0.05 < exact < 0.1
    assert BBoxBatchIOU()(box, box) == pytest.approx(exact, rel=1e-6)


def test_empty_and_inverted_boxes_and_padding_have_iou_0_with_everything():
    empty = [[2, 2, 2, 2], [3, 3, 1, 1], [3, 0, 1, 4], [-1] * 4, [0] * 4, [5, 5, 5, 9]]
    boxes = np.array([*empty, [0, 0, 4, 4], [-2, -2, 9, 9]], np.float32)
    ious = BBoxBatchIOU()(boxes, boxes)
    assert (ious[:6] == 0).all()
    assert (ious[:, :6] == 0).all()
    assert (ious[6:, 6:] > 0).all()


@pytest.mark.parametrize("dtype", DTYPES)
def test_an_offset_counts_pixels(dtype):
    a, b = np.array([[0, 0, 1, 1], [3, 3, 2, 2]], dtype), np.array([[1, 1, 2, 2]], dtype)
    exact = definition.BBoxBatchIOU(a, b, offset=1, eps=0)
    assert exact.tolist() == [[Fraction(1, 7)], [0]]
    assert np.array_equal(BBoxBatchIOU(offset=1)(a, b), exact.astype(np.float64).astype(dtype))


def test_mixed_dtypes_are_computed_in_their_common_one():
    a, b = grid(4).astype(np.float16), grid(3, seed=1)
    for dtype in (np.float16, np.float32, np.float64, np.int32):
        result = BBoxBatchIOU()(a, b.astype(dtype))
        common = np.float64 if dtype == np.int32 else np.result_type(np.float16, dtype)
        assert_equal(result, BBoxBatchIOU()(a.astype(common), b.astype(dtype).astype(common)))


def test_integers_are_computed_in_float64():
    assert_equal(BBoxArea()([[0, 0, 3, 2]]), np.array([[6.0]]))
    assert_equal(BBoxCornerToCenter()([[0, 0, 3, 2]]), np.array([[1.5, 1, 3, 2]]))
    assert_equal(BBoxClipToImage()([[-1, 0, 99, 2]], IMAGE), np.array([[0.0, 0, 32, 2]]))


def test_an_area_that_no_float_holds_is_infinite_and_an_empty_one_0():
    assert BBoxArea()(np.array([[0, 0, 300, 300]], np.float16)) == np.inf
    assert BBoxArea()(np.array([[0, 0, 1e30, 1e30]], np.float32)) == np.inf
    assert BBoxArea()(np.array([[-3e38, 5, 3e38, 5]], np.float32)) == 0
    assert BBoxCornerToCenter()(np.array([[-3e38, 5, 3e38, 5]], np.float32))[0, 2] == np.inf


@pytest.mark.parametrize(("rows", "columns"), [(130, 3), (3, 130), (130, 30)])
def test_pixels_count_whichever_set_has_more_boxes(rows, columns):
    rng = np.random.default_rng(0)
    low = rng.integers(0, 60, (160, 2))
    pixels = np.concatenate([low, low + rng.integers(0, 40, (160, 2))], 1).astype(np.float32)
    corners = pixels + np.float32([0, 0, 1, 1])
    found = BBoxBatchIOU(offset=1)(pixels[:rows], pixels[-columns:])
    assert np.array_equal(found, BBoxBatchIOU()(corners[:rows], corners[-columns:]))


@pytest.mark.parametrize(
    ("a", "b", "shape"),
    [
        ((3, 4), (2, 4), (3, 2)),
        ((1, 3, 4), (2, 4), (1, 3, 2)),
        ((3, 4), (5, 2, 4), (5, 3, 2)),
        ((5, 3, 4), (1, 2, 4), (5, 3, 2)),
        ((1, 3, 4), (5, 2, 4), (5, 3, 2)),
        ((0, 4), (2, 4), (0, 2)),
        ((3, 4), (0, 4), (3, 0)),
        ((0, 4), (0, 4), (0, 0)),
        ((2, 0, 4), (2, 3, 4), (2, 0, 3)),
        ((2, 3, 4), (1, 0, 4), (2, 3, 0)),
        ((0, 3, 4), (0, 2, 4), (0, 3, 2)),
        ((0, 3, 4), (1, 2, 4), (0, 3, 2)),
    ],
)
def test_iou_of_sets_and_batches_of_every_size(a, b, shape):
    a, b = grid(*a[:-1]), grid(*b[:-1], seed=1)
    ious = BBoxBatchIOU()(a, b)
    assert ious.shape == shape
    images = zip(
        np.broadcast_to(a, (*shape[:-2], *a.shape[-2:])).reshape(-1, max(1, a.shape[-2]), 4),
        np.broadcast_to(b, (*shape[:-2], *b.shape[-2:])).reshape(-1, max(1, b.shape[-2]), 4),
        ious.reshape(-1, *shape[-2:]) if ious.size else [],
        strict=False,
    )
    for one, other, expected in images:
        assert_equal(BBoxBatchIOU()(one, other), expected)


@pytest.mark.parametrize("count", [1, 2, 7, 8, 9, 15, 16, 17, 33, 100])
def test_rows_of_every_length_are_written_whole_and_no_further(count):
    for dtype in (np.float32, np.float64):
        a, b = grid(count).astype(dtype), grid(5, seed=1).astype(dtype)
        iou = BBoxBatchIOU(eps=0)
        assert np.array_equal(iou(b, a), iou(a, b).T)
        assert np.array_equal(iou(b, a)[:, -1:], iou(b, a[-1:]))
