"""Whatever a target does, every operator gets a verdict that says what it was."""

import json
import signal
import sys
from pathlib import Path

import pytest

from refkernels.conformance.engine.replay import load
from refkernels.conformance.engine.run import Options, Result
from refkernels.conformance.process import watched
from refkernels.conformance.process.supervisor import Checker, check
from refkernels.conformance.targets.adapter import TargetError
from refkernels.conformance.targets.target import Target

# Of processes, files and pages: the versions of NumPy and of frameworks play no part.
pytestmark = pytest.mark.once

TARGETS = Path(__file__).parent / "targets"

VERDICTS = {
    "BBoxArea": "diverges",
    "BBoxBatchIOU": "absent",
    "BBoxCenterToCorner": "inputs changed",
    "BBoxClipToImage": "hangs",
    "BBoxCornerToCenter": "wrong shape",
    "BBoxSplit": "exits",
    "BipartiteMatcher": "crashes",
    "CenterNetDecoder": "crashes",
    "CompositeMatcher": "raises",
    "MaximumMatcher": "diverges",
    "MultiClassDecoder": "wrong dtype",
    "MultiPerClassDecoder": "raises",
    "NaiveSampler": "conforms",
    "OHEMSampler": "raises",
    "QuotaSampler": "raises",
    "SigmoidClassEncoder": "wrong outputs",
}


@pytest.fixture(scope="module")
def found(tmp_path_factory):
    """Check the module of wrong operators once, all in one process after the other."""
    failures = tmp_path_factory.mktemp("failures")
    sys.path.insert(0, str(TARGETS))
    try:
        results = check("wrong", list(VERDICTS), Options(60), failures=failures, time_limit=5)
    finally:
        sys.path.remove(str(TARGETS))
    return {result.operator: result for result in results}


@pytest.fixture
def module(tmp_path, monkeypatch):
    """Return a function that makes a module of a text, and its name."""

    def write(text):
        (tmp_path / "made.py").write_text(text)
        return "made"

    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.chdir(tmp_path)
    return write


@pytest.mark.parametrize("operator", VERDICTS)
def test_each_fault_has_its_verdict(found, operator):
    result = found[operator]
    assert result.verdict == VERDICTS[operator], (result.note, result.dissents)


def test_a_wrong_value_comes_with_the_smallest_case(found):
    dissent = found["BBoxArea"].dissents[0]
    assert dissent.who == "target"
    assert "expected" in dissent.what or "exactly" in dissent.what
    (x,) = dissent.case.inputs.values()
    assert x.size == 4  # one box is enough to show it


def test_the_pasted_call_shows_the_difference(found, capsys):
    sys.path.insert(0, str(TARGETS))
    try:
        exec(found["MaximumMatcher"].dissents[0].paste, {})
    finally:
        sys.path.remove(str(TARGETS))
    target, kernel = capsys.readouterr().out.split("\n")[:2]
    assert target != kernel


def test_each_dtype_has_its_own_counterexample(found):
    dtypes = [dissent.dtype for dissent in found["MaximumMatcher"].dissents]
    assert sorted(dtypes)[:3] == ["float16", "float32", "float64"]


def test_a_wrong_dtype_shows_only_where_it_is_wrong(found):
    dtypes = [dissent.dtype for dissent in found["MultiClassDecoder"].dissents]
    assert sorted(dtypes) == ["float16", "float32"]


def test_a_changed_input_is_named_with_what_became_of_it(found):
    what = found["BBoxCenterToCorner"].dissents[0].what
    assert what.startswith("x[")
    assert " was " in what
    assert what.endswith("is 0.0 after")


def test_a_crash_comes_with_the_case_and_the_call(found):
    (dissent,) = found["BipartiteMatcher"].dissents
    assert "was killed by SIGSEGV" in dissent.what
    assert "about to fall" in dissent.what
    assert "print(BipartiteMatcher(" in dissent.paste
    assert dissent.case.inputs["x"].ndim >= 2
    assert Path(dissent.saved, "case.json").exists()


def test_leaving_without_a_word_says_so(found):
    (dissent,) = found["CenterNetDecoder"].dissents
    assert "ended with status 0 without a result" in dissent.what


def test_a_hang_comes_with_the_case(found):
    (dissent,) = found["BBoxClipToImage"].dissents
    assert "no answer within 5 s" in dissent.what
    assert "print(BBoxClipToImage()(x, img" in dissent.paste


def test_calling_exit_says_with_what(found):
    assert found["BBoxSplit"].dissents[0].what == "calls sys.exit(0)"


