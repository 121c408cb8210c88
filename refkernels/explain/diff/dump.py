"""Dumps of an assignment: its inputs, its stages and its operators, in one ``.npz``.

Anybody can write one with `numpy.savez`; docs/diff.md says which arrays have which names and
shapes. There are no pickles in it, neither written nor read.
"""

import json
import os
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any
from uuid import uuid4

import numpy as np

from refkernels.arrays import Array, as_indices, as_mask, as_real, require
from refkernels.arrays.files import no_pipe
from refkernels.arrays.printing import times
from refkernels.bbox import BBoxBatchIOU
from refkernels.chain.matching import PREDICTING
from refkernels.chain.roles import INPUTS, OPTIONAL, PLACES, Place
from refkernels.chain.writing import decode_contract, encode_contract
from refkernels.coder import NormalizedPerClassBoxCenterEncoder
from refkernels.explain.trace.warnings import is_padding
from refkernels.sampler import NaiveSampler

__all__ = ["Dump", "has_batch", "make_dump", "read_config", "read_dump"]

CONFIG = "config"

# Results that may be integers; those of other names are real.
WHOLE = ("matches", "samples", "cls_targets", "cls_masks", "indices")

# Inputs that are whole numbers or masks; those that may be infinite.
COUNTS, MASKS, INFINITE = ("levels", "candidates"), ("inside", "valid"), ("ranges",)

AXES = {
    "B": "image", "N": "anchor", "M": "object", "K": "score", "L": "level", "P": "row",
    "C": "class",
}  # fmt: skip

# Up to so many bytes a dump may unpack to whatever its size; above, to so many times its size.
UNPACKED, PACKED = 2**30, 200


@dataclass(frozen=True)
class Dump:
    """A dump that has been read and checked.

    Attributes
    ----------
    name : str
        What it is called in messages: its file.
    arrays : dict of str to numpy.ndarray
        Inputs and results by name, all with their batch axis.
    operators : dict of str to operator
        The operators by their place (`refkernels.chain.roles.ROLES`).
    about : str
        What whoever made it has to say of it.
    """

    name: str
    arrays: dict[str, Array]
    operators: dict[str, Any] = field(default_factory=dict)
    about: str = ""

    @property
    def stages(self) -> tuple[Place, ...]:
        """The stages whose results it has."""
        return tuple(stage for stage in PLACES if stage.name in self.arrays)

    @property
    def shape(self) -> tuple[int, int]:
        """The number of images, and that of anchors."""
        images = len(self.arrays[self.stages[0].name])  # anchors may be those of one for all
        names = ("anchors", "ious", "matches", "samples", "cls_targets", "box_targets")
        return images, next(self.arrays[name].shape[1] for name in names if name in self.arrays)

    def not_held(self, stage: Place) -> str:
        """Say what is missing for a stage to be derived again, or return ''."""
        if stage.role not in self.operators:
            return "nothing says what made it"
        needs = self.needs(stage, self.operators[stage.role])
        missing = [name for name in needs if name not in self.arrays]
        return f"made of {' and '.join(missing)}, not in it" if missing else ""

    def needs(self, stage: Place, operator: Any) -> tuple[str, ...]:
        """Return the names of what an operator at a stage makes its results of here.

        Candidates that are not written down are those that the matches make.
        """
        return tuple(
            "matches" if name == "candidates" and name not in self.arrays else name
            for name in stage.needs(operator)
        )

    def called_with(self, stage: Place, operator: Any) -> tuple[Array, ...]:
        """Return what an operator at a stage is called with here."""
        arrays = dict(self.arrays)
        if "candidates" in stage.needs(operator) and "candidates" not in arrays:
            arrays["candidates"] = NaiveSampler()(arrays["matches"])
        given = [arrays[name] for name in stage.needs(operator)]
        taken = stage.operators.get(type(operator).__name__, {}).values()
        return (*given, *(arrays[name] for name in taken if name in OPTIONAL and name in arrays))

    @property
    def real(self) -> Array | None:
        """The objects (B, M) that are no padding, if it has boxes."""
        boxes = self.arrays.get("boxes")
        return None if boxes is None else np.asarray(~is_padding(boxes))

    def image(self, place: int) -> dict[str, Array]:
        """Return the arrays of one image; the anchors of one may stand for all."""
        return {
            name: array[min(place, len(array) - 1)] if has_batch(name) else array
            for name, array in self.arrays.items()
        }

    def objects(self, place: int) -> int:
        """Return the number of an image's objects, without those at the end that only pad."""
        if self.real is not None:
            return int(np.flatnonzero(self.real[place]).max(initial=-1)) + 1
        names = (name for name, axes in INPUTS.items() if axes == "BNM" and name in self.arrays)
        return int(self.arrays["ious" if "ious" in self.arrays else next(names)].shape[2])

    def given_to_matcher(self, place: int) -> dict[str, Array]:
        """Return what the matcher was called with for an image, by the names of its arguments."""
        matcher, stage = self.operators["matcher"], PLACES[1]
        own, count = self.image(place), self.objects(place)
        names = stage.operators[type(matcher).__name__]
        found = {key: own[name] for key, name in names.items() if name in own}
        for key, array in found.items():
            axes = INPUTS.get(names[key], "BNM")
            if "M" in axes:
                found[key] = np.take(array, range(count), axes.index("M") - 1)
        return found

    def write(self, path: str | os.PathLike[str]) -> None:
        """Write it to a file, whole or not at all."""
        content: dict[str, Any] = dict(self.arrays)
        config = {"about": self.about, **encode_contract(self.operators)}
        content[CONFIG] = np.array(json.dumps(config))
        place = Path(path)
        beside = place.with_name(f".{place.name}.{uuid4().hex}")
        try:
            with beside.open("wb") as file:
                np.savez_compressed(file, **content)
            beside.replace(place)
        finally:
            beside.unlink(missing_ok=True)


