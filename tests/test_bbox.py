"""The box operators: right to a few units of roundoff, whatever the boxes and their layout."""

import tracemalloc
from concurrent.futures import ThreadPoolExecutor
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from refkernels import bbox as bbox_module
from refkernels.bbox import (
    BBoxArea,
    BBoxBatchIOU,
    BBoxCenterToCorner,
    BBoxClipToImage,
    BBoxCornerToCenter,
    BBoxSplit,
    NumPyBBoxCornerToCenter,
)
from refkernels.definition import bbox as definition

DTYPES = [np.float16, np.float32, np.float64]
IMAGE = np.zeros((3, 24, 32))

UNARY = [
    BBoxCornerToCenter(),
    BBoxCenterToCorner(),
    NumPyBBoxCornerToCenter(split=True),
    BBoxSplit(axis=-1),
    BBoxSplit(axis=-1, squeeze_axis=True),
    BBoxArea(),
    BBoxArea(fmt="center"),
    lambda x: BBoxClipToImage()(x, IMAGE),
    lambda x: BBoxBatchIOU()(x, x),
]
NAMES = ["to center", "to corner", "split center", "split", "squeezed", "area", "center area"]
every_operator = pytest.mark.parametrize("operator", UNARY, ids=[*NAMES, "clip", "iou"])


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


@every_operator
@pytest.mark.parametrize("dtype", DTYPES)
class TestEveryOperator:
    def test_the_layout_makes_no_difference_and_the_input_stays_as_it_is(self, operator, dtype):
        x = grid(2, 6).astype(dtype)
        expected = operator(x)
        read_only = x.copy()
        read_only.flags.writeable = False
        layouts = [
            read_only,
            np.asfortranarray(x),
            np.repeat(x, 2, axis=1)[:, ::2],
            x[::-1, ::-1, ::-1].copy()[::-1, ::-1, ::-1],
            x.astype(x.dtype.newbyteorder(">")),
            np.broadcast_to(x, (3, 2, 6, 4))[1],
        ]
        for layout in layouts:
            before = layout.copy()
            assert_equal(operator(layout), expected)
            assert np.array_equal(layout, before)

    def test_an_image_has_the_same_result_alone_and_in_a_batch(self, operator, dtype):
        x = grid(3, 5).astype(dtype)
        for i, image in enumerate(x):
            alone, batch = parts(operator(image)), parts(operator(x))
            for one, all_of_them in zip(alone, batch, strict=True):
                assert np.array_equal(one, all_of_them[i])

    def test_the_result_is_an_array_of_its_own(self, operator, dtype):
        x = grid(2, 5).astype(dtype)
        for part in parts(operator(x)):
            assert part.flags.writeable
            assert not np.shares_memory(part, x)

    @pytest.mark.parametrize("shape", [(0,), (0, 3), (2, 0)])
    def test_no_boxes_are_fine(self, operator, dtype, shape):
        for part in parts(operator(np.zeros((*shape, 4), dtype))):
            assert part.dtype == dtype
            assert part.size == 0

    @pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
    def test_what_is_not_finite_is_named_with_its_place(self, operator, dtype, bad):
        x = np.zeros((2, 20, 4), dtype)
        x[0, 17, 3] = bad
        with pytest.raises(ValueError, match=rf"^[xa]\[0, 17, 3\] is {bad}, expected finite"):
            operator(x)


@every_operator
class TestEveryOperatorRefuses:
    @pytest.mark.parametrize("x", [[["a"] * 4], [[1j] * 4], np.zeros((2, 4), object), None])
    def test_what_is_not_real(self, operator, x):
        with pytest.raises(TypeError, match=r"^[xa]: expected float16, .*, got dtype "):
            operator(x)

    @pytest.mark.parametrize("shape", [(3, 5), (2, 3, 3), (0,), (4, 0)])
    def test_an_axis_that_is_not_4_long(self, operator, shape):
        with pytest.raises(ValueError, match=r"^[xa]: expected axis -1 to have length 4, got "):
            operator(np.zeros(shape))

    def test_a_number(self, operator):
        with pytest.raises(ValueError, match=r"^[xa]: axis -1 is out of range for shape \(\)"):
            operator(3.0)


@pytest.mark.parametrize("build", [BBoxCornerToCenter, BBoxCenterToCorner, BBoxSplit, BBoxArea])
def test_an_axis_out_of_range_is_an_error(build):
    with pytest.raises(ValueError, match=r"^x: axis 2 is out of range for shape \(3, 4\)$"):
        build(axis=2)(np.zeros((3, 4)))
    with pytest.raises(TypeError, match=r"^axis: expected an integer, got 1.0$"):
        build(axis=1.0)


