"""The anchors of targets that were written: kept with them, or made again by what is noted."""

import ast
import inspect
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np

from refkernels.arrays import Array
from refkernels.arrays.printing import times
from refkernels.assign.config import decode_config
from refkernels.assign.presets import Presets
from refkernels.chain.published import NETWORKS

__all__ = ["rebuilt_anchors"]

SIDES = ("height", "width")


class _Anchors(Presets):
    """What presets make when nothing is assigned: the anchors alone, and no kernel is compiled."""

    def __init__(self, anchors: Array, **_: Any) -> None:
        self.anchors = anchors


def rebuilt_anchors(
    path: Path,
    metadata: dict[str, Any],
    kept: Array | None,
    size: tuple[int, int] | None = None,
) -> Array:
    """Return the anchors that targets were made with.

    Parameters
    ----------
    path : pathlib.Path
        Where the targets are, for messages.
    metadata : dict
        What is noted with them: the preset, and of its options those that anchors depend on.
    kept : numpy.ndarray or None
        Anchors that were written with them.
    size : (int, int), optional
        The input of an image, where these have their own.

    Returns
    -------
    numpy.ndarray, (N, 4)
        In the dtype of the targets, read-only.

    Raises
    ------
    ValueError
        If the preset is not known, or these are other anchors.
    """
    name = str(metadata["preset"]).removesuffix(" unguarded")  # as format 1 noted it
    made = kept
    try:
        if made is None and "config" in metadata:
            made = decode_config(path, metadata["config"])(*(size or _sides(metadata))).anchors
        elif made is None:
            made = _of_preset(path, name, metadata, size)
        anchors = np.array(made, metadata["dtype"], order="C")
    except (ValueError, TypeError, SyntaxError) as error:
        said = str(error)
        again = f"{path}: the anchors of {name} cannot be made again: {said}"
        raise ValueError(said if said.startswith(f"{path}:") else again) from None
    if size is None:
        _check_same(path, name, anchors, metadata)
    anchors.setflags(write=False)
    return anchors


def _check_same(path: Path, name: str, anchors: Array, metadata: dict[str, Any]) -> None:
    if len(anchors) != metadata["anchors"]:
        raise ValueError(
            f"{path}: {name} has {times(len(anchors), 'anchor')} now, and had "
            f"{metadata['anchors']} when "
            "the targets were made"
        )
    digest = sha256(anchors.tobytes()).hexdigest()
    if metadata.get("anchors_sha256", digest) != digest:
        raise ValueError(f"{path}: {name} has other anchors now than when the targets were made")


def _of_preset(
    path: Path, name: str, metadata: dict[str, Any], size: tuple[int, int] | None
) -> Array:
    if name not in NETWORKS:
        raise ValueError(f"{path}: no preset {name!r} is known, whose anchors these would be")
    preset = getattr(_Anchors, name)
    sides = {} if NETWORKS[name].fixed else dict(zip(SIDES, size or _sides(metadata), strict=True))
    own = {key: ast.literal_eval(text) for key, text in _own(preset, metadata).items()}
    made: Array = preset(**sides, **own).anchors
    return made


def _sides(metadata: dict[str, Any]) -> tuple[int, int]:
    height, width = (metadata[side] for side in SIDES)
    return height, width


def _own(preset: Any, metadata: dict[str, Any]) -> dict[str, str]:
    """Return the options that are the preset's own, as they were noted; others change no anchor."""
    kinds = inspect.signature(preset).parameters
    named = {name for name, own in kinds.items() if own.kind is not own.VAR_KEYWORD}
    return {key: text for key, text in metadata.get("options", {}).items() if key in named}
