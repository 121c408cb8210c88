"""What the tests of reports share."""

from datetime import datetime, timezone

import numpy as np
import pytest

from refkernels.conformance.engine.run import Result
from refkernels.conformance.model.dissent import Dissent
from refkernels.conformance.model.operator import Case
from refkernels.conformance.report.summary import Summary

HOSTILE = "<script>alert('x')</script> & \"quotes\" \x00\x1b[31m \ud800 ]]>"


def dissent(operator, config, what="ious[0, 0] is 1, expected 0", **inputs):
    case = Case(config, {name: np.array(value, np.float64) for name, value in inputs.items()})
    seen = ("float32", "call", "cpu")
    paste = f"{case.astype(np.float32).assignments()}\nprint({case.call(operator)})"
    return Dissent("target", "diverges", what, *seen, paste, "drawn from seed 0", case=case)


@pytest.fixture
def summary():
    """A check in which something of each sort has happened."""
    iou = dissent(
        "BBoxBatchIOU",
        {"fmt": "corner"},
        a=[[0, 0, 10, 10], [5, 5, 15, 15]],
        b=[[0, 0, 10, 10], [-1, -1, -1, -1], [12, 12, 8, 8]],
    )
    match = dissent("MaximumMatcher", {"threshold": 0.5}, x=np.arange(360).reshape(6, 30, 2))
    hostile = Dissent(
        "target", "raises", HOSTILE, "float64", HOSTILE, HOSTILE, HOSTILE, HOSTILE, case=match.case
    )
    law = Dissent(
        "target", "breaks a law", "breaks the law", "float32", "call", "cpu", "#", "a law", "a law"
    )
    results = [
        Result(
            "BBoxBatchIOU",
            "diverges",
            cases=7,
            real_cases=2,
            ambiguous=3,
            dtypes=("float16", "float32"),
            modes=("call", "strided"),
            contexts=("cpu",),
            seconds=1.25,
            dissents=[iou],
        ),
        Result("MaximumMatcher", "diverges", cases=1, dissents=[match]),
        Result("CompositeMatcher", "raises", cases=1, dissents=[hostile], note=HOSTILE),
        Result("QuotaSampler", "breaks a law", cases=100, dissents=[law]),
        Result("BipartiteMatcher", "crashes", cases=3, note="the process was killed by SIGSEGV"),
        Result("BBoxArea", "conforms", cases=100, remarks={"prints": HOSTILE}),
        Result("BBoxSplit", "known", cases=100, known={"GCV-001": 7}),
        Result("NaiveSampler", "absent", note="no NaiveSampler"),
        Result("OHEMSampler", "no import", note="cannot import"),
    ]
    return Summary(
        "my.blocks<b>",
        results,
        12.5,
        {"max_examples": 100, "seed": 0, "dtypes": ("float16", "float32"), "contexts": ()},
        datetime(2024, 5, 17, 12, 30, 1, tzinfo=timezone.utc),
    )
