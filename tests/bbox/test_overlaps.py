"""IoA, GIoU, DIoU and CIoU: by hand, as defined, and at any scale."""

import math
from fractions import Fraction as F

import mpmath
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import refkernels
from refkernels.bbox import (
    BBoxBatchCIOU,
    BBoxBatchDIOU,
    BBoxBatchIOA,
    BBoxBatchIOU,
)
from refkernels.conformance.cases import find
from refkernels.definition import bbox as definition

DTYPES = [np.float16, np.float32, np.float64]
FOUR = ["BBoxBatchIOA", "BBoxBatchGIOU", "BBoxBatchDIOU", "BBoxBatchCIOU"]
each_of_four = pytest.mark.parametrize("name", FOUR)
each_enclosing = pytest.mark.parametrize("name", FOUR[1:])
each_dtype = pytest.mark.parametrize("dtype", DTYPES)

SQUARE = [0, 0, 2, 2]

# Each pair: IoA, GIoU, DIoU, and the angles of CIoU as shares of a right angle; worked by hand.
BY_HAND = {
    # All of both is in both, and in the box around them.
    "identical": (SQUARE, SQUARE, 1, 1, 1),
    # 1 of 4 + 4 - 1, in 3 x 3; centres 1 apart along x and y: 2 of 18.
    "shifted": (SQUARE, [1, 1, 3, 3], F(1, 4), F(1, 7) - F(2, 9), F(1, 7) - F(2, 18)),
    # 4 of 8, which is the box around both; centres 1 apart: 1 of 2**2 + 4**2.
    "nested": (SQUARE, [0, 0, 2, 4], 1, F(1, 2), F(1, 2) - F(1, 20)),
    # The other way round half of the first is covered.
    "around": ([0, 0, 2, 4], SQUARE, F(1, 2), F(1, 2), F(1, 2) - F(1, 20)),
    # Side by side they fill 4 x 2; centres 2 apart: 4 of 4**2 + 2**2.
    "touching": (SQUARE, [2, 0, 4, 2], 0, 0, -F(4, 20)),
    # 8 of 6 x 2; centres 4 apart: 16 of 36 + 4.
    "apart": (SQUARE, [4, 0, 6, 2], 0, -F(1, 3), -F(16, 40)),
    # 4 of 9, centres 2 apart along both.
    "a point outside": (SQUARE, [3, 3, 3, 3], 0, -F(5, 9), -F(8, 18)),
    "a point inside": (SQUARE, [1, 1, 1, 1], 0, 0, 0),
    # Nothing of 4 x 3.
    "two points": ([0, 0, 0, 0], [4, 3, 4, 3], 0, -1, -1),
    "one point": ([5, 5, 5, 5], [5, 5, 5, 5], 0, 0, 0),
    # The box around both has no area, but a diagonal, of 6; centres 4 apart.
    "on one line": ([0, 1, 2, 1], [4, 1, 6, 1], 0, 0, -F(16, 36)),
    # A point too: 4 of 9 again, and 3 x 3 around.
    "padding of -1": (SQUARE, [-1] * 4, 0, -F(5, 9), -F(8, 18)),
    # Its corners are those of SQUARE; its area and IoU are 0, its centre is that of the other.
    "inverted": (SQUARE, [2, 2, 0, 0], 0, 0, 0),
    # Of 4 x 2 the half; centres 2 apart. The larger of its x comes first, so the box around both
    # is wider than min(xmin) to max(xmax), which is 2.
    "mirrored": (SQUARE, [4, 0, 2, 2], 0, -F(1, 2), -F(4, 20)),
    "both inverted": ([2, 2, 0, 0], [6, 3, 4, 0], 0, -1, -F(16 + F(1, 4), 36 + 9)),
}