def has_batch(name: str) -> bool:
    """Return whether an array of this name has an axis of images."""
    return INPUTS.get(name, "B").startswith("B")


def read_dump(path: str | os.PathLike[str], contract: Mapping[str, Any] | None = None) -> Dump:
    """Read a dump.

    Parameters
    ----------
    path : path
        An ``.npz``.
    contract : mapping of str to operator, optional
        Operators in place of those that the file names.

    Raises
    ------
    OSError
        If the file cannot be read.
    ValueError
        If it is no dump, or its arrays do not go together; the message says what and where.
    """
    name = str(path)
    arrays = _load(name)
    operators: dict[str, Any] = {}
    about = ""
    try:
        if CONFIG in arrays:
            config = _json(arrays.pop(CONFIG))
            operators = decode_contract(config)
            about = str(config.get("about", ""))
        dump = make_dump(name, arrays, {**operators, **(contract or {})})
        return replace(dump, about=about)
    except (ValueError, TypeError) as error:
        text = str(error)
        raise ValueError(text if text.startswith(f"{name}: ") else f"{name}: {text}") from None


def read_config(path: str | os.PathLike[str]) -> dict[str, Any]:
    """Read a contract that stands by itself, as JSON.

    Raises
    ------
    OSError
        If the file cannot be read.
    ValueError
        If it is no contract.
    """
    try:
        return decode_contract(json.loads(no_pipe(path).read_text(encoding="utf-8")))
    except (ValueError, TypeError, RecursionError) as error:
        raise ValueError(f"{path}: {error}") from None


def make_dump(name: str, arrays: Mapping[str, Any], operators: Mapping[str, Any]) -> Dump:
    """Check arrays and operators, and make a dump of them.

    Parameters
    ----------
    name : str
        What it is called in messages.
    arrays : mapping of str to array_like
        Inputs and results; those with names that no stage knows are left out. A stage of which an
        operator or what it is made of is missing can be compared, and is held to nothing.
    operators : mapping of str to operator
        By their place. Where there are any, IoUs are those of `BBoxBatchIOU` by default.

    Returns
    -------
    Dump

    Raises
    ------
    ValueError, TypeError
        If no stage is among the arrays, they do not go together, or an operator not with them.
    """
    own = dict(operators)
    axes = dict(INPUTS)
    for stage in PLACES:
        axes.update(stage.results)
    if isinstance(own.get("box_encoder"), NormalizedPerClassBoxCenterEncoder):
        axes.update(PLACES[-1].gives("NormalizedPerClassBoxCenterEncoder"))
    found = {key: _checked(key, arrays[key], axes[key]) for key in axes if key in arrays}
    if not any(stage.name in found for stage in PLACES):
        held = ", ".join(sorted(arrays)) or "nothing"
        expected = ", ".join(stage.name for stage in PLACES)
        raise ValueError(f"no stage in it: it holds {held}; expected some of {expected}")
    _check_sizes(found, axes)
    if "levels" in found:
        require(
            int(found["levels"].sum()) == found["matches"].shape[1] if "matches" in found else True,
            f"levels: {found['levels'].tolist()} are not as many as the anchors",
        )
    # Of what is predicted they are not those of anchors, and nobody says what made them.
    if "ious" in found and own and not isinstance(own.get("matcher"), PREDICTING):
        own.setdefault("iou", BBoxBatchIOU())
    _check_boxes(found, own)
    return Dump(name, found, own)


