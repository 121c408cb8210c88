"""Corner cases are such as the operator takes, and there are large ones of all but a few."""

import pytest

from refkernels.conformance.cases import find, operators
from refkernels.conformance.cases.corners import corners_of
from refkernels.conformance.cases.sizes import SIZES
from refkernels.conformance.engine.run import DTYPES

# Whose examples, or whose networks, no thread shares with another.
WITHOUT_SIZES = {"SplitSampler", "SplitSortedBucketSampler"}


@pytest.mark.parametrize("name", SIZES)
def test_every_corner_has_a_dtype_and_axes_to_shrink(name):
    operator = find(name)
    corners = list(corners_of(operator, DTYPES))
    assert corners
    for case, dtypes in corners:
        assert set(dtypes) <= set(DTYPES)
        letters = operator.axes(case)
        assert {k: x.ndim for k, x in case.inputs.items() if k in letters} == {
            k: len(letters[k]) for k in case.inputs if k in letters
        }


def test_operators_on_arrays_have_cases_of_many_sizes():
    families = ("bbox", "matcher", "sampler", "coder", "predictor")
    known = {name for name, operator in operators().items() if operator.family in families}
    # Those of today's detectors have theirs among their own corners.
    own = {name for name in known - set(SIZES) if not find(name).has_block}
    assert known - WITHOUT_SIZES - own == set(SIZES)