@pytest.mark.parametrize("case", BY_HAND)
@each_dtype
def test_overlaps_worked_by_hand(case, dtype):
    a, b, *expected = BY_HAND[case]
    a, b = np.array([a], dtype), np.array([b], dtype)
    for name, value in zip(FOUR, expected, strict=False):
        assert getattr(definition, name)(a, b).tolist() == [[value]], name
        found = getattr(refkernels, name)()(a, b)
        assert found.dtype == dtype
        # All but the last operations are exact here, and the largest number is 2.
        assert float(found[0, 0]) == pytest.approx(
            float(value), abs=4 * float(np.finfo(dtype).eps)
        ), name


@pytest.mark.parametrize(
    ("a", "b", "angle_a", "angle_b"),
    [
        ("square", "wide", math.atan(1), math.atan(2)),
        ("wide", "high", math.atan(2), math.atan(0.5)),
        ("wide", "twice as wide and high", 0, 0),
        ("level", "upright", math.pi / 2, 0),
        ("level", "square", math.pi / 2, math.pi / 4),
        ("point", "square", 0, math.pi / 4),
        ("point", "upright", 0, 0),
        # A side below 0 counts as 0.
        ("mirrored", "square", 0, math.pi / 4),
        ("upside down", "upright", math.pi / 2, 0),
        ("inverted", "point", 0, 0),
    ],
)
def test_ciou_is_diou_less_what_differs_in_shape(a, b, angle_a, angle_b):
    shapes = {
        "square": [0, 0, 2, 2],
        "wide": [0, 0, 4, 2],
        "high": [0, 0, 2, 4],
        "twice as wide and high": [0, 0, 8, 4],
        "level": [0, 1, 3, 1],
        "upright": [1, 0, 1, 3],
        "point": [1, 1, 1, 1],
        "mirrored": [2, 0, 0, 2],
        "upside down": [0, 2, 2, 0],
        "inverted": [2, 2, 0, 0],
    }
    boxes = [np.array([shapes[shape]], np.float64) for shape in (a, b)]
    iou, diou = float(BBoxBatchIOU(eps=0)(*boxes)[0, 0]), float(BBoxBatchDIOU()(*boxes)[0, 0])
    v = 4 / math.pi**2 * (angle_a - angle_b) ** 2
    expected = diou - (v * v / (1 - iou + v) if v else 0)
    assert float(definition.BBoxBatchCIOU(*boxes)[0, 0]) == pytest.approx(expected, abs=1e-14)
    for pair in (boxes, boxes[::-1]):
        assert BBoxBatchCIOU()(*pair)[0, 0] == pytest.approx(expected, abs=1e-14)


def test_a_box_that_differs_in_nothing_has_a_ciou_of_exactly_1():
    box = np.array([[0.1, 0.3, 0.7, 0.4]], np.float32)
    assert BBoxBatchCIOU()(box, box) == 1
    assert definition.BBoxBatchCIOU(box, box)[0, 0] == 1


def test_the_definition_of_ciou_has_more_than_100_bits():
    a, b = [[0, 0, 1, 3]], [[0, 0, 3, 1]]
    with mpmath.workprec(400):
        v = 4 / mpmath.pi**2 * (mpmath.atan(mpmath.mpf(1) / 3) - mpmath.atan(3)) ** 2
        # IoU 1 / 5, the centres sqrt(2) apart in 3 x 3.
        expected = mpmath.mpf(1) / 5 - mpmath.mpf(2) / 18 - v * v / (mpmath.mpf(4) / 5 + v)
        assert abs(definition.BBoxBatchCIOU(a, b)[0, 0] - expected) < mpmath.mpf(2) ** -100


