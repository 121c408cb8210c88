"""The commands that say why: a part of the command line, which `cli.main` puts together."""

import sys
from pathlib import Path
from typing import Any

import click

from refkernels.cli.options import (
    PRESETS,
    collecting_seldom,
    detector_given,
    in_one_line,
    network_options,
)

__all__ = ["diff", "explain"]


@click.command()
@click.argument("a", type=click.Path(path_type=Path))
@click.argument("b", type=click.Path(path_type=Path), required=False)
@click.option(
    "--preset",
    metavar="NAME",
    help="Hold both to the operators of this preset of assign; without B, compare A with what it "
    f"makes of A's boxes: {PRESETS}.",
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
@click.option(
    "--html",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="PAGE",
    help="Write a page for a browser, with pictures of both.",
)
@collecting_seldom()
def diff(a: Path, b: Path | None, **settings: Any) -> None:
    """Say which of two recorded assignments left the contract, at which stage, and why.

    A and B are .npz files of an assignment's inputs and stages, recorded by
    refkernels.explain.record or written by anybody. Each stage is derived again from the file's own
    earlier stages; the first sentence says what differs first, and what explains it.

    Exit status: 0 nothing differs, or only by rounding or a draw; 1 otherwise; 2 usage or a file
    that is no dump.
    """
    from refkernels.explain.diff.command import diff_command

    with in_one_line(OSError, ValueError, TypeError, ImportError):
        status = diff_command(a, b, **settings)
    sys.exit(status)


@click.command()
@click.argument("dump", type=click.Path(path_type=Path), required=False)
@click.option(
    "--preset",
    default="ssd300",
    show_default=True,
    metavar="NAME",
    help=f"{PRESETS}; or with --predictions, simota, task_aligned or detr.",
)
@click.option(
    "--config",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Take the operators in this JSON file in place of those of the preset, or of DUMP; or the "
    "whole assigner that it describes.",
)
@click.option(
    "--compare",
    metavar="A,B,...",
    help="Put these presets side by side in place of one: how many positive anchors each object "
    "has, and what one takes and another does not.",
)
@click.option(
    "--annotations",
    type=click.Path(path_type=Path),
    metavar="PATH",
    help="A COCO instances JSON, or a folder of Pascal VOC XML files or YOLO text files. Default: "
    "a few generated images.",
)
@click.option(
    "--image",
    metavar="ID",
    help="Its id, or its place in DUMP. Default: the first that has objects.",
)
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
@click.option(
    "--sensitivity",
    is_flag=True,
    help="List the matches that hang on rounding, with --anchor those of these anchors.",
)
@click.option(
    "--limit",
    type=click.IntRange(min=0),
    metavar="N",
    help="List at most so many of --sensitivity, and say how many more there are.",
)
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
    help="The image's photo, which is to lie under the anchors of --html and --png.",
)
@click.option(
    "--pictures",
    type=click.Path(file_okay=False, path_type=Path),
    metavar="FOLDER",
    help="The folder in which the annotations' file_name is that photo.",
)
@network_options
@collecting_seldom()
def explain(
    preset: str,
    dump: Path | None,
    config: Path | None,
    compare: str | None,
    dataset: str | None,
    **settings: Any,
) -> None:
    """Say why an image's anchors are matched, sampled or ignored, in words and pictures.

    It is one of annotations, assigned as the preset does it; or one of DUMP, an .npz that
    refkernels.explain.record or anybody wrote, by the operators that it names.

    Exit status: 0, or 2 for a usage error or what cannot be read or written.
    """
    from refkernels.explain.command import describes_assigner, explain_command

    options = {} if dataset is None else {"dataset": dataset}
    with in_one_line(OSError, ValueError, TypeError, ImportError):
        if compare is None:
            given: Any = preset
            if config is not None and dump is None and describes_assigner(config):
                given, config = detector_given(preset, config), None
            explain_command(given, dump=dump, config=config, options=options, **settings)
            return
        names = {"anchors": "anchor", "sensitivity": "sensitivity", "limit": "limit"}
        others = {called: settings.pop(name) for name, called in names.items()}
        others |= {"limit": others["limit"] is not None, "config": config, "DUMP": dump}
        unfit = [name for name, value in others.items() if value]
        if unfit:
            name = unfit[0]
            raise ValueError(f"{name}: is of one preset, expected no compare")
        from refkernels.explain.beside.command import compare_command

        compare_command(compare, options=options, **settings)
