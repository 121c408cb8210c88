"""PointMatcher: equal to its definition, whose areas and squares are exact."""

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from refkernels import PointMatcher
from refkernels.bounds import matcher as bounds
from refkernels.conformance.cases import find
from refkernels.definition import matcher as definition
from tests.matcher.points import scene

DTYPES = [np.float16, np.float32, np.float64]


def is_as_defined(*inputs, **options):
    matches = PointMatcher(**options)(*inputs)
    return np.array_equal(matches, definition.PointMatcher(*inputs, **options))


@pytest.mark.parametrize("inclusive", [True, False])
@pytest.mark.parametrize("radius", [None, 0.0, 0.5, 1.0])
def test_all_boxes_on_a_small_grid(radius, inclusive):
    # Inverted ones, flat ones and equal ones among them; the second is any, the first proper.
    every = np.array(list(itertools.product(range(3), repeat=4)), np.float32)
    proper = every[(every[:, 2:] > every[:, :2]).all(1)]
    pairs = np.array(list(itertools.product(proper, every)))
    points = [[0.5, 0.5], [1, 1], [1.5, 0.5]]
    ranges = [[0, 1], [1, 2], [1.5, 1.5]]
    for inputs in (
        scene(points, pairs, [1, 1, 2], ranges, np.float32),
        scene(points, pairs[:, ::-1], [1, 1, 2], None, np.float32),
    ):
        assert is_as_defined(*inputs, radius=radius, inclusive=inclusive)


@given(find("PointMatcher").cases(), st.sampled_from(DTYPES))
def test_it_is_what_its_definition_says(case, dtype):
    operator = find("PointMatcher")
    cast = case.astype(dtype)
    wrong = operator.judge_kernel(cast, operator.refer(cast, ask_definition=True))
    assert wrong is None, wrong


@pytest.mark.parametrize("dtype", DTYPES)
def test_more_points_than_are_matched_in_one_go(dtype):
    rng = np.random.default_rng(0)
    for count, truths in ((1500, 4), (5, 300), (512, 1), (1025, 2)):
        corners = rng.integers(0, 100, (2, truths, 2))
        boxes = np.concatenate([corners, corners + rng.integers(1, 90, corners.shape)], -1)
        points = rng.integers(0, 200, (count, 2))
        ranges = np.sort(rng.integers(0, 99, (count, 2)), -1)
        inputs = scene(points, boxes, rng.choice([4, 8, 16], count), ranges, dtype)
        assert is_as_defined(*inputs)
        assert is_as_defined(*inputs, radius=1.5, inclusive=False)


# Worked by hand.


def test_a_point_is_strictly_inside_a_box():
    points = [[0, 4], [8, 4], [4, 0], [4, 8], [4, 4], [7.5, 0.5], [-1, 4], [4, 9]]
    matches = PointMatcher()(*scene(points, [[0, 0, 8, 8]]))
    assert matches.tolist() == [-1, -1, -1, -1, 0, 0, -1, -1]


def test_the_largest_distance_is_in_a_range_whose_ends_belong_to_it_or_not():
    # From (2, 4) the sides of the box are 2, 4, 6 and 4 away.
    points = [[2, 4]] * 6
    ranges = [[6, 8], [4, 6], [6, 6], [6.5, 8], [4, 5.5], [5, 7]]
    inputs = scene(points, [[0, 0, 8, 8]], None, ranges)
    assert PointMatcher()(*inputs).tolist() == [0, 0, 0, -1, -1, 0]
    assert PointMatcher(inclusive=False)(*inputs).tolist() == [-1, -1, -1, -1, -1, 0]


def test_infinity_is_no_limit():
    points = [[2, 4]] * 3
    ranges = [[-np.inf, np.inf], [6, np.inf], [-np.inf, 6]]
    for inclusive in (True, False):
        matches = PointMatcher(inclusive=inclusive)(*scene(points, [[0, 0, 8, 8]], None, ranges))
        assert matches.tolist() == ([0, 0, 0] if inclusive else [0, -1, -1])


