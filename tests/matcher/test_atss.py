"""ATSSMatcher: equal to its definition, whose thresholds are exact."""

import itertools
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from refkernels import ATSSMatcher
from refkernels.bounds.matcher import atss_threshold
from refkernels.conformance.cases import find
from refkernels.conformance.model.operator import Case, Reference
from refkernels.definition import matcher as definition

DTYPES = [np.float16, np.float32, np.float64]

LEVELS = np.array([0, 0.25, 0.5, 0.75])


def column(ious, distances=None, inside=None):
    """Return the inputs of one ground truth, all of whose anchors are as near, and inside."""
    x = np.array(ious, np.float64)[:, None]
    far = np.zeros_like(x) if distances is None else np.array(distances, np.float64)[:, None]
    within = np.ones(x.shape, bool) if inside is None else np.array(inside, bool)[:, None]
    return x, far, within


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
        ATSSMatcher(**options)(*inputs), definition.ATSSMatcher(*inputs, **options)
    )


@pytest.mark.parametrize("ddof", [0, 1, 2])
@pytest.mark.parametrize("topk", [1, 2, 3])
def test_all_anchors_of_one_ground_truth(topk, ddof):
    for count in (1, 2, 3):
        ious, distances = combined(all_arrays(LEVELS, count, 1), all_arrays([0.0, 1.0], count, 1))
        inside = np.ones(ious.shape, bool)
        for levels in ([count], [1, count - 1], [count - 1, 0, 1]):
            assert is_as_defined(ious, distances, inside, levels, topk=topk, ddof=ddof)


@pytest.mark.parametrize("ddof", [0, 1])
def test_all_four_candidates_of_one_ground_truth(ddof):
    ious = all_arrays(LEVELS, 4, 1)
    inside = np.ones(ious.shape, bool)
    assert is_as_defined(ious, 0 * ious, inside, [4], ddof=ddof)


def test_all_anchors_that_two_ground_truths_want():
    ious, inside = combined(all_arrays(LEVELS, 2, 2), all_arrays([False, True], 2, 2))
    for distances, topk in itertools.product(all_arrays([0.0, 1.0], 2, 2)[::5], (1, 2)):
        far = np.broadcast_to(distances, ious.shape)
        assert is_as_defined(ious, far, inside, [2], topk=topk)


@given(find("ATSSMatcher").cases(), st.sampled_from(DTYPES))
def test_it_is_what_its_definition_says(case, dtype):
    operator = find("ATSSMatcher")
    cast = case.astype(dtype)
    wrong = operator.judge_kernel(cast, operator.refer(cast, ask_definition=True))
    assert wrong is None, wrong


@pytest.mark.parametrize("dtype", DTYPES)
def test_many_anchors(dtype):
    rng = np.random.default_rng(0)
    for levels, truths in (([3000, 750, 190, 50, 12], 7), ([600], 1), ([40, 9], 300)):
        shape = (sum(levels), truths)
        distances = rng.integers(0, 3000, shape) / 8
        ious = np.clip(rng.random(shape) - distances / 500, 0, 1)
        inside = rng.random(shape) < 0.8
        inputs = ious.astype(dtype), distances.astype(dtype), inside, levels
        assert is_as_defined(*inputs)
        assert is_as_defined(*inputs, topk=2, ddof=0)


# Worked by hand.


