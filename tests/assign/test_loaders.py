"""An assigner inside the data loaders of MXNet and PyTorch, with every way to start workers."""

import importlib.util
import os
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).with_name("loader_script.py")


@pytest.mark.parametrize("method", ["fork", "spawn"])
@pytest.mark.parametrize("framework", ["torch", "mxnet"])
def test_targets_do_not_depend_on_the_workers_or_the_batches(framework: str, method: str) -> None:
    if importlib.util.find_spec(framework) is None:
        pytest.skip(f"{framework} is not installed")
    run = subprocess.run(
        [sys.executable, str(SCRIPT), framework, method],
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])},
    )
    assert run.returncode == 0, run.stderr[-3000:]
    digests = run.stdout.split()
    assert len(digests) == 3
    assert len(set(digests)) == 1