def test_with_a_radius_a_point_is_strictly_inside_a_square_around_the_centre():
    # The centre is (4, 4); the points are 2, 3 and 1 away, the last of them in y.
    points, boxes = [[2, 4], [7, 4], [4, 5]], [[0, 0, 8, 8]]
    assert PointMatcher(radius=2)(*scene(points, boxes)).tolist() == [-1, -1, 0]
    assert PointMatcher(radius=2)(*scene(points, boxes, [2, 1.5, 0.5])).tolist() == [0, -1, -1]
    assert PointMatcher(radius=2)(*scene(points, boxes, [2, 1.625, 0.5])).tolist() == [0, 0, -1]
    assert PointMatcher(radius=0)(*scene([[4, 4]], boxes)).tolist() == [-1]
    # Inside the square, but not the box.
    assert PointMatcher(radius=9)(*scene([[9, 4]], boxes)).tolist() == [-1]


def test_of_several_boxes_the_smallest_is_matched_the_first_of_equals():
    large, small, wide = [0, 0, 8, 8], [2, 2, 6, 6], [0, 3, 8, 5]  # of areas 64, 16 and 16
    point = [[4, 4]]
    assert PointMatcher()(*scene(point, [large, small, wide])).tolist() == [1]
    assert PointMatcher()(*scene(point, [wide, large, small])).tolist() == [0]
    assert PointMatcher()(*scene(point, [large, large])).tolist() == [0]
    # What does not count is no rival: the small one's largest distance is below the range.
    assert PointMatcher()(*scene(point, [small, large], None, [[3, 9]])).tolist() == [1]


def test_boxes_without_extent_match_nothing():
    boxes = [[-1, -1, -1, -1], [0, 0, 0, 0], [8, 8, 0, 0], [0, 0, 8, 0], [0, 0, 8, 8]]
    assert PointMatcher()(*scene([[4, 4], [-1, -1], [0, 0]], boxes)).tolist() == [4, -1, -1]


def test_the_names_of_others():
    assert PointMatcher.torchvision() == PointMatcher(radius=1.5, inclusive=False)
    assert PointMatcher.detectron2(2.0) == PointMatcher(radius=2.0, inclusive=False)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_areas_and_coordinates_of_any_size(dtype):
    largest = float(np.finfo(dtype).max)
    for scale in (2.0**-100, 2.0**-20, 2.0**40, 2.0**110):
        boxes = np.array([[0, 0, 8, 8], [2, 2, 6, 6], [3, 3, 5, 5]]) * scale
        inputs = scene(np.array([[4, 4]]) * scale, boxes, [scale], None, dtype)
        assert PointMatcher(radius=1)(*inputs).tolist() == [2]
    # A side and the largest distance overflow, which is in a range without end.
    boxes = [[-largest, -largest, largest, largest]]
    for radius in (None, 1.0):
        inputs = scene([[0.75 * largest, 0]], boxes, [largest], None, dtype)
        assert PointMatcher(radius=radius)(*inputs).tolist() == [0]
        assert is_as_defined(*inputs, radius=radius)
    inputs = scene([[0.75 * largest, 0]], boxes, [1], [[0, largest]], dtype)
    assert PointMatcher()(*inputs).tolist() == [-1]


def test_in_single_precision_areas_are_told_apart_that_differ_in_the_last_digit():
    # 16777216 and 16777217 are the same in single precision.
    boxes = [[0, 0, 4097, 4095 + 2 / 4096], [0, 0, 4096, 4096]]
    inputs = scene([[8, 8]], boxes, dtype=np.float32)
    assert definition.PointMatcher(*inputs).tolist() == [1]
    assert PointMatcher()(*inputs).tolist() == [1]


@pytest.mark.parametrize(("count", "truths"), [(0, 3), (3, 0), (0, 0)])
def test_nothing_to_match_leaves_every_point_unmatched(count, truths):
    points, strides, ranges = np.zeros((count, 2)), np.ones(count), np.zeros((count, 2))
    for lead in ((), (0,), (2,)):
        matches = PointMatcher(1.5)(points, np.zeros((*lead, truths, 4)), strides, ranges)
        assert matches.dtype == np.int64
        assert matches.shape == (*lead, count)
        assert (matches == -1).all()


