"""ThresholdMatcher: equal to its definition, on all small matrices and on any other."""

import itertools

import numpy as np
import pytest
from hypothesis import given

from refkernels import ThresholdMatcher
from refkernels.conformance.cases import find
from refkernels.definition import matcher as definition
from tests.compiled import needs_compiler

DTYPES = [np.float16, np.float32, np.float64]

LEVELS = np.array([0, 0.25, 0.5, 0.75])
# On the levels and between them, and beyond.
THRESHOLDS = [0.0, 0.125, 0.25, 0.375, 0.5, 0.625, 0.75, 1.0]
PAIRS = [(high, low) for high in THRESHOLDS for low in [None, *THRESHOLDS] if not (low or 0) > high]
QUALITIES = [
    {"low_quality": "own", "ties": True},
    {"low_quality": "own", "ties": False},
    *(
        {"low_quality": "truth", "ties": ties, "winner": winner}
        for ties in (True, False)
        for winner in ("last", "first")
    ),
]
LEAST = [0.0, 0.25, 0.375, 1.0, -1.0]


def all_matrices(rows, columns, dtype=np.float32):
    """Every matrix of this shape over the levels, one after the other."""
    numbers = np.arange(4 ** (rows * columns))[:, None]
    digits = numbers // 4 ** np.arange(rows * columns) % 4
    return LEVELS[digits].reshape(-1, rows, columns).astype(dtype)


def is_as_defined(x, **options):
    return np.array_equal(ThresholdMatcher(**options)(x), definition.ThresholdMatcher(x, **options))


SMALL = [
    (1, 1),
    (1, 2),
    (2, 1),
    pytest.param((2, 2), marks=needs_compiler),
    (1, 3),
    (3, 1),
]
LARGE = [(2, 3), (3, 2), (3, 3), (2, 4), (4, 2)]


@pytest.mark.parametrize("shape", SMALL)
def test_all_small_matrices_with_every_threshold_and_flag(shape):
    x = all_matrices(*shape)
    for high, low in PAIRS:
        assert is_as_defined(x, high=high, low=low)
        for quality, least in itertools.product(QUALITIES, LEAST):
            assert is_as_defined(x, high=high, low=low, min_quality=least, **quality)


@needs_compiler
@pytest.mark.parametrize("shape", LARGE)
def test_all_matrices_up_to_three_by_three_with_every_threshold(shape):
    x = all_matrices(*shape)
    for high, low in PAIRS:
        assert is_as_defined(x, high=high, low=low)


@needs_compiler
@pytest.mark.parametrize("shape", LARGE)
def test_all_matrices_up_to_three_by_three_with_every_flag(shape):
    x = all_matrices(*shape)
    for quality in QUALITIES:
        for least in (0.25, 0.375, 1.0) if x.shape[1:] != (3, 3) else (0.375,):
            assert is_as_defined(x, high=0.5, low=0.375, min_quality=least, **quality)
        assert is_as_defined(x, high=0.75, low=0.25, **quality)
        assert is_as_defined(x, high=1.0, **quality)


@given(find("ThresholdMatcher").cases())
def test_it_is_what_its_definition_says(case):
    operator = find("ThresholdMatcher")
    for dtype in DTYPES:
        cast = case.astype(dtype)
        wrong = operator.judge_kernel(cast, operator.refer(cast, ask_definition=True))
        assert wrong is None, wrong


@needs_compiler
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("shape", [(20011, 3), (5000, 7), (257, 300), (3, 5000), (40000, 1)])
def test_matrices_of_many_blocks_whose_best_values_are_anywhere(shape, dtype):
    rng = np.random.default_rng(0)
    for share in (1, 0.4):
        x = (np.round(rng.random(shape) * 50) / 50 * share).astype(dtype)
        for image in (x, np.sort(x, 0), np.sort(x, 0)[::-1], np.zeros_like(x), np.stack([x, x])):
            for quality in QUALITIES:
                assert is_as_defined(image, high=0.7, low=0.3, **quality)


# Worked by hand. Row 0 is the best of column 0; row 3 that of column 1, with more of column 0.
IOUS = [[0.8, 0.1], [0.5, 0.2], [0.1, 0.0], [0.4, 0.3]]


def test_two_thresholds_leave_rows_that_are_neither():
    assert ThresholdMatcher(0.7, 0.3)(IOUS).tolist() == [0, -2, -1, -2]
    assert ThresholdMatcher(0.7)(IOUS).tolist() == [0, -1, -1, -1]
    assert ThresholdMatcher(0.5, 0.5)(IOUS).tolist() == [0, 0, -1, -1]


def test_a_low_quality_match_is_the_rows_own_or_the_truth_of_its_pair():
    assert ThresholdMatcher(0.7, 0.3, "own")(IOUS).tolist() == [0, -2, -1, 0]
    assert ThresholdMatcher(0.7, 0.3, "truth")(IOUS).tolist() == [0, -2, -1, 1]


