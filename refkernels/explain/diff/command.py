"""What ``refkernels diff`` does: reads two dumps, compares them, and says what it finds."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from refkernels.explain.diff.compare import compare_dumps
from refkernels.explain.diff.dump import read_config, read_dump
from refkernels.explain.diff.words import tell

__all__ = ["diff_command"]


def diff_command(
    a: Path,
    b: Path,
    *,
    contract: Mapping[str, Any] | None = None,
    config: Path | None = None,
    shown: int = 3,
) -> int:
    """Compare two dumps, print what differs, and return the exit status.

    Parameters
    ----------
    a, b : pathlib.Path
        The dumps.
    contract : mapping of str to operator, optional
        The operators that both are held to, in place of those that the dumps name.
    config : pathlib.Path, optional
        The same as a file of JSON; where both name an operator, this counts.
    shown : int
        How many anchors are explained, of each kind.

    Raises
    ------
    OSError, ValueError
        One line that says what is wrong with a file.
    """
    operators = {**(contract or {}), **(read_config(config) if config else {})}
    found = compare_dumps(read_dump(a, operators), read_dump(b, operators))
    for line in tell(found, shown):
        print(line)
    return found.status
