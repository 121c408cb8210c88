"""bfloat16 is tried where a framework has it, and held to float32, rounded once."""

from collections import Counter

import numpy as np
import pytest

from refkernels.conformance import assert_conforms
from refkernels.conformance.cases import find
from refkernels.conformance.engine.half import cast_to_bfloat16, judge_bfloat16
from refkernels.conformance.model.bfloat16 import BFloat16, joined, rounded, rounded_config
from refkernels.conformance.model.case import Case, Recipe

LEFT_OUT = Counter()


def cast(operator, case):
    LEFT_OUT.clear()
    return cast_to_bfloat16(operator, case, LEFT_OUT)


EVERY = (np.arange(2**16, dtype=np.uint32) << 16).view(np.float32)
EVERY = EVERY[np.isfinite(EVERY)]


def test_every_number_of_bfloat16_is_kept():
    assert np.array_equal(rounded(EVERY), EVERY)


def test_numbers_between_two_go_to_the_nearer_and_on_a_tie_to_the_even():
    pair = np.sort(EVERY[EVERY >= 0]).astype(np.float64)
    low, high = pair[:-1], pair[1:]
    middle = (low + high) / 2
    even = np.where(low.astype(np.float32).view(np.uint32) >> 16 & 1, high, low)
    assert np.array_equal(rounded(middle), even.astype(np.float32))
    assert np.array_equal(rounded(low + (high - low) * 0.49), low.astype(np.float32))
    # Not by way of float32, where this is a tie.
    assert rounded(1 + 2.0**-8 + 2.0**-40) == 1 + 2.0**-7


def test_it_rounds_as_pytorch_does_from_float32():
    torch = pytest.importorskip("torch", reason="torch is not installed")
    x = np.random.default_rng(0).normal(0, 100, 10_000).astype(np.float32)
    assert np.array_equal(rounded(x), torch.tensor(x).to(torch.bfloat16).float().numpy())


def test_what_is_put_together_stands_for_bfloat16_still():
    parts = [rounded([1.0]), rounded([2.0])]
    assert isinstance(joined(parts, np.concatenate), BFloat16)
    assert not isinstance(joined([np.ones(1), np.ones(1)], np.stack), BFloat16)


def test_parameters_that_are_compared_with_data_are_rounded():
    config = {
        "threshold": 0.7,
        "ratio": 0.7,
        "matchers": [Recipe("MaximumMatcher", {"threshold": 0.7})],
    }
    found = rounded_config(config)
    assert found["threshold"] == found["matchers"][0].config["threshold"] == 0.69921875
    assert found["ratio"] == 0.7


def test_an_eps_that_enters_arithmetic_is_not_rounded():
    config = {"eps": 1e-8, "margin": 0.1}
    assert rounded_config(config)["eps"] != 1e-8
    found = rounded_config(config, compares_eps=False)
    assert found == {"eps": 1e-8, "margin": float(rounded(0.1))}


def test_a_mask_stays_one():
    operator = find("InsideMask")
    points, boxes = np.array([[1.0, 1]]), np.array([[0.0, 0, 2, 2]])
    case, given = cast(operator, Case({}, {"points": points, "boxes": boxes}))
    for ask in (True, False):
        reference = operator.refer(case, ask_definition=ask)
        assert judge_bfloat16(operator, case, given, reference, (np.array([[True]]),)) is None
        assert judge_bfloat16(operator, case, given, reference, (np.array([[False]]),)) is not None


def judged(outputs, *, is_coarse=True):
    operator = find("BBoxArea")
    case, given = cast(operator, Case({}, {"x": np.array([[0.0, 0, 17, 17]])}))
    given = given if is_coarse else case
    return judge_bfloat16(operator, case, given, operator.refer(case), outputs)


def test_a_case_of_other_dtypes_is_none_of_bfloat16():
    case = Case({}, {"x": np.zeros((1, 4), np.float32)})
    assert cast(find("BBoxArea"), case) == (None, None)


def test_a_threshold_beside_arrays_of_two_dtypes_is_left_to_other_cases():
    labels = np.array([-1.0, 0.0])
    mixed = {"matches": labels, "logits": np.zeros((2, 2)), "ious": np.float32([[0.1], [0.0]])}
    operator = find("OHEMSampler")
    assert cast(operator, Case({"ratio": 3, "thresh": 0.1}, mixed)) == (None, None)
    assert list(LEFT_OUT) == ["in bfloat16 beside another dtype, in which thresholds are others"]
    case, _ = cast(operator, Case({"ratio": 3, "thresh": 0.125}, mixed))
    assert case is not None


@pytest.mark.parametrize(
    ("name", "config"),
    [
        ("BipartiteMatcher", {"eps": 0.00390625}),
        ("CompositeMatcher", {"matchers": [Recipe("BipartiteMatcher", {"eps": 0.00390625})]}),
    ],
)
def test_a_sum_with_eps_that_is_rounded_in_bfloat16_is_left_to_other_cases(name, config):
    """In bfloat16 1 + 2**-8 is 1, and 2**-30 with the default eps is no number of it."""
    operator = find(name)
    assert cast(operator, Case(config, {"x": np.eye(2)})) == (None, None)
    assert list(LEFT_OUT) == ["in bfloat16, where sums with eps are others than in float32"]
    assert cast(operator, Case(config, {"x": np.eye(2) * 0.5}))[0] is not None
    default = {"x": np.full((1, 1), 2.0**-30)}
    assert cast(find("BipartiteMatcher"), Case({}, default)) == (None, None)


def test_a_default_is_rounded_as_what_is_given():
    x = {"x": np.array([0.0, 0.010009765625])}
    for config in ({"num_class": 2}, {"num_class": 2, "thresh": 0.01}):
        case, given = cast(find("MultiPerClassDecoder"), Case(config, x))
        assert case.config["thresh"] == 0.010009765625
        assert given.config == config


def test_a_result_is_right_if_it_is_rounded_once():
    assert judged((rounded([[289.0]]),)) is None  # 288, which is as near as 290
    assert judged((rounded([[290.0]]),)) is None
    assert judged((rounded([[292.0]]),)).what.startswith("areas[0, 0] is 292.0, expected 289")


def test_a_result_in_another_dtype_is_told():
    assert judged((np.array([[289.0]], np.float32),)).what == (
        "areas has dtype float32, expected bfloat16"
    )
    assert judged((np.array([[289.0]], np.float32),), is_coarse=False) is None


def test_code_in_pytorch_is_tried_in_bfloat16():
    torch = pytest.importorskip("torch", reason="torch is not installed")

    def area(x):
        sides = (x[..., 2:] - x[..., :2]).clamp(min=0)
        return sides[..., :1] * sides[..., 1:]

    area.__refkernels_framework__ = "torch"
    assert torch
    with pytest.raises(AssertionError, match="bfloat16, call, cpu"):
        assert_conforms(area, "BBoxArea", dtypes=["bfloat16"])
