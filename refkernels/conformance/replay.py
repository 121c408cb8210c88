"""Save counterexamples so that they can be run again anywhere, and do so.

A failure is a folder of two files, ``case.json`` and ``arrays.npz``. They hold values, not random
choices, so neither the version of Hypothesis nor that of the strategies matters; and no pickles.
"""

import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from refkernels.conformance.examine import Dissent
from refkernels.conformance.spec import Case, Recipe

__all__ = ["FAILURES", "Saved", "load", "save", "saved_for"]

FAILURES = Path(".refkernels/failures")

FORMAT = 1


class Saved(NamedTuple):
    """A failure as it was saved.

    `dtype`, `mode` and `context` are those it was seen in; `what` is how the target differed.
    """

    target: str
    operator: str
    case: Case
    dtype: str
    mode: str
    context: str
    what: str


def save(folder: Path, target: str, operator: str, dissent: Dissent) -> Path:
    """Save a dissent's case below `folder`, whole or not at all, and return its place.

    The same case of the same operator has the same place.
    """
    assert dissent.case is not None
    case = dissent.case
    # An input is stored under its position: its name may not be one for a file.
    arrays = {f"input{i}": array for i, array in enumerate(case.inputs.values())}
    content = {
        "format": FORMAT,
        "target": target,
        "operator": operator,
        "config": _encode(dict(case.config)),
        "inputs": list(case.inputs),
        "dtype": dissent.dtype,
        "mode": dissent.mode,
        "context": dissent.context,
        "what": dissent.what,
    }
    digest = hashlib.sha256(
        json.dumps([content["config"], content["inputs"], dissent.dtype]).encode()
    )
    for array in arrays.values():
        digest.update(repr((array.dtype.str, array.shape)).encode() + array.tobytes())
    place = folder / f"{target}-{operator}-{dissent.dtype}-{digest.hexdigest()[:10]}"
    folder.mkdir(parents=True, exist_ok=True)
    beside = Path(tempfile.mkdtemp(prefix=".saving-", dir=folder))
    try:
        (beside / "case.json").write_text(json.dumps(content, indent=1) + "\n")
        np.savez(beside / "arrays.npz", **arrays)
        shutil.rmtree(place, ignore_errors=True)
        os.rename(beside, place)
    except BaseException:
        shutil.rmtree(beside, ignore_errors=True)
        raise
    return place


def load(place: Path) -> Saved:
    """Load what `save` wrote.

    Raises
    ------
    ValueError
        If it is not such a folder, or damaged; the message says what is wrong with it.
    """
    try:
        content = json.loads((place / "case.json").read_text())
        if content.get("format") != FORMAT:
            raise ValueError(f"format is {content.get('format')!r}, expected {FORMAT}")
        with np.load(place / "arrays.npz", allow_pickle=False) as stored:
            inputs = {name: stored[f"input{i}"] for i, name in enumerate(content["inputs"])}
        case = Case(_decode(content["config"]), inputs)
        rest = (str(content[key]) for key in ("dtype", "mode", "context", "what"))
        return Saved(content["target"], content["operator"], case, *rest)
    except FileNotFoundError as error:
        missing = Path(error.filename).name
        raise ValueError(f"{place}: not a saved failure: there is no {missing}") from None
    except NotADirectoryError:
        raise ValueError(f"{place}: not a saved failure: expected a folder") from None
    except KeyError as error:
        raise ValueError(f"{place}: damaged: no {error} in it") from None
    except Exception as error:
        raise ValueError(f"{place}: damaged: {error}") from None


def saved_for(folder: Path, target: str, operator: str) -> Iterator[Saved]:
    """Yield the failures below `folder` that were seen at this operator of this target."""
    for place in sorted(folder.glob(f"{target}-{operator}-*")):
        try:
            saved = load(place)
        except ValueError:
            continue  # what cannot be read any more cannot be tried first
        if (saved.target, saved.operator) == (target, operator):
            yield saved


def _encode(value: Any) -> Any:
    if isinstance(value, Recipe):
        return {"operator": value.name, "config": _encode(dict(value.config))}
    if isinstance(value, dict):
        return {name: _encode(item) for name, item in value.items()}
    if isinstance(value, (list, tuple)):
        kind = "tuple" if isinstance(value, tuple) else "list"
        return {kind: [_encode(item) for item in value]}
    if isinstance(value, np.generic):
        return value.item()
    return value


def _decode(value: Any) -> Any:
    if not isinstance(value, dict):
        return value
    if set(value) == {"operator", "config"}:
        return Recipe(value["operator"], _decode(value["config"]))
    if set(value) == {"tuple"}:
        return tuple(_decode(item) for item in value["tuple"])
    if set(value) == {"list"}:
        return [_decode(item) for item in value["list"]]
    return {name: _decode(item) for name, item in value.items()}
