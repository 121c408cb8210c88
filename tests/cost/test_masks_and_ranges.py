"""What is no mask, or outside of a range, gets one clear error."""

import numpy as np
import pytest

from refkernels.arrays import as_mask, check_range
from refkernels.conformance.cases import find
from refkernels.conformance.model.case import Case
from refkernels.conformance.model.plain import without_extent


@pytest.mark.parametrize("dtype", [bool, np.uint8, np.int64, np.float16, np.float64])
def test_a_mask_may_come_as_numbers(dtype):
    mask = as_mask("inside", np.array([[1, 0], [0, 1]], dtype)[:, ::-1])
    assert mask.dtype == bool
    assert mask.flags.c_contiguous
    assert mask.tolist() == [[False, True], [True, False]]


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ([0, 2], r"inside\[1\] is 2, expected a mask of bools, or of 0 and 1"),
        ([[1.0, np.nan]], r"inside\[0, 1\] is nan"),
        (0.5, r"inside is 0.5"),
        (True, r"inside: expected at least 1 axes, got shape \(\)"),
    ],
)
def test_other_numbers_are_no_mask(value, message):
    with pytest.raises(ValueError, match=message):
        as_mask("inside", value, min_ndim=int(value is True))


@pytest.mark.parametrize("value", [["a"], [1j], np.array([True], object)])
def test_what_is_no_number_is_no_mask(value):
    with pytest.raises(TypeError, match="inside: expected a mask of bools, got dtype"):
        as_mask("inside", value)


def test_the_first_number_outside_of_a_range_is_named():
    check_range("x", np.array([0.0, 1.0]), 0, 1)
    check_range("x", np.zeros(0), 0, 1)
    check_range("x", np.array([7.0]), 0)
    with pytest.raises(ValueError, match=r"x\[1\] is 2.0, expected numbers from 0 to 1"):
        check_range("x", np.array([0.0, 2.0, 3.0]), 0, 1)
    with pytest.raises(ValueError, match=r"x\[0, 1\] is -1.0, expected numbers of at least 0"):
        check_range("x", np.array([[0.0, -1.0]]), 0)
    with pytest.raises(ValueError, match=r"x\[1\] is nan, expected finite numbers"):
        check_range("x", np.array([2.0, np.nan]), 0, 1)


def test_the_boxes_of_detr_have_the_extent_that_their_centre_form_says():
    boxes = np.array([[5.0, 5, 1, 1], [0, 0, 0, 9]])
    case = Case(
        {},
        {"logits": np.zeros((2, 1)), "boxes": boxes, "labels": np.zeros(2, int), "truths": boxes},
    )
    assert without_extent(find("DETRCost"), case) == ["boxes[1]", "truths[1]"]
