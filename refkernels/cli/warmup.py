"""Compile kernels before they are needed, and completion of the command line."""

import sys

import click

from refkernels.cli.options import fail

__all__ = ["completion", "warmup"]


@click.command()
@click.option("--presets", is_flag=True, help="Those of every preset of assign as well.")
def warmup(presets: bool) -> None:
    """Compile the kernels of all operators, so that no later command waits for that.

    Compiled code is kept beside the package, or where NUMBA_CACHE_DIR says. Only what is missing is
    compiled.

    Exit status: 0.
    """
    try:
        from rich.console import Console
        from rich.progress import track

        from refkernels.chain.published import NETWORKS
        from refkernels.conformance.engine.warm import warm_operator, what_to_warm
    except ModuleNotFoundError as error:
        fail(f"'warmup' needs {error.name}; install it with: pip install 'refkernels[check]'")
    work = [(warm_operator, name) for name in what_to_warm()]
    work += [(_warm_preset, name) for name in NETWORKS] if presets else []
    console = Console(stderr=True)
    for do, name in track(work, "compiling kernels", console=console):
        do(name)
    click.echo(f"compiled, or found compiled: the kernels of {len(work)} operators and presets")


def _warm_preset(name: str) -> None:
    """Assign an image as a preset does, dense and sparse."""
    from refkernels.assign import TargetAssigner

    assigner = getattr(TargetAssigner, name)()
    for call in (assigner, assigner.sparse):
        call([[10.0, 10.0, 60.0, 80.0]], [0], rng=0)


@click.command()
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
def completion(shell: str) -> None:
    """Print what makes SHELL complete refkernels' commands and options.

    For bash: refkernels completion bash >> ~/.bashrc
    """
    from click.shell_completion import get_completion_class

    from refkernels.cli.main import main

    kind = get_completion_class(shell)
    assert kind is not None  # click has all three
    click.echo(kind(main, {}, "refkernels", "_REFKERNELS_COMPLETE").source())
    sys.exit(0)