def test_inputs_may_differ_in_dtype():
    rng = np.random.default_rng(0)
    corners = rng.random((6, 2)) * 20
    boxes = np.concatenate([corners, corners + rng.random((6, 2)) * 40 + 1], -1)
    given = scene(rng.random((30, 2)) * 40, boxes, np.full(30, 4), np.tile([2, 30], (30, 1)))
    for dtypes in itertools.product((np.float16, np.float32, np.int64), repeat=4):
        inputs = [array.astype(dtype) for array, dtype in zip(given, dtypes, strict=True)]
        assert is_as_defined(*inputs)


# Errors.


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize(
    ("name", "place"), [("points", (2, 1)), ("boxes", (1, 0, 3)), ("strides", (2,))]
)
def test_what_is_not_finite_is_named_with_its_place(name, place, bad):
    inputs = dict(zip(GOOD, (array.copy() for array in GOOD.values()), strict=True))
    inputs["boxes"] = np.zeros((2, 2, 4))
    inputs[name][place] = bad
    told = rf"^{name}\[{', '.join(map(str, place))}\] is {bad}, expected finite numbers$"
    with pytest.raises(ValueError, match=told):
        PointMatcher()(**inputs)


def test_a_range_that_is_nan_is_named_with_its_place():
    ranges = np.array([[0, np.inf], [-np.inf, 1], [0, np.nan]], np.float32)
    with pytest.raises(ValueError, match=r"^ranges\[2, 1\] is nan, expected finite numbers"):
        PointMatcher()(**{**GOOD, "ranges": ranges})


GOOD = {
    "points": np.zeros((3, 2)),
    "boxes": np.zeros((2, 4)),
    "strides": np.ones(3),
    "ranges": np.ones((3, 2)),
}


@pytest.mark.parametrize(
    ("wrong", "error", "message"),
    [
        ({"points": np.zeros(2)}, ValueError, r"points: expected shape \(N, 2\), got \(2,\)"),
        ({"points": np.zeros((1, 3, 2))}, ValueError, r"points: expected shape \(N, 2\), got .*"),
        (
            {"points": np.zeros((3, 4))},
            ValueError,
            r"points: expected axis -1 to have length 2, got 4 in shape \(3, 4\)",
        ),
        ({"points": [["a", "b"]]}, TypeError, "points: expected float16, .*, got dtype <U1"),
        (
            {"boxes": np.zeros((2, 5))},
            ValueError,
            r"boxes: expected axis -1 to have length 4, got 5 in shape \(2, 5\)",
        ),
        (
            {"boxes": np.zeros(4)},
            ValueError,
            r"boxes: expected shape \(B, M, 4\) or \(M, 4\), got \(4,\)",
        ),
        (
            {"boxes": np.zeros((1, 1, 1, 4))},
            ValueError,
            r"boxes: expected shape \(B, M, 4\) or \(M, 4\), got \(1, 1, 1, 4\)",
        ),
        ({"boxes": np.zeros((2, 4), complex)}, TypeError, "boxes: expected float16, .*"),
        ({"strides": 1.0}, ValueError, r"strides: expected shape \(N,\), got \(\)"),
        ({"strides": np.ones((3, 1))}, ValueError, r"strides: expected shape \(N,\), got \(3, 1\)"),
        (
            {"strides": np.ones(2)},
            ValueError,
            r"strides: expected one for each of the 3 points, got shape \(2,\)",
        ),
        (
            {"ranges": np.ones((4, 2))},
            ValueError,
            r"ranges: expected one for each of the 3 points, got shape \(4, 2\)",
        ),
        ({"ranges": np.ones(3)}, ValueError, r"ranges: expected shape \(N, 2\), got \(3,\)"),
    ],
)
def test_a_bad_input_is_an_error_that_names_it(wrong, error, message):
    with pytest.raises(error, match=f"^{message}$"):
        PointMatcher()(**{**GOOD, **wrong})


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"radius": "1"}, TypeError, "radius: expected a real number, got '1'"),
        ({"radius": -0.5}, ValueError, r"radius: expected a number of at least 0, got -0\.5"),
        ({"radius": np.nan}, ValueError, "radius is nan, expected a finite number"),
        ({"radius": np.inf}, ValueError, "radius is inf, expected a finite number"),
        ({"inclusive": 1}, TypeError, "inclusive: expected True or False, got 1"),
    ],
)
def test_a_bad_parameter_is_an_error_that_names_it(options, error, message):
    with pytest.raises(error, match=f"^{message}$"):
        PointMatcher(**options)


