"""What ``refkernels survey`` does: reads, surveys, prints tables, and writes JSON and a page."""

import inspect
import sys
import time
from collections.abc import Iterable, Sequence
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np

from refkernels.arrays import check_integer, require
from refkernels.arrays.printing import times
from refkernels.arrays.telling import telling
from refkernels.assign.assigner import TargetAssigner
from refkernels.assign.given import check_given, given_images, stop, tell_problems
from refkernels.assign.network import Given, called
from refkernels.assign.surveying.objects import Group
from refkernels.assign.surveying.survey import Survey, survey
from refkernels.chain.published import NETWORKS

__all__ = ["print_survey", "survey_command"]

GENERATED_IMAGES = 1000

# Classes and images that are printed; the JSON has more.
SHOWN_CLASSES, SHOWN_IMAGES = 15, 10

# How wide tables are where there is no terminal, so that a row stays on a line.
WIDTH = 120

# Characters of the longest bar of the histogram.
BAR = 40


def survey_command(
    annotations: Path | Sequence[Path] | None,
    preset: Given,
    *,
    options: dict[str, Any] | None = None,
    size: tuple[int, int] | None = None,
    resize: str | None = None,
    seed: int = 0,
    few: int = 2,
    limit: int | None = None,
    tried: int = 500,
    threads: int = 1,
    json: Path | None = None,
    html: Path | None = None,
    generated: bool = False,
    classes: str | None = None,
    classes_from: Path | None = None,
    **reading: Any,
) -> None:
    """Survey the images of annotation files or folders, and print what there is to say.

    Parameters
    ----------
    annotations : pathlib.Path or sequence of pathlib.Path, optional
        What `refkernels.assign.read_annotations` reads. Without, images are generated: `limit` of
        them, or 1,000.
    preset, options, size, resize, seed, few, limit, tried, threads
        As for `refkernels.assign.survey`.
    json, html : pathlib.Path, optional
        Files for the survey as JSON, and as a page.
    generated : bool
        Say that images are to be generated, which they are without annotations anyway.
    classes, classes_from, **reading
        As for `refkernels.assign.command.assign_command`.

    Raises
    ------
    ValueError, TypeError, OSError, ImportError
        One line that says what is wrong.
    SystemExit
        With status 130, after an interrupt.
    """
    given = options or {}
    _check_unguarded(called(preset), given)
    check_given(
        annotations, called(preset), given,
        generated=generated, classes=classes, classes_from=classes_from,
    )  # fmt: skip
    count = GENERATED_IMAGES if limit is None else check_integer("limit", limit, low=1)
    stage = f"{called(preset)}: kernels are compiled the first time"

    def progress(what: str, done: int, total: int) -> None:
        """Note how far it is."""
        nonlocal stage
        stage = f"{what}: {done} of {total}"

    begun = time.perf_counter()
    try:
        found = given_images(
            annotations, count=count, classes=classes, classes_from=classes_from,
            **reading,
        )  # fmt: skip
        tell_problems(found, None)
        read = time.perf_counter()
        with telling(lambda: stage):
            result = survey(
                found, preset, options=given, size=size, resize=resize, few=few, limit=limit,
                tried=tried, seed=seed, threads=threads, progress=progress,
            )  # fmt: skip
    except KeyboardInterrupt:
        stop("nothing was written")
    done = time.perf_counter()
    written = []
    for path, write, what in ((json, result.write_json, "JSON"), (html, result.write_html, "page")):
        if path is not None:
            write(path)
            written.append(f"{what} in {path}")
    print_survey(result)
    print("\n".join(written), end="\n" * bool(written))
    print(f"read in {read - begun:.1f} s, surveyed in {done - read:.1f} s", file=sys.stderr)


def _check_unguarded(preset: str, options: dict[str, Any]) -> None:
    if "unguarded" in options and preset in NETWORKS:
        takes = [
            name
            for name in NETWORKS
            if "unguarded" in inspect.signature(getattr(TargetAssigner, name)).parameters
        ]
        require(preset in takes, f"unguarded: only {', '.join(takes)} can be, got {preset}")


