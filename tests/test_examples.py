"""The examples of the site run, in the environments that have their frameworks."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
EXAMPLES = ROOT / "docs" / "examples"


def python(*arguments: str, cwd: Path, **more: str) -> subprocess.CompletedProcess[str]:
    """Run Python as a reader would, with the examples to import."""
    paths = {"PYTHONPATH": f"{ROOT}{os.pathsep}{EXAMPLES}"}
    return subprocess.run(
        [sys.executable, *arguments],
        cwd=cwd,
        env={**os.environ, "OMP_NUM_THREADS": "1", "COLUMNS": "100", **paths, **more},
        capture_output=True,
        text=True,
        check=False,
    )


def assert_learns(done: subprocess.CompletedProcess[str]) -> None:
    assert done.returncode == 0, done.stderr
    losses = [float(number) for number in re.findall(r"\d+\.\d\d", done.stdout)]
    assert len(losses) == 8
    assert losses[-1] < losses[0] / 4


def test_a_detector_in_pytorch_learns_from_targets_of_its_loader(tmp_path: Path) -> None:
    pytest.importorskip("torch", reason="torch is not installed")
    assert_learns(python(str(EXAMPLES / "pytorch_training.py"), cwd=tmp_path))


def test_a_detector_in_keras_learns_from_targets_of_whole_batches(tmp_path: Path) -> None:
    pytest.importorskip("keras", reason="keras is not installed", exc_type=ImportError)
    pytest.importorskip("jax", reason="jax is not installed")
    done = python(str(EXAMPLES / "keras_training.py"), cwd=tmp_path, KERAS_BACKEND="jax")
    assert_learns(done)


def test_the_page_on_pytorch_blocks_shows_what_check_prints(tmp_path: Path) -> None:
    pytest.importorskip("torch", reason="torch is not installed")
    text = (ROOT / "docs" / "start" / "check.md").read_text()
    (session,) = re.findall(r"^```console\n\$ refkernels (.*?)^```$", text, re.M | re.S)
    command, *shown = session.splitlines()
    done = python("-m", "refkernels", *command.split(), cwd=tmp_path)
    assert done.returncode == 1, done.stderr
    printed = [line.rstrip() for line in done.stdout.splitlines()]
    assert not [line for line in shown if line not in (*printed, "...")]
