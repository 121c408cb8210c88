"""Save counterexamples so that they can be run again anywhere, and do so.

A failure is a folder of two files, ``case.json`` and ``arrays.npz``. They hold values, not random
choices, so neither the version of Hypothesis nor that of the strategies matters; and no pickles.
A broken law has no case: its folder says which law it is, and has no arrays.
"""

import errno
import hashlib
import json
import os
import re
import secrets
import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from glob import escape
from importlib.util import find_spec
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from refkernels.arrays.files import no_pipe
from refkernels.arrays.printing import times
from refkernels.conformance.cases import find
from refkernels.conformance.engine.examine import Examiner, Moment
from refkernels.conformance.model.dissent import Dissent
from refkernels.conformance.model.encoding import decode_config, encode_config
from refkernels.conformance.model.operator import Case
from refkernels.conformance.model.result import ALL_DTYPES, Result
from refkernels.conformance.peers.opening import declared
from refkernels.conformance.targets.target import Target

__all__ = ["FAILURES", "Saved", "load", "replay", "save", "saved_cases", "whose_code", "write"]

FAILURES = Path(".refkernels/failures")

FORMAT = 1

# Such a folder is not finished, or no longer wanted; it may be deleted.
UNFINISHED = ".unfinished"


class Saved(NamedTuple):
    """A failure as it was saved.

    `case` is as it was before it was cast to `dtype`, or None where `law` names the law that was
    broken. The rest says where and how it was seen, as in `Dissent`.
    """

    target: str
    operator: str
    case: Case | None
    law: str
    dtype: str
    mode: str
    context: str
    kind: str
    what: str

    @classmethod
    def of(cls, dissent: Dissent, target: str, operator: str) -> "Saved":
        """Return what is saved of a dissent."""
        seen = (dissent.dtype, dissent.mode, dissent.context, dissent.kind, dissent.what)
        return cls(target, operator, dissent.case, dissent.law, *seen)


def save(folder: Path, saved: Saved) -> Path:
    """Save a failure below `folder`, whole or not at all, and return its place.

    The same case of the same operator has the same place.
    """
    name = _folder_name(saved.target, saved.operator)
    place = folder / f"{name}-{saved.dtype}-{_digest(saved)}"
    folder.mkdir(parents=True, exist_ok=True)
    with _unfinished(place) as beside:
        write(beside, saved)
        while True:
            try:
                beside.rename(place)
                return place
            except OSError as error:
                if error.errno not in (errno.EEXIST, errno.ENOTEMPTY, errno.ENOTDIR):
                    raise
            # What is there may be damaged; it makes room in one step, whoever else saves here.
            with _unfinished(place) as aside, suppress(FileNotFoundError):
                place.rename(aside / "old")


def write(folder: Path, saved: Saved) -> None:
    """Write the files of a failure into an existing folder."""
    inputs: Mapping[str, Any] = {} if saved.case is None else saved.case.inputs
    content = saved._asdict()
    del content["case"]
    content["format"] = FORMAT
    content["config"] = encode_config({} if saved.case is None else saved.case.config)
    content["inputs"] = list(inputs)
    # An input is stored under its position: its name may not be one for a file.
    np.savez(folder / "arrays.npz", **{f"input{i}": x for i, x in enumerate(inputs.values())})
    text = json.dumps(content, indent=1, allow_nan=False)
    (folder / "case.json").write_text(f"{text}\n", encoding="utf-8")


def load(place: Path) -> Saved:
    """Load what `save` wrote.

    Raises
    ------
    ValueError
        If it is not such a folder, or damaged; the message says what is wrong with it.
    """
    try:
        content = json.loads(no_pipe(place / "case.json").read_text(encoding="utf-8"))
        if content["format"] != FORMAT:
            raise ValueError(f"format is {content['format']!r}, expected {FORMAT}")
        law = str(content.get("law", ""))
        case = None
        if not law:
            # Opened here: NumPy leaves a file that is no archive open.
            archive = no_pipe(place / "arrays.npz").open("rb")
            with archive, np.load(archive, allow_pickle=False) as stored:
                inputs = {name: stored[f"input{i}"] for i, name in enumerate(content["inputs"])}
            case = Case(decode_config(content["config"]), inputs)
        if content["dtype"] not in ALL_DTYPES:
            known = ", ".join(ALL_DTYPES)
            raise ValueError(f"dtype is {content['dtype']!r}, expected one of {known}")
        seen = (str(content.get(key, "")) for key in ("dtype", "mode", "context", "kind", "what"))
        return Saved(str(content["target"]), str(content["operator"]), case, law, *seen)
    except FileNotFoundError as error:
        missing = Path(error.filename).name
        if not place.exists():
            raise ValueError(f"{place}: there is no such folder") from None
        inside = sorted(place.glob("*/case.json"))
        hint = (
            f"; {times(len(inside), 'folder')} in it {'is' if len(inside) == 1 else 'are'}, "
            "such as "
            f"{inside[0].parent}"
            if inside
            else ""
        )
        raise ValueError(f"{place}: not a saved failure: there is no {missing}{hint}") from None
    except NotADirectoryError:
        raise ValueError(f"{place}: not a saved failure: expected a folder") from None
    except KeyError as error:
        raise ValueError(f"{place}: damaged: no {error} in it") from None
    except Exception as error:  # whatever a file that anybody may have written makes of JSON or zip
        reason = (str(error) or type(error).__name__).splitlines()[0]
        raise ValueError(f"{place}: damaged: {reason}") from None