def print_survey(result: Survey) -> None:
    """Print a survey as tables.

    Raises
    ------
    ImportError
        Without Rich.
    """
    width = None if sys.stdout.isatty() else WIDTH
    console = import_module("rich.console").Console(highlight=False, width=width)

    def say(*lines: str) -> None:
        """Print lines as they are."""
        for line in lines:
            console.print(line, markup=False)

    say(*_headlines(result))
    console.print(_groups("size", result.by_size(), result))
    console.print(_groups("width to height", result.by_aspect(), result))
    worst = sorted(result.by_class(), key=lambda own: (-own.without, -own.few))
    worst = [own for own in worst if own.objects]
    console.print(_groups("class", worst[:SHOWN_CLASSES], result))
    if len(worst) > SHOWN_CLASSES:
        say(f"and {times(len(worst) - SHOWN_CLASSES, 'more class')}, which --json and --html list")
    if result.covers:
        console.print(_coverage(result))
    console.print(_images(result))
    if result.alternatives:
        console.print(_alternatives(result))


def _headlines(result: Survey) -> list[str]:
    """Return what stands above the tables."""
    whole, network = result.total(), result.resize
    images = f"{len(result.images):,}"
    if len(result.images) < result.images_in_source:
        images += f" of {times(result.images_in_source, 'image', ',')}, evenly spread,"
    else:
        images += " images"
    return [
        f"{images} of {result.source}",
        f"{result.name}: {times(result.anchors, 'anchor', ',')}, {network.height} x "
        f"{network.width} pixels, "
        f"images {'stretched' if network.mode == 'stretch' else 'scaled to fit'}",
        f"objects: {whole.objects:,}, {whole.anchors:.1f} anchors each; without any: "
        f"{whole.without:,} ({_share(whole.without, whole.objects)} %), with {result.few_said}: "
        f"{whole.few:,} ({_share(whole.few, whole.objects)} %)",
        f"left out: {times(result.objects.dropped, 'object', ',')} without extent, "
        f"{times(result.objects.crowds, 'ignored region', ',')}",
    ]


def _table(title: str, *columns: str) -> Any:
    table = import_module("rich.table").Table(
        title=f"\n{title}", title_justify="left", min_width=len(title) + 2,
        box=import_module("rich.box").SIMPLE_HEAD,
    )  # fmt: skip
    for number, column in enumerate(columns):
        table.add_column(column, justify="right" if number else "left")
    return table


def _groups(name: str, groups: Iterable[Group], result: Survey) -> Any:
    columns = [name, "objects", "without", "%", result.few_said, "%", "anchors each"]
    if result.covers:
        columns.append("mean best IoU")
    table = _table(f"Objects by {name}", *columns)
    for own in groups:
        row = [
            own.name,
            f"{own.objects:,}",
            f"{own.without:,}",
            _share(own.without, own.objects),
            f"{own.few:,}",
            _share(own.few, own.objects),
            f"{own.anchors:.1f}",
        ]
        table.add_row(*_plain(*row, *([f"{own.best_iou:.3f}"] if result.covers else [])))
    return table


def _coverage(result: Survey) -> Any:
    counts = result.coverage()
    table = _table("Best IoU of an object with any anchor", "from", *counts, "all", "")
    every = np.sum(list(counts.values()), axis=0)
    for number, total in enumerate(every.tolist()):
        bar = "█" * round(BAR * total / max(1, int(every.max())))
        own = [f"{int(values[number]):,}" for values in counts.values()]
        table.add_row(f"{number / len(every):.2f}", *own, f"{total:,}", bar)
    table.columns[-1].justify = "left"
    return table


def _images(result: Survey) -> Any:
    columns = ["image", "objects", "without", result.few_said]
    table = _table("Images with most objects without, then with few", *columns)
    for own in result.worst(SHOWN_IMAGES):
        table.add_row(*_plain(own.image_id, own.objects, own.without, own.few))
    return table


def _alternatives(result: Survey) -> Any:
    title = f"Other thresholds, scales, ratios and shapes, on {times(result.tried, 'image', ',')}"
    columns = ("change", "without", "%", result.few_said, "%", "anchors each")
    table = _table(title, *columns, "mean best IoU", "at least", "reached by %")
    for own in result.alternatives:
        table.add_row(
            *_plain(
                own.name,
                f"{own.without:,}",
                _share(own.without, own.objects),
                f"{own.few:,}",
                _share(own.few, own.objects),
                f"{own.anchors:.1f}",
                f"{own.best_iou:.3f}",
                f"{own.threshold:g}",
                f"{100 * own.reached:.1f}",
            )
        )
    return table


def _plain(*cells: object) -> list[Any]:
    """Return cells whose text is no markup."""
    text = import_module("rich.text").Text
    return [text(str(cell)) for cell in cells]


def _share(part: int, whole: int) -> str:
    return f"{100 * part / max(1, whole):.2f}"
