"""A trace as JSON: its records and sentences, of ground truths and of anchors near a decision."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from refkernels.explain.trace.classes import class_of
from refkernels.explain.trace.nearest import nearest_anchors
from refkernels.explain.trace.phrases import name_of
from refkernels.explain.trace.records import Fate, Stage

if TYPE_CHECKING:
    from refkernels.explain.trace.trace import Trace

__all__ = ["as_json", "write_json"]

MOST_ANCHORS = 2000


def as_json(trace: "Trace", most: int = MOST_ANCHORS) -> dict[str, Any]:
    """Return a trace as what `json.dumps` takes.

    Parameters
    ----------
    trace : Trace
    most : int, default 2000
        How many anchors have a record: what is matched or positive first, then the nearest misses.

    Examples
    --------
    >>> from refkernels.explain import explain
    >>> from refkernels.matcher import MaximumMatcher
    >>> made = as_json(explain(MaximumMatcher(0.5), [[0.75], [0.375]]))
    >>> made["counts"], made["truths"][0]["fate"], made["anchors"][1]["match"]
    ({'maximum': 1, 'threshold missed': 1}, 'matched', -1)
    """
    chosen = nearest_anchors(trace, most)
    return {
        "name": trace.name,
        "matcher": name_of(trace.matcher),
        "sampler": name_of(trace.sampler),
        "measure": trace.measure,
        "counts": {stage.label: count for stage, count in trace.counts().items()},
        "truths": [
            {
                **_plain(record),
                "fate": Fate(record["fate"]).label,
                "class": class_of(trace, truth),
                "why": trace.why_truth(truth),
            }
            for truth, record in enumerate(trace.truths)
        ],
        "anchors": [
            {
                **_plain(trace.anchors[anchor]),
                "stage": Stage(trace.anchors["stage"][anchor]).label,
                "matched_by": _label(trace.anchors["matched_by"][anchor]),
                "why": trace.why(int(anchor)),
            }
            for anchor in chosen
        ],
        "anchors_left_out": len(trace.anchors) - len(chosen),
    }


def write_json(trace: "Trace", path: Path) -> None:
    """Write a trace as JSON, whole or not at all."""
    from refkernels.assign.dataset.durable import write_bytes

    write_bytes(path, json.dumps(as_json(trace), indent=1, allow_nan=False).encode())


def _label(stage: int) -> str | None:
    return Stage(stage).label if stage >= 0 else None


def _plain(record: Any) -> dict[str, Any]:
    """Return a record as plain numbers, with none for nan."""
    named = zip(record.dtype.names, record.item(), strict=True)
    return {name: None if value != value else value for name, value in named}
