"""The check of predictors and feature extractors passes what is right, and finds what is wrong."""

from pathlib import Path

import pytest
from click.testing import CliRunner

from refkernels.cli.main import main
from refkernels.conformance.engine.run import Options, check_operator
from refkernels.conformance.targets.subject import Subject

TARGETS = Path(__file__).parent / "targets"
NAMES = (
    "ConvPredictor",
    "FCPredictor",
    "FeatureExtractor",
    "FeatureExpander",
    "FPNFeatureExpander",
)


def run(target):
    names = [f"--operator={name}" for name in NAMES]
    return CliRunner().invoke(main, ["check", target, *names, "--max-examples=12", "--workers=1"])


@pytest.fixture(autouse=True)
def targets_on_path(monkeypatch, tmp_path):
    monkeypatch.syspath_prepend(str(TARGETS))
    monkeypatch.chdir(tmp_path)  # failures are saved below it


def test_the_numpy_operators_conform():
    result = run("refkernels")
    assert result.exit_code == 0, result.output
    assert "5 conforms" in result.output


def test_the_blocks_conform(mx):
    result = run("refkernels.gluon")
    assert result.exit_code == 0, result.output
    assert "5 conforms" in result.output


def test_a_predictor_that_cannot_be_built_is_told_as_one_that_raises(mx):
    from refkernels.gluon import ConvPredictor

    class Unbuildable(ConvPredictor):
        def __init__(self, **parameters):
            raise TypeError("no activation")

    result = check_operator("ConvPredictor", Subject(Unbuildable, "ConvPredictor"), Options(12))
    assert result.verdict == "raises"
    assert "TypeError: no activation" in result.dissents[0].what


def test_a_fault_is_found_and_its_call_can_be_pasted():
    result = run("wrong_networks")
    assert result.exit_code == 1, result.output
    assert "conforms" not in result.output
    for name in NAMES:
        assert f"from wrong_networks import {name}\n" in result.output
