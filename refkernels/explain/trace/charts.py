"""The numbers of a trace as pictures: what was compared, and the best of each ground truth."""

from typing import TYPE_CHECKING, Any

import numpy as np

from refkernels.arrays import Array, rounded
from refkernels.arrays.printing import times
from refkernels.explain.trace.best import is_threshold
from refkernels.explain.trace.classes import short
from refkernels.explain.trace.looks import COLORS, LETTERS, LOST, figure_of
from refkernels.explain.trace.records import MATCHED, Fate, Stage
from refkernels.matcher import MaximumMatcher
from refkernels.matcher.bipartite import sign_of
from refkernels.matcher.composite import flat

if TYPE_CHECKING:
    from refkernels.explain.trace.trace import Trace

__all__ = ["draw_best", "draw_matrix"]

# Rows and columns that are drawn at most; the rest is counted.
ROWS, COLUMNS = 30, 20


def draw_matrix(trace: "Trace", *, axis: Any = None) -> Any:
    """Draw the IoUs of the anchors that matter as a heat map, with the path of greedy rounds.

    Returns
    -------
    matplotlib.figure.Figure
        Numbers are rounds, joined in order; letters are s for a shared maximum, m for a maximum.
    """
    axis = figure_of((8, 7)).subplots() if axis is None else axis
    rows, columns = _places(trace)
    measure, _ = measure_of(trace)
    path_too = " and the path of the greedy rounds" if len(trace.rounds) else ""
    axis.set(title=f"{measure}{path_too}", ylabel="anchor")
    if not len(rows) or not len(columns):
        axis.set_xlabel(f"ground truth\nnothing to draw: {_rest(trace, 0, 0)}")
        axis.set(xticks=[], yticks=[])
        return axis.figure
    values = trace.pairs.rows(rows)[:, columns].astype(np.float64)
    top = max(1.0, float(values.max())) if measure == "IoU" else float(values.max())
    picture = axis.imshow(
        values, cmap="cividis", vmin=min(0.0, values.min()), vmax=top, aspect="auto"
    )
    axis.figure.colorbar(picture, ax=axis, label=measure, pad=0.02)
    axis.set_yticks(np.arange(len(rows)), [str(row) for row in rows], fontsize=7)
    names = trace.columns[columns]
    words = [short(trace, int(name), 14) for name in names]
    turn = 0 if trace.classes is None else 90
    axis.set_xticks(np.arange(len(columns)), words, fontsize=8, rotation=turn)
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
        letter = LETTERS.get(int(record["matched_by"]))  # type: ignore[call-overload]
        if letter and int(record["match"]) in column_of:
            put(place[int(row)], column_of[int(record["match"])], letter)
    stages = {int(stage) for stage in trace.anchors["matched_by"][rows]}
    keys = ["number: greedy round"] if path else []
    keys += [f"{own}: {stage.label}" for stage, own in LETTERS.items() if int(stage) in stages]
    key = ", ".join(keys)
    axis.set_xlabel(f"ground truth\n{key}\n{_rest(trace, len(rows), len(columns))}")
    return axis.figure


def draw_best(trace: "Trace", *, axis: Any = None) -> Any:
    """Draw a histogram of each ground truth's best IoU, with the thresholds.

    Returns
    -------
    matplotlib.figure.Figure
    """
    axis = figure_of((7, 4)).subplots() if axis is None else axis
    measure, sign = measure_of(trace)
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
        xlabel=f"{'largest' if sign > 0 else 'smallest'} {measure} with any anchor",
        ylabel="ground truths",
    )
    axis.yaxis.get_major_locator().set_params(integer=True)
    axis.legend(fontsize=8, loc="upper left", bbox_to_anchor=(0, -0.35), ncols=2, frameon=False)
    return axis.figure


def measure_of(trace: "Trace") -> tuple[str, int]:
    """Return what the first matcher compares, and 1 if more of it is better, else -1."""
    if trace.reading is not None:
        return trace.measure, trace.reading.sign
    sign = sign_of(flat(trace.matcher)[0])
    return (trace.measure if sign > 0 else "distance"), sign


def _thresholds(trace: "Trace") -> list[tuple[float, str, Any]]:
    found: dict[tuple[float, str], Any] = {}
    for matcher in flat(trace.matcher):
        if type(matcher) is MaximumMatcher:
            value = float(rounded(matcher.threshold, trace.pairs.dtype))
            found[value, "maximum matcher's threshold"] = "dashed"
        elif is_threshold(matcher):
            own: Any = matcher
            for limit, name in ((own.high, "high threshold"), (own.low, "low threshold")):
                if limit is not None:
                    found[float(rounded(limit, trace.pairs.dtype)), name] = "dashed"
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
    _, sign = measure_of(trace)
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
    others = others[np.lexsort((-sign * trace.anchors["iou"][others], trace.matches[others]))]
    starts = np.searchsorted(trace.matches[others], trace.matches[others])
    others = others[np.argsort(np.arange(len(others)) - starts, kind="stable")]
    wanted = np.concatenate([greedy, heads[heads >= 0], others])
    _, own = np.unique(wanted, return_index=True)
    rows = wanted[np.sort(own)][:ROWS]
    turn = np.append(place, len(place) + 1)[trace.matches[rows]]
    later = ~np.isin(rows, greedy)
    return rows[np.lexsort((-sign * trace.anchors["iou"][rows], later, turn))], columns


def _rest(trace: "Trace", rows: int, columns: int) -> str:
    parts = [times(len(trace.anchors) - rows, "other anchor")]
    if len(trace.columns) > columns:
        parts.append(times(len(trace.columns) - columns, "other ground truth"))
    return f"not shown: {', '.join(parts)}"
