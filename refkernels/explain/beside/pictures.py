"""Assigners side by side in one picture."""

from typing import Any

import numpy as np
import numpy.typing as npt

from refkernels.arrays.printing import times
from refkernels.explain.beside.comparison import Comparison
from refkernels.explain.beside.marks import COLORS, marks_of
from refkernels.explain.trace.classes import short
from refkernels.explain.trace.lines import Lines
from refkernels.explain.trace.looks import figure_of
from refkernels.explain.trace.photo import fit, outside
from refkernels.explain.trace.records import Fate

__all__ = ["draw_comparison"]

# Ground truths that have bars; the rest is counted.
ROWS = 30


def draw_comparison(comparison: Comparison, image: npt.ArrayLike | None = None) -> Any:
    """Draw the objects and positive anchors of each assigner, in a row, and the numbers below.

    Parameters
    ----------
    comparison : Comparison
        Of traces of assigners.
    image : array_like, (H, W) or (H, W, 3), optional
        The image, under each.

    Returns
    -------
    matplotlib.figure.Figure
        Positive anchors have the colour of their ground truth; of points the centres are drawn. A
        ground truth without any has a broken line.

    Raises
    ------
    ValueError
        If traces are of IoUs, without boxes.
    """
    count = len(comparison.traces)
    bars = 1 + (0.08 + 0.1 * count) * min(len(comparison.positives), ROWS)
    figure = figure_of((4.6 * count, 4.6 + bars))
    grid = figure.add_gridspec(2, count, height_ratios=(4.6, bars))
    for place, (name, trace) in enumerate(comparison.traces.items()):
        axis = figure.add_subplot(grid[0, place])
        _draw(axis, name, trace, comparison.extents.get(name), image)
    _bars(figure.add_subplot(grid[1, :]), comparison)
    return figure


def _draw(axis: Any, name: str, trace: Any, extent: Any, image: Any) -> None:
    marks = marks_of(trace, extent)
    width, height = marks.extent
    lines = Lines(axis, image is not None)
    axis.set(xlim=(0, width), ylim=(height, 0), aspect="equal", xticks=[], yticks=[])
    place = fit(extent) or (0.0, 0.0, width, height)
    if image is not None:
        left, above, right, below = place
        axis.imshow(np.asarray(image), extent=(left, right, below, above), cmap="gray")
    for box, truth in zip(marks.boxes, marks.truths, strict=True):
        color = COLORS[truth % len(COLORS)]
        if marks.points:
            x, y = (float(own) for own in (box[:2] + box[2:]) / 2)
            edge = {"markeredgecolor": "black", "markeredgewidth": 0.8} if lines.on_photo else {}
            axis.plot(x, y, ".", color=color, markersize=7 if lines.on_photo else 5, **edge)
            continue
        lines.box(box, edgecolor=color, linewidth=0.9, alpha=0.8)
    for truth, (box, record) in enumerate(zip(marks.objects, trace.truths, strict=True)):
        if record["fate"] == Fate.NO_EXTENT:
            continue
        lines.truth(box, short(trace, truth), record["fate"] == Fate.MATCHED, 2)
    positive = int((trace.anchors["sample"] > 0).sum())
    without = int((~np.isin(trace.truths["fate"], (Fate.MATCHED, Fate.NO_EXTENT))).sum())
    rest = f", {marks.left_out} not drawn" if marks.left_out else ""
    beyond = sum(outside(trace, place))
    out = f"\n{times(beyond, 'ground truth')} not wholly in the image" if beyond else ""
    axis.set_title(
        f"{name}: {positive} positive{rest}\n{times(without, 'ground truth')} without{out}"
    )


def _bars(axis: Any, comparison: Comparison) -> None:
    """Draw the numbers of each ground truth as bars side by side, with 0 written out."""
    shown = comparison.positives[:ROWS]
    names = comparison.names
    thick = 0.8 / len(names)
    every = np.arange(len(shown))
    for place, name in enumerate(names):
        at = every + (place - (len(names) - 1) / 2) * thick
        bars = axis.barh(at, shown[:, place], thick, color=COLORS[place % len(COLORS)], label=name)
        axis.bar_label(bars, fontsize=6, padding=2)
    first = next(iter(comparison.traces.values()))
    axis.set_yticks(every, [short(first, int(truth)) for truth in every], fontsize=8)
    more = len(comparison.positives) - len(shown)
    axis.set(
        xlabel="positive anchors"
        + (f"; {times(more, 'more ground truth')} not shown" if more else ""),
        ylabel="ground truth",
        ylim=(len(shown) - 0.5, -0.5),
    )
    axis.legend(fontsize=8, frameon=False, loc="upper left", bbox_to_anchor=(1, 1))
