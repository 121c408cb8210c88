"""TaskAlignedMatcher: equal to its definition, for it only compares."""

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from refkernels import TaskAlignedMatcher
from refkernels.conformance.cases import find
from refkernels.conformance.model.parameters import FREE
from refkernels.definition import matcher as definition
from tests.compiled import needs_compiler

DTYPES = [np.float16, np.float32, np.float64]
FLAGS = [
    {"conflict": conflict, "inside_first": inside_first, "positive": positive}
    for conflict, inside_first, positive in itertools.product(
        ["all", "selected"], [True, False], [True, False]
    )
]
each_way = pytest.mark.parametrize(
    "flags", FLAGS, ids=lambda flags: "-".join(map(str, flags.values()))
)


def all_arrays(values, *shape):
    """Every array of this shape over the values, one after the other."""
    size = int(np.prod(shape))
    numbers = np.arange(len(values) ** size)[:, None]
    return np.asarray(values)[numbers // len(values) ** np.arange(size) % len(values)].reshape(
        -1, *shape
    )


def combined(*arrays):
    """Every combination of the entries of several arrays."""
    places = np.indices([len(array) for array in arrays]).reshape(len(arrays), -1)
    return [array[own] for array, own in zip(arrays, places, strict=True)]


def is_as_defined(*inputs, **options):
    return np.array_equal(
        TaskAlignedMatcher(**options)(*inputs), definition.TaskAlignedMatcher(*inputs, **options)
    )


def column(metric, inside=None):
    """Return the inputs of one ground truth."""
    x = np.array(metric, np.float64)[:, None]
    within = np.ones(x.shape, bool) if inside is None else np.array(inside, bool)[:, None]
    return x, np.zeros_like(x), within


# All small inputs.


@pytest.mark.parametrize("topk", [1, 2, 3])
@pytest.mark.parametrize("flags", FLAGS[:4], ids=str)
def test_all_anchors_of_one_ground_truth(flags, topk):
    metric, inside = combined(
        all_arrays(np.float32([-0.25, 0, 0.25, 0.5]), 4, 1), all_arrays([False, True], 4, 1)
    )
    assert is_as_defined(metric, np.zeros_like(metric), inside, topk=topk, **flags)


@each_way
def test_all_ground_truths_of_one_anchor(flags):
    metric, inside, ious = combined(
        all_arrays(np.float32([-0.25, 0, 0.25]), 1, 3),
        all_arrays([False, True], 1, 3),
        all_arrays(np.float32([0, 0.25, 0.5]), 1, 3),
    )
    assert is_as_defined(metric, ious, inside, **flags)


@needs_compiler
@pytest.mark.parametrize("flags", FLAGS[::2], ids=str)
def test_all_two_anchors_and_ground_truths_of_which_one_is_selected(flags):
    metric, inside, ious = combined(
        all_arrays(np.float32([0, 0.25, 0.5]), 2, 2),
        all_arrays([False, True], 2, 2),
        all_arrays(np.float32([0.25, 0.5]), 2, 2),
    )
    assert is_as_defined(metric, ious, inside, topk=1, **flags)


# Any inputs.


@given(find("TaskAlignedMatcher").cases(), st.sampled_from(DTYPES))
def test_it_is_what_its_definition_says(case, dtype):
    cast = case.astype(dtype)
    operator = find("TaskAlignedMatcher")
    wrong = operator.judge_kernel(cast, operator.refer(cast, ask_definition=True))
    assert wrong is None, wrong


def sorted_in(order, x):
    return {
        "any": x,
        "up": np.sort(x, -2),
        "down": np.sort(x, -2)[::-1],
        "equal": np.full_like(x, 0.5),
        "few": np.round(x * 3) / 3,
        "less": x - np.float32(0.5),
    }[order]


@pytest.mark.parametrize("order", ["any", "up", "down", "equal", "few", "less"])
@pytest.mark.parametrize("shape", [(3000, 5), (150, 40), (20, 300), (500, 1)])
def test_many_anchors_in_any_order(shape, order):
    rng = np.random.default_rng(0)
    metric = sorted_in(order, rng.random(shape).astype(np.float32))
    ious = rng.random(shape).astype(np.float32)
    for share, flags, topk in zip((0.9, 0.5, 0.1) * 3, FLAGS, (13, 5, 60) * 3, strict=False):
        inside = rng.random(shape) < share
        assert is_as_defined(metric, ious, inside, topk=topk, **flags)


# Worked by hand.


def test_a_ground_truth_selects_its_largest_metrics_the_first_of_equals():
    given = column([0.25, 0.5, 0.25, 0.75, 0.25])
    assert TaskAlignedMatcher(topk=1)(*given).tolist() == [-1, -1, -1, 0, -1]
    assert TaskAlignedMatcher(topk=2)(*given).tolist() == [-1, 0, -1, 0, -1]
    assert TaskAlignedMatcher(topk=4)(*given).tolist() == [0, 0, 0, 0, -1]
    assert TaskAlignedMatcher()(*given).tolist() == [0] * 5


