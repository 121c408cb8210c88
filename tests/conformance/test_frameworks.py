"""Code written in PyTorch or JAX is held to the kernels like any other."""

import subprocess
import sys
from pathlib import Path

import pytest

from refkernels.conformance import assert_conforms
from refkernels.conformance.engine.run import Options
from refkernels.conformance.process.supervisor import Checker

TARGETS = Path(__file__).parent / "targets"


@pytest.fixture(scope="module", params=["torch", "jax"])
def framework(request):
    pytest.importorskip(request.param, reason=f"{request.param} is not installed")
    return request.param


@pytest.fixture(scope="module")
def checker(framework, tmp_path_factory):
    sys.path.insert(0, str(TARGETS))
    failures = tmp_path_factory.mktemp("failures")
    with Checker(f"in_{framework}", failures, time_limit=60) as checker:
        checker.find()
        sys.path.remove(str(TARGETS))
        yield checker


def test_what_is_right_conforms_in_every_dtype(checker, framework):
    right = {"torch": ("BBoxArea", "MaximumMatcher"), "jax": ("MultiPerClassDecoder",)}
    for name in right[framework]:
        result = checker.check(name, Options(60))
        assert result.verdict == "conforms", [str(dissent) for dissent in result.dissents]
        assert tuple(result.dtypes[:4]) == ("float16", "float32", "float64", "bfloat16")
        assert {*result.dtypes[4:], *result.untried} & {"int32", "integers are refused"}
        assert result.contexts[0] in ("cpu", "cpu:0")
        modes = ["call", "strided", "autocast"] if framework == "torch" else ["call"]
        assert result.modes == modes


def test_what_is_wrong_is_found_and_its_call_runs_by_itself(checker, framework):
    result = checker.check("NaiveSampler", Options(60))
    assert result.verdict == "diverges"
    dissent = result.dissents[0]
    assert dissent.case.inputs["matches"].ravel().tolist() == [0]
    assert f"import {framework}" in dissent.paste
    code = f"import sys; sys.path.insert(0, {str(TARGETS)!r})\n{dissent.paste}"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "-1" in done.stdout.splitlines()[0]
    assert done.stdout.splitlines()[1] == "[1]"


def test_a_framework_that_the_target_does_not_use_is_not_imported(tmp_path, framework):
    (tmp_path / "plain.py").write_text("def NaiveSampler(matches): return 2 * (matches >= 0) - 1")
    code = (
        "import sys\n"
        "from refkernels.conformance.engine.run import Options, check_operator\n"
        "from refkernels.conformance.targets.target import Target\n"
        "print(check_operator('NaiveSampler', Target('plain'), Options(5)).verdict)\n"
        f"print({framework!r} in sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=True
    )
    assert done.stdout.split() == ["conforms", "False"]


def test_what_pytorch_does_to_a_python_number_is_told_and_fails_nobody():
    torch = pytest.importorskip("torch", reason="torch is not installed")

    class Matcher(torch.nn.Module):
        def __init__(self, threshold):
            super().__init__()
            self.threshold = threshold

        def forward(self, x):
            x = x if x.is_floating_point() else x.double()
            best, match = x.max(-1)
            first = (x == best[..., None]).to(torch.uint8).argmax(-1)
            reached = best >= torch.tensor(self.threshold, dtype=x.dtype)
            return torch.where(reached, first, -1) if x.shape[-1] else match

    # Its nearest float16 is 0.50048828125, and that of its nearest float32 is 0.5.
    threshold = 0.5002441415563226
    result = assert_conforms(
        Matcher(threshold), "MaximumMatcher", config={"threshold": threshold}, max_examples=20
    )
    said = "PyTorch rounds a Python number to float16 by way of float32"
    assert said in result.untried.values()
