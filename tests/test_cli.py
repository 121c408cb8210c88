"""What all commands of the command line have in common."""

import gc
import subprocess
import sys

import pytest
from click.testing import CliRunner

from refkernels.cli.main import main
from refkernels.cli.options import SELDOM, collecting_seldom


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


def test_in_a_command_garbage_is_looked_for_seldom_and_afterwards_as_before() -> None:
    before = gc.get_threshold()
    with collecting_seldom():
        assert gc.get_threshold() == (SELDOM, *before[1:])
    assert gc.get_threshold() == before


@pytest.mark.parametrize("command", ["assign", "diff", "explain", "survey"])
def test_a_command_that_fails_leaves_the_threshold_of_garbage_as_it_was(command: str) -> None:
    before = gc.get_threshold()
    missing = ["diff", "no.npz"] if command == "diff" else [command, "--preset", "none"]
    assert CliRunner().invoke(main, missing).exit_code == 2
    assert gc.get_threshold() == before


def test_garbage_of_a_command_that_was_called_in_a_process_is_found_later() -> None:
    class Kept:
        """Something that counts how many of it there are no more."""

        gone = 0

        def __init__(self) -> None:
            self.own = self

        def __del__(self) -> None:
            Kept.gone += 1

    with collecting_seldom():
        Kept()
    assert Kept.gone == 0
    gc.collect()
    assert Kept.gone == 1


def test_explaining_an_image_loads_neither_dumps_nor_comparisons() -> None:
    code = (
        "import sys; from refkernels.cli.main import main; "
        "main(['explain', '--preset', 'ssd300'], standalone_mode=False); "
        "print([n for n in sys.modules if n.startswith(('refkernels.explain.diff', "
        "'refkernels.explain.beside'))])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.endswith("\n[]\n")
