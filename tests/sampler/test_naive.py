"""The sampler that takes every match, and ignores what is neither matched nor background."""

from itertools import product

import numpy as np
import pytest

from refkernels import NaiveSampler
from refkernels.conformance import assert_conforms
from refkernels.definition import sampler as definition

LAW = "the law that a match of -2 is neither positive nor negative"


@pytest.mark.parametrize("dtype", [np.int64, np.int8, np.float16, np.float64])
def test_a_match_is_positive_none_is_negative_and_neither_is_ignored(dtype):
    matches = np.array([[0, -1, 5], [-2, 3, -1]], dtype)
    samples = NaiveSampler()(matches)
    assert samples.tolist() == [[1, -1, 1], [0, 1, -1]]
    assert samples.dtype == np.int64


def test_all_small_matches_are_sampled_as_defined():
    for count in range(5):
        for row in product((-3, -2, -1, 0, 1), repeat=count):
            matches = np.array(row, int)
            assert NaiveSampler()(matches).tolist() == definition.NaiveSampler(matches).tolist()


def test_any_shape_and_layout_is_taken():
    assert NaiveSampler()(-2).tolist() == 0
    assert NaiveSampler()(np.zeros((0, 3))).shape == (0, 3)
    matches = np.arange(-3, 9).reshape(3, 4)
    matches.flags.writeable = False
    assert NaiveSampler()(matches.T[::-1]).tolist() == NaiveSampler()(matches).T[::-1].tolist()


def test_bad_input_is_named():
    with pytest.raises(ValueError, match=r"matches\[1\] is 0.5"):
        NaiveSampler()([0, 0.5])
    with pytest.raises(TypeError, match="expected integers or whole floats"):
        NaiveSampler()([1j])


def test_a_target_need_not_know_of_neither_but_must_not_take_it_for_a_match():
    result = assert_conforms(lambda matches: np.where(matches >= 0, 1, -1), "NaiveSampler")
    assert result.untried == {LAW: "a match of -2 is not offered: it counts as one of -1"}
    result = assert_conforms(NaiveSampler, "NaiveSampler")
    assert result.untried == {}
    with pytest.raises(AssertionError, match="a match of -2 is neither positive nor negative"):
        assert_conforms(
            lambda matches: np.where((matches >= 0) | (matches == -2), 1, -1), "NaiveSampler"
        )
