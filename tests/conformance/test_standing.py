"""Code that lacks a parameter stands at the default, or at another usual reading of it."""

import math
from collections.abc import Callable
from itertools import islice
from typing import Any

import numpy as np
import pytest

import refkernels
from refkernels.conformance import assert_conforms
from refkernels.conformance.engine import standing
from refkernels.conformance.engine.offered import ordinary
from refkernels.conformance.engine.run import Options, check_operator
from refkernels.conformance.model.readings import READINGS, readings
from refkernels.conformance.targets.subject import Subject


class IoUOfPixels:
    """The IoU where corners are the first and last pixel, which has no parameters."""

    def __call__(self, a: Any, b: Any) -> Any:
        """Return the IoU of all pairs."""
        return refkernels.BBoxBatchIOU(offset=1)(a, b)


def paper_iou(a: Any, b: Any) -> Any:
    """Return the IoU of all pairs, without eps."""
    return refkernels.BBoxBatchIOU(eps=0)(a, b)


def encode_plainly(samples: Any, matches: Any, anchors: Any, refs: Any) -> Any:
    """Return box targets that are not divided by deviations."""
    return refkernels.NormalizedBoxCenterEncoder((1, 1, 1, 1))(samples, matches, anchors, refs)


def decode_as_detectron(deltas: Any, anchors: Any) -> Any:
    """Return boxes, whose sides grow by 62.5 at most, of deltas without deviations."""
    return refkernels.NormalizedBoxCenterDecoder((1, 1, 1, 1), clip=math.log(1000 / 16))(
        deltas, anchors
    )


def default_iou(a: Any, b: Any) -> Any:
    """Return the IoU of all pairs, with the default eps."""
    return refkernels.BBoxBatchIOU()(a, b)


STANDING = [
    (paper_iou, "BBoxBatchIOU", {"eps": "0.0"}),
    (IoUOfPixels, "BBoxBatchIOU", {"offset": "1"}),
    (default_iou, "BBoxBatchIOU", {}),
    (encode_plainly, "NormalizedBoxCenterEncoder", {"stds": "(1.0, 1.0, 1.0, 1.0)"}),
    (
        decode_as_detectron,
        "NormalizedBoxCenterDecoder",
        {"stds": "(1.0, 1.0, 1.0, 1.0)", "clip": str(math.log(1000 / 16))},
    ),
]


@pytest.mark.parametrize(("code", "operator", "stands"), STANDING)
def test_what_lacks_a_parameter_is_held_to_where_it_stands(
    code: Callable[..., Any], operator: str, stands: dict[str, str]
) -> None:
    result = assert_conforms(code, operator, max_examples=5)
    said = {k: v.partition(" stands at ")[2] for k, v in result.not_offered.items()}
    assert {k: v for k, v in said.items() if v} == stands


def test_no_eps_is_recognised_though_no_small_box_is_drawn(monkeypatch: pytest.MonkeyPatch) -> None:
    # The first are of images, a unit or more wide.
    monkeypatch.setattr(standing, "ordinary", lambda examiner: islice(ordinary(examiner), 2))
    result = assert_conforms(paper_iou, "BBoxBatchIOU", max_examples=5)
    assert result.not_offered["eps"].endswith(" stands at 0.0")


def test_a_fault_is_one_wherever_code_stands() -> None:
    def iou(a: Any, b: Any) -> Any:
        """Return the IoU without eps of all pairs, a thousandth too large."""
        return paper_iou(a, b) * 1.001

    result = check_operator("BBoxBatchIOU", Subject(iou, "BBoxBatchIOU"), Options(max_examples=10))
    assert result.verdict == "diverges"


def test_what_has_the_parameter_is_given_it() -> None:
    """A default of its own is no reading: it is given every eps."""
    result = assert_conforms(refkernels.BBoxBatchIOU, "BBoxBatchIOU", max_examples=5)
    assert "eps" not in result.not_offered


def test_a_counterexample_of_what_lacks_a_parameter_can_be_pasted() -> None:
    class IoU:
        """The IoU of corners in pixels that takes no boxes above 1,000 for what they are."""

        def __call__(self, a: Any, b: Any) -> Any:
            """Return the IoU of all pairs."""
            return IoUOfPixels()(np.minimum(a, 1000), np.minimum(b, 1000))

    with pytest.raises(AssertionError) as error:
        assert_conforms(IoU, "BBoxBatchIOU", max_examples=30)
    assert "print(BBoxBatchIOU()(a, b))" in str(error.value)
    assert "print(refkernels.BBoxBatchIOU(offset=1)(a, b))  # the kernel" in str(error.value)


@pytest.mark.parametrize("operator", READINGS)
def test_readings_are_of_parameters_that_there_are(operator: str) -> None:
    """And each can be built."""
    for own in readings(operator, lambda name: False):
        needed = {"num_class": 2} if "PerClass" in operator else {}
        getattr(refkernels, operator)(**needed, **own)
