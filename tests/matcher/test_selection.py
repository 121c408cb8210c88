"""The best rows of each column are found with bars, which rows alone set, dealt to groups."""

import numpy as np
import pytest

import refkernels
from refkernels.matcher.selection import GROUPS, WORTHWHILE

# Bars are looked for among so many rows, and the last deal lacks one.
COUNT = WORTHWHILE * GROUPS + GROUPS - 1


def test_a_nearer_anchor_of_the_next_level_bars_none_of_this_one() -> None:
    distances = np.arange(1.0, COUNT + 2)[:, None]
    distances[COUNT] = 0
    ious, inside = np.full((COUNT + 1, 1), 0.5), np.ones((COUNT + 1, 1), bool)
    matches = refkernels.ATSSMatcher(topk=1)(ious, distances, inside, [COUNT, 1])
    assert np.flatnonzero(matches == 0).tolist() == [0, COUNT]


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_what_lies_behind_the_rows_of_a_view_is_none_of_them(dtype: type[np.floating]) -> None:
    costs = np.arange(1.0, COUNT + 2, dtype=dtype)[:, None]
    costs[COUNT] = 0
    ious = np.full((COUNT, 1), 0.1, dtype)  # ten of them add up to one match
    matches = refkernels.SimOTAMatcher()(costs[:COUNT], ious)
    assert np.flatnonzero(matches == 0).tolist() == [0]
