import pytest

from refkernels.conformance.cases import find, operators
from refkernels.conformance.model.operator import Case
from tests.mutants.configurations import CONFIGURABLE, configurations

# Built with a network, or chains of other operators.
LEFT_OUT = ("FeatureExtractor", "FeatureExpander", "FPNFeatureExpander")


def test_every_operator_that_is_built_without_a_network_has_configurations() -> None:
    blocks = {name: operator for name, operator in operators().items() if operator.has_block}
    single = {name for name, operator in blocks.items() if operator.needs == (name,)}
    assert set(CONFIGURABLE) == single - set(LEFT_OUT)


@pytest.mark.parametrize("operator", CONFIGURABLE)
def test_each_is_valid_and_another_one(operator: str) -> None:
    found = configurations(operator, 30)
    assert len({repr(config) for config in found}) == len(found)
    assert len(found) == 30 or operator not in ("MaximumMatcher", "QuotaSampler", "BBoxBatchIOU")
    for config in found:
        find(operator).build(Case(config, {}))


def test_they_depend_on_the_seed_and_the_operator_alone() -> None:
    assert configurations("OHEMSampler", 5) == configurations("OHEMSampler", 5)
    assert configurations("OHEMSampler", 5) == configurations("OHEMSampler", 9)[:5]
    assert configurations("OHEMSampler", 5) != configurations("OHEMSampler", 5, seed=1)
