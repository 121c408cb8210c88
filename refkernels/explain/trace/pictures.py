"""Pictures of a trace: anchors by what decided on them, the greedy rounds, and best IoUs.

Only what matters is drawn, the rest is counted in the caption.
"""

from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from refkernels.arrays import Array
from refkernels.explain.trace.charts import draw_best, draw_matrix
from refkernels.explain.trace.looks import (
    COLORS,
    LOST,
    REGION,
    STYLES,
    TRUTH,
    figure_of,
    matplotlib_of,
)
from refkernels.explain.trace.records import Fate, Stage

if TYPE_CHECKING:
    from refkernels.explain.trace.trace import Trace

__all__ = ["draw_best", "draw_boxes", "draw_matrix", "draw_trace"]

# Anchors that are drawn at most; the rest is counted.
ANCHORS = 40


def draw_trace(
    trace: "Trace", image: npt.ArrayLike | None = None, *, size: tuple[float, float] | None = None
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
    size: tuple[float, float] | None = None,
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
    size : tuple of float, optional
        Width and height of the canvas, in the unit of the boxes.
    most : int, default 40
        How many anchors are drawn at most: of each stage some, those of largest IoU.
    axis : matplotlib.axes.Axes, optional
        Where to draw; by default a new figure.

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    ValueError
        If the trace is one of IoUs, without boxes.
    """
    if trace.boxes is None or trace.anchor_boxes is None:
        raise ValueError("trace: has IoUs and no boxes, expected one of a TargetAssigner")
    axis = figure_of((9, 9)).subplots() if axis is None else axis
    extent = _extent(trace, image, size)
    if image is not None:
        axis.imshow(np.asarray(image), extent=(0, extent[0], extent[1], 0), cmap="gray", alpha=0.7)
    handles: dict[str, Any] = {}
    for region in trace.regions if trace.regions is not None else ():
        _box(axis, region, edgecolor=REGION, hatch="//", linewidth=0.6, alpha=0.6)
    if trace.regions is not None and len(trace.regions):
        handles["region"] = _key("ignored region", len(trace.regions), REGION, "solid", 1.0)
    drawn = 0
    shown = {stage: rows for stage in COLORS if len(rows := _of_stage(trace, stage))}
    total = sum(map(len, shown.values()))
    for turn, (stage, rows) in enumerate(sorted(shown.items(), key=lambda item: len(item[1]))):
        # The few of a stage all have a place; the many share what is left.
        room = -(-(most - drawn) // (len(shown) - turn))
        rows = rows[np.argsort(-trace.anchors["iou"][rows], kind="stable")][:room]
        drawn += len(rows)
        for row in rows:
            _box(
                axis,
                trace.anchor_boxes[row],
                edgecolor=COLORS[stage],
                linestyle=STYLES.get(stage, "solid"),
                linewidth=1.1,
                zorder=3,
            )
        style = STYLES.get(stage, "solid")
        handles[stage.label] = _key(stage.label, len(shown[stage]), COLORS[stage], style, 1.4)
    for truth, record in zip(trace.boxes, trace.truths, strict=True):
        if record["fate"] == Fate.NO_EXTENT:
            continue
        color = TRUTH if record["fate"] == Fate.MATCHED else LOST
        _box(axis, truth, edgecolor=color, linewidth=2.4, zorder=4)
        axis.annotate(
            str(record["truth"]),
            (float(truth[0]), float(truth[1])),
            textcoords="offset points",
            xytext=(1, 3),
            fontsize=8,
            color="white",
            bbox={"facecolor": color, "edgecolor": "none", "pad": 1},
            zorder=5,
            clip_on=True,
        )
    fate = trace.truths["fate"]
    own = int((fate == Fate.MATCHED).sum())
    handles["with"] = _key("ground truth with a positive anchor", own, TRUTH, "solid", 2.4)
    without = int(((fate != Fate.MATCHED) & (fate != Fate.NO_EXTENT)).sum())
    if without:
        handles["without"] = _key("ground truth without", without, LOST, "solid", 2.4)
    axis.set(
        xlim=(0, extent[0]),
        ylim=(extent[1], 0),
        aspect="equal",
        title=trace.name,
        xlabel=_caption(trace, total, drawn),
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


def _caption(trace: "Trace", total: int, drawn: int) -> str:
    rest = {
        stage: count
        for stage, count in trace.counts().items()
        if stage not in COLORS or stage == Stage.QUOTA
    }
    if Stage.QUOTA in rest:
        rest[Stage.QUOTA] -= len(_of_stage(trace, Stage.QUOTA))
    parts = [f"{count} {stage.label}" for stage, count in rest.items() if count]
    if total > drawn:
        parts.insert(0, f"{total - drawn} more of those above")
    lines = [f"anchors not drawn: {', '.join(parts) if parts else 'none'}"]
    return "\n".join(["x in pixels of the network's input", *lines])


def _extent(
    trace: "Trace", image: npt.ArrayLike | None, size: tuple[float, float] | None
) -> tuple[float, float]:
    if size is not None:
        return size
    if image is not None:
        height, width = np.shape(image)[:2]
        return float(width), float(height)
    corners = [boxes[:, 2:] for boxes in (trace.boxes, trace.regions) if boxes is not None]
    assert trace.anchor_boxes is not None  # as `draw_boxes` has seen
    # Anchors reach beyond the image, their centres do not.
    corners.append((trace.anchor_boxes[:, :2] + trace.anchor_boxes[:, 2:]) / 2)
    found = np.concatenate(corners).max(axis=0, initial=1.0)
    return float(found[0]), float(found[1])


def _key(name: str, count: int, color: str, style: Any, width: float) -> Any:
    label = f"{name}: {count}"
    return matplotlib_of("lines").Line2D(
        [], [], color=color, linestyle=style, linewidth=width, label=label
    )


def _box(axis: Any, box: Array, **style: Any) -> None:
    corner, sides = (float(box[0]), float(box[1])), box[2:] - box[:2]
    axis.add_patch(
        matplotlib_of("patches").Rectangle(corner, *map(float, sides), fill=False, **style)
    )
