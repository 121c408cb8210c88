"""The commands that say why: a part of the command line, which `refkernels.cli` puts together."""

import sys
from pathlib import Path
from typing import Any

import click

__all__ = ["diff"]

# The exit status of a wrong call, or of a file that cannot be read.
USAGE = 2


@click.command()
@click.argument("a", type=click.Path(path_type=Path))
@click.argument("b", type=click.Path(path_type=Path))
@click.option(
    "--preset",
    metavar="NAME",
    help="Hold both to the operators of this preset of assign: ssd300, ssd512, rpn_fpn, "
    "faster_rcnn, retinanet or yolo3.",
)
@click.option(
    "--config",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Hold both to the operators in this JSON file. Default: to those that each dump names.",
)
@click.option(
    "--explain",
    "shown",
    type=click.IntRange(min=0),
    default=3,
    show_default=True,
    help="How many anchors are explained, of each kind.",
)
def diff(a: Path, b: Path, preset: str | None, config: Path | None, shown: int) -> None:
    """Say which of two recorded assignments left the contract, at which stage, and why.

    A and B are .npz files of an assignment's inputs and stages, recorded by
    refkernels.explain.record or written by anybody. Each stage is derived again from the file's own
    earlier stages.

    Exit status: 0 nothing differs, or only by rounding or a draw; 1 otherwise; 2 usage or a file
    that is no dump.
    """
    from refkernels.explain.diff_command import diff_command

    contract: dict[str, Any] = {}
    try:
        if preset is not None:
            from refkernels.assign.presets import preset_operators

            contract = preset_operators(preset)
        status = diff_command(a, b, contract=contract, config=config, shown=shown)
    except OSError as error:
        click.echo(f"refkernels: {error.filename}: {error.strerror}", err=True)
        sys.exit(USAGE)
    except (ValueError, TypeError) as error:
        click.echo(f"refkernels: {error}", err=True)
        sys.exit(USAGE)
    sys.exit(status)
