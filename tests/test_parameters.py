"""Whatever a parameter is given: it is taken for what it is, or refused by one clear error.

Nothing else ever comes out, at once or when the operator is called: no other exception, no warning,
and no result for nonsense.
"""

import pickle
import re
from collections.abc import Callable
from fractions import Fraction
from typing import Any

import numpy as np
import pytest

import refkernels
from refkernels import arrays, assign, feature
from refkernels.assign import TargetAssigner
from tests.calls import NETWORK
from tests.constructions import BOXES, EXTREMES, NO_PARAMETER
from tests.detector_constructions import ALL_OPERATORS

pytestmark = pytest.mark.filterwarnings("error")

CASES = [
    pytest.param(name, parameter, id=f"{name}, {parameter}")
    for name, (_, _, parameters) in ALL_OPERATORS.items()
    for parameter in parameters.split()
]

# These are what such a parameter may be.
RIGHT = {
    "norm_kwargs": {"a dict"},
    "name": {"a string"},
    "outputs": {"a string"},
    "sort_keys": {"an array", "no array", "a matrix", "a list of lists"},
    "network": {"a string"},
    "num_filters": {"no array"},
    "labels": {"a list of lists"},
    "sizes": {"an array"},
    "ratios": {"an array"},
}


@pytest.mark.parametrize(("name", "parameter"), CASES)
def test_nonsense_is_refused_at_once_by_name(name: str, parameter: str) -> None:
    make, _, _ = ALL_OPERATORS[name]
    for what, value in NO_PARAMETER.items():
        if what in RIGHT.get(parameter, set()):
            continue
        error = error_of(lambda value=value: make(**{parameter: value}))
        assert isinstance(error, (ValueError, TypeError)), f"{what}: {error!r}"
        assert re.match(f"{parameter}|batch", str(error)), f"{what}: {error}"
        assert type(error) is TypeError or "set" not in what or parameter == "name", what


@pytest.mark.parametrize(("name", "parameter"), CASES)
def test_what_is_extreme_is_right_or_refused_by_name(name: str, parameter: str) -> None:
    make, call, _ = ALL_OPERATORS[name]
    for what, value in EXTREMES.items():
        if parameter == "count" and isinstance(value, int) and 2**31 <= value < 2**63:
            continue  # which would be right, and take forever
        error = error_of(lambda value=value: call(make(**{parameter: value})))
        if error is None:
            continue
        if isinstance(error, MemoryError):
            assert value > 2**30, what
            continue
        assert isinstance(error, (ValueError, TypeError)), f"{what}: {error!r}"
        named = any(word in str(error) for word in (parameter, " fit", "expected"))
        assert named, f"{what}: {error}"
        assert len(str(error)) < 1000, what