def test_the_threshold_is_the_mean_and_the_deviation_of_the_candidates():
    # Mean 1/4 and deviation 1/2 of three: of 1, 0, 0, 0 the threshold is 3/4.
    assert ATSSMatcher()(*column([1, 0, 0, 0]), [4]).tolist() == [0, -1, -1, -1]
    # 0.5, 0.25, 0.25, 0: mean 0.25, variance 0.125 / 3, threshold 0.454; of 4 it is 0.427.
    assert ATSSMatcher()(*column([0.5, 0.25, 0.25, 0]), [4]).tolist() == [0, -1, -1, -1]
    # 0.75 and 0.25: their mean is 0.5, the deviation of 1 is 0.354, of 2 exactly 0.25.
    assert ATSSMatcher()(*column([0.75, 0.25]), [2]).tolist() == [-1, -1]
    assert ATSSMatcher(ddof=0)(*column([0.75, 0.25]), [2]).tolist() == [0, -1]


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("iou", [0.0, 0.3, 0.7, 1 / 3])
def test_candidates_that_are_equal_are_all_on_the_threshold(iou, dtype):
    for count in (1, 2, 3, 5, 9):
        ious, distances, inside = column([iou] * count)
        matches = ATSSMatcher()(ious.astype(dtype), distances, inside, [count])
        assert matches.tolist() == [0] * count


def test_thresholds_of_float32_are_those_of_double_precision():
    # The last is next to the threshold, nearer than differences in float32 can tell.
    above = np.array([0.05, 0.41, 0.82, 0.9893902], np.float32)
    below = np.array([0.35, 0.68, 0.82, 0.969131], np.float32)
    # Nor does a difference overflow.
    far = np.array([-1e38, 0, 0, 3.4e38], np.float32)
    last = [-1, -1, -1, 0]
    for ious, expected in ((above, last), (below, [-1] * 4), (far, last)):
        x, distances, inside = column(ious)
        inputs = x.astype(np.float32), distances.astype(np.float32), inside, [4]
        assert ATSSMatcher()(*inputs).tolist() == expected
        assert is_as_defined(*inputs)


def test_without_as_many_candidates_as_the_divisor_asks_for_the_deviation_is_0():
    assert ATSSMatcher(ddof=2)(*column([0.25, 0.75]), [2]).tolist() == [-1, 0]
    assert ATSSMatcher(ddof=5)(*column([0.25, 0.75]), [2]).tolist() == [-1, 0]
    assert ATSSMatcher(ddof=2**62)(*column([0.5]), [1]).tolist() == [0]


def test_candidates_are_the_nearest_of_each_level_the_first_of_equals():
    ious = [0.5, 0.5, 0.9, 0.5, 0.5, 0.9]
    # Of each level the two nearest, of IoU 0.5: all are on the threshold, 0.9 is no candidate.
    far = [1, 1, 1, 2, 1, 3]
    assert ATSSMatcher(topk=2)(*column(ious, far), [3, 3]).tolist() == [0, 0, -1, 0, 0, -1]
    # Of one level: the first, second and third are nearest.
    assert ATSSMatcher(topk=3, ddof=0)(*column(ious, far), [6]).tolist() == [-1, -1, 0, -1, -1, -1]
    # A level that has fewer gives all of them, and one without any none.
    assert ATSSMatcher(topk=9)(*column(ious, far), [0, 2, 0, 4, 0]).tolist() == [
        *[-1, -1, 0],
        *[-1, -1, 0],
    ]


def test_a_candidate_that_is_outside_counts_for_the_threshold_and_is_no_match():
    ious = [1, 0, 0, 0.75]
    assert ATSSMatcher()(*column(ious), [4]).tolist() == [0, -1, -1, -1]
    assert ATSSMatcher()(*column(ious, inside=[0, 1, 1, 1]), [4]).tolist() == [-1] * 4


def test_an_anchor_of_several_gets_the_one_it_overlaps_most_the_first_of_equals():
    ious = np.array([[0.5, 0.75, 0.75], [0.0, 0.0, 0.0]])
    everything = np.zeros((2, 3)), np.ones((2, 3), bool), [2]
    assert ATSSMatcher(ddof=2)(ious, *everything).tolist() == [1, -1]
    nothing_of_1 = np.zeros((2, 3)), np.array([[True, False, True]] * 2), [2]
    assert ATSSMatcher(ddof=2)(ious, *nothing_of_1).tolist() == [2, -1]


