"""A survey as one HTML page: no network, no other file, no script."""

import math
from importlib.resources import files
from typing import Any

import jinja2
import numpy as np

from refkernels.arrays import Array
from refkernels.arrays.printing import times
from refkernels.assign.surveying.objects import Group
from refkernels.assign.surveying.survey import Survey

__all__ = ["as_page"]

TEMPLATE = "page.html.jinja"

# Classes that are shown at once, and images that are drawn, with no more than so many objects.
SHOWN_CLASSES, DRAWN_IMAGES, DRAWN_OBJECTS = 15, 12, 300

# Pictures in their own units: the text in them is 11 of these high, and a telephone shows 358.
WIDTH, HEIGHT, LEFT, RIGHT, BOTTOM, TOP = 360, 300, 40, 14, 34, 12

# Cells of the map of widths and heights along a side.
CELLS = 48


def as_page(survey: Survey) -> str:
    """Return a survey as an HTML page."""
    environment = jinja2.Environment(
        autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    environment.globals["times"] = times
    text = files(__package__).joinpath(TEMPLATE).read_text(encoding="utf-8")
    classes = sorted(survey.by_class(), key=lambda own: (-own.without, -own.few, -own.objects))
    classes = [own for own in classes if own.objects]
    return environment.from_string(text).render(
        survey=survey,
        total=survey.total(),
        groups=[
            ("size", "COCO's: areas below 32² and 96² pixels of the image", survey.by_size()),
            ("width to height", "in the image", survey.by_aspect()),
        ],
        classes=classes[:SHOWN_CLASSES],
        more_classes=classes[SHOWN_CLASSES:],
        parts=_parts,
        histogram=_histogram(survey) if survey.covers and len(survey.objects) else None,
        map=_map(survey) if len(survey.objects) else None,
        fitted=[own for own in survey.alternatives if own.shapes],
        images=_images(survey),
    )


def _parts(group: Group) -> list[tuple[str, float]]:
    """Return what a bar of a group is made of, in percent."""
    every = max(1, group.objects)
    return [("without", 100 * group.without / every), ("few", 100 * group.few / every)]


def _histogram(survey: Survey) -> dict[str, Any]:
    """Return bars of best IoUs, one upon the other by size."""
    counts = survey.coverage()
    total = np.sum(list(counts.values()), axis=0)
    across, up = WIDTH - LEFT - RIGHT, HEIGHT - TOP - BOTTOM
    wide, most = across / len(total), int(total.max())
    bars = []
    below = np.zeros(len(total), np.int64)
    for name, own in counts.items():
        for k, count in enumerate(own.tolist()):
            if count:
                share = 100 * count / len(survey.objects)
                bars.append(
                    {
                        "size": name,
                        "x": LEFT + k * wide + 0.75,
                        "y": TOP + up * (1 - (below[k] + count) / most),
                        "width": wide - 1.5,
                        "height": up * count / most,
                        "said": f"IoU {k / len(total):.2f} to {(k + 1) / len(total):.2f}: "
                        f"{times(count, f'{name} object', ',')} ({share:.1f} %)",
                    }
                )
        below = below + own
    threshold = survey.threshold
    return {
        "width": WIDTH,
        "height": HEIGHT,
        "left": LEFT,
        "right": LEFT + across,
        "base": TOP + up,
        "top": TOP,
        "bars": bars,
        "sizes": list(counts),
        "most": most,
        "x_ticks": [(LEFT + across * k / 5, f"{k / 5:g}") for k in range(6)],
        "y_ticks": [(TOP + up * (1 - n / most), f"{n:,}") for n in _round_numbers(most)],
        "threshold": None if threshold is None else LEFT + across * min(max(threshold, 0), 1),
        "reached": None
        if threshold is None
        else 100 * float((survey.objects.best_iou >= threshold).mean()),
    }


def _round_numbers(most: int) -> list[int]:
    """Return some round numbers up to one, at most five, without 0.

    Examples
    --------
    >>> _round_numbers(1154), _round_numbers(70)
    ([200, 400, 600, 800, 1000], [20, 40, 60])
    """
    step = 10 ** math.floor(math.log10(most))
    for factor in (0.2, 0.5, 1):
        own = max(1, round(step * factor))
        if most // own <= 5:
            return list(range(own, most + 1, own))
    return list(range(2 * step, most + 1, 2 * step))


def _map(survey: Survey) -> dict[str, Any]:
    """Return how many objects have which width and height, and the shapes of anchors there."""
    sides = survey.objects.scaled
    marks = [survey.shapes[(survey.shapes > 0).all(axis=1)]]
    evolved = [own for own in survey.alternatives if own.shapes][-1:]
    marks += [np.array(own.shapes) for own in evolved]
    logs = np.log2(np.concatenate([sides, *marks]))
    # The few that are smaller yet lie on the edge.
    low = math.floor(np.percentile(logs.min(axis=1), 0.5))
    high = math.ceil(logs.max() + 1e-9)
    across = WIDTH - LEFT - RIGHT
    cell = across / CELLS

    def place(values: Array) -> Array:
        """Return where sides lie along an axis, from 0 to 1."""
        found: Array = (np.log2(values) - low) / max(1, high - low)
        return found

    column = np.clip((place(sides) * CELLS).astype(np.int64), 0, CELLS - 1)
    number = column[:, 1] * CELLS + column[:, 0]
    counts = np.bincount(number, minlength=CELLS**2)
    bad = np.bincount(number[survey.objects.anchors <= survey.few], minlength=CELLS**2)
    most = counts.max()
    cells = []
    for k in np.flatnonzero(counts).tolist():
        count, share = int(counts[k]), float(bad[k] / counts[k])
        strength = 0.18 + 0.82 * math.log1p(count) / math.log1p(most)
        cells.append(
            {
                "x": LEFT + (k % CELLS) * cell,
                "y": TOP + across - (k // CELLS + 1) * cell,
                "good": strength * (1 - share),
                "bad": strength * share,
            }
        )

    def points(own: Array) -> list[tuple[float, float, str]]:
        """Return where shapes lie, and what there is to say."""
        xy = np.maximum(place(own), 0)
        return [
            (LEFT + across * x, TOP + across * (1 - y), f"{w:.0f} x {h:.0f} pixels")
            for (x, y), (w, h) in zip(xy.tolist(), own.tolist(), strict=True)
        ]

    ticks = range(low, high + 1, max(1, -(-(high - low) // 8)))
    return {
        "width": WIDTH,
        "height": TOP + across + BOTTOM,
        "left": LEFT,
        "top": TOP,
        "across": across,
        "cell": cell + 0.3,
        "cells": cells,
        "ticks": [(across * (k - low) / max(1, high - low), f"{2.0**k:g}") for k in ticks],
        "anchors": points(marks[0]),
        "evolved": points(marks[1]) if evolved else [],
    }


def _images(survey: Survey) -> list[dict[str, Any]]:
    """Return drawings of the worst images."""
    objects, drawn = survey.objects, []
    for own in survey.worst(DRAWN_IMAGES):
        rows = np.flatnonzero(objects.image == own.place)
        # What is bad is drawn last, so that it lies on top.
        rows = rows[np.argsort(-np.minimum(objects.anchors[rows], survey.few + 1), kind="stable")]
        boxes = []
        for row in rows[-DRAWN_OBJECTS:]:
            left, top, right, bottom = (float(f"{value:.5g}") for value in objects.boxes[row])
            anchors = int(objects.anchors[row])
            fate = "without" if anchors == 0 else "few" if anchors <= survey.few else "enough"
            boxes.append(
                {
                    "x": left,
                    "y": top,
                    "width": float(f"{right - left:.5g}"),
                    "height": float(f"{bottom - top:.5g}"),
                    "fate": fate,
                    "said": f"{times(anchors, 'anchor')}, best IoU {objects.best_iou[row]:.2f}",
                }
            )
        drawn.append({"image": own, "boxes": boxes})
    return drawn
