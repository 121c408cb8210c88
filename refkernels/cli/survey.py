"""The command that surveys a whole data set: a part of the command line, put together by `main`."""

from pathlib import Path
from typing import Any

import click

from refkernels.cli.options import (
    collecting_seldom,
    config_option,
    detector_given,
    fail,
    in_one_line,
    network_options,
    preset_option,
    reading_options,
)

__all__ = ["survey"]


@click.command()
@reading_options
@preset_option
@config_option
@click.option(
    "--unguarded",
    is_flag=True,
    help="Match what overlaps nothing as torchvision, mmdetection and detectron2 do.",
)
@network_options
@click.option(
    "--few",
    type=click.IntRange(min=1),
    default=2,
    show_default=True,
    help="How many anchors of an object are few, at most.",
)
@click.option(
    "--limit",
    type=click.IntRange(min=1),
    metavar="IMAGES",
    help="Survey so many images, evenly spread; or generate so many. Default: all, or 1000.",
)
@click.option(
    "--try-on",
    "tried",
    type=click.IntRange(min=0),
    default=500,
    show_default=True,
    metavar="IMAGES",
    help="Try other thresholds, scales, ratios and shapes on so many; 0 tries none.",
)
@click.option(
    "--threads",
    type=click.IntRange(min=1),
    default=1,
    show_default=True,
    help="How many threads share the images.",
)
@click.option(
    "--json",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE",
    help="Write the survey as JSON.",
)
@click.option(
    "--html",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE",
    help="Write it as a page for a browser.",
)
@collecting_seldom()
def survey(
    annotations: tuple[Path, ...],
    preset: str,
    config: Path | None,
    dataset: str | None,
    unguarded: bool,
    **settings: Any,
) -> None:
    """Say which objects of a data set get no anchors, or few, and what would help.

    By size, aspect and class; with each object's best IoU, the worst images, and what other
    thresholds, scales, ratios and shapes of anchors would do. Without annotations, of generated
    images.

    Exit status: 0, or 2 for a usage error or what cannot be read or written.
    """
    try:
        from rich.console import Console  # noqa: F401

        from refkernels.assign.surveying.command import survey_command
    except ModuleNotFoundError as error:
        fail(f"'survey' needs {error.name}; install it with: pip install 'refkernels[survey]'")
    options: dict[str, Any] = {} if dataset is None else {"dataset": dataset}
    if unguarded:
        options["unguarded"] = True
    with in_one_line(OSError, ValueError, TypeError, ImportError):
        given = detector_given(preset, config)
        survey_command(annotations or None, given, options=options, **settings)
