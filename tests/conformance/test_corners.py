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


BLOCKS = [name for name, operator in operators().items() if operator.has_block]
OTHERS = [
    name
    for name, operator in operators().items()
    if not operator.has_block and operator.family != "pipeline"
]


def test_blocks_on_arrays_have_cases_of_many_sizes():
    families = ("bbox", "matcher", "sampler", "coder", "predictor")
    known = {name for name in BLOCKS if find(name).family in families}
    assert known - WITHOUT_SIZES <= set(SIZES)


@pytest.mark.parametrize("name", OTHERS)
def test_operators_of_todays_detectors_have_large_cases(name):
    operator = find(name)
    sizes = []
    for case, _ in corners_of(operator, DTYPES):
        sizes += [array.size for array in case.inputs.values()]
        if name == "AnchorGrid":  # which takes sizes in place of arrays
            sizes.append(int(case.inputs["height"] * case.inputs["width"]))
    assert max(sizes) > 4096
