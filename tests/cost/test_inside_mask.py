"""Which points lie inside which boxes, decided as exact arithmetic does wherever it can."""

import itertools

import numpy as np
import pytest

from refkernels import InsideMask
from refkernels.conformance.cases import find
from refkernels.conformance.model.case import Case
from refkernels.conformance.model.operator import Reference
from refkernels.definition import cost as definition

DTYPES = [np.float16, np.float32, np.float64]
BOX = [[0.0, 0.0, 4.0, 8.0]]


@pytest.mark.parametrize("dtype", DTYPES)
def test_a_point_on_a_side_is_not_inside(dtype):
    points = np.array([[2, 4], [0, 4], [4, 4], [2, 0], [2, 8], [0.5, 0.5], [5, 4], [2, 9]], dtype)
    inside = InsideMask()(points, np.array(BOX, dtype))
    assert inside.dtype == bool
    assert inside[:, 0].tolist() == [True, False, False, False, False, True, False, False]


@pytest.mark.parametrize("dtype", DTYPES)
def test_each_distance_must_exceed_the_margin(dtype):
    points = np.array([[2, 4], [1, 4], [1.25, 4], [2, 1], [2, 7], [3, 4], [2.75, 6.75]], dtype)
    inside = InsideMask(margin=1)(points, np.array(BOX, dtype))
    assert inside[:, 0].tolist() == [True, False, True, False, False, False, True]


@pytest.mark.parametrize("dtype", DTYPES)
def test_the_margin_is_rounded_to_the_dtype_of_the_data(dtype):
    # From 0 the distance is the coordinate itself.
    at = dtype(0.1)
    points = np.array([[at, 4], [np.nextafter(at, dtype(1)), 4]], dtype)
    inside = InsideMask(margin=0.1)(points, np.array(BOX, dtype))
    assert inside[:, 0].tolist() == [False, True]


def test_of_mixed_dtypes_the_wider_is_that_of_the_margin():
    points, box = np.array([[0.1, 4]], np.float32), np.array(BOX)
    assert float(points[0, 0]) > 0.1
    assert InsideMask(margin=0.1)(points, box).all()
    assert not InsideMask(margin=0.1)(points, box.astype(np.float32)).any()


def test_a_centre_box_has_half_its_sides_on_each_side():
    points = [[2, 4], [0, 4], [3.5, 7.5], [4, 4]]
    inside = InsideMask(fmt="center")(points, [[2, 4, 4, 8]])
    assert inside[:, 0].tolist() == [True, False, True, False]


@pytest.mark.parametrize("dtype", DTYPES)
def test_the_least_distance_there_is_counts(dtype):
    least = np.finfo(dtype).smallest_subnormal
    points = np.array([[least, 1], [0, 1]], dtype)
    assert InsideMask()(points, np.array([[0, 0, 2, 2]], dtype)).ravel().tolist() == [True, False]


@pytest.mark.parametrize("fmt", ["corner", "center"])
@pytest.mark.parametrize("margin", [0.0, 1e-9, 3.0])
def test_no_point_is_inside_a_box_without_extent(fmt, margin):
    points = np.array([[-1, -1], [0, 0], [3, 3], [-0.75, -1.25]])
    boxes = [[-1, -1, -1, -1], [0, 0, 0, 0], [5, 5, 1, 1], [0, 0, 6, 0], [3, 3, -6, -6]]
    flat = boxes if fmt == "corner" else [[-1, -1, -1, -1], [0, 0, 0, 0], [3, 3, -4, -4]]
    if fmt == "corner":
        flat = boxes[:4]
    assert not InsideMask(margin, fmt)(points, flat).any()


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_boxes_that_end_beyond_all_numbers_have_an_inside(dtype):
    largest = np.finfo(dtype).max
    points = np.array([[0, 0], [largest, -largest]], dtype)
    boxes = np.array([[-largest, -largest, largest, largest]], dtype)
    assert InsideMask()(points, boxes).ravel().tolist() == [True, False]
    endless = np.array([[largest, 0, largest, largest]], dtype)
    assert InsideMask(fmt="center")(points, endless).ravel().tolist() == [False, False]


def test_a_margin_beyond_all_numbers_leaves_nothing_inside():
    points, box = np.array([[2, 4]], np.float16), np.array(BOX, np.float16)
    assert not InsideMask(margin=1e6)(points, box).any()


@pytest.mark.parametrize("fmt", ["corner", "center"])
@pytest.mark.parametrize("margin", [0.0, 0.25, 0.125])
def test_on_a_grid_every_point_and_box_is_decided_as_defined(fmt, margin):
    levels = [0.0, 0.25, 0.5]
    points = np.array(list(itertools.product(levels, repeat=2)), np.float32)
    boxes = np.array(list(itertools.product([*levels, 1.0], repeat=4)), np.float32)
    found = InsideMask(margin, fmt)(points, boxes)
    exact = definition.InsideMask(points, boxes, margin=margin, fmt=fmt)
    assert exact.any()
    np.testing.assert_array_equal(found, exact)


