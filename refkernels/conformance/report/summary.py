"""All that a check has to say, and how it is written to files."""

import json
import os
import platform
import secrets
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timezone
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from refkernels.conformance.cases import find
from refkernels.conformance.engine.run import Result
from refkernels.conformance.model.bfloat16 import BFLOAT16
from refkernels.conformance.model.dissent import Dissent
from refkernels.conformance.model.operator import DTYPES, INTEGERS
from refkernels.conformance.model.verdict import FAILED, exit_status, failed

__all__ = ["Summary", "as_json", "gathered", "in_short", "versions", "write"]

FORMAT = 1

PACKAGES = ("numpy", "numba", "mxnet", "torch", "jax", "hypothesis")


def versions(*packages: str) -> dict[str, str]:
    """Return the versions of refkernels and of packages, by default of all that matter to it.

    They are read from the packages' metadata: nothing is imported.
    """
    import refkernels

    found = {"refkernels": refkernels.__version__}
    for package in packages or PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            continue
    return found


@dataclass(frozen=True)
class Summary:
    """A finished check.

    Parameters
    ----------
    target : str
        The module under test.
    results : sequence of Result
        In the order in which they are shown.
    seconds : float
        How long it took.
    options : mapping
        What it was asked for: `Options` as a dict.
    """

    target: str
    results: Sequence[Result]
    seconds: float
    options: Mapping[str, Any]
    finished: datetime = field(default_factory=lambda: datetime.now(timezone.utc))

    @property
    def status(self) -> int:
        """The exit status."""
        return exit_status(result.verdict for result in self.results)

    def counts(self) -> dict[str, int]:
        """Return how many operators have each verdict, the most frequent first."""
        return dict(Counter(result.verdict for result in self.results).most_common())

    def known(self, result: Result) -> list[dict[str, Any]]:
        """Return the declared divergences of an operator: id, why, how many cases met them, a call.

        That they are still there is shown by a witness each, whatever was drawn.
        """
        if result.verdict not in ("known", *FAILED):
            return []
        return [
            {
                "id": id_,
                "why": why,
                "cases": result.known.get(id_, 0),
                "call": result.calls.get(id_, ""),
            }
            for id_, why in result.accepted.items()
        ]

    def said(self, what: str) -> dict[tuple[str, str], list[str]]:
        """Return what is "untried" or "not_offered", and why, with the operators that it holds of.

        What an operator has for one and the same reason is told together.
        """
        found: dict[tuple[str, str], list[str]] = {}
        for result in self.results:
            reasons: dict[str, list[str]] = {}
            for own, why in getattr(result, what).items():
                reasons.setdefault(why, []).append(own)
            for why, together in reasons.items():
                found.setdefault((", ".join(together), why), []).append(result.item)
        return found


def in_short(dtypes: Sequence[str]) -> str:
    """Return the dtypes that an operator was run in, in a few letters.

    >>> in_short(["float16", "float32", "int32", "uint8"])
    '16 32 int'
    """
    floats = [dtype.replace("float", "") for dtype in dtypes if dtype in (*DTYPES, BFLOAT16)]
    return " ".join([*floats, *(["int"] if set(dtypes) & set(INTEGERS) else [])])


def gathered(dissents: Sequence[Dissent]) -> list[tuple[Dissent, list[str]]]:
    """Return those to be told one by one, each with the other dtypes that the same holds in.

    It is the same where an equal case differs in the same way, in the same mode and context.
    """
    found: dict[tuple[str, ...], tuple[Dissent, list[str]]] = {}
    for own in dissents:
        essence = own.paste.replace(own.dtype, "")
        if own.case is not None:  # integers are written otherwise than reals
            arrays = {
                name: (x.shape, x.astype(float).tolist()) for name, x in own.case.inputs.items()
            }
            essence = f"{own.case.config!r} {arrays!r}"
        key = (own.who, own.kind, own.law, own.mode, own.context, essence)
        if key not in found:
            found[key] = own, []
        elif own.dtype not in (found[key][0].dtype, *found[key][1]):
            found[key][1].append(own.dtype)
    return list(found.values())


def as_json(summary: Summary) -> str:
    """Return a summary as JSON; docs/checking.md says what its fields mean."""
    operators = []
    for result in summary.results:
        operator = {
            **result.as_json(),
            "family": find(result.operator).family,
            "failed": failed(result.verdict),
            "known": summary.known(result),
        }
        del operator["accepted"], operator["calls"]  # which are in `known`
        operators.append(operator)
    content = {
        "format": FORMAT,
        "target": summary.target,
        "finished": summary.finished.isoformat(timespec="seconds"),
        "seconds": round(summary.seconds, 3),
        "exit_status": summary.status,
        "counts": summary.counts(),
        "options": dict(summary.options),
        "python": platform.python_version(),
        "versions": versions(),
        "operators": operators,
    }
    return json.dumps(content, indent=1, allow_nan=False) + "\n"


def write(path: Path, text: str) -> None:
    """Write a report beside its place, then rename it: whole or not at all."""
    beside = path.with_name(f".{path.name}-{secrets.token_hex(4)}")
    try:
        # A target's messages may hold what is no text, such as half a surrogate pair.
        beside.write_text(text, encoding="utf-8", errors="backslashreplace")
        os.replace(beside, path)
    finally:
        beside.unlink(missing_ok=True)
