"""What all commands of the command line have in common."""

import subprocess
import sys


def test_a_reader_that_went_away_is_no_error() -> None:
    command = [sys.executable, "-m", "refkernels.cli", "explain", "--preset", "ssd300"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout is not None
        process.stdout.close()
        _, told = process.communicate(timeout=120)
    assert told == b""