def whose_code(place: Path, target: str) -> str:
    """Return why a saved failure's own target is not to be imported unasked, or "".

    Parameters
    ----------
    place : Path
        The folder that `load` loaded.
    target : str
        What it names: modules or bindings, separated by spaces.
    """
    if (place / "case.json").stat().st_uid != os.getuid():
        return "it was written by another user"
    for spec in target.split():
        name = re.split(r"[.:=]", spec)[0]
        with suppress(ImportError, ValueError):  # which the import itself says later
            found = find_spec(name)
            places = (
                [] if found is None else [found.origin, *(found.submodule_search_locations or ())]
            )
            if any(own and place.resolve() in Path(own).resolve().parents for own in places):
                return "that module lies in the same folder"
    return ""


def saved_cases(folder: Path, target: str, operator: str) -> Iterator[Case]:
    """Yield the cases below `folder` on which this operator of this target has failed."""
    for place in sorted(folder.glob(f"{escape(_folder_name(target, operator))}-*")):
        try:
            saved = load(place)
        except ValueError:
            continue  # what cannot be read any more cannot be tried first
        if (saved.target, saved.operator) == (target, operator) and saved.case is not None:
            yield saved.case


def replay(
    saved: Saved,
    target: Target,
    origin: str,
    *,
    strict: bool = False,
    watch: Callable[[Moment | None], None] = lambda moment: None,
) -> Result:
    """Run a failure again, in its dtype and in every mode and context there is.

    Parameters
    ----------
    saved : Saved
        The failure.
    target : Target
        What to run it on: where it was seen, or another.
    origin : str
        Where it comes from, for the report.
    strict : bool
        Whether declared divergences are none.
    watch : callable
        As `Examiner` takes it.
    """
    name = saved.operator.rpartition("=")[2]
    operator = find(name).as_given(*target.representation.gives)
    missing = [need for need in operator.needs if target.find(need) is None]
    if missing:
        return Result(name, "absent", note=f"{target.module} has no {missing[0]}")
    divergences = () if strict else declared(target.module, name, target.place, target.spec)
    examiner = Examiner(operator, target, divergences=divergences, watch=watch)
    result = Result(
        name,
        "conforms",
        cases=1,
        place=target.place,
        dtypes=(saved.dtype,),
        modes=tuple(examiner.modes),
        contexts=tuple(examiner.contexts),
    )
    if saved.case is not None:
        dissent = examiner.examine(saved.case, origin, (saved.dtype,))
    elif saved.law in {law.name for law in operator.laws}:
        dissent = examiner.examine_laws(saved.law)
    else:
        note = f"{name} has no law that {saved.law}"
        return Result(name, "error", note=note)
    result.known = dict(examiner.known)
    if dissent is not None:
        result.verdict = dissent.kind
        result.dissents.append(dissent)
    elif result.known:
        result.verdict = "known"
    return result


def _folder_name(target: str, operator: str) -> str:
    """Return the start of a folder's name: of a binding its item, else target and operator."""
    name = operator if "=" in operator else f"{target}-{operator}"
    return re.sub(r"[^\w.=-]", "-", name)


@contextmanager
def _unfinished(place: Path) -> Iterator[Path]:
    """Make a folder beside `place`, which is removed in the end if it is still there."""
    # A name that is never used twice: once renamed, it must not be removed under somebody else.
    folder = place.with_name(f"{UNFINISHED}-{secrets.token_hex(8)}")
    folder.mkdir()
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _digest(saved: Saved) -> str:
    """Return a name for a case or law that is the same wherever and whenever it is found."""
    case = saved.case or Case({}, {})
    said = [encode_config(case.config), list(case.inputs), saved.dtype]
    digest = hashlib.sha256(json.dumps([*said, saved.law] if saved.law else said).encode())
    for array in case.inputs.values():
        digest.update(repr((array.dtype.str, array.shape)).encode() + array.tobytes())
    return digest.hexdigest()[:10]
