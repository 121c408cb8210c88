"""The strategies reach what breaks code."""

import numpy as np
import pytest
from hypothesis import HealthCheck, Phase, find, given, settings
from hypothesis import strategies as st

from refkernels.bbox import BBoxBatchIOU
from refkernels.conformance.cases import find as operator
from refkernels.conformance.cases.strategies import (
    box_sets,
    iou_matrices,
    seeded_box_sets,
    seeded_iou_matrices,
)

FEW = st.integers(1, 3)
SEARCH = settings(
    max_examples=3000,
    database=None,
    deadline=None,
    derandomize=True,
    phases=[Phase.generate],
    suppress_health_check=list(HealthCheck),
)


def width(b):
    return b[..., 2] - b[..., 0]


def height(b):
    return b[..., 3] - b[..., 1]


REACHED = {
    "identical boxes": lambda a, b: (BBoxBatchIOU(eps=0)(a, b) == 1).any(),
    "nested boxes": lambda a, b: (
        ((a[:, None, :2] < b[None, :, :2]) & (a[:, None, 2:] > b[None, :, 2:])).all(-1).any()
    ),
    "touching boxes": lambda a, b: (
        (a[:, None, 2] == b[None, :, 0])
        & (width(a)[:, None] > 0)
        & (a[:, None, 1] == b[None, :, 1])
    ).any(),
    "empty boxes": lambda a, b: (
        ((width(a) == 0) & (height(a) > 0)).any() or ((height(a) == 0) & (width(a) > 0)).any()
    ),
    "points": lambda a, b: ((width(a) == 0) & (height(a) == 0)).any(),
    "inverted boxes": lambda a, b: ((width(a) < 0) & (height(a) < 0)).any(),
    "mirrored boxes": lambda a, b: ((width(a) < 0) & (height(a) > 0)).any(),
    "boxes upside down": lambda a, b: ((width(a) > 0) & (height(a) < 0)).any(),
    "huge boxes": lambda a, b: (width(a) > 1e4).any(),
    "tiny boxes": lambda a, b: ((width(a) > 0) & (width(a) < 1e-4)).any(),
    "normalised boxes": lambda a, b: ((a >= 0) & (a <= 1) & (a % 1 != 0)).all(),
    "padding of -1": lambda a, b: (b == -1).all(-1).any(),
    "padding of 0": lambda a, b: (b == 0).all(-1).any(),
    "areas beyond float16": lambda a, b: (width(a) * height(a) > 65504).any(),
}


@pytest.mark.parametrize("what", REACHED)
def test_box_sets_reach(what):
    found = find(box_sets((FEW, FEW)), lambda sets: bool(REACHED[what](*sets)), settings=SEARCH)
    assert REACHED[what](*found)


@pytest.mark.parametrize("sets", [box_sets, seeded_box_sets])
def test_box_sets_have_the_shapes_asked_for(sets):
    @settings(max_examples=20, suppress_health_check=list(HealthCheck), deadline=None)
    @given(sets((st.just(3), st.just(5)), st.just(2)), sets((st.just(3),)))
    def check(batched, single):
        assert [b.shape for b in batched] == [(2, 3, 4), (2, 5, 4)]
        assert single[0].shape == (3, 4)
        assert all(np.isfinite(b).all() for b in (*batched, *single))

    check()


MATRICES = {
    "ties in a row": lambda x: ((x[:, :1] == x).sum(-1) > 1).any() and x.max() > 0,
    "ties in a column": lambda x: ((x[:1] == x).sum(0) > 1).any() and x.max() > 0,
    "zero rows": lambda x: (x == 0).all(-1).any() and (x > 0).any(),
    "zero columns": lambda x: (x == 0).all(0).any() and (x > 0).any(),
    "distances": lambda x: x.min() < 0 and x.max() > 1,
    "values that only float16 ties": lambda x: (
        len(np.unique(x)) > len(np.unique(x.astype(np.float16)))
    ),
}


@pytest.mark.parametrize("what", MATRICES)
def test_iou_matrices_reach(what):
    strategy = iou_matrices(st.integers(2, 4), st.integers(2, 4))
    found = find(strategy, lambda x: bool(MATRICES[what](x)), settings=SEARCH)
    assert MATRICES[what](found)


def test_seeded_matrices_reach_more_than_16_equal_values_in_a_row():
    strategy = seeded_iou_matrices(st.integers(1, 40), st.integers(17, 40))
    found = find(strategy, lambda x: bool(((x == x.max()).sum(-1) > 16).any()), settings=SEARCH)
    assert found.shape[1] > 16


def test_cases_of_ious_reach_padding_of_both_sets():
    def is_padded(case):
        axis = case.config.get("axis", -1)
        last = [np.moveaxis(boxes, axis, -1)[..., -1, :] for boxes in case.inputs.values()]
        return all((end == -1).all() for end in last)

    assert is_padded(find(operator("BBoxBatchIOU").cases(), is_padded, settings=SEARCH))
