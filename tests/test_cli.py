"""What all commands of the command line have in common."""

import subprocess
import sys

import pytest


def test_a_reader_that_went_away_is_no_error() -> None:
    command = [sys.executable, "-m", "refkernels", "explain", "--preset", "ssd300"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout is not None
        process.stdout.close()
        _, told = process.communicate(timeout=120)
    assert told == b""


@pytest.mark.parametrize(
    ("package", "arguments", "message"),
    [
        ("click", ["check"], "refkernels: the command line needs click and rich; install them"),
        ("hypothesis", ["check"], "refkernels: 'check' needs hypothesis; install it with"),
        ("hypothesis", ["replay", "x"], "refkernels: 'replay' needs hypothesis; install it with"),
        ("rich", ["compare-graph"], "refkernels: 'compare-graph' needs rich"),
    ],
)
def test_what_is_not_installed_is_told_in_a_line(
    package: str, arguments: list[str], message: str
) -> None:
    code = (
        f"import sys; sys.modules[{package!r}] = None\n"
        f"from refkernels.cli.main import main; main({arguments!r})"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode != 0
    assert done.stderr.startswith(message)
    assert done.stderr.count("\n") == 1