def test_a_radius_fits_the_dtype_that_it_is_computed_in():
    single = {name: array.astype(np.float32) for name, array in GOOD.items()}
    with pytest.raises(ValueError, match=r"^radius: 1e\+39 does not fit float32$"):
        PointMatcher(radius=1e39)(**single)
    assert PointMatcher(radius=1e39)(**GOOD).tolist() == [-1, -1, -1]


# Layouts, batches and calls.


@pytest.mark.parametrize("dtype", DTYPES)
def test_the_layout_makes_no_difference_and_inputs_stay_as_they_are(dtype):
    rng = np.random.default_rng(1)
    corners = rng.integers(0, 20, (2, 6, 2))
    boxes = np.concatenate([corners, corners + rng.integers(4, 40, corners.shape)], -1)
    given = scene(rng.integers(0, 60, (30, 2)), boxes, np.full(30, 8), None, dtype)
    expected = PointMatcher(1.5)(*given)
    assert (expected >= 0).any()

    def read_only(x):
        x = x.copy()
        x.flags.writeable = False
        return x

    for layout in (
        read_only,
        np.asfortranarray,
        lambda x: np.repeat(x, 2, axis=0)[::2],
        lambda x: x[..., ::-1].copy()[..., ::-1],
        lambda x: x.astype(x.dtype.newbyteorder(">")),
    ):
        laid = [layout(x) for x in given]
        before = [x.copy() for x in laid]
        for _ in range(2):
            assert np.array_equal(PointMatcher(1.5)(*laid), expected)
        assert all(map(np.array_equal, laid, before))


def test_an_image_has_the_same_matches_alone_and_in_a_batch():
    rng = np.random.default_rng(2)
    corners = rng.random((3, 6, 2)) * 20
    boxes = np.concatenate([corners, corners + rng.random((3, 6, 2)) * 40], -1)
    points, boxes, strides, ranges = scene(rng.random((50, 2)) * 60, boxes)
    batch = PointMatcher()(points, boxes, strides, ranges)
    for image in range(3):
        alone = PointMatcher()(points, boxes[image], strides, ranges)
        assert np.array_equal(alone, batch[image])


# The bounds.


def test_the_bound_of_an_area_holds_and_is_tight():
    rng = np.random.default_rng(0)
    corners = rng.random((500, 2)).astype(np.float32) * 100
    boxes = np.concatenate([corners, corners + rng.random((500, 2)).astype(np.float32) * 50], -1)
    sides, wide = boxes[:, 2:] - boxes[:, :2], boxes.astype(np.float64)
    errors = np.abs(sides.prod(1) - (wide[:, 2:] - wide[:, :2]).prod(1))
    worst = (errors / bounds.point_area(boxes, np.float32)).max()
    assert 1 / 50 < worst < 1


def test_the_bound_of_a_square_holds_and_is_tight():
    rng = np.random.default_rng(0)
    corners = rng.random((500, 2)).astype(np.float32) * 100
    boxes = np.concatenate([corners, corners + rng.random((500, 2)).astype(np.float32) * 50], -1)
    points, strides = rng.random((500, 2), np.float32) * 100, rng.random(500, np.float32) * 9
    radius = 1.7

    def rooms(boxes, points, strides, radius, half):
        centres = boxes[:, :2] * half + boxes[:, 2:] * half
        reach = (strides * radius)[:, None]
        return reach - np.abs(points - centres), points - (centres - reach)

    single = rooms(boxes, points, strides, np.float32(radius), np.float32(0.5))
    wide = (array.astype(np.float64) for array in (boxes, points, strides))
    double = rooms(*wide, float(np.float32(radius)), 0.5)
    allowed = bounds.point_room(points, boxes, strides, radius, np.float32)
    allowed = allowed + np.spacing(np.abs(single[0])).max(-1)  # these differences are taken too
    worst = [(np.abs(a - b).max(-1) / allowed).max() for a, b in zip(single, double, strict=True)]
    assert 1 / 50 < max(worst) < 1
