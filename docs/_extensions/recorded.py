"""The directive ``recorded``: a bench that `python -m bench --json` has recorded, as a table.

``{recorded} FILE`` gives a paragraph on the machine and a table a race. What is drawn of the same
file is drawn by the directive ``plot``.
"""

import json
from pathlib import Path
from typing import Any

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective


class Recorded(SphinxDirective):
    """Show what a bench has measured, beside which machine and versions it was."""

    required_arguments = 1

    def run(self) -> list[nodes.Node]:
        """Return the paragraph and the tables."""
        _, path = self.env.relfn2path(self.arguments[0])
        self.env.note_dependency(path)
        record = json.loads(Path(path).read_text())
        return [nodes.paragraph(text=_conditions(record)), *map(_table, record["races"])]


def _conditions(record: dict[str, Any]) -> str:
    machine = record["machine"]
    found = ", ".join(f"{name} {number}" for name, number in record["versions"].items() if number)
    return (
        f"{machine['processor']}, {machine['cores']} cores, {machine['system']}, Python "
        f"{machine['python']}, {found}; medians of {record['rounds']} rounds; ours 1 thread, "
        f"others {record['peer_threads']}; about {machine['load']:g} processes wanted a core when "
        "it began."
    )


def _table(race: dict[str, Any]) -> nodes.table:
    ours = race["contestants"][0]["median"]
    rows = [
        (
            each["name"],
            f"{1e3 * each['median']:.3f}",
            f"{1e3 * each['low']:.3f} to {1e3 * each['high']:.3f}",
            f"{each['median'] / ours:.1f}",
            each["result"],
        )
        for each in race["contestants"]
    ]
    head = ("", "ms", "quartiles", "times ours", "its result")
    table = nodes.table("", nodes.title(text=race["title"]), classes=["recorded"])
    group = nodes.tgroup(cols=len(head))
    group += [nodes.colspec(colwidth=1) for _ in head]
    group += nodes.thead("", _row(head))
    group += nodes.tbody("", *map(_row, rows))
    table += group
    return table


def _row(cells: tuple[str, ...]) -> nodes.row:
    return nodes.row("", *(nodes.entry("", nodes.paragraph(text=cell)) for cell in cells))


def setup(app: Sphinx) -> dict[str, Any]:
    """Register the directive."""
    app.add_directive("recorded", Recorded)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
