"""What a target does with NaN is told beside the verdict, and none depends on it."""

import textwrap

import numpy as np
import pytest

from refkernels import BBoxBatchIOU
from refkernels.conformance.cases import find
from refkernels.conformance.engine.examine import Examiner
from refkernels.conformance.engine.not_a_number import (
    AS_A_NUMBER,
    PASSED_ON,
    REFUSED,
    remarks_on_nan,
)
from refkernels.conformance.engine.run import Options
from refkernels.conformance.process.supervisor import check
from refkernels.conformance.targets.subject import Subject


def told(target, name):
    return remarks_on_nan(Examiner(find(name), Subject(target, name)), "float32")


def best(ious, threshold=0.5):
    """Match as NumPy's argmax has it, to which a NaN is the largest number."""
    return np.where(ious.max(-1) < threshold, -1, ious.argmax(-1))


def test_a_nan_that_wins_over_a_finite_value_is_told_with_its_call():
    (kind, said), *others = told(best, "MaximumMatcher").items()
    assert (kind, others) == (AS_A_NUMBER, [])
    names, _, call = said.partition("\n")
    assert names == "x"
    assert call.startswith("from math import nan\n")
    assert call.endswith("  # [0, 1, -1, -1, 0]")


def test_what_is_refused_is_told_with_the_reason():
    said = told(BBoxBatchIOU, "BBoxBatchIOU")
    assert list(said) == [REFUSED]
    assert "a (raises ValueError: a[0, 0] is nan" in said[REFUSED]
    assert "b (raises ValueError: b[0, 0] is nan" in said[REFUSED]


def test_what_is_passed_on_is_no_more_than_named():
    def areas(x):
        with np.errstate(invalid="ignore"):
            return ((x[..., 2] - x[..., 0]) * (x[..., 3] - x[..., 1]))[..., None]

    assert told(areas, "BBoxArea") == {PASSED_ON: "x"}


@pytest.mark.parametrize("end", ["os._exit(3)", "os.kill(os.getpid(), 11)"])
def test_a_process_that_dies_of_nan_has_its_verdict_all_the_same(tmp_path, monkeypatch, end):
    (tmp_path / "mortal.py").write_text(
        textwrap.dedent(
            f"""
            import os
            import numpy as np

            def match(ious, threshold=0.5):
                if np.isnan(ious).any():
                    {end}
                if not ious.shape[-1]:
                    return np.full(ious.shape[:-1], -1)
                return np.where(ious.max(-1) < threshold, -1, ious.argmax(-1))
            """
        )
    )
    monkeypatch.syspath_prepend(tmp_path)
    item = "mortal:match=MaximumMatcher"
    (result,) = check([item], [item], Options(20), failures=tmp_path / "failures")
    assert (result.verdict, result.dissents) == ("conforms", [])
    assert "the process" in result.remarks["dies of nan"]
