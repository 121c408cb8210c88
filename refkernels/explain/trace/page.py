"""A trace as one HTML file to look into: no network, no other file, no server.

What is near a decision is there anchor by anchor, with its record and its sentence: whatever is
matched or positive, and then what missed its threshold by least. The rest, which may be a quarter
of a million anchors, is counted by place.
"""

import math
import os
from collections.abc import Sequence
from importlib.resources import files
from pathlib import Path
from typing import Any
from uuid import uuid4

import jinja2
import numpy as np

from refkernels.arrays import Array, check_integer, check_numbers
from refkernels.arrays.printing import times
from refkernels.explain.trace.classes import class_of
from refkernels.explain.trace.embedded import embedded
from refkernels.explain.trace.nearest import nearest_anchors
from refkernels.explain.trace.photo import PIXELS, fit, outside
from refkernels.explain.trace.records import Fate, Stage
from refkernels.explain.trace.tables import headline
from refkernels.explain.trace.trace import Trace

__all__ = ["as_page", "write_page"]

# The page, and the script in it.
TEMPLATES = ("page.html.jinja", "page.js.jinja")

# Anchors with a record of their own, and ground truths; a page of so many stays below a megabyte.
MOST_ANCHORS = 2000
MOST_TRUTHS = 500

# The rest is counted in so many cells along the longer side.
CELLS = 32

# A colour that is told apart without red and green, and a shape: after Okabe and Ito, "Color
# universal design", 2008.
LOOKS = {
    Stage.BIPARTITE: ("#0072b2", "disc"),
    Stage.SHARED: ("#56b4e9", "diamond"),
    Stage.MAXIMUM: ("#009e73", "square"),
    Stage.OTHER_MATCHER: ("#0072b2", "triangle"),
    Stage.SAMPLER_THRESHOLD: ("#f0e442", "triangle"),
    Stage.MISSED: ("#d55e00", "cross"),
    Stage.NO_OVERLAP: ("#8a8f98", "dot"),
    Stage.HARD_NEGATIVE: ("#cc79a7", "triangle"),
    Stage.EASY_NEGATIVE: ("#8a8f98", "ring"),
    Stage.QUOTA: ("#e69f00", "ring"),
    Stage.BETWEEN: ("#cc79a7", "plus"),
    Stage.REGION: ("#8a8f98", "cross"),
    Stage.OTHER_SAMPLER: ("#8a8f98", "plus"),
    Stage.THRESHOLD: ("#009e73", "square"),
    Stage.LOW_QUALITY: ("#0072b2", "disc"),
    Stage.ADAPTIVE: ("#009e73", "square"),
    Stage.POINT: ("#0072b2", "disc"),
    Stage.CHEAPEST: ("#0072b2", "disc"),
    Stage.ALIGNED: ("#0072b2", "disc"),
    Stage.ONE_TO_ONE: ("#0072b2", "disc"),
    Stage.NEITHER: ("#cc79a7", "plus"),
    Stage.OUTSIDE: ("#e69f00", "cross"),
    Stage.NOT_CHOSEN: ("#d55e00", "cross"),
    Stage.LEFT_OUT: ("#d55e00", "cross"),
}

# Fates of ground truths that have an anchor, or are not drawn.
DRAWN_AND_MATCHED = (Fate.MATCHED, Fate.NO_EXTENT)

SAMPLES = {1: "positive", 0: "ignored", -1: "negative"}