def test_an_offset_counts_pixels():
    # Of 2 x 2 pixels one; of 3 x 1 pixels, which are a line without the offset, one.
    a, b = [[0, 0, 1, 1], [0, 1, 2, 1]], [[1, 1, 5, 5]]
    assert definition.BBoxBatchIOA(a, b, offset=1).tolist() == [[F(1, 4)], [F(2, 3)]]
    assert BBoxBatchIOA(offset=1)(a, b).tolist() == [[0.25], [2 / 3]]
    assert BBoxBatchIOA()(a, b).tolist() == [[0], [0]]
    # Without a pixel of their own.
    empty = [[3, 3, 2, 5], [2, 2, 1, 1]]
    assert BBoxBatchIOA(offset=1)(empty, b).tolist() == [[0], [0]]
    assert BBoxBatchIOA(offset=1)(b, empty).tolist() == [[0, 0]]


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_an_offset_is_rounded_to_the_dtype(dtype):
    a, b = np.array([[0, 0, 1, 1]], dtype), np.array([[0, 0, 0.5, 1]], dtype)
    offset = F(float(dtype(0.1)))
    exact = (F(1, 2) + offset) / (1 + offset)
    assert definition.BBoxBatchIOA(a, b, offset=0.1).tolist() == [[exact]]
    assert abs(F(float(BBoxBatchIOA(offset=0.1)(a, b)[0, 0])) - exact) < F(
        float(np.finfo(dtype).eps)
    )


@each_of_four
def test_centre_boxes_and_axes_say_the_same(name):
    corner = np.array([[[0, 0, 4, 2], [1, 1, 3, 5], [2, 2, 0, 0]]], np.float64)
    center = np.concatenate(
        [(corner[..., :2] + corner[..., 2:]) / 2, corner[..., 2:] - corner[..., :2]], -1
    )
    build, define = getattr(refkernels, name), getattr(definition, name)
    expected = build()(corner, corner)
    assert np.array_equal(build(fmt="center")(center, center), expected)
    for axis in (0, 1, 2, -2, -3):
        a = np.moveaxis(center, -1, axis)
        assert np.array_equal(build(axis=axis, fmt="center")(a, a), expected)
        exact = define(a, a, axis=axis, fmt="center")
        assert np.allclose(exact.astype(float), expected, rtol=0, atol=1e-15)


@each_enclosing
def test_boxes_that_lie_apart_share_nothing_however_long_they_are(name):
    wide = np.float32([[0, 0, 2.0**40, 2.0**-20], [0, 2.0**-19, 2.0**40, 2.0**-18]])
    overlap = getattr(refkernels, name)()
    for boxes in (wide, wide[:, [1, 0, 3, 2]]):
        assert overlap(boxes[:1], boxes[1:]) < 0


@each_enclosing
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_boxes_of_the_least_numbers_there_are_have_the_overlaps_of_others(name, dtype):
    boxes = np.array(
        [[0, 0, 4, 2], [1, 1, 3, 5], [2, 0, 2, 9], [2, 20, 2, 29], [7, 7, 7, 7], [0, 0, 0, 0]],
        dtype,
    )
    overlap = getattr(refkernels, name)()
    least = boxes * np.finfo(dtype).smallest_subnormal
    assert np.array_equal(overlap(least, least), overlap(boxes, boxes))


@each_of_four
@settings(max_examples=60, deadline=None)
@given(st.data())
def test_the_kernel_is_within_its_bound_of_the_definition(name, data):
    operator = find(name)
    case = data.draw(operator.cases())
    for dtype in DTYPES:
        cast = case.astype(np.dtype(dtype))
        reference = operator.refer(cast, ask_definition=True)
        wrong = operator.judge_kernel(cast, reference)
        assert wrong is None, wrong.what


def any_boxes(data, dtype, fmt):
    """Draw three boxes, each of sizes of its own along both axes, from the smallest on."""
    info = np.finfo(dtype)
    exponents = st.integers(int(info.minexp) - int(info.nmant), int(info.maxexp) - 1)

    def draw():
        sizes = np.ldexp(1.0, [data.draw(exponents), data.draw(exponents)])
        whole = data.draw(st.lists(st.integers(-8, 8), min_size=4, max_size=4))
        return np.reshape(whole, (2, 2)) / 8 * sizes

    boxes = np.reshape([draw() for _ in range(3)], (3, 4)).astype(dtype)
    if fmt == "center":
        boxes[:, 2:] = abs(boxes[:, 2:])
    return boxes


