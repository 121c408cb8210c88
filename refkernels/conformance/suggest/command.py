"""Tell what a module's callables look like, and how to check them."""

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from refkernels.arrays.telling import telling
from refkernels.conformance.model.quoting import printable
from refkernels.conformance.targets.adapter import TargetError

__all__ = ["looked_at", "print_suggestions", "suggest_command"]

# Its import, and all trials.
SECONDS = 180

# What is said of that on stderr, once it takes a second.
TRYING = "looking at what it has; it is imported, and kernels are compiled the first time"

# So many modules of a package are named.
MODULES = 12

# Of a call in the table.
LONGEST = 36


def suggest_command(module: str) -> int:
    """Print what a module's callables look like; return 0, or 1 if none looks like an operator.

    Raises
    ------
    TargetError
        If it does not import, or ends the process that looks at it.
    """
    return 0 if print_suggestions(Console(highlight=False), module, *looked_at(module)) else 1


def looked_at(module: str) -> tuple[list[dict[str, Any]], list[str]]:
    """Return the callables of a module and what they look like, found out in another process.

    Of a package that has none itself it is the modules in it too. What takes longer than a second
    is told on stderr.

    Raises
    ------
    TargetError
        If it does not import, or ends that process.
    """
    import refkernels

    own = str(Path(refkernels.__file__).parents[1])
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([*sys.path, own])}
    with tempfile.TemporaryDirectory(prefix="refkernels-") as folder:
        file = Path(folder) / "found.json"
        command = [sys.executable, "-m", "refkernels.conformance.suggest.trial", module, str(file)]
        try:
            with telling(f"{printable(module)}: {TRYING}"):
                done = subprocess.run(
                    command,
                    env=environment,
                    stdin=subprocess.DEVNULL,
                    stdout=subprocess.DEVNULL,
                    stderr=subprocess.PIPE,
                    timeout=SECONDS,
                    check=False,
                )
        except subprocess.TimeoutExpired:
            raise TargetError(f"{module}: a call of it takes longer than {SECONDS} s") from None
        if not file.is_file():
            last = done.stderr.decode(errors="replace").strip().splitlines()[-1:]
            said = printable(" ".join(last)[:200])
            raise TargetError(f"{module} ends the process that looks at it: {said}")
        found: dict[str, Any] = json.loads(file.read_text())
    if "error" in found:
        raise TargetError(printable(str(found["error"])))
    return found["callables"], found["modules"]


def print_suggestions(
    console: Console,
    module: str,
    callables: Sequence[dict[str, Any]],
    modules: Sequence[str] = (),
) -> bool:
    """Print what callables look like, and the command that checks those; return if any does."""
    like = [own for own in callables if own["suggestions"]]
    others = [own for own in callables if not own["suggestions"]]
    if like:
        table = Table(box=None, pad_edge=False, header_style="bold")
        for name in ("callable", "of", "looks like", "alike"):
            table.add_column(name, justify="right" if name == "alike" else "left", no_wrap=True)
        for own in like:
            name = own["place"].partition(":")[2] + own["signature"]
            for row, found in enumerate(own["suggestions"][:2]):
                first = Text(_short(name)) if not row else ""
                operator = found["operator"] if not row else f"or {found['operator']}"
                package = Text(own["framework"]) if not row else ""
                table.add_row(first, package, operator, f"{found['agrees']:.0%}")
        console.print(table)
        console.print("alike: how much of a few ordinary results is the same")
    if others:
        names = ", ".join(own["place"].partition(":")[2] for own in others)
        console.print(Text(f"like none of the operators: {names}"))
    if not callables:
        console.print(Text(f"{module} defines no function and no class that can be called"))
    if modules:
        console.print(Text(f"in it are {', '.join(modules[:MODULES])}; look into one:"))
        console.print(Text(f"  refkernels suggest {modules[0]}"), soft_wrap=True)
        return False
    if not like:
        console.print(
            "Say which operator is meant: refkernels check "
            f"{module}:name=Operator; 'refkernels check --help' shows how.",
            markup=False,
        )
        return False
    console.print("Check them with:")
    bindings = " \\\n    ".join(own["suggestions"][0]["binding"] for own in like)
    console.print(Text(f"  refkernels check {bindings}"), soft_wrap=True)
    return True


def _short(text: str) -> str:
    return text if len(text) <= LONGEST else f"{text[: LONGEST - 3]}..."
