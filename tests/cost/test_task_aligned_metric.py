"""The metric of task-aligned learning: a power of a score times a power of an IoU."""

import numpy as np
import pytest

from refkernels import TaskAlignedMetric
from refkernels.definition import cost as definition

DTYPES = [np.float16, np.float32, np.float64]
SCORES = [[0.5, 0.25], [1.0, 0.0625]]  # two anchors, two classes
LABELS = [1, 0, 1]
IOUS = [[1.0, 0.5, 0.0], [0.5, 0.25, 0.5]]


@pytest.mark.parametrize("dtype", DTYPES)
def test_it_takes_the_score_of_each_truths_class(dtype):
    metrics = TaskAlignedMetric(alpha=1, beta=2)(
        np.array(SCORES, dtype), LABELS, np.array(IOUS, dtype)
    )
    assert metrics.dtype == dtype
    # 0.25 1, 0.5 1/4, 0.25 0; 1/16 1/4, 1 1/16, 1/16 1/4
    expected = [[0.25, 0.125, 0], [2.0**-6, 2.0**-4, 2.0**-6]]
    np.testing.assert_array_equal(metrics, expected)


@pytest.mark.parametrize("dtype", DTYPES)
def test_the_paper_has_other_exponents_than_ultralytics(dtype):
    inputs = np.array(SCORES, dtype), LABELS, np.array(IOUS, dtype)
    np.testing.assert_array_equal(TaskAlignedMetric()(*inputs), TaskAlignedMetric.tood()(*inputs))
    # 1/16 2**-6; sqrt(1/16) 2**-6
    assert TaskAlignedMetric.tood()(*inputs)[1, 2] == 2.0**-10
    assert TaskAlignedMetric.ultralytics()(*inputs)[1, 2] == 2.0**-8


@pytest.mark.parametrize("alpha", [0, 0.5, 1, 1.5, 2, 3, 7.5, 8, 8.5, 20, 0.3, 2.2])
def test_a_power_of_two_has_its_powers(alpha):
    metrics = TaskAlignedMetric(alpha=alpha, beta=0)([[0.25, 1.0]], [0, 1], [[0.5, 0.5]])
    np.testing.assert_allclose(metrics, [[0.25**alpha, 1]], rtol=1e-15)


@pytest.mark.parametrize("exponent", [1.0, 0.5, 6.0, 0.3, 2.2, 20.0])
def test_a_pair_without_score_or_overlap_has_exactly_none(exponent):
    metric = TaskAlignedMetric(alpha=exponent, beta=exponent)
    found = metric([[0.0, 0.5]], [0, 1, 0], [[0.5, 0.0, 0.0]])
    np.testing.assert_array_equal(found, [[0, 0, 0]])


def test_what_is_raised_to_0_is_1():
    np.testing.assert_array_equal(TaskAlignedMetric(0, 0)([[0.0]], [0], [[0.0]]), [[1]])
    np.testing.assert_array_equal(TaskAlignedMetric(0, 1)([[0.0]], [0], [[0.5]]), [[0.5]])


def test_a_truth_without_a_class_has_a_score_of_0():
    metrics = TaskAlignedMetric()([[0.5, 1.0]], [-1, 1], [[1.0, 1.0]])
    np.testing.assert_array_equal(metrics, [[0, 1]])
    exact = definition.TaskAlignedMetric([[0.5, 1.0]], np.array([-1, 1]), [[1.0, 1.0]])
    assert exact.astype(float).tolist() == [[0, 1]]


def test_labels_come_in_any_dtype():
    expected = TaskAlignedMetric()(SCORES, LABELS, IOUS)
    for dtype in (np.uint8, np.int32, np.float16, np.float32, np.float64, bool):
        found = TaskAlignedMetric()(SCORES, np.array(LABELS, dtype), IOUS)
        np.testing.assert_array_equal(found, expected)