def test_padding_has_nothing_inside_and_so_no_match():
    ious, distances = np.array([[0.5, 0.0], [0.5, 0.0]]), np.ones((2, 2))
    inside = np.array([[True, False]] * 2)
    assert ATSSMatcher()(ious, distances, inside, [2]).tolist() == [0, 0]
    assert ATSSMatcher()(ious[:, 1:], distances[:, 1:], inside[:, 1:], [2]).tolist() == [-1, -1]


def test_numbers_of_any_size_have_a_threshold():
    for scale in (1e-300, 1e-160, 1e150, 1e300):
        ious, *others = column([1.0, 0, 0, 0.95])  # thresholds of 1.05 and 0.975
        assert ATSSMatcher()(ious * scale, *others, [4]).tolist() == [-1, -1, -1, -1]
        assert ATSSMatcher(ddof=0)(ious * scale, *others, [4]).tolist() == [0, -1, -1, -1]


@pytest.mark.parametrize("shape", [(0, 3), (0, 0), (0, 2, 3), (2, 0, 3), (2, 3, 0), (4, 0)])
def test_nothing_to_match_leaves_every_anchor_unmatched(shape):
    zeros = np.zeros(shape, np.float32)
    levels = [shape[-2]] if shape[-2] else []
    matches = ATSSMatcher()(zeros, zeros, zeros > 0, levels)
    assert is_as_defined(zeros, zeros, zeros > 0, levels)
    assert matches.dtype == np.int64
    assert matches.shape == shape[:-1]
    assert (matches == -1).all()


def test_masks_of_0_and_1_and_levels_of_any_whole_numbers_will_do():
    ious, distances, inside = column([0.5, 0.5, 0.2], inside=[1, 0, 1])
    expected = ATSSMatcher()(ious, distances, inside, [1, 2])
    for mask in (inside.astype(np.uint8), inside.astype(np.float32), inside.tolist()):
        for levels in (np.array([1, 2], np.int32), np.array([1.0, 2.0], np.float32), (1, 2)):
            assert np.array_equal(ATSSMatcher()(ious, distances, mask, levels), expected)


def test_ious_and_distances_may_differ_in_dtype():
    rng = np.random.default_rng(0)
    ious, distances = rng.random((20, 3)), rng.random((20, 3))
    inside = np.ones((20, 3), bool)
    for first, second in itertools.product((*DTYPES, np.int64), repeat=2):
        inputs = (ious * 9).astype(first), (distances * 9).astype(second), inside, [12, 8]
        assert is_as_defined(*inputs, topk=3)


# Errors.


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("name", ["ious", "distances"])
@pytest.mark.parametrize("dtype", DTYPES)
def test_what_is_not_finite_is_named_with_its_place(name, bad, dtype):
    inputs = {key: np.zeros((2, 20, 4), dtype) for key in ("ious", "distances")}
    inputs[name][0, 17, 3] = bad
    with pytest.raises(
        ValueError, match=rf"^{name}\[0, 17, 3\] is {bad}, expected finite numbers$"
    ):
        ATSSMatcher()(**inputs, inside=np.ones((2, 20, 4), bool), levels=[20])


GOOD = {
    "ious": np.zeros((3, 2)),
    "distances": np.zeros((3, 2)),
    "inside": np.ones((3, 2), bool),
    "levels": np.array([2, 1]),
}