@each_enclosing
@settings(max_examples=100, deadline=None)
@given(st.data(), st.sampled_from([np.float32, np.float64]))
def test_corner_boxes_of_any_sizes_have_their_overlap_to_a_few_units_of_roundoff(name, data, dtype):
    a, b = any_boxes(data, dtype, "corner"), any_boxes(data, dtype, "corner")
    if data.draw(st.booleans()):
        b[0] = a[0]
        b[1, [0, 2]] = a[1, [0, 2]]  # of the same size along x
    found = getattr(refkernels, name)()(a, b)
    exact = getattr(definition, name)(a, b)
    unit = F(float(np.finfo(dtype).eps)) / 2
    for got, value in zip(found.ravel().tolist(), exact.ravel().tolist(), strict=True):
        value = F(value) if isinstance(value, F) else F(str(mpmath.nstr(value, 60)))
        assert abs(F(got) - value) <= 20 * unit


@each_of_four
@settings(max_examples=100, deadline=None)
@given(st.data(), st.sampled_from([np.float32, np.float64]), st.sampled_from(["corner", "center"]))
def test_whatever_the_boxes_results_are_finite_and_in_their_range(name, data, dtype, fmt):
    a, b = any_boxes(data, dtype, fmt), any_boxes(data, dtype, fmt)
    build = getattr(refkernels, name)
    found = build(fmt=fmt)(a, b)
    lowest = {"BBoxBatchIOA": 0, "BBoxBatchCIOU": -1.5}.get(name, -1)
    assert ((found >= lowest) & (found <= 1)).all()
    assert not np.signbit(found[found == 0]).any()
    if name != "BBoxBatchIOA":
        assert np.array_equal(build(fmt=fmt)(b, a), found.T)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@each_enclosing
def test_far_from_the_origin_no_digits_are_lost(name, dtype):
    near = np.array([[0, 0, 3, 2], [1, 1, 4, 5]], dtype)
    far = near + dtype(2.0 ** (np.finfo(dtype).nmant - 2))  # where a quarter is the last digit
    build = getattr(refkernels, name)
    assert np.array_equal(build()(far, far[::-1]), build()(near, near[::-1]))


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@each_of_four
def test_boxes_of_every_size_and_shape_of_set_have_the_same_overlap(name, dtype):
    # Few of many, many of few, and no multiple of what vectors hold.
    rng = np.random.default_rng(0)
    low = rng.integers(0, 60, (140, 2))
    boxes = np.concatenate([low, low + rng.integers(-3, 40, (140, 2))], 1).astype(dtype)
    build = getattr(refkernels, name)()
    whole = build(boxes, boxes)
    for rows in (1, 64, 65, 130):
        for columns in (1, 8, 9, 20, 66, 129):
            assert np.array_equal(build(boxes[:rows], boxes[:columns]), whole[:rows, :columns])


@each_enclosing
@pytest.mark.parametrize("place", [1e30, -1e30, 1e-40])
def test_two_points_on_one_spot_overlap_in_nothing_however_far_away_it_is(name, place):
    point = np.full((1, 4), place, np.float32)
    assert getattr(refkernels, name)()(point, point).item() == 0


@each_enclosing
def test_a_huge_box_beside_others_leaves_them_their_overlap(name):
    boxes = np.float32([[0, 0, 3, 2], [1, 1, 4, 5], [2, 1, 3, 7]])
    build = getattr(refkernels, name)()
    alone = build(boxes, boxes)
    for extreme in ([-3e38] * 2 + [3e38] * 2, [0, 0, 1e-40, 1e-42], [0, -3e38, 1e-30, 0]):
        more = np.concatenate([boxes, np.float32([extreme])])
        assert np.array_equal(build(more, more)[:3, :3], alone)


@each_enclosing
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_a_box_of_zeros_beside_a_tiny_one_is_no_larger_than_that(name, dtype):
    # Their hull vanishes unless both are scaled by what the tiny one needs.
    unit = float(np.finfo(dtype).tiny) * 4
    padding = np.zeros((1, 4), dtype)
    tiny = np.array([[3, 0, 0, 2], [1, 1, 3, 2], [0, 0, 3, 2]]) * unit
    build = getattr(refkernels, name)()
    found = build(tiny.astype(dtype), padding)
    assert np.array_equal(found, build((tiny / unit).astype(dtype), padding))
    assert np.array_equal(found.T, build(padding, tiny.astype(dtype)))