def test_an_anchor_outside_takes_a_place_unless_those_inside_come_first():
    given = column([0.75, 0.5, 0.25], [False, True, True])
    assert TaskAlignedMatcher(topk=1)(*given).tolist() == [-1, 0, -1]
    assert TaskAlignedMatcher(topk=1, inside_first=False)(*given).tolist() == [-1, -1, -1]
    assert TaskAlignedMatcher(topk=2, inside_first=False)(*given).tolist() == [-1, 0, -1]


def test_a_metric_of_0_counts_if_it_need_not_be_positive():
    given = column([0.0, 0.5, -0.5, 0.0], [True, True, True, False])
    assert TaskAlignedMatcher()(*given).tolist() == [-1, 0, -1, -1]
    assert TaskAlignedMatcher(positive=False)(*given).tolist() == [0, 0, -1, -1]
    assert TaskAlignedMatcher(topk=1, positive=False)(*given).tolist() == [-1, 0, -1, -1]
    # The smallest number there is counts.
    tiny = column([5e-324, 0.0])
    assert TaskAlignedMatcher()(*tiny).tolist() == [0, -1]


def test_an_anchor_of_several_gets_the_one_it_overlaps_most():
    # Ground truths 0 and 1 select anchor 0, ground truth 2 anchor 1, though anchor 0 is inside of
    # it and overlaps it more than it overlaps them.
    metric = np.array([[0.5, 0.5, 0.25], [0.25, 0.25, 0.5]])
    ious = np.array([[0.25, 0.5, 0.75], [0.0, 0.0, 0.0]])
    inside = np.ones((2, 3), bool)
    one = {"topk": 1}
    assert TaskAlignedMatcher(**one)(metric, ious, inside).tolist() == [2, 2]
    assert TaskAlignedMatcher(**one, conflict="selected")(metric, ious, inside).tolist() == [1, 2]
    inside[0, 2] = False
    assert TaskAlignedMatcher(**one)(metric, ious, inside).tolist() == [1, 2]
    # Of equal IoUs, and of such below 0, the first inside.
    for iou in (0.5, 0.0, -0.5):
        found = TaskAlignedMatcher(**one)(metric[:, ::-1], np.full((2, 3), iou), inside[:, ::-1])
        assert found.tolist() == [1, 0]


def test_padding_has_nothing_inside_and_so_no_match():
    metric = np.array([[0.5, 0.0], [0.5, 0.0]])
    inside = np.array([[True, False], [True, False]])
    for flags in FLAGS:
        assert TaskAlignedMatcher(**flags)(metric, metric, inside).tolist() == [0, 0]
        assert TaskAlignedMatcher(**flags)(metric, metric, inside & False).tolist() == [-1, -1]


def test_configurations_of_published_code():
    assert TaskAlignedMatcher.ultralytics() == TaskAlignedMatcher(10, "all", True, True)
    assert TaskAlignedMatcher.tood() == TaskAlignedMatcher(13, "selected", False, True)
    assert TaskAlignedMatcher.ultralytics(7).topk == TaskAlignedMatcher.tood(topk=7).topk == 7


@pytest.mark.parametrize("shape", [(0, 3), (0, 0), (0, 2, 3), (2, 0, 3), (2, 3, 0), (4, 0)])
def test_nothing_to_match_leaves_every_anchor_unmatched(shape):
    zeros = np.zeros(shape, np.float32)
    matches = TaskAlignedMatcher()(zeros, zeros, zeros == 0)
    assert matches.dtype == np.int64
    assert matches.shape == shape[:-1]
    assert (matches == -1).all()


def test_metric_and_ious_may_differ_in_dtype_and_a_mask_may_be_of_0_and_1():
    rng = np.random.default_rng(0)
    metric, ious = rng.random((20, 3)), rng.random((20, 3))
    inside = rng.random((20, 3)) < 0.5
    for first, second in itertools.product((*DTYPES, np.int64), repeat=2):
        for mask in (inside, inside.astype(np.uint8), inside.astype(np.float32), inside.tolist()):
            assert is_as_defined(
                (metric * 9).astype(first), (ious * 9).astype(second), mask, topk=3
            )


# Errors.


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("name", ["metric", "ious"])
@pytest.mark.parametrize("dtype", DTYPES)
def test_what_is_not_finite_is_named_with_its_place_inside_or_not(name, bad, dtype):
    inputs = {key: np.zeros((2, 20, 4), dtype) for key in ("metric", "ious")}
    inputs[name][0, 17, 3] = bad
    for inside in (True, False):
        with pytest.raises(
            ValueError, match=rf"^{name}\[0, 17, 3\] is {bad}, expected finite numbers$"
        ):
            TaskAlignedMatcher()(**inputs, inside=np.full((2, 20, 4), inside))