@pytest.mark.parametrize(
    ("operator", "what"),
    [
        ("CompositeMatcher", "raises TypeError"),
        ("OHEMSampler", "raises IndexError: list index out of range"),
        ("MultiPerClassDecoder", "raises EOFError"),
        ("QuotaSampler", "raises GeneratorExit"),
    ],
)
def test_an_exception_is_named(found, operator, what):
    assert found[operator].dissents[0].what.startswith(what)


def test_what_is_printed_is_a_remark(found):
    assert found["NaiveSampler"].remarks["prints"].startswith("sampling (")
    assert "prints" not in found["MaximumMatcher"].remarks


def test_results_survive_json(found):
    for result in found.values():
        text = json.dumps(result.as_json(), allow_nan=False)
        again = Result.from_json(json.loads(text))
        assert again.verdict == result.verdict
        assert again.dissents == result.dissents
        for one, other in zip(again.dissents, result.dissents, strict=True):
            if one.case is None:  # a large case is only where it is saved
                saved = load(Path(other.saved))
                assert saved.law or max(x.size for x in saved.case.inputs.values()) > 10_000
                continue
            assert one.case.call("X") == other.case.call("X")
            assert one.case.assignments() == other.case.assignments()


NAMES = ["BBoxArea", "BBoxSplit", "NaiveSampler"]


@pytest.mark.parametrize(
    ("text", "verdict", "note"),
    [
        ("import nowhere_to_be_found", "no import", "No module named 'nowhere_to_be_found'"),
        ("1 +", "no import", "SyntaxError"),
        ("import sys; sys.exit(3)", "no import", "sys.exit(3)"),
        ("import os; os._exit(3)", "crashes", "at 'import made': the process ended with status 3"),
        ("import ctypes; ctypes.string_at(0)", "crashes", "was killed by SIGSEGV"),
    ],
)
def test_an_import_that_fails_is_the_verdict_on_every_operator(module, text, verdict, note):
    results = check(module(text), NAMES, Options(5), workers=1)
    assert [result.verdict for result in results] == [verdict] * 3
    assert all(note in result.note for result in results)


def test_an_import_that_hangs_costs_its_time_once(module, monkeypatch):
    monkeypatch.setattr(watched, "IMPORT_SECONDS", 1)
    name = module("import time; time.sleep(3600)")
    results = check(name, NAMES, Options(5), workers=1, time_limit=0.5)
    assert [result.verdict for result in results] == ["hangs"] * 3


def test_what_a_target_reads_is_not_what_we_ask(module):
    name = module(
        """
import os, sys
class NaiveSampler:
    def __call__(self, matches):
        assert os.read(0, 1) == sys.__stdin__.read() == "" or os.read(0, 1) == b""
        raise ValueError("nothing to read")
"""
    )
    naive, area = check(name, ["NaiveSampler", "BBoxArea"], Options(5), workers=1)
    assert "nothing to read" in naive.dissents[0].what
    assert area.verdict == "absent"


def test_a_failure_before_a_crash_is_not_lost(module):
    name = module(
        """
import ctypes, numpy as np
class NaiveSampler:
    def __call__(self, matches):
        if matches.size > 3:
            ctypes.string_at(0)
        return np.zeros(matches.shape)
"""
    )
    options = Options(50, dtypes=("float16", "float32"))
    (result,) = check(name, ["NaiveSampler"], options)
    kinds = [dissent.kind for dissent in result.dissents]
    assert result.verdict in kinds
    if "crashes" in kinds:
        assert kinds[-1] == "crashes"


def test_a_target_that_cannot_be_saved_keeps_its_verdict(module, tmp_path):
    name = module("class NaiveSampler:\n    def __call__(self, matches):\n        return matches")
    (tmp_path / "failures").write_text("not a folder")
    (result,) = check(name, ["NaiveSampler"], Options(5), failures=tmp_path / "failures")
    assert result.verdict == "diverges"
    assert "cannot be saved" in result.dissents[0].origin
    assert result.dissents[0].saved == ""


def test_an_input_changed_in_the_middle_of_a_chain_is_named(module):
    name = module(
        """
from refkernels import *
from refkernels import MaximumMatcher as Kernel
class MaximumMatcher:
    def __init__(self, threshold):
        self.threshold = threshold
    def __call__(self, x):
        result = Kernel(self.threshold)(x)
        x += 1
        return result
"""
    )
    (result,) = check(name, ["RCNNTargets"], Options(3, dtypes=("float32",)))
    assert result.verdict == "inputs changed"
    assert result.dissents[0].what.startswith("at MaximumMatcher(threshold=0.5): x[")