@each_of_four
@pytest.mark.parametrize(
    ("a", "b", "shape"),
    [
        ((3, 4), (2, 4), (3, 2)),
        ((3, 4), (5, 2, 4), (5, 3, 2)),
        ((5, 3, 4), (1, 2, 4), (5, 3, 2)),
        ((1, 3, 4), (5, 2, 4), (5, 3, 2)),
        ((0, 4), (2, 4), (0, 2)),
        ((3, 4), (0, 4), (3, 0)),
        ((2, 3, 4), (1, 0, 4), (2, 3, 0)),
        ((0, 3, 4), (1, 2, 4), (0, 3, 2)),
    ],
)
def test_sets_and_batches_of_every_size(name, a, b, shape):
    rng = np.random.default_rng(0)
    a, b = (
        np.sort(rng.integers(0, 9, s).astype(np.float32), -1)[..., [0, 1, 3, 2]] for s in (a, b)
    )
    build, define = getattr(refkernels, name), getattr(definition, name)
    found = build()(a, b)
    assert found.shape == define(a, b).shape == shape
    assert found.dtype == np.float32
    for image in range(shape[0] if len(shape) == 3 else 0):
        one, other = (x if x.ndim == 2 else x[min(image, len(x) - 1)] for x in (a, b))
        assert np.array_equal(build()(one, other), found[image])


@each_of_four
def test_results_have_the_common_dtype(name):
    build = getattr(refkernels, name)
    boxes = np.array([[0, 0, 3, 2], [1, 1, 4, 5]])
    for dtype, other, common in (
        (np.float16, np.float16, np.float16),
        (np.float16, np.float32, np.float32),
        (np.float32, np.float64, np.float64),
        (np.float32, np.int32, np.float64),
        (np.uint8, bool, np.float64),
    ):
        found = build()(boxes.astype(dtype), boxes.astype(other))
        assert found.dtype == common
        wide = boxes.astype(dtype).astype(common), boxes.astype(other).astype(common)
        assert np.array_equal(found, build()(*wide))


@each_of_four
def test_sets_or_batches_of_one_size_are_taken(name):
    operator = getattr(refkernels, name)()
    with pytest.raises(ValueError, match=r"^batch sizes differ: a has 2, b has 3; expected"):
        operator(np.zeros((2, 5, 4)), np.zeros((3, 6, 4)))
    with pytest.raises(ValueError, match=r"^a: expected a set of boxes, \(N, 4\), or a batch .* 1"):
        operator(np.zeros(4), np.zeros((6, 4)))
    with pytest.raises(ValueError, match=r"^b: expected axis -1 to have length 4, got 5 in shape "):
        operator(np.zeros((6, 4)), np.zeros((6, 5)))
    with pytest.raises(ValueError, match=r"^b\[1, 2\] is inf, expected finite numbers$"):
        operator(np.zeros((6, 4)), [[0, 0, 0, 0], [0, 0, np.inf, 0]])
    with pytest.raises(ValueError, match=r"^a\[70, 2\] is nan, expected finite numbers$"):
        operator(np.where(np.arange(300).reshape(75, 4) == 282, np.nan, 1), np.ones((2, 4)))


@each_of_four
@pytest.mark.parametrize("bad", [np.nan, np.inf])
@pytest.mark.parametrize("counts", [(0, 1), (1, 0), (1, 90), (90, 1)])
def test_what_is_not_finite_is_named_whatever_it_is_compared_with(name, bad, counts):
    for operand in (0, 1):
        if counts[operand] == 0:
            continue
        boxes = [np.zeros((count, 4), np.float32) for count in counts]
        boxes[operand][-1, 3] = bad
        place = rf"^{'ab'[operand]}\[{counts[operand] - 1}, 3\] is {bad}, expected finite numbers$"
        with pytest.raises(ValueError, match=place):
            getattr(refkernels, name)()(*boxes)