def test_a_truth_takes_a_row_from_another_that_has_more_of_it():
    # Row 0 reaches the threshold with column 1, and is the best of both columns.
    x = [[0.6, 0.9], [0.5, 0.0]]
    assert ThresholdMatcher(0.5, low_quality="truth")(x).tolist() == [1, 0]
    assert ThresholdMatcher(0.5, low_quality="truth", winner="first")(x).tolist() == [0, 0]
    assert ThresholdMatcher(0.5, low_quality="own")(x).tolist() == [1, 0]


def test_all_rows_that_tie_are_best_or_the_first_alone():
    x = [[0.2], [0.4], [0.4], [0.1]]
    assert ThresholdMatcher(0.5, low_quality="own")(x).tolist() == [-1, 0, 0, -1]
    assert ThresholdMatcher(0.5, low_quality="own", ties=False)(x).tolist() == [-1, 0, -1, -1]


def test_a_best_pair_has_a_least_quality_that_it_may_equal():
    x = [[0.2, 0.4], [0.1, 0.3]]
    best = ThresholdMatcher(0.5, low_quality="own", min_quality=0.4)
    assert best(x).tolist() == [1, -1]
    assert ThresholdMatcher(0.5, low_quality="own", min_quality=0.41)(x).tolist() == [-1, -1]


def test_what_overlaps_nothing_takes_no_rows():
    padded = [[0.6, 0.0, 0.0], [0.2, 0.0, 0.0], [0.0, 0.0, 0.0]]
    for quality in QUALITIES:
        assert ThresholdMatcher(0.5, **quality)(padded).tolist() == [0, -1, -1]
        assert ThresholdMatcher(0.5, min_quality=-1, **quality)(-np.eye(2)).tolist() == [-1, -1]


def test_thresholds_are_reached_by_what_equals_them_in_each_dtype():
    for dtype in DTYPES:
        x = np.array([[0.7], [0.3], [0.1]], dtype)
        assert ThresholdMatcher(0.7, 0.3)(x).tolist() == [0, -2, -1]
        lowest = ThresholdMatcher(0.9, low_quality="own", min_quality=0.7)
        assert lowest(x).tolist() == [0, -1, -1]


def test_without_ground_truth_the_largest_overlap_is_0():
    for dtype in DTYPES:
        nothing = np.zeros((2, 3, 0), dtype)
        assert ThresholdMatcher(0.5)(nothing).tolist() == [[-1] * 3] * 2
        assert ThresholdMatcher(0.5, 0.0)(nothing).tolist() == [[-2] * 3] * 2
        assert ThresholdMatcher(0.0)(nothing).tolist() == [[-1] * 3] * 2
        assert ThresholdMatcher(0.5, -0.5, "own")(nothing).tolist() == [[-2] * 3] * 2
        for options in ({"high": 0.5}, {"high": 0.5, "low": 0.0}, {"high": 0.0}, {"high": -1.0}):
            assert is_as_defined(nothing, **options)


@pytest.mark.parametrize("shape", [(0, 3), (0, 0), (0, 2, 3), (2, 0, 3), (3, 2, 0, 0)])
def test_nothing_to_match_is_normal(shape):
    for quality in (None, "own", "truth"):
        matches = ThresholdMatcher(0.5, 0.3, quality)(np.zeros(shape, np.float32))
        assert matches.dtype == np.int64
        assert matches.shape == shape[:-1]


# What people know by other names.


def test_torchvisions_matcher_keeps_a_rows_own():
    assert ThresholdMatcher.torchvision(0.7, 0.3) == ThresholdMatcher(0.7, 0.3)
    own = ThresholdMatcher.torchvision(0.7, 0.3, allow_low_quality_matches=True)
    assert own == ThresholdMatcher(0.7, 0.3, low_quality="own", ties=True)
    assert own(IOUS).tolist() == [0, -2, -1, 0]


def test_mmdetections_assigner_gives_a_row_to_the_truth():
    own = ThresholdMatcher.mmdet(0.7, 0.3, min_pos_iou=0.3)
    assert own == ThresholdMatcher(0.7, 0.3, low_quality="truth", min_quality=0.3)
    assert own(IOUS).tolist() == [0, -2, -1, 1]
    assert ThresholdMatcher.mmdet(0.7, 0.3, match_low_quality=False).low_quality is None
    assert not ThresholdMatcher.mmdet(0.7, 0.3, gt_max_assign_all=False).ties


def test_ssds_matcher_gives_each_truth_its_first_best_row():
    own = ThresholdMatcher.ssd()
    assert own == ThresholdMatcher(0.5, low_quality="truth", ties=False)
    # Both columns want row 0, which the last gets; row 3 ties with it too late.
    assert own([[0.4, 0.4], [0.3, 0.2], [0.6, 0.0], [0.0, 0.4]]).tolist() == [1, -1, 0, -1]
    assert own([[0.4, 0.4], [0.3, 0.2]]).tolist() == [1, -1]
    assert ThresholdMatcher.ssd(0.3)([[0.4, 0.4], [0.3, 0.2]]).tolist() == [1, 0]


