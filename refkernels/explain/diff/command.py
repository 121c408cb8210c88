"""What ``refkernels diff`` does: reads two dumps, compares them, and says what it finds."""

from importlib import import_module
from pathlib import Path

from refkernels.arrays import require
from refkernels.chain.published import preset_operators
from refkernels.explain.diff.compare import compare_dumps
from refkernels.explain.diff.dump import read_config, read_dump
from refkernels.explain.diff.of_preset import dump_of_preset
from refkernels.explain.diff.words import tell

__all__ = ["diff_command"]


def diff_command(
    a: Path,
    b: Path | None = None,
    *,
    preset: str | None = None,
    config: Path | None = None,
    shown: int = 3,
    html: Path | None = None,
) -> int:
    """Compare two dumps, print what differs, and return the exit status.

    Parameters
    ----------
    a : pathlib.Path
        A dump.
    b : pathlib.Path, optional
        Another, by default what the preset makes of the first one's boxes.
    preset : str, optional
        The name of the operators that both are held to, in place of those that the dumps name.
    config : pathlib.Path, optional
        The same as a file of JSON; where both name an operator, this counts.
    shown : int
        How many anchors are explained, of each kind.
    html : pathlib.Path, optional
        A file for a page.

    Raises
    ------
    OSError, ValueError, ImportError
        One line that says what is wrong with a file.
    """
    operators = {} if preset is None else preset_operators(preset)
    if config is not None:
        operators |= read_config(config)
    first = read_dump(a, operators)
    if b is None:
        require(preset is not None, "b: missing; expected a second dump, or --preset")
        second = dump_of_preset(str(preset), operators, first)
    else:
        second = read_dump(b, operators)
    found = compare_dumps(first, second)
    for line in tell(found, shown):
        print(line)
    if html is not None:
        import_module("refkernels.explain.diff.page").write_page(found, html, shown=shown)
        print(f"\npage in {html}")
    return found.status
