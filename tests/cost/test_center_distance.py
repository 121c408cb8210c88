"""The distance of centres: right to a few units of roundoff, for boxes of any size and place."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from refkernels import CenterDistance

DTYPES = [np.float16, np.float32, np.float64]


@pytest.mark.parametrize("dtype", DTYPES)
def test_it_is_the_distance_of_the_middles(dtype):
    a = np.array([[0, 0, 2, 2], [4, 4, 6, 6], [0, 0, 8, 2]], dtype)  # middles 1 1, 5 5, 4 1
    b = np.array([[3, 4, 5, 6], [1, 1, 1, 1]], dtype)  # 4 5, 1 1
    distances = CenterDistance()(a, b)
    assert distances.dtype == dtype
    # 3 and 4, 0 and 0; 1 and 0, 4 and 4; 0 and 4, 3 and 0.
    expected = np.array([[5, 0], [1, math.sqrt(32)], [4, 3]]).astype(dtype)
    np.testing.assert_array_equal(distances, expected)


def test_centre_boxes_have_their_centre_already():
    a, b = [[1.0, 2.0, 50.0, 0.0]], [[4.0, 6.0, -3.0, 9.0]]
    np.testing.assert_array_equal(CenterDistance(fmt="center")(a, b), [[5]])


@pytest.mark.parametrize("axis", [0, 1, -2])
def test_boxes_may_lie_along_any_axis(axis):
    rng = np.random.default_rng(0)
    a, b = rng.random((3, 5, 4)), rng.random((3, 2, 4))
    moved = [np.moveaxis(x, -1, axis) for x in (a, b)]
    np.testing.assert_array_equal(CenterDistance(axis=axis)(*moved), CenterDistance()(a, b))


def test_the_extent_does_not_matter_nor_its_sign():
    inverted, flat = [[4.0, 6.0, 2.0, 2.0]], [[3.0, 4.0, 3.0, 4.0]]
    np.testing.assert_array_equal(CenterDistance()(inverted, flat), [[0]])


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_what_is_so_large_that_squares_overflow_has_its_distance(dtype):
    side = dtype(np.finfo(dtype).max) / dtype(8)
    a, b = np.array([[0, 0, 0, 0]], dtype), np.array([[3, 4, 3, 4]], dtype) * side
    found = CenterDistance()(a, b)
    assert abs(found / side - 5) <= 5 * np.finfo(dtype).eps
    corners = np.array([[-8, -8, 8, 8]], dtype) * side * dtype(1 - 2**-10)
    np.testing.assert_array_equal(CenterDistance()(corners, a), [[0]])
    np.testing.assert_array_equal(CenterDistance()(a - 6 * side, a + 7 * side), [[np.inf]])


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_what_is_so_small_that_squares_vanish_has_its_distance(dtype):
    for unit in (dtype(np.finfo(dtype).tiny), dtype(np.finfo(dtype).smallest_subnormal) * 2):
        a, b = np.array([[0, 0, 0, 0]], dtype), np.array([[3, 4, 3, 4]], dtype) * unit
        assert CenterDistance()(a, b) == 5 * unit


@given(st.data(), st.sampled_from([np.float32, np.float64]))
def test_boxes_of_any_two_sizes_have_a_distance_that_is_right_to_four_units(data, dtype):
    info = np.finfo(dtype)
    exponents = st.integers(int(np.log2(info.tiny)) + 60, int(info.maxexp) - 3)
    numbers = st.floats(-1, 1, width=32, allow_subnormal=False)
    points = []
    for _ in range(2):
        power = data.draw(exponents)
        points.append([math.ldexp(data.draw(numbers), power) for _ in range(2)])
    a, b = (np.array([[x, y, 1, 1]], dtype) for x, y in points)
    found = float(CenterDistance(fmt="center")(a, b)[0, 0])
    exact = math.hypot(*(float(p) - float(q) for p, q in zip(a[0, :2], b[0, :2], strict=True)))
    assert abs(found - exact) <= 4 * float(info.eps) / 2 * exact + float(info.smallest_subnormal)


def test_the_distance_of_a_pair_does_not_depend_on_others():
    rng = np.random.default_rng(0)
    a, b = (rng.random((9, 4)).astype(np.float32) for _ in range(2))
    alone = CenterDistance()(a, b)
    huge = np.full((1, 4), 1e30, np.float32)
    together = CenterDistance()(np.concatenate([a, huge]), np.concatenate([b, huge, a[:1]]))
    np.testing.assert_array_equal(together[:9, :9], alone)
    assert together[9, 9] == together[0, 10] == 0


@pytest.mark.parametrize(
    ("a", "b", "message"),
    [
        ([[0, 0, np.nan, 1]], [[0, 0, 1, 1]], r"a\[0, 2\] is nan, expected finite numbers"),
        ([[0, 0, 1, 1]], [[[0, 0, 1, 1]], [[0, -np.inf, 1, 1]]], r"b\[1, 0, 1\] is -inf"),
        (np.zeros((0, 4)), [[0, np.inf, 1, 1]], r"b\[0, 1\] is inf"),
        ([[0, 0, 1]], [[0, 0, 1, 1]], r"a: expected axis -1 to have length 4, got 3"),
        (np.zeros((2, 1, 4)), np.zeros((3, 1, 4)), "batch sizes differ: a has 2, b has 3"),
        (np.zeros(4), np.zeros((1, 4)), r"a: expected a set of boxes, \(N, 4\)"),
    ],
)
def test_what_is_no_set_of_boxes_is_refused(a, b, message):
    with pytest.raises(ValueError, match=message):
        CenterDistance()(a, b)


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_the_extent_of_centre_boxes_is_looked_at_too(value):
    a, b = np.zeros((2, 4)), np.zeros((1, 4))
    a[1, 3] = value
    with pytest.raises(ValueError, match=rf"a\[1, 3\] is {value}, expected finite numbers"):
        CenterDistance(fmt="center")(a, b)


@pytest.mark.parametrize("dtype", [object, "U4", complex])
def test_what_is_no_real_is_refused(dtype):
    boxes = np.zeros((1, 4)).astype(dtype)
    with pytest.raises(TypeError, match=r"b: expected float16, float32, float64 or integers"):
        CenterDistance()(np.zeros((1, 4)), boxes)


def test_parameters_are_checked():
    with pytest.raises(ValueError, match="fmt: expected 'corner' or 'center', got 'xyxy'"):
        CenterDistance(fmt="xyxy")
    with pytest.raises(TypeError, match=r"axis: expected an integer, got 1.0"):
        CenterDistance(axis=1.0)
    with pytest.raises(ValueError, match="a: axis 2 is out of range"):
        CenterDistance(axis=2)(np.zeros((4, 1)), np.zeros((4, 1)))