@pytest.mark.parametrize(
    ("points", "boxes", "message"),
    [
        ([[0, np.nan]], BOX, r"points\[0, 1\] is nan, expected finite numbers"),
        ([[0, 0]], [[0, 0, np.inf, 1]], r"boxes\[0, 2\] is inf"),
        ([[0, 0, 0]], BOX, "points: expected axis -1 to have length 2, got 3"),
        ([0, 0], BOX, "points: expected at least 2 axes"),
        ([[0, 0]], [0, 0, 1, 1], r"boxes: expected \(B, M, 4\) or \(M, 4\), got shape \(4,\)"),
        (np.zeros((2, 1, 2)), np.zeros((3, 1, 4)), "points has 2, boxes has 3"),
        (np.zeros((1, 1, 1, 2)), BOX, r"points: expected \(B, N, 2\) or \(N, 2\)"),
    ],
)
def test_what_is_no_point_or_box_is_refused(points, boxes, message):
    with pytest.raises(ValueError, match=message):
        InsideMask()(points, boxes)


@pytest.mark.parametrize("margin", [-1, np.nan, np.inf])
def test_a_margin_is_a_finite_number_that_is_not_negative(margin):
    with pytest.raises(ValueError, match="margin"):
        InsideMask(margin=margin)


def test_other_parameters_are_checked():
    with pytest.raises(ValueError, match="fmt: expected 'corner' or 'center'"):
        InsideMask(fmt="xywh")
    with pytest.raises(TypeError, match="margin: expected a real number, got 'wide'"):
        InsideMask(margin="wide")


class TestTheCaseTellsRoundingFromMistakes:
    """A point whose exact distance rounds to the margin may be on either side of it."""

    operator = find("InsideMask")

    def judged(self, config, point, box, found):
        case = Case(config, {"points": np.float32([point]), "boxes": np.float32([box])})
        reference = self.operator.refer(case, ask_definition=True)
        wrong = self.operator.judge(case, reference, (np.array([[found]]),))
        # Where the definition was not asked, what is sure to be wrong is so too, but on a margin.
        approximate = self.operator.judge(
            case, Reference(None, reference.kernel), (np.array([[found]]),)
        )
        assert approximate is None or wrong is not None
        if wrong is not None and "0.0 from" not in wrong.what:
            assert approximate is not None
        count = self.operator.count_ambiguous(case, reference, (np.array([[found]]),))
        return wrong, count

    # From -2**-30 the exact distance of 1 is 1 + 2**-30, which rounds to 1.
    def test_within_the_bound_either_is_right(self):
        box = (-(2.0**-30), 0, 9, 9)
        assert self.judged({"margin": 1.0}, (1, 4), box, False) == (None, 0)
        assert self.judged({"margin": 1.0}, (1, 4), box, True) == (None, 1)

    def test_on_the_margin_a_corner_box_has_nothing_inside(self):
        wrong, _ = self.judged({"margin": 1.0}, (1, 4), (-(2.0**-30), 0, 5, 5), True)
        assert "the least distance to a side is 0.0 from the margin" in wrong.what
        wrong, _ = self.judged({}, (0, 4), (0, 0, 5, 5), True)
        assert "0.0 from the margin" in wrong.what

    def test_beyond_the_bound_there_is_one_answer(self):
        wrong, _ = self.judged({"margin": 1.0}, (1 + 2.0**-20, 4), (0, 0, 9, 9), False)
        assert "more than the margin" in wrong.what
        wrong, _ = self.judged({}, (-(2.0**-30), 4), (0, 0, 9, 9), True)
        assert "less than the margin" in wrong.what
        assert self.judged({}, (2.0**-30, 4), (0, 0, 9, 9), True) == (None, 0)
        wrong, _ = self.judged({}, (2.0**-30, 4), (0, 0, 9, 9), False)
        assert wrong is not None

    def test_the_corners_of_a_centre_box_have_been_rounded(self):
        # Its left side is 0.05 - 0.05, of which float32's last digits are all that is left.
        config = {"fmt": "center"}
        box = (0.05, 4, 0.1, 4)
        for found in (False, True):
            assert self.judged(config, (0, 4), box, found)[0] is None
        assert self.judged(config, (1e-3, 4), box, False)[0] is not None

    def test_a_mask_of_another_shape_or_dtype_is_none(self):
        case = Case({}, {"points": np.zeros((1, 2)), "boxes": np.zeros((1, 4))})
        reference = self.operator.refer(case)
        for found in (np.zeros((1, 2), bool), np.zeros((1, 1))):
            assert self.operator.judge(case, reference, (found,)) is not None
