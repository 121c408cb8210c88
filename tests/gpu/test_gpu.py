"""The check of graphics processors, on the CPU under another name."""

import json
import os
import subprocess
import sys

import pytest

pytest.importorskip("torch", reason="PyTorch is not installed")

# Loaded by every process that has it on its path.
FAKED = """
from refkernels.conformance.targets.torch import TorchAdapter
TorchAdapter.contexts = lambda self: {contexts}
"""


def run(tmp_path, contexts, *arguments):
    (tmp_path / "sitecustomize.py").write_text(FAKED.format(contexts=contexts))
    path = os.pathsep.join([str(tmp_path), *filter(None, [os.environ.get("PYTHONPATH")])])
    command = [sys.executable, "-m", "tests.gpu", "--output", str(tmp_path / "report"), *arguments]
    return subprocess.run(
        command, env={**os.environ, "PYTHONPATH": path}, capture_output=True, text=True, check=False
    )


def test_without_a_device_it_says_so(tmp_path):
    done = run(tmp_path, ["cpu"])
    assert done.returncode == 2, done.stderr
    assert done.stdout.startswith("no GPU found")
    assert not (tmp_path / "report").exists()


def test_every_device_is_run_and_told(tmp_path):
    arguments = ["--only", "in_torch", "--max-examples", "5"]
    done = run(tmp_path, ["cpu", "cpu:0"], *arguments)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "devices: cpu:0" in done.stdout
    report = json.loads((tmp_path / "report" / "gpu.json").read_text())
    verdicts = {own["operator"]: own["verdict"] for own in report["operators"]}
    assert verdicts == {
        "BBoxArea": "conforms",
        "MaximumMatcher": "conforms",
        "NaiveSampler": "diverges",
    }
    assert all(own["contexts"] == ["cpu", "cpu:0"] for own in report["operators"])
    assert (tmp_path / "report" / "gpu.html").stat().st_size > 10_000
