"""Which callables of somebody's code look like which operators."""

import sys

import click

from refkernels.cli.options import fail, in_one_line

__all__ = ["suggest"]


@click.command()
@click.argument("module")
def suggest(module: str) -> None:
    """Say which operators the callables of MODULE look like, and the command that checks them.

    MODULE is an import path, or a file such as src/detector.py. What its functions and classes are
    is guessed by their names and arguments, and by a trial call in a process of its own; called are
    those alone whose names tell of boxes, IoUs, matches and the like.

    Exit status: 0, 1 if nothing looks like an operator, 2 if it does not import.
    """
    try:
        from refkernels.conformance.suggest.command import suggest_command
        from refkernels.conformance.targets.adapter import TargetError
        from refkernels.conformance.targets.files import as_module
    except ModuleNotFoundError as error:
        fail(f"'suggest' needs {error.name}; install it with: pip install 'refkernels[check]'")
    with in_one_line(TargetError, ValueError):
        status = suggest_command(as_module(module))
    sys.exit(status)
