"""Assigners side by side as one HTML file: no network, no other file, no server."""

import os
from collections.abc import Sequence
from importlib.resources import files
from pathlib import Path
from typing import Any

import jinja2
import numpy as np

from refkernels.arrays.printing import times
from refkernels.explain.beside.comparison import Comparison
from refkernels.explain.beside.marks import COLORS, marks_of
from refkernels.explain.trace.classes import class_of, short
from refkernels.explain.trace.embedded import embedded
from refkernels.explain.trace.photo import PIXELS, fit, outside
from refkernels.explain.trace.records import Fate
from refkernels.explain.trace.tables import headline

__all__ = ["as_comparison_page", "write_comparison_page"]

TEMPLATE = "page.html.jinja"

# How wide a letter of 26 is at most, of the 1000 of a picture's width.
LETTER = 16

# The longer side of a photo, in pixels, that many assigners share.
LEAST = 800

# Ground truths that have a row; the rest is counted.
MOST_TRUTHS = 200


def write_comparison_page(
    comparison: Comparison,
    path: str | os.PathLike[str],
    image: str | os.PathLike[str] | None = None,
    title: str | None = None,
    *,
    size: Sequence[float] | None = None,
) -> None:
    """Write a comparison as a page for a browser, whole or not at all.

    Parameters
    ----------
    comparison : Comparison
        Of traces of assigners.
    path : path
        The HTML file.
    image : path, optional
        A JPEG, PNG, WebP, GIF or BMP file of the image, which becomes part of the page once,
        scaled down to what is shown.
    title : str, optional
        By default the names of the assigners.
    size : sequence of 2 float, optional
        The width and height of the image of the annotations, which the file is held to.

    Raises
    ------
    OSError
        If a file cannot be read or written.
    ValueError
        If the image is no such file, or of another aspect, or traces are of IoUs, without boxes.
    ImportError
        If there is an image, and Pillow is missing.
    """
    from refkernels.assign.dataset.durable import write_bytes

    write_bytes(Path(path), as_comparison_page(comparison, image, title, size=size).encode())


def as_comparison_page(
    comparison: Comparison,
    image: str | os.PathLike[str] | None = None,
    title: str | None = None,
    *,
    size: Sequence[float] | None = None,
) -> str:
    """Return a comparison as an HTML page; the parameters are those of `write_comparison_page`."""
    # Two pixels to a point at most, as wide as one of so many is shown.
    most = max(LEAST, PIXELS * 2 // len(comparison.traces)) if image is not None else 0
    environment = jinja2.Environment(
        autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    environment.globals["times"] = times
    text = files(__package__).joinpath(TEMPLATE).read_text(encoding="utf-8")
    first = next(iter(comparison.traces.values()))
    head, *rows, every, without = comparison.table(MOST_TRUTHS)
    return environment.from_string(text).render(
        title=title or ", ".join(comparison.names),
        picture=None if image is None else embedded(image, most, size).address,
        names=comparison.names,
        views=[_view(comparison, name) for name in comparison.names],
        head=head,
        rows=rows,
        sums=(every, without),
        most=int(comparison.positives.max(initial=1)),
        colours=COLORS,
        classes=[class_of(first, truth) for truth in range(len(rows))],
        differences=[own.split("\n") for own in comparison.differences()],
        more=max(0, len(comparison.positives) - MOST_TRUTHS),
        data=[
            [trace.why_truth(truth) for trace in comparison.traces.values()]
            for truth in range(len(rows))
        ],
    )


def _view(comparison: Comparison, name: str) -> dict[str, Any]:
    """Return what the picture of one of them is made of, in shares of 1000 of its width."""
    trace = comparison.traces[name]
    marks = marks_of(trace, comparison.extents.get(name))
    width, height = marks.extent
    left, above, right, below = fit(comparison.extents.get(name)) or (0.0, 0.0, width, height)
    beyond = sum(outside(trace, (left, above, right, below)))
    scale = 1000 / width
    anchors = [
        {
            "box": _sides(box, scale),
            "centre": [round(float(own) * scale, 1) for own in (box[:2] + box[2:]) / 2],
            "truth": int(truth),
            "colour": COLORS[truth % len(COLORS)],
        }
        for box, truth in zip(marks.boxes.astype(np.float64), marks.truths, strict=True)
    ]
    objects = [
        {
            "truth": truth,
            "box": (own := _sides(box, scale)),
            "without": record["fate"] != Fate.MATCHED,
            **_name(short(trace, truth), record["fate"] != Fate.MATCHED, own, height * scale),
        }
        for truth, (box, record) in enumerate(
            zip(marks.objects.astype(np.float64), trace.truths, strict=True)
        )
        if record["fate"] != Fate.NO_EXTENT
    ]
    return {
        "name": name,
        "headline": headline(trace).split(": ")[-1],
        "height": round(height * scale, 1),
        "place": _sides((left, above, right, below), scale),
        "outside": f"{times(beyond, 'ground truth')} not wholly in the image" if beyond else "",
        "anchors": anchors,
        "objects": objects,
        "points": marks.points,
        "left_out": marks.left_out,
        "matcher": str(trace.matcher),
    }


def _name(name: str, without: bool, own: list[float], height: float) -> dict[str, Any]:
    """Return what a ground truth is called, and where: above it, or inside the picture."""
    words = f"{name}: no anchor" if without else name
    room = 1000 - LETTER * len(words)
    return {
        "words": words,
        "x": round(max(4, min(own[0] + 4, room)), 1),
        "y": round(min(max(own[1] - 6, 26), height - 8), 1),
    }


def _sides(box: Sequence[float], scale: float) -> list[float]:
    """Return left, top, width and height."""
    left, top, right, bottom = (float(own) * scale for own in box)
    return [round(own, 1) for own in (left, top, right - left, bottom - top)]
