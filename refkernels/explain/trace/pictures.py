"""Pictures of a trace: anchors by what decided on them, the greedy rounds, and best IoUs.

Only what matters is drawn, the rest is counted in the caption.
"""

from collections.abc import Sequence
from textwrap import wrap
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from refkernels.arrays import Array
from refkernels.arrays.printing import times
from refkernels.explain.trace.charts import draw_best, draw_matrix
from refkernels.explain.trace.classes import short
from refkernels.explain.trace.lines import Lines
from refkernels.explain.trace.looks import COLORS, DASHES, LOST, REGION, STYLES, figure_of
from refkernels.explain.trace.photo import fit, outside
from refkernels.explain.trace.records import Fate, Stage

if TYPE_CHECKING:
    from refkernels.explain.trace.trace import Trace

__all__ = ["draw_best", "draw_boxes", "draw_matrix", "draw_trace"]

# Anchors that are drawn at most; the rest is counted.
ANCHORS = 40

# Letters in a line of the caption.
WIDTH = 100


def draw_trace(
    trace: "Trace", image: npt.ArrayLike | None = None, *, size: Sequence[float] | None = None
) -> Any:
    """Draw all three pictures in one figure; of a trace of IoUs, the two that need no boxes.

    Parameters
    ----------
    trace : Trace
    image, size
        As for `draw_boxes`.

    Returns
    -------
    matplotlib.figure.Figure
    """
    boxes = trace.boxes is not None
    figure = figure_of((17 if boxes else 11, 8.5))
    grid = figure.add_gridspec(2, 3 if boxes else 2, height_ratios=(2, 1))
    if boxes:
        draw_boxes(trace, image, size=size, axis=figure.add_subplot(grid[:, :2]))
        draw_matrix(trace, axis=figure.add_subplot(grid[0, 2]))
        draw_best(trace, axis=figure.add_subplot(grid[1, 2]))
    else:
        draw_matrix(trace, axis=figure.add_subplot(grid[0, :]))
        draw_best(trace, axis=figure.add_subplot(grid[1, :]))
    return figure