@pytest.mark.parametrize("name", ["torchvision", "mmdet"])
def test_names_of_others_check_their_parameters(name):
    with pytest.raises(
        ValueError, match=r"^low: expected a number of at most high, 0\.3, got 0\.7"
    ):
        getattr(ThresholdMatcher, name)(0.3, 0.7)
    with pytest.raises(TypeError, match="expected True or False, got 'yes'"):
        ThresholdMatcher.torchvision(0.7, 0.3, "yes")
    with pytest.raises(TypeError, match=r"^match_low_quality: expected True or False, got 1"):
        ThresholdMatcher.mmdet(0.7, 0.3, match_low_quality=1)


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"high": "0.5"}, TypeError, "high: expected a real number, got '0.5'"),
        ({"high": np.nan}, ValueError, "high is nan, expected a finite number"),
        ({"high": np.inf}, ValueError, "high is inf, expected a finite number"),
        ({"low": -np.inf}, ValueError, "low is -inf, expected a finite number"),
        ({"low": 0.6}, ValueError, r"low: expected a number of at most high, 0\.5, got 0\.6"),
        ({"low": True}, TypeError, "low: expected a real number, got True"),
        ({"low_quality": "best"}, ValueError, "low_quality: expected 'own' or 'truth', got 'best'"),
        ({"low_quality": True}, TypeError, "low_quality: expected 'own' or 'truth', got True"),
        ({"min_quality": None}, TypeError, "min_quality: expected a real number, got None"),
        ({"min_quality": np.nan}, ValueError, "min_quality is nan, expected a finite number"),
        ({"ties": 1}, TypeError, "ties: expected True or False, got 1"),
        ({"winner": "best"}, ValueError, "winner: expected 'last' or 'first', got 'best'"),
        ({"winner": None}, TypeError, "winner: expected 'last' or 'first', got None"),
    ],
)
def test_a_bad_parameter_is_an_error_that_names_it(options, error, message):
    with pytest.raises(error, match=f"^{message}$"):
        ThresholdMatcher(**{"high": 0.5, **options})


@pytest.mark.parametrize("quality", [None, "own", "truth"])
class TestEveryQuality:
    @pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
    @pytest.mark.parametrize("dtype", DTYPES)
    def test_what_is_not_finite_is_named_with_its_place(self, quality, bad, dtype):
        x = np.zeros((2, 20, 4), dtype)
        x[0, 17, 3] = bad
        with pytest.raises(ValueError, match=rf"^x\[0, 17, 3\] is {bad}, expected finite numbers$"):
            ThresholdMatcher(0.5, low_quality=quality)(x)

    @pytest.mark.parametrize("x", [[["a"]], [[None]], [[1j]], np.zeros((2, 2), object)])
    def test_what_is_not_real_is_an_error_that_names_the_dtype(self, quality, x):
        with pytest.raises(TypeError, match=r"^x: expected float16, .* or integers, got dtype "):
            ThresholdMatcher(0.5, low_quality=quality)(x)

    @pytest.mark.parametrize("x", [3.0, [1.0, 2.0]])
    def test_fewer_than_two_axes_are_an_error(self, quality, x):
        with pytest.raises(ValueError, match=r"^x: expected at least 2 axes, got shape \("):
            ThresholdMatcher(0.5, low_quality=quality)(x)

    @pytest.mark.parametrize("dtype", DTYPES)
    def test_the_layout_makes_no_difference_and_the_input_stays_as_it_is(self, quality, dtype):
        x = (np.random.default_rng(1).integers(0, 5, (2, 30, 7)) / 8).astype(dtype)
        matcher = ThresholdMatcher(0.5, 0.375, quality)
        expected = matcher(x)
        read_only = x.copy()
        read_only.flags.writeable = False
        for layout in (
            read_only,
            np.asfortranarray(x),
            np.repeat(x, 2, axis=1)[:, ::2],
            x[:, ::-1, ::-1].copy()[:, ::-1, ::-1],
            x.astype(x.dtype.newbyteorder(">")),
        ):
            before = layout.copy()
            for _ in range(2):
                assert np.array_equal(matcher(layout), expected)
            assert np.array_equal(layout, before)

    def test_an_image_has_the_same_matches_alone_and_in_a_batch(self, quality):
        x = np.random.default_rng(2).integers(0, 4, (3, 2, 20, 5)) / 8
        batch = ThresholdMatcher(0.5, 0.25, quality)(x)
        for index in np.ndindex(3, 2):
            alone = ThresholdMatcher(0.5, 0.25, quality)(x[index])
            assert np.array_equal(alone, batch[index])

    def test_integers_are_matched_as_float64(self, quality):
        x = np.array([[0, 3], [2, 0], [1, 1]], np.uint8)
        matcher = ThresholdMatcher(3, 2, quality)
        assert matcher(x).tolist() == matcher(x.astype(np.float64)).tolist()