def write_page(
    trace: Trace,
    path: str | os.PathLike[str],
    image: str | os.PathLike[str] | None = None,
    title: str | None = None,
    *,
    extent: Sequence[float] | None = None,
    size: Sequence[float] | None = None,
    most: int = MOST_ANCHORS,
) -> None:
    """Write a trace as a page for a browser, whole or not at all.

    Parameters
    ----------
    trace : Trace
    path : path
        The HTML file.
    image : path, optional
        A JPEG, PNG, WebP, GIF or BMP file of the image, which becomes part of the page, scaled
        down to what is shown.
    title : str, optional
        By default what the trace is of.
    extent : sequence of 2 or 4 float, optional
        The width and height of the image in the anchors' unit, or its corners where something
        surrounds it. By default its pixels.
    size : sequence of 2 float, optional
        The width and height of the image of the annotations, which the file is held to.
    most : int, default 2000
        How many anchors have a record of their own.

    Raises
    ------
    OSError
        If a file cannot be read or written.
    TypeError, ValueError
        If the image is no such file, or of another aspect, or a parameter is out of range.
    ImportError
        If there is an image, and Pillow is missing.

    Examples
    --------
    >>> import tempfile
    >>> from refkernels.explain import explain
    >>> from refkernels.matcher import MaximumMatcher
    >>> trace = explain(MaximumMatcher(0.5), [[0.9, 0.8], [0.7, 0.1], [0.2, 0.3]])
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     write_page(trace, f"{folder}/trace.html")
    """
    text = as_page(trace, image, title, extent=extent, size=size, most=most)
    place = Path(path)
    beside = place.with_name(f".{place.name}.{uuid4().hex}")
    try:
        beside.write_text(text, encoding="utf-8")
        beside.replace(place)
    finally:
        beside.unlink(missing_ok=True)


def as_page(
    trace: Trace,
    image: str | os.PathLike[str] | None = None,
    title: str | None = None,
    *,
    extent: Sequence[float] | None = None,
    size: Sequence[float] | None = None,
    most: int = MOST_ANCHORS,
) -> str:
    """Return a trace as an HTML page; the parameters are those of `write_page`."""
    check_integer("most", most, low=1)
    if extent is not None:
        extent = check_numbers("extent", extent, 4 if len(extent) == 4 else 2)
    picture = None if image is None else embedded(image, PIXELS, size)
    place = fit(extent if extent is not None or picture is None else picture.size)
    texts = {name: files(__package__).joinpath(name).read_text("utf-8") for name in TEMPLATES}
    environment = jinja2.Environment(
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        loader=jinja2.DictLoader(texts),
    )
    environment.globals["times"] = times
    chosen = nearest_anchors(trace, most)
    view = _view(trace, chosen, place)
    positive = trace.anchors["sample"] > 0
    return environment.get_template(TEMPLATES[0]).render(
        title=title or trace.name,
        headline=headline(trace),
        warnings=trace.warnings,
        picture=None if picture is None else picture.address,
        matcher=str(trace.matcher),
        sampler=str(trace.sampler),
        stages=_stages(trace, chosen),
        regions=trace.regions is not None and len(trace.regions) > 0,
        truths=len(trace.truths),
        more_truths=max(0, len(trace.truths) - MOST_TRUTHS),
        shown=len(chosen),
        rest=len(trace.anchors) - len(chosen),
        left_out=int(positive.sum() - positive[chosen].sum()),
        beyond=_beyond(trace, place),
        without=bool(np.isin(trace.truths["fate"], DRAWN_AND_MATCHED, invert=True).any()),
        drawn=view is not None,
        measure=trace.measure,
        less=trace.reading is not None and trace.reading.sign < 0,
        data={
            "view": view,
            "place": place,
            "cells": CELLS,
            "anchors": _anchors(trace, chosen),
            "truths": _truths(trace),
            "regions": [] if trace.regions is None else [_numbers(own) for own in trace.regions],
            "rest": _rest(trace, chosen, view),
            "stages": {
                int(stage): {"label": stage.label, "colour": colour, "shape": shape}
                for stage, (colour, shape) in LOOKS.items()
            },
            "samples": SAMPLES,
            "measure": trace.measure,
            "less": trace.reading is not None and trace.reading.sign < 0,
        },
    )


def _beyond(trace: Trace, place: tuple[float, ...] | None) -> str:
    """Say how many ground truths are not wholly in the image; nothing if all are."""
    if place is None:
        return ""
    told = [
        f"{times(count, 'ground truth')} {'lies' if count == 1 else 'lie'} {how} the image"
        for count, how in zip(outside(trace, place), ("outside", "partly outside"), strict=True)
        if count
    ]
    return " and ".join(told)