def draw_boxes(
    trace: "Trace",
    image: npt.ArrayLike | None = None,
    *,
    size: Sequence[float] | None = None,
    most: int = ANCHORS,
    axis: Any = None,
) -> Any:
    """Draw ground truth, and the anchors that are matched or mined, coloured by stage.

    Parameters
    ----------
    trace : Trace
        Of an assigner.
    image : array_like, (H, W) or (H, W, 3), optional
        The image, which fills `size`, or else its own pixels; without one the canvas is blank.
    size : sequence of 2 or 4 float, optional
        Width and height of the image, in the unit of the boxes; or its corners, where something
        surrounds it.
    most : int, default 40
        How many anchors are drawn at most: of each stage some, those of largest IoU.
    axis : matplotlib.axes.Axes, optional
        Where to draw; by default a new figure.

    Returns
    -------
    matplotlib.figure.Figure
        What is not drawn, and what lies outside the image, is counted in its caption.

    Raises
    ------
    ValueError
        If the trace is one of IoUs, without boxes.
    """
    if trace.boxes is None or trace.anchor_boxes is None:
        raise ValueError("trace: has IoUs and no boxes, expected one of a TargetAssigner")
    axis = figure_of((9, 9)).subplots() if axis is None else axis
    place = fit(size) or fit(_extent(trace, image))
    assert place is not None
    lines = Lines(axis, image is not None)
    if image is not None:
        left, above, right, below = place
        axis.imshow(np.asarray(image), extent=(left, right, below, above), cmap="gray")
    handles: dict[str, Any] = {}
    for region in trace.regions if trace.regions is not None else ():
        lines.box(region, edgecolor=REGION, hatch="//", linewidth=0.6, alpha=0.6)
    if trace.regions is not None and len(trace.regions):
        handles["region"] = lines.key("ignored region", len(trace.regions), REGION, "solid", 1.0)
    drawn, positive = 0, 0
    shown = {stage: rows for stage in COLORS if len(rows := _of_stage(trace, stage))}
    total = sum(map(len, shown.values()))
    for turn, (stage, rows) in enumerate(sorted(shown.items(), key=lambda item: len(item[1]))):
        # The few of a stage all have a place; the many share what is left.
        room = -(-(most - drawn) // (len(shown) - turn))
        rows = rows[np.argsort(-trace.anchors["iou"][rows], kind="stable")]
        positive += int((trace.anchors["sample"][rows[room:]] > 0).sum())
        rows = rows[:room]
        drawn += len(rows)
        style = STYLES.get(stage, "solid")
        for row in rows:
            own = trace.anchor_boxes[row]
            lines.box(own, edgecolor=COLORS[stage], linestyle=style, linewidth=1.1, zorder=3)
        handles[stage.label] = lines.key(stage.label, len(shown[stage]), COLORS[stage], style, 1.4)
    width, height = place[2] + place[0], place[3] + place[1]
    axis.set(xlim=(0, width), ylim=(height, 0), aspect="equal", title=trace.name)
    for truth, record in zip(trace.boxes, trace.truths, strict=True):
        if record["fate"] == Fate.NO_EXTENT:
            continue
        has = record["fate"] == Fate.MATCHED
        lines.truth(truth, short(trace, int(record["truth"])), has)
    fate = trace.truths["fate"]
    own = int((fate == Fate.MATCHED).sum())
    handles["with"] = lines.key(
        "ground truth with a positive anchor", own, lines.color, "solid", 2.4
    )
    without = int(((fate != Fate.MATCHED) & (fate != Fate.NO_EXTENT)).sum())
    if without:
        handles["without"] = lines.key("ground truth without", without, LOST, DASHES, 2.4)
    axis.set(
        xlabel="\n".join(
            [
                "x in pixels of the network's input",
                *wrap(f"anchors not drawn: {_not_drawn(trace, total - drawn, positive)}", WIDTH),
                *_outside(trace, place),
            ]
        ),
        ylabel="y in pixels of the network's input",
    )
    order = ["with", "without", *(stage.label for stage in COLORS), "region"]
    axis.legend(
        handles=[handles[name] for name in order if name in handles],
        loc="lower left",
        bbox_to_anchor=(0, 1.05),
        ncols=3,
        fontsize=8,
        frameon=False,
        borderaxespad=0,
    )
    return axis.figure


def _of_stage(trace: "Trace", stage: Stage) -> Array:
    own = trace.anchors["stage"] == stage
    if stage == Stage.QUOTA:  # the positives that were left out; of negatives there are too many
        own &= trace.anchors["match"] >= 0
    return np.flatnonzero(own)


def _not_drawn(trace: "Trace", more: int, positive: int) -> str:
    rest = {
        stage: count
        for stage, count in trace.counts().items()
        if stage not in COLORS or stage == Stage.QUOTA
    }
    if Stage.QUOTA in rest:
        rest[Stage.QUOTA] -= len(_of_stage(trace, Stage.QUOTA))
    parts = [f"{count} {stage.label}" for stage, count in rest.items() if count]
    if more:
        parts.insert(0, f"{more} more of those above ({positive} positive)")
    return ", ".join(parts) if parts else "none"


def _outside(trace: "Trace", place: tuple[float, ...]) -> list[str]:
    """Return a line that counts the ground truths which are not wholly in the image, if any."""
    wholly, partly = outside(trace, place)
    parts = [
        f"{times(count, 'ground truth')} {how}"
        for count, how in ((wholly, "wholly"), (partly, "in part"))
        if count
    ]
    return [f"outside the image: {', '.join(parts)}"] if parts else []


def _extent(trace: "Trace", image: npt.ArrayLike | None) -> tuple[float, float]:
    if image is not None:
        height, width = np.shape(image)[:2]
        return float(width), float(height)
    corners = [boxes[:, 2:] for boxes in (trace.boxes, trace.regions) if boxes is not None]
    assert trace.anchor_boxes is not None  # as `draw_boxes` has seen
    # Anchors reach beyond the image, their centres do not.
    corners.append((trace.anchor_boxes[:, :2] + trace.anchor_boxes[:, 2:]) / 2)
    found = np.concatenate(corners).max(axis=0, initial=1.0)
    return float(found[0]), float(found[1])
