import subprocess
import sys
from pathlib import Path

import pytest

import refkernels
from tests.planted.planted import KINDS, STYLES, Planted
from tests.planted.run import outcome
from tests.planted.tables import PLANTED

ROOT = Path(__file__).parents[2]

# Where right code is in no style: these are built with a network, or for symbols of MXNet.
ELSEWHERE = {"FeatureExtractor", "FeatureExpander", "FPNFeatureExpander", "GraphEvaluator"}

HANDFUL = (
    "iou-areas-without-offset",
    "max-zero-is-false",
    "split-squeezes-all",
    "split-spread-start",
)
IN_TORCH = ("torch-max-last-of-ties", "quota-matched-by-iou")


def named(name: str) -> Planted:
    return next(planted for planted in PLANTED if planted.id == name)


@pytest.mark.parametrize("planted", PLANTED, ids=lambda planted: planted.id)
def test_a_mistake_applies_exactly_once_to_the_right_code_and_compiles(planted: Planted) -> None:
    assert planted.apply() != planted.file.read_text()
    compile(planted.apply(), planted.id, "exec")


def test_each_is_another_one_and_says_why_it_is_wrong() -> None:
    assert len({planted.id for planted in PLANTED}) == len(PLANTED)
    assert len({(p.file, p.apply(), p.operator, repr(p.config)) for p in PLANTED}) == len(PLANTED)
    assert all(planted.why for planted in PLANTED)


def test_there_are_many_of_every_kind_and_style_and_some_of_every_operator() -> None:
    for kind in KINDS:
        assert sum(planted.kind == kind for planted in PLANTED) >= 10
    for style in STYLES:
        assert sum(planted.style == style for planted in PLANTED) >= 40
    operators = {name for name in refkernels.__all__ if isinstance(_public(name), type)}
    assert operators - ELSEWHERE <= {planted.operator for planted in PLANTED}


def test_a_mistake_whose_text_is_gone_says_so() -> None:
    gone = Planted("gone", "BBoxArea", {}, "numpy", "config", "no such text", "", "why")
    with pytest.raises(ValueError, match="gone: expected the text 'no such text' exactly once in"):
        gone.apply()


@pytest.mark.parametrize("name", HANDFUL)
def test_a_mistake_is_found_and_its_right_twin_conforms(name: str) -> None:
    assert outcome(named(name), right=False, quick=True).verdict == "differs"
    assert outcome(named(name), right=True).verdict == "conforms"


@pytest.mark.parametrize("name", IN_TORCH)
def test_so_it_is_in_pytorch(name: str) -> None:
    pytest.importorskip("torch", reason="torch is not installed")
    assert outcome(named(name), right=False, quick=True).verdict == "differs"
    assert outcome(named(name), right=True).verdict == "conforms"


def test_the_command_says_what_is_told_apart() -> None:
    run = subprocess.run(
        [sys.executable, "-m", "tests.planted", "--id", "max-zero-is-false"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert run.returncode == 0, run.stdout + run.stderr
    assert "1 of 1 told apart from their right twins" in run.stdout
    assert "matches[0] is -1, expected 0" in run.stdout


def _public(name: str) -> object:
    return getattr(refkernels, name)
