"""A soak says that memory is flat, and fails where a result changes."""

import pytest
from click.testing import CliRunner

from tests import soak

# Of processes, files and pages: the versions of NumPy and of frameworks play no part.
pytestmark = pytest.mark.once


def test_a_short_soak_tells_of_its_memory(monkeypatch):
    monkeypatch.setattr(soak, "ROUNDS", 4)
    result = CliRunner().invoke(
        soak.main, ["--minutes", "0.002", "--processes", "1", "--threads", "2"]
    )
    assert result.exit_code == 0, result.output
    assert "2 threads in each of 1 processes, 0.002 minutes: memory grew by" in result.output


def test_a_result_that_changes_is_found(monkeypatch):
    monkeypatch.setattr(soak, "ROUNDS", 1)
    work = soak.Work()
    work.once(0)
    work.once(0)
    work._first[0] = [b"another"]
    with pytest.raises(AssertionError, match="round 0 has another result than before"):
        work.once(0)
    monkeypatch.setattr(
        soak.Work, "once", lambda work, number: 1 / 0 if work._first else work._first.update(a=1)
    )
    with pytest.raises(ZeroDivisionError):
        soak.soak(1, 0.2)