@pytest.mark.parametrize(
    ("wrong", "error", "message"),
    [
        ({"ious": np.zeros(3)}, ValueError, r"ious: expected at least 2 axes, got shape \(3,\)"),
        ({"ious": [["a"]]}, TypeError, "ious: expected float16, .* got dtype <U1"),
        ({"distances": np.zeros((3, 2), complex)}, TypeError, "distances: expected float16, .*"),
        (
            {"distances": np.zeros((2, 3))},
            ValueError,
            r"distances: expected the shape of ious, \(3, 2\), got \(2, 3\)",
        ),
        (
            {"inside": np.ones((1, 3, 2), bool)},
            ValueError,
            r"inside: expected the shape of ious, \(3, 2\), got \(1, 3, 2\)",
        ),
        ({"inside": np.full((3, 2), 2)}, ValueError, r"inside\[0, 0\] is 2, expected a mask .*"),
        ({"inside": np.full((3, 2), None)}, TypeError, "inside: expected a mask of bools, got .*"),
        (
            {"levels": [1, 1]},
            ValueError,
            "levels: expected counts that sum to .* 3, got a sum of 2",
        ),
        ({"levels": []}, ValueError, "levels: expected counts that sum to .* 3, got a sum of 0"),
        ({"levels": [4, -1]}, ValueError, r"levels\[1\] is -1, expected counts of at least 0"),
        ({"levels": [1.5, 1.5]}, ValueError, r"levels\[0\] is 1\.5, expected whole numbers .*"),
        ({"levels": 3}, ValueError, r"levels: expected one axis, got shape \(\)"),
        ({"levels": [[3]]}, ValueError, r"levels: expected one axis, got shape \(1, 1\)"),
        ({"levels": ["3"]}, TypeError, "levels: expected integers or whole floats, got dtype <U1"),
        ({"levels": [2**62, 2**62]}, ValueError, "levels: expected counts that sum to .*"),
    ],
)
def test_a_bad_input_is_an_error_that_names_it(wrong, error, message):
    with pytest.raises(error, match=f"^{message}$"):
        ATSSMatcher()(**{**GOOD, **wrong})


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"topk": 0}, ValueError, "topk: expected an integer of at least 1, got 0"),
        ({"topk": 2.0}, TypeError, r"topk: expected an integer, got 2\.0"),
        ({"ddof": -1}, ValueError, "ddof: expected an integer of at least 0, got -1"),
        ({"ddof": True}, TypeError, "ddof: expected an integer, got True"),
    ],
)
def test_a_bad_parameter_is_an_error_that_names_it(options, error, message):
    with pytest.raises(error, match=f"^{message}$"):
        ATSSMatcher(**options)


# Layouts, batches and calls.


@pytest.mark.parametrize("dtype", DTYPES)
def test_the_layout_makes_no_difference_and_inputs_stay_as_they_are(dtype):
    rng = np.random.default_rng(1)
    shape = (2, 30, 7)
    given = [rng.random(shape).astype(dtype), rng.integers(0, 9, shape).astype(dtype)]
    given.append(rng.random(shape) < 0.8)
    levels = np.array([20, 10])
    expected = ATSSMatcher(topk=3)(*given, levels)
    assert (expected >= 0).any()

    def read_only(x):
        x = x.copy()
        x.flags.writeable = False
        return x

    for layout in (
        read_only,
        np.asfortranarray,
        lambda x: np.repeat(x, 2, axis=1)[:, ::2],
        lambda x: x[:, ::-1, ::-1].copy()[:, ::-1, ::-1],
        lambda x: x.astype(x.dtype.newbyteorder(">")),
    ):
        laid = [layout(x) for x in given]
        before = [x.copy() for x in laid]
        for _ in range(2):
            assert np.array_equal(ATSSMatcher(topk=3)(*laid, levels), expected)
        assert all(map(np.array_equal, laid, before))


def test_an_image_has_the_same_matches_alone_and_in_a_batch():
    rng = np.random.default_rng(2)
    ious, distances = rng.random((3, 2, 20, 5)), rng.integers(0, 9, (3, 2, 20, 5))
    inside = rng.random(ious.shape) < 0.8
    batch = ATSSMatcher(topk=2)(ious, distances, inside, [15, 5])
    for image in np.ndindex(3, 2):
        alone = ATSSMatcher(topk=2)(ious[image], distances[image], inside[image], [15, 5])
        assert np.array_equal(alone, batch[image])


# The bound.