def test_exponents_are_rounded_to_the_dtype_that_is_computed_in():
    # As float32 it is 0.5, and as float64 it is not.
    almost = 0.5 + 2.0**-40
    scores, ious = np.array([[0.25]], np.float32), np.array([[1.0]], np.float32)
    assert TaskAlignedMetric(almost, 1)(scores, [0], ious) == 0.5
    assert TaskAlignedMetric(almost, 1)(scores.astype(float), [0], ious) < 0.5


def test_an_iou_that_rounding_brought_above_1_is_taken():
    above = np.nextafter(np.float32(1), np.float32(2))
    assert TaskAlignedMetric(beta=1)(np.ones((1, 1), np.float32), [0], [[above]]) >= 1


@pytest.mark.parametrize(
    ("scores", "labels", "ious", "message"),
    [
        ([[0.5, np.nan]], [0], [[0.5]], r"scores\[0, 1\] is nan, expected finite numbers"),
        ([[0.5, 1.5]], [0], [[0.5]], r"scores\[0, 1\] is 1.5, expected numbers from 0 to 1"),
        ([[0.5, -0.5]], [0], [[0.5]], r"scores\[0, 1\] is -0.5, expected numbers from 0 to 1"),
        ([[0.5]], [0], [[np.inf]], r"ious\[0, 0\] is inf, expected finite numbers"),
        ([[0.5]], [0], [[-0.25]], r"ious\[0, 0\] is -0.25, expected numbers of at least 0"),
        ([[0.5]], [1], [[0.5]], r"labels\[0\] is 1, expected a class from 0 to 0, or -1"),
        ([[0.5]], [[-2]], [[0.5]], r"labels\[0, 0\] is -2, expected a class from 0 to 0, or -1"),
        (np.ones((1, 0)), [0], [[0.5]], r"labels\[0\] is 0, expected -1, as there are none"),
        ([[0.5]], [0.5], [[0.5]], r"labels\[0\] is 0.5, expected whole numbers"),
        ([[0.5]], [0], [[0.5, 1]], r"ious: expected \(1, 1\) for an image, a number for each pair"),
        ([[0.5]], [0], [0.5], r"ious: expected \(B, N, M\) or \(N, M\), got shape \(1,\)"),
        ([0.5], [0], [[0.5]], r"scores: expected \(B, N, C\) or \(N, C\), got shape \(1,\)"),
        (np.ones((2, 1, 1)), [0], np.ones((3, 1, 1)), "scores has 2, labels has 1, ious has 3"),
    ],
)
def test_what_is_no_score_label_or_iou_is_refused(scores, labels, ious, message):
    with pytest.raises(ValueError, match=message):
        TaskAlignedMetric()(scores, labels, ious)


def test_ious_are_checked_where_there_is_no_pair_too():
    with pytest.raises(ValueError, match=r"scores\[0, 0\] is nan"):
        TaskAlignedMetric()([[np.nan]], np.zeros(0), np.zeros((1, 0)))


def test_what_is_no_real_is_refused():
    with pytest.raises(TypeError, match="scores: expected float16, float32"):
        TaskAlignedMetric()([["a"]], [0], [[0.5]])
    with pytest.raises(TypeError, match="ious: expected float16, float32"):
        TaskAlignedMetric()([[0.5]], [0], [[0.5j]])
    with pytest.raises(TypeError, match="labels: expected integers or whole floats"):
        TaskAlignedMetric()([[0.5]], ["cat"], [[0.5]])


@pytest.mark.parametrize("name", ["alpha", "beta"])
def test_an_exponent_is_a_finite_number_that_is_not_negative(name):
    for value in (-1, np.nan, np.inf):
        with pytest.raises(ValueError, match=name):
            TaskAlignedMetric(**{name: value})
    with pytest.raises(TypeError, match=f"{name}: expected a real number, got None"):
        TaskAlignedMetric(**{name: None})
    with pytest.raises(ValueError, match=f"{name}: 1e\\+300 does not fit float32"):
        TaskAlignedMetric(**{name: 1e300})(np.ones((1, 1), np.float32), [0], np.float32([[1]]))