def _stages(trace: Trace, chosen: Array) -> list[dict[str, Any]]:
    counts = trace.counts()
    own = np.bincount(trace.anchors["stage"][chosen], minlength=len(Stage))
    return [
        {
            "number": int(stage),
            "label": stage.label,
            "count": count,
            "shown": int(own[stage]),
            "colour": LOOKS[stage][0],
            "shape": LOOKS[stage][1],
        }
        for stage, count in counts.items()
    ]


def _anchors(trace: Trace, chosen: Array) -> dict[str, Any]:
    """Return records by column, which is shorter than by row."""
    records = trace.anchors[chosen]
    columns: dict[str, Any] = {
        name: records[name].tolist()
        for name in ("anchor", "stage", "match", "sample", "best", "runner_up", "round")
    }
    for name in ("iou", "threshold", "margin", "gap"):
        columns[name] = _numbers(records[name])
    columns["why"] = [trace.why(int(anchor)) for anchor in chosen]
    columns["boxes"] = None
    if trace.anchor_boxes is not None:
        boxes = trace.anchor_boxes[chosen].astype(np.float64)
        columns["boxes"] = _numbers(boxes)
    return columns


def _truths(trace: Trace) -> list[dict[str, Any]]:
    found = []
    for truth, record in enumerate(trace.truths[:MOST_TRUTHS]):
        box = None
        if trace.boxes is not None:
            box = _numbers(trace.boxes[truth])
        found.append(
            {
                "truth": truth,
                "label": None if trace.labels is None else int(trace.labels[truth]),
                "name": class_of(trace, truth),
                "fate": Fate(record["fate"]).label,
                "anchors": int(record["anchors"]),
                "positives": int(record["positives"]),
                "best": int(record["best_anchor"]),
                "why": trace.why_truth(truth),
                "box": box,
            }
        )
    return found


def _view(
    trace: Trace, chosen: Array, place: tuple[float, ...] | None
) -> tuple[float, float, float, float] | None:
    """Return the corners of what is drawn: ground truths, the image, and centres of anchors."""
    if trace.anchor_boxes is None or trace.boxes is None:
        return None
    points = [_centres(trace.anchor_boxes[chosen])]
    if not len(chosen):
        points = [_centres(trace.anchor_boxes)]
    points.append(trace.boxes.reshape(-1, 2).astype(np.float64))
    if place is not None:
        points.append(np.array(place).reshape(2, 2))
    every = np.concatenate(points)
    if not len(every):
        return 0.0, 0.0, 1.0, 1.0
    low, high = every.min(axis=0), every.max(axis=0)
    margin = max(float((high - low).max()) * 0.03, 1e-3 * float(np.abs(every).max()), 1e-30)
    corners = [*(low - margin), *(high + margin)]
    return tuple(float(f"{value:.6g}") for value in corners)  # type: ignore[return-value]


def _rest(
    trace: Trace, chosen: Array, view: tuple[float, float, float, float] | None
) -> list[tuple[int, int, int, int]]:
    """Count the other anchors: column and row of a cell, stage, and how many."""
    if trace.anchor_boxes is None or view is None:
        return []
    others = np.ones(len(trace.anchors), bool)
    others[chosen] = False
    centres = _centres(trace.anchor_boxes[others])
    low = np.array(view[:2])
    side = max(view[2] - view[0], view[3] - view[1]) / CELLS
    # Those whose centre lies outside are counted at the edge.
    last = np.maximum(np.ceil((np.array(view[2:]) - low) / side).astype(np.int64) - 1, 0)
    cells = np.clip(np.floor((centres - low) / side).astype(np.int64), 0, last)
    keys = np.column_stack([cells, trace.anchors["stage"][others].astype(np.int64)])
    found, counts = np.unique(keys, axis=0, return_counts=True)
    return [(*map(int, key), int(count)) for key, count in zip(found, counts, strict=True)]  # type: ignore[misc]


def _centres(boxes: Array) -> Array:
    wide = boxes.astype(np.float64)
    return (wide[:, :2] + wide[:, 2:]) / 2


def _numbers(values: Array) -> list[float | None]:
    """Return numbers as JSON has them, with as many digits as anybody reads."""
    flat = values.reshape(-1).tolist()
    return [float(f"{value:.6g}") if math.isfinite(value) else None for value in flat]
