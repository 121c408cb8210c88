"""Two dumps compared, as a notebook shows it: the sentences first, then the stages."""

from html import escape
from typing import TYPE_CHECKING

from refkernels.explain.diff.anchor_words import SIDES
from refkernels.explain.diff.headline import input_in_words
from refkernels.explain.diff.words import contents, stage_lines, state, verdict, why_of
from refkernels.explain.trace.tables import html_table

if TYPE_CHECKING:
    from refkernels.explain.diff.compare import Difference

__all__ = ["as_html"]


def as_html(found: "Difference", shown: int = 3) -> str:
    """Return a comparison as HTML, of which all that a dump says is escaped.

    Parameters
    ----------
    found : Difference
    shown : int
        How many anchors of a stage and a cause are explained.
    """
    lead, *others = verdict(found)
    parts = [f"<p><strong>{escape(lead)}</strong></p>"]
    parts += [f"<p>{escape(own)}</p>" for own in others]
    for side, dump in zip(SIDES, found.sources, strict=True):
        parts.append(f"<p>{escape(f'{side}: {dump.name}: {contents(dump)}')}</p>")
    parts += [f"<p>{escape(input_in_words(own))}</p>" for own in found.inputs]
    rows = [["stage", *SIDES, "anchors that differ", "because"]]
    for stage in found.stages:
        states = [state(stage, side) for side in (0, 1)]
        rows.append([stage.stage.name, *states, str(stage.differing), why_of(stage)])
    parts.append(html_table(rows))
    for stage in found.stages:
        if lines := stage_lines(found, stage, shown):
            told = "<br>".join(map(escape, lines))
            parts.append(f"<p>{told}</p>")
    return "\n".join(parts)
