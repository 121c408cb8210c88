"""What is left undeclared is found by cases that are drawn, at corners, or by a law."""

import sys
from importlib import import_module, util

import pytest

import refkernels
from refkernels.conformance.engine.run import Options, Result, check_operator
from refkernels.conformance.model.dissent import Dissent
from refkernels.conformance.targets.subject import Subject
from refkernels.conformance.targets.target import Target

found = import_module("tests.gluoncv_divergences.found")


@pytest.fixture(autouse=True)
def gluoncv():
    if util.find_spec("gluoncv") is None:
        pytest.skip("gluoncv is not installed")
    pytest.importorskip("refkernels.gluon.compat").import_mxnet()


def test_a_difference_that_is_undeclared_is_a_dissent():
    options = Options(dtypes=("float32",), undeclared=("GCV-102",))
    result = check_operator("SplitSampler", Target("gluoncv.data"), options)
    assert result.verdict == "raises"
    assert "remainder" in result.dissents[0].what


def test_what_is_found_is_told_with_how(capsys):
    assert found.show_found(["GCV-102", "GCV-103"]) == 0
    first, second, last = capsys.readouterr().out.splitlines()
    assert first.startswith("GCV-102 SplitSampler: raises, float32, call, case ")
    assert first.endswith(", drawn from seed 0: SplitSampler(length=0, remainder='drop')()")
    assert second.startswith("GCV-103 SplitSampler: raises, float32, call, case ")
    assert last == "2 of 2 found"


def test_the_module_shows_what_is_found(capsys, monkeypatch):
    module = import_module("tests.gluoncv_divergences.__main__")
    monkeypatch.setattr(sys, "argv", ["gluoncv_divergences", "--found", "GCV-102"])
    assert module._main() == 0
    assert capsys.readouterr().out.endswith("1 of 1 found\n")


def test_what_a_law_finds_is_told_with_the_law():
    what = "breaks the law that images are drawn apart: 0 and 1 are the same"
    broken = ("target", "breaks a law", what, "float32", "call", "cpu", "", "a law")
    dissent = Dissent(*broken, law="images are drawn apart")
    result = Result("QuotaSampler", "breaks a law", dissents=[dissent])
    assert found._how(result) == f"breaks a law, float32, call, by a law: {what}"


def test_what_is_not_found_is_an_error(capsys, monkeypatch):
    monkeypatch.setattr(found, "CASES", 1)
    assert found.show_found(["GCV-106"]) == 1
    told, last = capsys.readouterr().out.splitlines()
    assert told == "GCV-106 SplitSortedBucketSampler: not found in 1 case"
    assert last == "0 of 1 found"


def test_nearly_all_cases_that_are_drawn_are_new():
    calls = set()

    class Area(refkernels.BBoxArea):
        def __call__(self, x):
            calls.add((x.tobytes(), self.axis, self.fmt))
            return super().__call__(x)

    subject = Subject(Area, "BBoxArea")
    result = check_operator("BBoxArea", subject, Options(dtypes=("float32",)))
    assert result.verdict == "conforms", result.dissents
    assert len(calls) > 80
