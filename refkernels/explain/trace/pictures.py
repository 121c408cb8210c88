"""Pictures of a trace: anchors by what decided on them, the greedy rounds, and best IoUs.

Only what matters is drawn, the rest is counted in the caption. Colours are those of Okabe and Ito
("Color Universal Design", 2008) and of cividis, which differ for colour-blind eyes too.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from refkernels.arrays import Array, rounded
from refkernels.explain.trace.records import MATCHED, Fate, Stage
from refkernels.matcher import MaximumMatcher
from refkernels.matcher.bipartite import sign_of
from refkernels.matcher.composite import flat

if TYPE_CHECKING:
    from refkernels.explain.trace.trace import Trace

__all__ = ["draw_best", "draw_boxes", "draw_matrix", "draw_trace"]

COLORS = {
    Stage.BIPARTITE: "#0072B2",
    Stage.SHARED: "#56B4E9",
    Stage.MAXIMUM: "#009E73",
    Stage.OTHER_MATCHER: "#F0E442",
    Stage.SAMPLER_THRESHOLD: "#F0E442",
    Stage.HARD_NEGATIVE: "#D55E00",
    Stage.QUOTA: "#CC79A7",
}
STYLES = {Stage.BIPARTITE: "solid", Stage.SHARED: (0, (5, 2)), Stage.MAXIMUM: (0, (1, 1.2))}
TRUTH, LOST, REGION = "black", "#D55E00", "#7F7F7F"

# What is drawn at most; the rest is counted.
ANCHORS, ROWS, COLUMNS = 40, 30, 20


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
    figure = _figure((17 if boxes else 11, 8.5))
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
    axis = _figure((9, 9)).subplots() if axis is None else axis
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


def draw_matrix(trace: "Trace", *, axis: Any = None) -> Any:
    """Draw the IoUs of the anchors that matter as a heat map, with the path of greedy rounds.

    Returns
    -------
    matplotlib.figure.Figure
        Numbers are rounds, joined in order; letters are s for a shared maximum, m for a maximum.
    """
    axis = _figure((8, 7)).subplots() if axis is None else axis
    rows, columns = _places(trace)
    measure = "IoU" if sign_of(flat(trace.matcher)[0]) > 0 else "distance"
    axis.set(title=f"{measure} and the path of the greedy rounds", ylabel="anchor")
    if not len(rows) or not len(columns):
        axis.set_xlabel(f"ground truth\nnothing to draw: {_rest(trace, 0, 0)}")
        axis.set(xticks=[], yticks=[])
        return axis.figure
    values = trace.ious[np.ix_(rows, columns)].astype(np.float64)
    top = max(1.0, float(values.max())) if measure == "IoU" else float(values.max())
    picture = axis.imshow(
        values, cmap="cividis", vmin=min(0.0, values.min()), vmax=top, aspect="auto"
    )
    axis.figure.colorbar(picture, ax=axis, label=measure, pad=0.02)
    axis.set_yticks(np.arange(len(rows)), [str(row) for row in rows], fontsize=7)
    names = trace.columns[columns]
    axis.set_xticks(np.arange(len(columns)), [str(name) for name in names], fontsize=8)
    place = {int(row): i for i, row in enumerate(rows)}
    column_of = {int(name): j for j, name in enumerate(names)}
    middle = values.min() + (top - values.min()) / 2

    def put(row: int, column: int, text: str, **style: Any) -> None:
        """Write into a cell, in black where it is light and in white where it is dark."""
        color = "black" if values[row, column] > middle else "white"
        axis.text(column, row, text, ha="center", va="center", fontsize=8, color=color, **style)

    first = trace.rounds["matcher"][0] if len(trace.rounds) else -1
    path = []
    for record in trace.rounds[trace.rounds["matcher"] == first]:
        if int(record["anchor"]) in place and int(record["truth"]) in column_of:
            path.append((column_of[int(record["truth"])], place[int(record["anchor"])]))
            put(path[-1][1], path[-1][0], str(record["round"]), fontweight="bold")
    if path:
        axis.plot(*zip(*path, strict=True), color="#E69F00", linewidth=1.2, alpha=0.8)
    for row in rows:
        record = trace.anchors[row]
        letter = {Stage.SHARED: "s", Stage.MAXIMUM: "m"}.get(int(record["matched_by"]))  # type: ignore[call-overload]
        if letter and int(record["match"]) in column_of:
            put(place[int(row)], column_of[int(record["match"])], letter)
    axis.set_xlabel(
        "ground truth\nnumber: greedy round, s: shared maximum, m: maximum\n"
        + _rest(trace, len(rows), len(columns))
    )
    return axis.figure


def draw_best(trace: "Trace", *, axis: Any = None) -> Any:
    """Draw a histogram of each ground truth's best IoU, with the thresholds.

    Returns
    -------
    matplotlib.figure.Figure
    """
    axis = _figure((7, 4)).subplots() if axis is None else axis
    measure = "IoU" if sign_of(flat(trace.matcher)[0]) > 0 else "distance"
    own = trace.truths[trace.truths["fate"] != Fate.NO_EXTENT]
    best, matched = own["best_iou"], own["fate"] == Fate.MATCHED
    high = 1.0 if measure == "IoU" else float(max(1.0, best.max(initial=0)))
    groups = [best[matched], best[~matched]] if (~matched).any() else [best[matched]]
    names = [f"with a positive anchor: {matched.sum()}", f"without: {(~matched).sum()}"]
    axis.hist(
        groups,
        bins=np.linspace(min(0.0, best.min(initial=0)), high, 21),
        stacked=True,
        color=[COLORS[Stage.BIPARTITE], LOST][: len(groups)],
        label=names[: len(groups)],
    )
    for value, name, style in _thresholds(trace):
        axis.axvline(
            value, color="black", linestyle=style, linewidth=1.2, label=f"{name} {value:.3g}"
        )
    axis.set(
        title=f"Best {measure} of each ground truth",
        xlabel=f"largest {measure} with any anchor" if measure == "IoU" else "smallest distance",
        ylabel="ground truths",
    )
    axis.yaxis.get_major_locator().set_params(integer=True)
    axis.legend(fontsize=8, loc="upper left", bbox_to_anchor=(0, -0.2), ncols=2, frameon=False)
    return axis.figure


def _thresholds(trace: "Trace") -> list[tuple[float, str, Any]]:
    found: dict[tuple[float, str], Any] = {}
    for matcher in flat(trace.matcher):
        if type(matcher) is MaximumMatcher:
            value = float(rounded(matcher.threshold, trace.ious.dtype))
            found[value, "maximum matcher's threshold"] = "dashed"
    for field, name in (
        ("pos_thresh", "sampler: positive from"),
        ("neg_thresh_high", "sampler: negative below"),
        ("thresh", "sampler: negative below"),
    ):
        if hasattr(trace.sampler, field):
            found[float(getattr(trace.sampler, field)), name] = "dotted"
    return [(value, name, style) for (value, name), style in found.items()]


def _places(trace: "Trace") -> tuple[Array, Array]:
    """Return the rows and columns of the matrix that are drawn, in the order of the rounds.

    So the path goes down the diagonal; below the anchor of its round, a ground truth has those of
    its others that overlap it most.
    """
    first = trace.rounds["matcher"][0] if len(trace.rounds) else -1
    rounds = trace.rounds[trace.rounds["matcher"] == first]
    place = np.full(len(trace.truths), len(trace.truths))
    place[rounds["truth"]] = np.arange(len(rounds))
    columns = np.argsort(place[trace.columns], kind="stable")[:COLUMNS]
    place[:] = len(trace.truths)
    place[trace.columns[columns]] = np.arange(len(columns))

    greedy = rounds["anchor"][:ROWS]
    heads = trace.truths["best_anchor"][trace.columns[columns]]
    others = np.flatnonzero(np.isin(trace.anchors["matched_by"], MATCHED))
    others = others[np.lexsort((-trace.anchors["iou"][others], trace.matches[others]))]
    starts = np.searchsorted(trace.matches[others], trace.matches[others])
    others = others[np.argsort(np.arange(len(others)) - starts, kind="stable")]
    wanted = np.concatenate([greedy, heads[heads >= 0], others])
    _, own = np.unique(wanted, return_index=True)
    rows = wanted[np.sort(own)][:ROWS]
    turn = np.append(place, len(place) + 1)[trace.matches[rows]]
    later = ~np.isin(rows, greedy)
    return rows[np.lexsort((-trace.anchors["iou"][rows], later, turn))], columns


def _rest(trace: "Trace", rows: int, columns: int) -> str:
    parts = [f"{len(trace.anchors) - rows} other anchors"]
    if len(trace.columns) > columns:
        parts.append(f"{len(trace.columns) - columns} other ground truths")
    return f"not shown: {', '.join(parts)}"


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
    return _matplotlib("lines").Line2D(
        [], [], color=color, linestyle=style, linewidth=width, label=label
    )


def _box(axis: Any, box: Array, **style: Any) -> None:
    corner, sides = (float(box[0]), float(box[1])), box[2:] - box[:2]
    axis.add_patch(
        _matplotlib("patches").Rectangle(corner, *map(float, sides), fill=False, **style)
    )


def _figure(size: tuple[float, float]) -> Any:
    return _matplotlib("figure").Figure(figsize=size, layout="constrained")


def _matplotlib(name: str) -> Any:
    try:
        return import_module(f"matplotlib.{name}")
    except ImportError as error:
        raise ImportError(
            f"pictures need matplotlib ({error}); install it with: pip install 'refkernels[viz]'"
        ) from None