def test_a_checker_goes_on_after_a_crash(monkeypatch, tmp_path):
    monkeypatch.syspath_prepend(str(TARGETS))
    with Checker("wrong", tmp_path, time_limit=5) as checker:
        assert "NaiveSampler" in checker.find()
        assert "BBoxBatchIOU" not in checker.find()
        assert checker.check("BipartiteMatcher", Options(5)).verdict == "crashes"
        assert checker.check("NaiveSampler", Options(5)).verdict == "conforms"


def test_a_death_outside_any_case_says_so(module):
    name = module(
        """
import os
def __getattr__(name):
    if name == "NaiveSampler":
        os._exit(3)
    raise AttributeError(name)
"""
    )
    (result,) = check(name, ["NaiveSampler"], Options(5))
    assert result.verdict == "crashes"
    assert result.note == "outside any case: the process ended with status 3 without a result"


def test_a_crash_that_cannot_be_saved_keeps_its_verdict(module, tmp_path):
    name = module("import os\ndef NaiveSampler(matches): os._exit(3)")
    (tmp_path / "failures").write_text("not a folder")
    (result,) = check(name, ["NaiveSampler"], Options(5), failures=tmp_path / "failures")
    assert result.verdict == "crashes"
    assert "it cannot be saved: " in result.dissents[0].origin


def test_a_chain_of_too_many_results_is_told_at_its_operator(module):
    name = module(
        """
from refkernels import *
class MaximumMatcher:
    def __init__(self, threshold):
        pass
    def __call__(self, x):
        return x, x
"""
    )
    (result,) = check(name, ["RCNNTargets"], Options(3, dtypes=("float32",)))
    assert "at MaximumMatcher(threshold=0.5): 2 outputs, expected 1" in result.dissents[0].what


def test_workers_end_with_whoever_has_asked_them(monkeypatch, module):
    started = []
    stop = watched.Worker.stop

    def stops(worker):
        stop(worker)
        started.append(worker)

    def interrupts(name, count, result):
        raise KeyboardInterrupt

    monkeypatch.setattr(watched.Worker, "stop", stops)
    name = module("from refkernels import NaiveSampler")
    with pytest.raises(KeyboardInterrupt):
        check(name, ["NaiveSampler"], Options(50), on_event=interrupts)
    assert started
    assert all(worker.gone for worker in started)


def test_a_process_that_lingers_at_its_exit_is_ended(module, tmp_path):
    lingers = "import atexit, time\natexit.register(time.sleep, 600)\n"
    name = module(f"{lingers}from refkernels import NaiveSampler")
    with Checker(name, tmp_path) as checker:
        assert checker.check("NaiveSampler", Options(1)).verdict == "conforms"
        process = checker._worker._process
    assert process.returncode == -signal.SIGKILL


def test_a_checker_of_nothing_says_why(tmp_path):
    message = "cannot import nowhere_to_be_found"
    with Checker("nowhere_to_be_found", tmp_path) as c, pytest.raises(TargetError, match=message):
        c.find()
    with Checker("nowhere_to_be_found", tmp_path):
        pass  # a process is started when it is asked for something


def test_an_import_that_raises_what_has_no_text_is_told(tmp_path, monkeypatch):
    text = "class Odd(Exception):\n    def __str__(self):\n        raise LookupError\nraise Odd"
    (tmp_path / "without_text.py").write_text(text)
    monkeypatch.syspath_prepend(str(tmp_path))
    with pytest.raises(TargetError, match=r"Odd: \(its text is not to be had: LookupError\)"):
        Target("without_text")


def test_a_text_that_never_comes_is_a_hang_and_an_interrupt_no_crash(tmp_path, monkeypatch):
    (tmp_path / "odd_texts.py").write_text(
        """
import time
class Slow(Exception):
    def __str__(self):
        time.sleep(600)
def NaiveSampler(matches):
    raise Slow
def SigmoidClassEncoder(samples):
    raise KeyboardInterrupt("not mine")
"""
    )
    monkeypatch.syspath_prepend(str(tmp_path))
    names = ["NaiveSampler", "SigmoidClassEncoder"]
    options = Options(5, dtypes=("float32",))
    slow, own = check("odd_texts", names, options, failures=tmp_path, workers=1, time_limit=2)
    assert (slow.verdict, own.verdict) == ("hangs", "raises")
    assert slow.dissents[0].what.startswith("no answer within 2 s")
    said = own.dissents[0].what
    assert said.startswith("raises KeyboardInterrupt: not mine; at ")
    assert said.endswith("odd_texts.py:9 in SigmoidClassEncoder")