@given(
    st.lists(
        st.floats(0, 1, width=16) | st.sampled_from([0.3, 0.3, 1.0, 0.0]), min_size=1, max_size=9
    ),
    st.integers(0, 2),
    st.sampled_from([np.float32, np.float64]),
)
def test_a_threshold_as_it_is_computed_is_within_its_bound(values, ddof, dtype):
    x = np.array(values, dtype)
    exact = definition.atss_spread(x, ddof)
    mean = x.mean(dtype=dtype)
    divisor = len(x) - ddof
    deviation = np.sqrt(np.square(x - mean).sum() / dtype(divisor)) if divisor > 0 else dtype(0)
    found = Fraction(float(mean + deviation))
    bound = Fraction(atss_threshold(x, ddof, np.dtype(dtype)))
    assert exact.is_reached(found + bound)
    assert found == bound == 0 or not exact.is_reached(found - bound - Fraction(1, 2**1000))


def test_the_bound_is_tight():
    rng = np.random.default_rng(0)
    worst = 0.0
    for _ in range(300):
        x = rng.random(rng.integers(3, 10)).astype(np.float32)
        wide = x.astype(np.float64)
        error = abs(float(x.mean() + x.std(ddof=1)) - (wide.mean() + wide.std(ddof=1)))
        worst = max(worst, error / atss_threshold(x, 1, np.dtype(np.float32)))
    assert 1 / 50 < worst < 1


def test_the_bound_is_0_where_nothing_rounds():
    single, double = np.dtype(np.float32), np.dtype(np.float64)
    assert atss_threshold(np.array([]), 1, single) == 0
    assert atss_threshold(np.full(4, 0.5), 1, single) == 0
    assert atss_threshold(np.full(4, 1 / 3), 1, double) > 0
    assert atss_threshold(np.array([0.25, 0.75]), 0, single) == 0
    assert atss_threshold(np.array([0.25, 0.75]), 1, single) > 0
    assert atss_threshold(np.array([0.25, 0.75, 0.5]), 1, double, by_squares=True) == 0
    assert atss_threshold(np.full(4, 1 / 3), 1, double, by_squares=True) == 0
    assert atss_threshold(np.array([0.1, 0.7, 0.5]), 1, double, by_squares=True) > 0
    assert atss_threshold(np.array([1e30, 0]), 1, single) == np.inf


# The judge.


def test_what_rounding_decides_is_ambiguous_and_nothing_else_is():
    operator = find("ATSSMatcher")
    # In single precision the mean of nine times float32(0.7) may come out below or above it.
    ious, distances, inside = column([0.7] * 9 + [0.6])
    arrays = {"ious": ious.astype(np.float32), "distances": distances, "inside": inside}
    case = Case({}, {**arrays, "levels": np.array([10])})
    for ask in (True, False):
        reference = operator.refer(case, ask_definition=ask)
        assert reference.kernel[0].tolist() == [0] * 9 + [-1]
        none = np.full(10, -1)
        assert operator.judge(case, reference, (none,)) is None
        assert operator.count_ambiguous(case, reference, (none,)) == 9
        other = np.where(np.arange(10) == 9, 0, reference.kernel[0])
        wrong = operator.judge(case, reference, (other,))
        assert wrong.what == "matches[9] is 0, expected -1 (1 of 10 differ)"
    exact = Case({"topk": 1}, case.inputs)
    reference = operator.refer(exact)
    wrong = operator.judge(exact, reference, (np.full(10, -1),))
    assert wrong.what == "matches[0] is -1, expected 0 (1 of 10 differ)"
    wrong = operator.judge(exact, reference, (np.zeros((1, 10)),))
    assert wrong.what == "matches has shape (1, 10), expected (10,)"
    # Squares overflow in single precision, so there anything may come of it.
    huge = np.array([[1e30], [0], [0]] * 3 + [[0]], np.float32)
    endless = Case({}, {**case.inputs, "ious": huge})
    reference = operator.refer(endless)
    assert operator.judge(endless, reference, (np.full(10, -1),)) is None
    assert operator.judge_kernel(endless, Reference(None, reference.kernel)) is None
