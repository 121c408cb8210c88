"""What takes long is told on stderr, and what does not is not."""

import sys
from typing import Any

import pytest

from refkernels.explain import progress


def test_what_is_done_at_once_is_not_told(capsys: pytest.CaptureFixture[str]) -> None:
    with progress.showing("counting") as report:
        report(1, 2)
    assert capsys.readouterr().err == ""


def test_a_terminal_gets_a_bar_once_it_takes_long(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("rich")
    monkeypatch.setattr(progress, "PATIENCE", 0.0)
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True, raising=False)
    with progress.showing("counting") as report:
        for done in range(3):
            report(done, 2)
    assert "counting" in capsys.readouterr().err


def test_without_rich_there_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(name: str) -> Any:
        raise ImportError(name)

    monkeypatch.setattr(progress, "import_module", missing)
    assert progress._bar() is None
