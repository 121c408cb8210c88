"""The commands that say why: a part of the command line, which `cli.main` puts together."""

import sys
from pathlib import Path
from typing import Any

import click

from refkernels.cli.options import (
    PRESETS,
    config_option,
    detector_given,
    in_one_line,
    network_options,
)

__all__ = ["diff", "explain"]


@click.command()
@click.argument("a", type=click.Path(path_type=Path))
@click.argument("b", type=click.Path(path_type=Path))
@click.option(
    "--preset",
    metavar="NAME",
    help=f"Hold both to the operators of this preset of assign: {PRESETS}.",
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
    from refkernels.explain.diff.command import diff_command

    contract: dict[str, Any] = {}
    with in_one_line(OSError, ValueError, TypeError):
        if preset is not None:
            from refkernels.chain.published import preset_operators

            contract = preset_operators(preset)
        status = diff_command(a, b, contract=contract, config=config, shown=shown)
    sys.exit(status)


@click.command()
@click.option(
    "--preset",
    default="ssd300",
    show_default=True,
    metavar="NAME",
    help=f"{PRESETS}; or with --predictions, simota, task_aligned or detr.",
)
@config_option
@click.option(
    "--annotations",
    type=click.Path(path_type=Path),
    metavar="PATH",
    help="A COCO instances JSON, or a folder of Pascal VOC XML files or YOLO text files. Default: "
    "a few generated images.",
)
@click.option("--image", metavar="ID", help="Its id. Default: the first that has objects.")
@click.option(
    "--predictions",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="What a network predicts for that image: an .npz of boxes (N, 4) and scores (N, C).",
)
@click.option(
    "--anchor", "anchors", type=int, multiple=True, metavar="K", help="Explain it; repeatable."
)
@click.option(
    "--truth",
    "truths",
    type=int,
    multiple=True,
    metavar="K",
    help="Explain this ground truth, or, with --anchor, why they are not matched; repeatable.",
)
@click.option("--sensitivity", is_flag=True, help="List the matches that hang on rounding.")
@click.option(
    "--png",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE",
    help="Draw the anchors by what decided on them, the greedy rounds and the best IoUs.",
)
@click.option(
    "--html",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE",
    help="Write a page for a browser, where anchors can be asked for.",
)
@click.option(
    "--json",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE",
    help="Write the records and sentences of what is near a decision.",
)
@click.option(
    "--picture",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE",
    help="The image's own file, which is to lie under the anchors on that page.",
)
@network_options
def explain(preset: str, config: Path | None, dataset: str | None, **settings: Any) -> None:
    """Say why an image's anchors are matched, sampled or ignored, in words and pictures.

    Exit status: 0, or 2 for a usage error or what cannot be read or written.
    """
    from refkernels.explain.command import explain_command

    options = {} if dataset is None else {"dataset": dataset}
    with in_one_line(OSError, ValueError, TypeError, ImportError):
        given = detector_given(preset, config)
        explain_command(given, options=options, **settings)
