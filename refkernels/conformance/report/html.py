"""A check as one HTML file that needs nothing else: no network, no other file, no server."""

import os
import platform
from collections.abc import Iterator, Sequence
from importlib.resources import files
from pathlib import Path
from typing import Any, NamedTuple

import jinja2
import numpy as np

from refkernels.arrays import Array
from refkernels.arrays.printing import times
from refkernels.conformance.cases import find
from refkernels.conformance.engine.replay import load
from refkernels.conformance.engine.run import Result
from refkernels.conformance.model.dissent import Dissent
from refkernels.conformance.model.operator import Case, Operator
from refkernels.conformance.model.verdict import UNUSABLE, VERDICTS, failed
from refkernels.conformance.report.drawing import draw
from refkernels.conformance.report.summary import Summary, gathered, in_short, versions

__all__ = ["as_html"]

TEMPLATE = "report.html.jinja"

# More rows, columns and tables of an input are not shown, only counted.
MOST_ROWS, MOST_COLUMNS, MOST_TABLES = 12, 12, 4

# Longer texts to paste are of cases too large to be pasted.
LONGEST_PASTE = 20_000


class Table(NamedTuple):
    """A part of an input that has two axes; texts, with a row of column numbers."""

    caption: str
    columns: list[str]
    rows: list[tuple[str, list[str]]]
    more: str


def as_html(summary: Summary) -> str:
    """Return a summary as an HTML page."""
    environment = jinja2.Environment(
        autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    text = files(__package__).joinpath(TEMPLATE).read_text(encoding="utf-8")
    results = summary.results
    environment.globals["times"] = times
    return environment.from_string(text).render(
        summary=summary,
        options=[(name, value) for name, value in summary.options.items() if value != ()],
        python=platform.python_version(),
        versions=versions(),
        operators=[_operator(summary, result) for result in results],
        verdicts=[(name, VERDICTS[name], count) for name, count in summary.counts().items()],
        failures=sum(_tone(result.verdict) == "bad" for result in results),
        families=list(dict.fromkeys(find(result.operator).family for result in results)),
        cases=sum(result.cases + result.real_cases for result in results),
        ambiguous=sum(result.ambiguous for result in results),
    )


def _tone(verdict: str) -> str:
    if failed(verdict) or verdict in UNUSABLE:
        return "bad"
    return "none" if verdict == "absent" else "good"


def _operator(summary: Summary, result: Result) -> dict[str, Any]:
    operator = find(result.operator)
    said = [result.item, operator.family, result.verdict, result.note]
    said += [dissent.what for dissent in result.dissents]
    return {
        "name": result.item,
        "family": operator.family,
        "verdict": result.verdict,
        "meaning": VERDICTS[result.verdict],
        "tone": _tone(result.verdict),
        "cases": result.cases,
        "real_cases": result.real_cases,
        "floats": in_short(result.dtypes),
        "modes": ", ".join(result.modes),
        "contexts": ", ".join(result.contexts),
        "seconds": result.seconds,
        "seed": result.seed,
        "note": result.note,
        "remarks": result.remarks,
        "untried": result.untried,
        "not_offered": result.not_offered,
        "known": summary.known(result),
        "text": " ".join(said).lower(),
        "counterexamples": [_counterexample(operator, *own) for own in gathered(result.dissents)],
    }


def _counterexample(operator: Operator, dissent: Dissent, others: Sequence[str]) -> dict[str, Any]:
    case = dissent.case or _saved_case(dissent.saved)
    paste = dissent.paste
    if len(paste) > LONGEST_PASTE:
        paste = "# a case too large to be pasted"
    content = {
        "dissent": dissent,
        "likewise": ", ".join(others),
        "place": os.path.relpath(dissent.saved) if dissent.saved else "",
        "paste": paste,
        "call": "",
        "inputs": [],
        "drawings": [],
    }
    if case is None:
        return content
    cast = case.astype(dissent.dtype)
    inputs = [
        {
            "name": name,
            "dtype": array.dtype.name,
            "shape": " by ".join(map(str, array.shape)) or "a single number",
            "tables": list(_tables(array)),
        }
        for name, array in cast.inputs.items()
    ]
    call = cast.call(operator.name)
    return {**content, "call": call, "inputs": inputs, "drawings": draw(operator, cast)}


def _saved_case(place: str) -> Case | None:
    """Return a case that is too large to come with its dissent, if it was saved."""
    try:
        return load(Path(place)).case if place else None
    except ValueError:
        return None


def _tables(array: Array) -> Iterator[Table]:
    """Yield an array's last two axes as tables, for each of the first leading indices."""
    if not array.size:
        return
    lead = array.shape[:-2]
    count = int(np.prod(lead))
    for number, index in enumerate(np.ndindex(lead)):
        if number == MOST_TABLES:
            yield Table("", [], [], times(count - MOST_TABLES, "more table"))
            return
        part = array[index].reshape((1,) * max(0, 2 - array.ndim) + array.shape[-2:])
        caption = f"[{', '.join(map(str, index))}]" if lead else ""
        yield _table(caption, part, numbered=array.ndim > 1)


def _table(caption: str, part: Array, *, numbered: bool) -> Table:
    rows, columns = part.shape
    shown = part[:MOST_ROWS, :MOST_COLUMNS]
    more = []
    if rows > MOST_ROWS:
        more.append(times(rows - MOST_ROWS, "more row"))
    if columns > MOST_COLUMNS:
        more.append(times(columns - MOST_COLUMNS, "more column"))
    return Table(
        caption,
        [str(j) for j in range(shown.shape[1])],
        [(str(i) if numbered else "", _texts(row)) for i, row in enumerate(shown)],
        " and ".join(more),
    )


def _texts(row: Sequence[Any]) -> list[str]:
    # str of a NumPy number has the digits that its own dtype needs, no more.
    return [str(value) for value in row]
