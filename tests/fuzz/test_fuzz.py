"""The fuzzer finds what is wrong, and finds nothing where nothing is."""

import dataclasses
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

import conftest
from refkernels.assign import TargetAssigner
from refkernels.matcher import MaximumMatcher
from tests.compiled import needs_compiler
from tests.fuzz.crew import run
from tests.fuzz.kernel_cache import ROOT, kernel_cache
from tests.fuzz.planted import die_at_the_third
from tests.fuzz.report import Findings
from tests.fuzz.shrink import shrink
from tests.fuzz.subjects import subjects
from tests.fuzz.subjects.predicting import PREDICTING
from tests.fuzz.worker import Job, examine_one

right = MaximumMatcher.__call__


@needs_compiler
@pytest.mark.parametrize("name", list(subjects()))
def test_nothing_is_found(name: str) -> None:
    every = list(subjects())
    numbers = [turn * len(every) + every.index(name) for turn in range(12)]
    found = [examine_one(0, number)[2] for number in numbers]
    assert [one for one in found if one] == []


def above_alone(self: Any, x: Any) -> Any:
    """A value at the threshold is no match."""
    values, matches = np.asarray(x), right(self, x)
    if values.size:
        matches[values.max(-1) == values.dtype.type(self.threshold)] = -1
    return matches


def narrow(self: Any, x: Any) -> Any:
    return right(self, x).astype(np.int32)


def neighbourly(self: Any, x: Any) -> Any:
    """One image in which all is matched decides for all images."""
    matches = right(self, x)
    return np.zeros_like(matches) if matches.size and (matches[0] >= 0).all() else matches


def forgetful(self: Any, x: Any) -> Any:
    """Every second call counts backwards."""
    object.__setattr__(self, "calls", getattr(self, "calls", 0) + 1)
    matches = right(self, x)
    return matches[..., ::-1].copy() if self.calls % 2 == 0 else matches


def particular(self: Any, x: Any) -> Any:
    """The layout decides."""
    matches = right(self, x)
    return matches if np.asarray(x).flags.c_contiguous else matches - 1


def destructive(self: Any, x: Any) -> Any:
    matches = right(self, x)
    if isinstance(x, np.ndarray) and x.flags.writeable:
        x[...] = 0
    return matches


def gullible(self: Any, x: Any) -> Any:
    """It takes nan for 0."""
    values = np.asarray(x)
    return right(self, np.nan_to_num(values) if values.dtype.kind == "f" else values)


def picky(self: Any, x: Any) -> Any:
    if np.asarray(x).dtype == np.float16:
        raise ValueError("x: float16 is not supported")
    return right(self, x)


def careless(self: Any, x: Any) -> Any:
    if np.ndim(x) < 2:
        raise IndexError("list index out of range")
    return right(self, x)


def mumbling(self: Any, x: Any) -> Any:
    try:
        return right(self, x)
    except ValueError:
        raise ValueError("bad input") from None


def loud(self: Any, x: Any) -> Any:
    if np.asarray(x).dtype == np.float16:
        np.float16(6e4) * np.float16(6e4)
    return right(self, x)


@pytest.mark.parametrize(
    ("wrong", "kind"),
    [
        (above_alone, "differs from the definition"),
        (narrow, "wrong form"),
        (neighbourly, "an image differs"),
        (forgetful, "differs"),
        (particular, "differs"),
        (destructive, "changes its input x"),
        (gullible, "accepts x with nan or infinity"),
        (picky, "refuses what is valid"),
        (careless, "raises IndexError"),
        (mumbling, "an error that names no argument"),
        (loud, "warns: RuntimeWarning"),
    ],
)
def test_a_planted_error_is_found(
    wrong: Callable[..., Any], kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(MaximumMatcher, "__call__", wrong)
    every = list(subjects())
    place = every.index("MaximumMatcher")
    kinds = set()
    for turn in range(600):
        found = examine_one(1, turn * len(every) + place)[2]
        kinds.add(found.kind if found else "")
        if any(kind in other for other in kinds):
            return
    pytest.fail(f"found {kinds}")


def test_what_is_found_is_made_small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(MaximumMatcher, "__call__", above_alone)
    every = list(subjects())
    subject = subjects()["MaximumMatcher"]
    for turn in range(600):
        call = subject.call(1, turn * len(every) + every.index("MaximumMatcher"))
        finding = subject.examine(call).finding
        if finding is not None and finding.kind.startswith("differs"):
            break
    assert finding is not None
    call, finding = shrink(call, finding, seconds=10)
    assert call.case.inputs["x"].size == 1
    assert len(call.python()) < 150


def test_a_call_depends_on_its_seed_and_number_alone() -> None:
    for number in range(5 * len(subjects())):
        subject = list(subjects().values())[number % len(subjects())]
        first, again, other = (subject.call(seed, number).python() for seed in (0, 0, 1))
        assert first == again
        assert first != other or len(first) < 120


def test_a_crash_is_a_finding_and_the_calls_after_it_are_made() -> None:
    findings = Findings()
    job = Job(seed=0, names=("BBoxArea",), first=0, step=1, stop=6)
    run(job, 1, findings.add, work=die_at_the_third)
    ((operator, kind),) = findings.kinds
    assert (operator, kind) == ("BBoxArea", "crashes with SIGABRT")
    (found,) = findings.kinds[operator, kind]
    assert found.number == 2 * len(subjects()) + list(subjects()).index("BBoxArea")
    assert "refkernels.BBoxArea(" in found.python


def test_kernels_are_kept_where_pytest_keeps_them(monkeypatch: pytest.MonkeyPatch) -> None:
    cache = SimpleNamespace(mkdir=lambda name: ROOT / ".pytest_cache" / "d" / name)
    folders = set()
    for checked in ("", "1"):
        monkeypatch.setenv("NUMBA_BOUNDSCHECK", checked)
        assert kernel_cache() == conftest._kernel_cache(cache)
        folders.add(kernel_cache())
    assert len(folders) == 2


def test_the_command_repeats_one_call(tmp_path: Path) -> None:
    number = list(subjects()).index("NaiveSampler")
    run = subprocess.run(
        [sys.executable, "-m", "tests.fuzz", "--seed", "0", "--only", str(number)],
        cwd=ROOT,
        env={**os.environ, "TMPDIR": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert run.returncode == 0, run.stdout + run.stderr
    assert "refkernels.NaiveSampler()(matches)" in run.stdout
    assert "1 call, 0 findings" in run.stdout
    assert not list(tmp_path.iterdir())


def test_an_operator_that_is_none_is_a_wrong_call() -> None:
    command = [sys.executable, "-m", "tests.fuzz", "--operator", "NoSuchThing"]
    run = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=300)
    assert run.returncode == 2
    assert "'NoSuchThing' is none of BBoxCornerToCenter" in run.stderr


def test_every_numpy_operator_is_called() -> None:
    import refkernels

    networks = {"FPNFeatureExpander", "FeatureExpander", "FeatureExtractor"}
    public = {name for name in refkernels.__all__ if name[0].isupper()} - networks
    assert public <= set(subjects())
    assert dataclasses.is_dataclass(subjects()["TargetAssigner"])


def test_every_detector_that_looks_at_predictions_is_called() -> None:
    every = [name for name in dir(TargetAssigner) if name[0] != "_"]
    told = {name: getattr(TargetAssigner, name).__doc__ or "" for name in every}
    assert {name for name in every if "which looks at predictions" in told[name]} == set(PREDICTING)