GOOD = {"metric": np.zeros((3, 2)), "ious": np.zeros((3, 2)), "inside": np.ones((3, 2), bool)}


@pytest.mark.parametrize(
    ("wrong", "error", "message"),
    [
        ({"metric": np.zeros(3)}, ValueError, r"metric: expected at least 2 axes, got .*\(3,\)"),
        ({"metric": [["a"]]}, TypeError, "metric: expected float16, .* got dtype <U1"),
        ({"ious": np.zeros((3, 2), complex)}, TypeError, "ious: expected float16, .*"),
        ({"ious": np.zeros((3, 2), object)}, TypeError, "ious: expected float16, .* dtype object"),
        (
            {"ious": np.zeros((2, 3))},
            ValueError,
            r"ious: expected the shape of metric, \(3, 2\), got \(2, 3\)",
        ),
        (
            {"inside": np.ones(3, bool)},
            ValueError,
            r"inside: expected at least 2 axes, got shape \(3,\)",
        ),
        (
            {"inside": np.ones((1, 3, 2), bool)},
            ValueError,
            r"inside: expected the shape of metric, \(3, 2\), got \(1, 3, 2\)",
        ),
        ({"inside": np.full((3, 2), 2)}, ValueError, r"inside\[0, 0\] is 2, expected a mask .*"),
        ({"inside": np.full((3, 2), None)}, TypeError, "inside: expected a mask of bools, got .*"),
    ],
)
def test_a_bad_input_is_an_error_that_names_it(wrong, error, message):
    with pytest.raises(error, match=f"^{message}$"):
        TaskAlignedMatcher()(**{**GOOD, **wrong})


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"topk": 0}, ValueError, "topk: expected an integer of at least 1, got 0"),
        ({"topk": 2.0}, TypeError, r"topk: expected an integer, got 2\.0"),
        ({"conflict": "first"}, ValueError, "conflict: expected 'all' or 'selected', got 'first'"),
        ({"conflict": None}, TypeError, "conflict: expected 'all' or 'selected', got None"),
        ({"inside_first": 1}, TypeError, "inside_first: expected True or False, got 1"),
        ({"positive": None}, TypeError, "positive: expected True or False, got None"),
    ],
)
def test_a_bad_parameter_is_an_error_that_names_it(options, error, message):
    with pytest.raises(error, match=f"^{message}$"):
        TaskAlignedMatcher(**options)


# Layouts, batches and calls.


@pytest.mark.parametrize("dtype", DTYPES)
def test_the_layout_makes_no_difference_and_inputs_stay_as_they_are(dtype):
    rng = np.random.default_rng(1)
    metric, ious = (rng.integers(0, 9, (2, 2, 30, 7)) / 8).astype(dtype)
    given = [metric, ious, rng.random((2, 30, 7)) < 0.8]
    expected = TaskAlignedMatcher(topk=3)(*given)
    assert (expected >= 0).any()

    def read_only(x):
        x = x.copy()
        x.flags.writeable = False
        return x

    for layout in (
        read_only,
        np.asfortranarray,
        lambda x: np.repeat(x, 2, axis=1)[:, ::2],
        lambda x: np.flip(np.flip(x).copy()),
        lambda x: x.astype(x.dtype.newbyteorder(">")),
    ):
        laid = [layout(x) for x in given]
        before = [x.copy() for x in laid]
        for _ in range(2):
            assert np.array_equal(TaskAlignedMatcher(topk=3)(*laid), expected)
        assert all(map(np.array_equal, laid, before))


@each_way
def test_an_image_has_the_same_matches_alone_and_in_a_batch(flags):
    rng = np.random.default_rng(2)
    metric, ious = rng.integers(0, 9, (2, 3, 2, 20, 5)) / 8
    inside = rng.random(metric.shape) < 0.7
    matcher = TaskAlignedMatcher(topk=4, **flags)
    batch = matcher(metric, ious, inside)
    for image in np.ndindex(3, 2):
        assert np.array_equal(matcher(metric[image], ious[image], inside[image]), batch[image])


@pytest.mark.parametrize("law", find("TaskAlignedMatcher").laws, ids=lambda law: law.name)
def test_a_law_holds_for_the_kernel_and_not_for_matches_that_are_drawn(law):
    operator, rng = find("TaskAlignedMatcher"), np.random.default_rng(0)
    assert law.check(operator.run_kernel, FREE) is None

    def drawn(case):
        metric = case.inputs["metric"]
        return (rng.integers(-1, metric.shape[-1], metric.shape[:-1]),)

    assert law.check(drawn, FREE) is not None
