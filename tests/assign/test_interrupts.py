"""What the command says of an interrupt, of a full disk, and of what takes long."""

import errno
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any, NoReturn

import pytest

from refkernels.arrays import telling
from refkernels.assign import command, sample_images
from refkernels.assign.command import assign_command

# Of processes, files and pages: the versions of NumPy and of frameworks play no part.
pytestmark = pytest.mark.once

pytest.importorskip("pyarrow.parquet", exc_type=ImportError)


def test_what_takes_more_than_a_second_is_told_once_then_now_and_then(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert telling.FIRST == 1.0
    monkeypatch.setattr(telling, "FIRST", 0.01)
    monkeypatch.setattr(telling, "LATER", 0.05)
    with telling.telling("reading it"):
        time.sleep(0.5)
    lines = capsys.readouterr().err.splitlines()
    assert lines[0] == "reading it: 0 s"
    assert 2 <= len(lines) <= 11


def test_what_is_quick_is_not_told(capsys: pytest.CaptureFixture[str]) -> None:
    with telling.telling("reading it"):
        pass
    assert capsys.readouterr().err == ""


def test_an_interrupt_that_numba_makes_an_error_of_is_one() -> None:
    error = SystemError("a kernel returned a result with an exception set")
    error.__cause__ = KeyboardInterrupt()
    with pytest.raises(KeyboardInterrupt), telling.telling("running a kernel"):
        raise error
    with pytest.raises(SystemError, match="its own"), telling.telling("running a kernel"):
        raise SystemError("its own")


def interrupts(*_: Any, **__: Any) -> NoReturn:
    raise KeyboardInterrupt


@pytest.mark.parametrize(
    ("where", "said"),
    [
        ("given_images", "nothing was written"),
        ("assign_dataset", "0 of 3 images are kept in {output}; run it again to go on"),
        ("_draw", "pictures are missing; targets are complete"),
    ],
)
def test_an_interrupt_says_what_is_kept(
    where: str,
    said: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(command, "given_images", lambda *_, **__: sample_images(3))
    monkeypatch.setattr(command, where, interrupts)
    with pytest.raises(SystemExit) as ended:
        assign_command(Path("some.json"), tmp_path / "out", "ssd300", plot=tmp_path / "pictures")
    assert ended.value.code == 130
    expected = "refkernels: interrupted: " + said.format(output=tmp_path / "out")
    assert capsys.readouterr().err.splitlines()[-1] == expected


@pytest.mark.parametrize("workers", ["1", "2"])
def test_ctrl_c_says_what_is_kept_and_ends_with_130(workers: str, tmp_path: Path) -> None:
    pytest.importorskip("click")
    out = tmp_path / "out"
    asked = [sys.executable, "-m", "refkernels", "assign", "--preset", "ssd300"]
    asked += ["--generated", "--output", str(out), "--part-size", "1", "--workers", workers]
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
    run = subprocess.Popen(
        asked, env=environment, stderr=subprocess.PIPE, text=True, start_new_session=True
    )
    while run.poll() is None and not list(out.glob("part-*")):
        time.sleep(0.001)
    os.killpg(run.pid, signal.SIGINT)  # as a terminal does, to workers as well
    _, told = run.communicate()
    last = told.splitlines()[-1]
    assert run.returncode == 130, told
    assert last.startswith("refkernels: interrupted: ")
    assert last.endswith(f" of 100 images are kept in {out}; run it again to go on")
    assert "Traceback" not in told


def test_a_full_disk_is_told_with_the_name_of_the_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(descriptor: int) -> NoReturn:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    click = pytest.importorskip("click.testing")
    from refkernels.cli.main import main

    monkeypatch.setattr(os, "fsync", full)
    asked = ["assign", "--generated", "--preset", "ssd300", "--output", str(tmp_path / "out")]
    ended = click.CliRunner().invoke(main, asked)
    assert ended.exit_code == 2
    assert ended.output == (
        f"refkernels: {tmp_path / 'out' / '_refkernels.json'}: No space left on device\n"
    )
