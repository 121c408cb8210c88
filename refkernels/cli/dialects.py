"""How published code reads one name differently."""

from pathlib import Path

import click

from refkernels.cli.options import fail, images_of, in_one_line

__all__ = ["dialects"]


@click.command()
@click.argument("words", nargs=-1, metavar="[NAME]...")
@click.option(
    "--annotations",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="A COCO instances JSON, on whose images they are compared too.",
)
@click.option(
    "--limit",
    type=click.IntRange(min=1),
    default=100,
    show_default=True,
    help="So many images of the file, the first ones.",
)
@click.option(
    "--json",
    "file",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE",
    help="Write what is found as JSON.",
)
def dialects(
    words: tuple[str, ...], annotations: Path | None, limit: int, file: Path | None
) -> None:
    """Show where published code means different things by one name.

    How often two readings differ on generated boxes, and on those of a file, and the smallest input
    on which they do, as Python. NAME picks: 'threshold', 'nms', 'task-aligned'.

    'refkernels check my.code:assign --as TaskAlignedMatcher.tood' holds code to one reading.

    Exit status: 0, or 2 for a wrong call.
    """
    try:
        from refkernels.conformance.dialects.command import dialects_command
        from refkernels.conformance.engine.run import Options
    except ModuleNotFoundError as error:
        fail(f"'dialects' needs {error.name}; install it with: pip install 'refkernels[check]'")
    images = {"generated": images_of(None, generated=16)}
    if annotations is not None:
        images["file"] = images_of(annotations)[:limit]
    with in_one_line(OSError, ValueError):
        dialects_command(words, images, Options(), file)