def _load(path: str) -> dict[str, Array]:
    with no_pipe(path).open("rb") as file:
        if not zipfile.is_zipfile(file):
            raise ValueError(f"{path}: not an .npz, as numpy.savez writes; expected one")
        file.seek(0)
        place = "damaged"
        try:
            with np.load(file, allow_pickle=False) as stored:
                _check_unpacked(stored.zip, os.fstat(file.fileno()).st_size)
                arrays: dict[str, Array] = {}
                for name in stored.files:
                    place = f"{name} is damaged"
                    arrays[name] = np.asarray(stored[name])
                return arrays
        except Exception as error:  # whatever NumPy and zip make of bytes that anybody wrote
            if place != "damaged" and "allow_pickle" in str(error):
                raise ValueError(
                    f"{path}: {name} holds Python objects, which are not read; expected numbers"
                ) from None
            reason = (str(error) or type(error).__name__).splitlines()[0]
            raise ValueError(f"{path}: {place}: {reason}") from None


def _check_unpacked(archive: zipfile.ZipFile, size: int) -> None:
    """Raise `ValueError` where so much comes of a small file as no dump of boxes packs into it."""
    unpacked = sum(member.file_size for member in archive.infolist())
    if unpacked > max(UNPACKED, PACKED * size):
        raise ValueError(
            f"{size} bytes would unpack to {unpacked}, more than {PACKED} times as many; write a "
            "dump that is this large with numpy.savez, unpacked"
        )


def _json(value: Array) -> Any:
    if value.ndim != 0 or value.dtype.kind not in "US":
        raise ValueError(
            f"{CONFIG}: expected a string of JSON, got {value.dtype} of shape {value.shape}"
        )
    text: Any = value[()]
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise ValueError(f"{CONFIG}: not JSON: {error}") from None


def _checked(name: str, value: Any, axes: str) -> Array:
    """Check an array by itself, and give it a batch axis."""
    if name == "labels":
        array = np.asarray(value)
        as_indices(name, array)  # looked at, but kept in its own dtype, as targets have that
    elif name in COUNTS:
        array = np.asarray(as_indices(name, value))
    elif name in MASKS:
        array = np.asarray(as_mask(name, value, min_ndim=1))
    else:
        # Results are kept as they are: that one is nan is for the comparison to say.
        array = as_real(name, value, finite=name in INPUTS and name not in INFINITE)
        if np.asarray(value).dtype.kind in "iu" and name in WHOLE:
            array = np.asarray(value)
    if name == "labels" and array.ndim == 3 and array.shape[2] == 1:
        array = array[..., 0]
    if array.ndim == len(axes) - 1 and axes.startswith("B"):
        array = array[np.newaxis]
    fixed = [(axis, int(letter)) for axis, letter in enumerate(axes) if letter.isdigit()]
    if array.ndim != len(axes) or any(array.shape[axis] != size for axis, size in fixed):
        shape = f"({', '.join(axes)}{',' * (len(axes) == 1)})"
        either = " or without B" if axes.startswith("B") else ""
        raise ValueError(f"{name}: expected shape {shape}{either}, got {np.shape(value)}")
    return np.asarray(array)


def _check_sizes(arrays: Mapping[str, Array], axes: Mapping[str, str]) -> None:
    """Check that arrays have the same images, anchors and so on."""
    sizes: dict[str, tuple[int, str]] = {}
    # The anchors of one image may stand for those of all, so they say nothing about B.
    for name in sorted(arrays, key=lambda name: name == "anchors"):
        for letter, size in zip(axes[name], arrays[name].shape, strict=True):
            if letter.isdigit() or (name == "anchors" and letter == "B" and size == 1):
                continue
            own, first = sizes.setdefault(letter, (size, name))
            if size != own:
                raise ValueError(
                    f"{name}: {times(size, AXES[letter])} in shape {arrays[name].shape}, "
                    f"expected {own} "
                    f"as in {first}, of shape {arrays[first].shape}"
                )


def _check_boxes(arrays: Mapping[str, Array], operators: Mapping[str, Any]) -> None:
    """Check that operators can take boxes as they lie in a dump."""
    iou = operators.get("iou", BBoxBatchIOU())
    if "ious" in arrays and iou.axis not in (-1, 2):
        raise ValueError(f"iou: axis is {iou.axis}, but boxes lie along the last axis here")
    if "ious" in arrays and "box_targets" in arrays and iou.fmt != "corner":
        raise ValueError(
            "iou: takes boxes in centre form, but the box encoder takes the same in corner form; "
            "leave the IoUs or the box targets out"
        )
