"""A trace as a short table, in text and for notebooks."""

from html import escape
from typing import TYPE_CHECKING

from refkernels.arrays.printing import times
from refkernels.explain.trace.classes import label_of
from refkernels.explain.trace.phrases import number
from refkernels.explain.trace.records import Fate

if TYPE_CHECKING:
    from refkernels.explain.trace.trace import Trace

__all__ = ["as_html", "as_lines", "as_text", "headline", "html_table"]

# Ground truths that are shown; the rest is counted.
SHOWN = 20

Table = list[list[str]]


def headline(trace: "Trace") -> str:
    """Return what a trace is of, and the numbers of its samples."""
    sample = trace.anchors["sample"]
    return (
        f"{trace.name}: {times(len(sample), 'anchor')}, "
        f"{times(len(trace.truths), 'ground truth')}; "
        f"{int((sample > 0).sum())} positive, {int((sample < 0).sum())} negative, "
        f"{int((sample == 0).sum())} ignored"
    )


def as_text(trace: "Trace") -> str:
    """Return the headline, warnings, the anchors of each stage, and the ground truths."""
    stages, truths, rest = _tables(trace)
    parts = [headline(trace), *_warnings(trace), *as_lines(stages, "lr")]
    if len(trace.truths):
        sides = "rrrrrrl" if trace.classes is None else "rlrrrrrl"
        parts += ["", *as_lines(truths, sides)]
    return "\n".join([*parts, *([rest] if rest else [])])


def as_html(trace: "Trace") -> str:
    """Return the same as two tables of HTML."""
    stages, truths, rest = _tables(trace)
    tables = [stages, truths] if len(trace.truths) else [stages]
    told = [f"<p>{escape(line)}</p>" for line in (headline(trace), *_warnings(trace))]
    parts = [*told, *map(html_table, tables)]
    return "\n".join([*parts, *([f"<p>{escape(rest)}</p>"] if rest else [])])


def _warnings(trace: "Trace") -> list[str]:
    return [f"warning: {warning}" for warning in trace.warnings]


def _tables(trace: "Trace") -> tuple[Table, Table, str]:
    stages = [["decided by", "anchors"]]
    stages += [[stage.label, str(count)] for stage, count in trace.counts().items()]
    truths = [
        ["truth", "best anchor", f"best {_short(trace)}", "lost to", "anchors", "positive", "fate"]
    ]
    for record in trace.truths[:SHOWN]:
        truths.append(
            [
                str(record["truth"]),
                _or_none(record["best_anchor"]),
                _best(trace, record["best_iou"]),
                _or_none(record["lost_to"]),
                str(record["anchors"]),
                str(record["positives"]),
                Fate(record["fate"]).label,
            ]
        )
    if trace.classes is not None:
        truths[0].insert(1, "class")
        for truth, row in enumerate(truths[1:]):
            row.insert(1, label_of(trace, truth))
    more = len(trace.truths) - SHOWN
    return stages, truths, f"and {times(more, 'more ground truth')}" if more > 0 else ""


def _short(trace: "Trace") -> str:
    return "met" if trace.measure == "conditions met" else trace.measure


def _best(trace: "Trace", value: float) -> str:
    """Return an IoU with four decimals, and what can be of any size with four digits."""
    return f"{value:.4f}" if trace.measure == "IoU" else number(value)


def _or_none(number: int) -> str:
    return str(number) if number >= 0 else "-"


def as_lines(table: Table, sides: str) -> list[str]:
    """Return a table as lines, with columns to the left (l) or right (r) side."""
    widths = [max(len(row[i]) for row in table) for i in range(len(table[0]))]
    lines = []
    for row in table:
        cells = [
            cell.ljust(width) if side == "l" else cell.rjust(width)
            for cell, width, side in zip(row, widths, sides, strict=True)
        ]
        lines.append("  ".join(cells).rstrip())
    return lines


def html_table(table: Table) -> str:
    """Return a table, the first row of which is its head, as HTML.

    Examples
    --------
    >>> html_table([["class"], ["<b>"]])
    '<table><tr><th>class</th></tr><tr><td>&lt;b&gt;</td></tr></table>'
    """

    def row(cells: list[str], tag: str) -> str:
        """Return a row of cells in HTML, each in an element of this tag."""
        return "<tr>" + "".join(f"<{tag}>{escape(cell)}</{tag}>" for cell in cells) + "</tr>"

    head, *body = table
    return f"<table>{row(head, 'th')}{''.join(row(cells, 'td') for cells in body)}</table>"