@pytest.mark.parametrize("build", [BBoxArea, BBoxBatchIOU])
def test_an_unknown_form_is_an_error_that_lists_the_known_ones(build):
    with pytest.raises(ValueError, match=r"^fmt: expected 'corner' or 'center', got 'xywh'$"):
        build(fmt="xywh")
    assert build(fmt="CENTER") == build(fmt="center")


@pytest.mark.parametrize(
    ("build", "options", "error", "message"),
    [
        (BBoxCornerToCenter, {"split": 1}, TypeError, "split: expected True or False, got 1"),
        (BBoxCenterToCorner, {"split": None}, TypeError, "split: expected True or False, got None"),
        (BBoxSplit, {"axis": 1, "squeeze_axis": 0}, TypeError, "squeeze_axis: expected True or "),
        (BBoxBatchIOU, {"eps": -1e-9}, ValueError, "eps: expected a number of at least 0, got -1e"),
        (BBoxBatchIOU, {"eps": np.inf}, ValueError, "eps is inf, expected a finite number"),
        (BBoxBatchIOU, {"offset": np.nan}, ValueError, "offset is nan, expected a finite number"),
        (BBoxBatchIOU, {"offset": "1"}, TypeError, "offset: expected a real number, got '1'"),
    ],
)
def test_a_bad_parameter_is_an_error_that_names_it(build, options, error, message):
    with pytest.raises(error, match=f"^{message}"):
        build(**options)


def test_an_offset_that_the_data_cannot_hold_is_an_error():
    box = np.array([[0, 0, 1, 1]], np.float32)
    with pytest.raises(ValueError, match=r"^offset: 1e\+39 does not fit float32$"):
        BBoxBatchIOU(offset=1e39)(box, box)


def test_iou_takes_sets_or_batches_of_one_size():
    with pytest.raises(ValueError, match=r"^batch sizes differ: a has 2, b has 3; expected"):
        BBoxBatchIOU()(np.zeros((2, 5, 4)), np.zeros((3, 6, 4)))
    with pytest.raises(ValueError, match=r"^a: expected a set of boxes, \(N, 4\), or a batch .* 1"):
        BBoxBatchIOU()(np.zeros(4), np.zeros((6, 4)))
    with pytest.raises(ValueError, match=r"^b: expected a set of boxes, \(N, 4\), or a batch .* 4"):
        BBoxBatchIOU()(np.zeros((6, 4)), np.zeros((1, 1, 6, 4)))
    with pytest.raises(ValueError, match=r"^b\[1, 2\] is inf, expected finite numbers$"):
        BBoxBatchIOU()(np.zeros((6, 4)), [[0, 0, 0, 0], [0, 0, np.inf, 0]])


def test_clip_refuses_images_and_sizes_that_do_not_fit():
    x = np.zeros((2, 3, 4))
    with pytest.raises(ValueError, match=r"^x: expected a set of boxes, .* got 1 axes$"):
        BBoxClipToImage()(np.zeros(4), IMAGE)
    with pytest.raises(ValueError, match=r"^img: expected \(..., H, W\), got shape \(3,\)$"):
        BBoxClipToImage()(x, np.zeros(3))
    with pytest.raises(
        ValueError, match=r"^sizes: expected \(B, 2\) or \(2,\), got shape \(2, 3\)$"
    ):
        BBoxClipToImage()(x, IMAGE, np.zeros((2, 3)))
    with pytest.raises(ValueError, match=r"^sizes: expected one row for each of 2 images, got 3$"):
        BBoxClipToImage()(x, IMAGE, np.zeros((3, 2)))
    with pytest.raises(ValueError, match=r"^sizes: expected heights and widths of at least 0$"):
        BBoxClipToImage()(x, IMAGE, [[1, 1], [1, -1]])
    with pytest.raises(ValueError, match=r"^sizes\[1, 0\] is nan, expected finite numbers$"):
        BBoxClipToImage()(x, IMAGE, [[1, 1], [np.nan, 1]])


@every_operator
def test_threads_get_what_one_thread_gets(operator):
    images = [grid(50, seed=seed).astype(np.float32) for seed in range(24)]
    expected = [operator(x) for x in images]
    with ThreadPoolExecutor(4) as pool:
        for one, other in zip(pool.map(operator, images), expected, strict=True):
            assert_equal(one, other)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_iou_needs_no_memory_but_that_of_its_result(dtype):
    a, b = grid(2000).astype(dtype), grid(50, seed=1).astype(dtype)
    BBoxBatchIOU()(a, b)
    tracemalloc.start()
    ious = BBoxBatchIOU()(a, b)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 1.1 * ious.nbytes


def test_warmup_compiles_every_kernel():
    bbox_module.warmup()