def error_of(call: Callable[[], Any]) -> Exception | None:
    try:
        call()
    except Exception as error:
        return error
    return None


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: refkernels.QuotaSampler(2, 0.7, 0.3, -(10**400)), "^neg_thresh_low is -inf"),
        (
            lambda: refkernels.ConvPredictor(1, stride=2**63),
            r"^stride: expected .*, got 9223372036",
        ),
        (lambda: refkernels.ConvPredictor(1, stride=(1, 2**64)), r"^stride\[1\]: expected "),
        (lambda: refkernels.SplitSampler(2**70), "^length: expected an integer from 0 to 9223"),
        (
            lambda: refkernels.SplitSortedBucketSampler([1], 10**400, 1e308),
            "^batch_size: expected an integer from 1 to 9223",
        ),
        (
            lambda: refkernels.SplitSortedBucketSampler([1], 2, 10**400),
            "^mult is inf, expected a finite number",
        ),
        (lambda: assign.rpn_fpn_anchors(2**63, 1), "^height: expected an integer from 1 to 9223"),
        (lambda: assign.yolo3_anchors(2**40, 2**40), "^expected no more than 2147483647 anchors"),
        (
            lambda: TargetAssigner(BOXES)(BOXES, [1, 2, 3], image_ids=2**64),
            "^image_ids: expected an integer from 0 to 18446744073709551615",
        ),
        (
            lambda: refkernels.BBoxBatchIOU(eps=1e39)(BOXES, BOXES),
            "^eps: 1e.39 does not fit float32",
        ),
        (
            lambda: feature.FeatureExpander(NETWORK, "c", [2], reduce_ratio=1e308, inputs=("x",)),
            "^reduce_ratio: 1e.308 makes inf filters of 2",
        ),
        (lambda: refkernels.MaximumMatcher(10**5000), "^threshold is inf"),
        (lambda: refkernels.BBoxArea(axis=10**5000), "^axis: expected an integer of at most 9223"),
    ],
)
def test_what_no_machine_counts_is_a_value_error(make: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        make()


def test_buckets_and_image_ids_may_be_as_large_as_they_are_counted() -> None:
    sampler = refkernels.SplitSortedBucketSampler([2, 1], 2**63 - 1, 1e308)
    assert len(sampler) == len(list(sampler)) == 1
    assert len(refkernels.SplitSampler(2**63 - 1)) == 2**63 - 1
    targets = TargetAssigner(BOXES)(BOXES[:1], [1], image_ids=2**64 - 1)
    assert targets.matches[0] == 0


@pytest.mark.parametrize(
    ("keys", "message"),
    [
        ([(1, np.nan), (0, 1)], r"^sort_keys\[0\]\[1\] is nan"),
        ([(0, 1), (1, (np.inf, 2))], r"^sort_keys\[1\]\[1\]\[0\] is inf"),
        ([{1}, {1, 2}], r"^sort_keys\[0\]: expected keys that sort, got \{1\}"),
        ({3: 1, 2: 1}, r"^sort_keys: expected a sequence of keys that sort, got \{"),
        (np.ma.masked_array([1, 2]), "^sort_keys: expected an array without a mask"),
    ],
)
def test_keys_without_an_order_are_refused(keys: Any, message: str) -> None:
    with pytest.raises((ValueError, TypeError), match=message):
        refkernels.SplitSortedBucketSampler(keys, 1)


def test_numbers_of_every_type_are_kept_as_python_s() -> None:
    threshold = np.array(0.5)
    matcher = refkernels.MaximumMatcher(threshold)
    threshold[()] = 0.9
    assert matcher == refkernels.MaximumMatcher(0.5)
    assert pickle.loads(pickle.dumps(matcher)) == matcher
    assert hash(matcher) == hash(refkernels.MaximumMatcher(0.5))
    # A number of filters of 8 bits, times 2, is 200 and not -56.
    half, eight = [np.int8(100)], {"reduce_ratio": 2, "min_depth": 1, "inputs": ("x",)}
    graph = feature.FeatureExpander(NETWORK, "c", half, **eight).graph
    assert any(node.attributes.get("num_filter") == "200" for node in graph.nodes)
    assert refkernels.MultiClassEncoder(2**62 + 1)([0], [-1], [5]).tolist() == [2**62 + 1]
    with pytest.raises(ValueError, match=r"^ignore_label: expected a whole number of int64"):
        refkernels.MultiClassEncoder(Fraction(2**80 + 1, 2**80))


def test_zeros_have_one_sign_whatever_was_asked_for_before() -> None:
    anchors, refs = np.array([[0.0, 0, 2, 2]]), np.array([[[-0.0, 0, 2, 2]]])
    for means in ((-0.0,) * 4, (0.0,) * 4):
        encode = refkernels.NormalizedBoxCenterEncoder(means=means)
        targets, _ = encode([[1]], [[0]], anchors[None], refs)
        assert not np.signbit(targets).any()
    touching = np.array([[-1, -1, -0.0, 0.0]]), np.array([[0.0, 0.0, 1, 1]])
    for offset in (-0.0, 0.0):
        assert not np.signbit(refkernels.BBoxBatchIOU(offset=offset)(*touching)).any()


def test_a_message_shows_a_value_of_any_size() -> None:
    assert len(arrays.shown([1] * 10**6)) == 200
    assert arrays.shown(10**5000) == "a value of type int"


@pytest.mark.parametrize("given", [b"1234", bytearray(b"1234"), memoryview(b"1234")])
def test_bytes_are_no_numbers(given):
    for name in ("stds", "means"):
        with pytest.raises(TypeError, match=f"{name}: expected 4 numbers, got "):
            refkernels.NormalizedBoxCenterDecoder(**{name: given})
