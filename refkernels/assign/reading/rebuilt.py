"""The anchors of targets that were written, made again by the preset that is noted with them."""

import ast
import inspect
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np

from refkernels.arrays import Array
from refkernels.assign.presets import Presets
from refkernels.chain.published import NETWORKS

__all__ = ["rebuilt_anchors"]


class _Anchors(Presets):
    """What presets make when nothing is assigned: the anchors alone, and no kernel is compiled."""

    def __init__(self, anchors: Array, **_: Any) -> None:
        self.anchors = anchors


def rebuilt_anchors(path: Path, metadata: dict[str, Any]) -> Array:
    """Return the anchors that targets were made with.

    Parameters
    ----------
    path : pathlib.Path
        Where the targets are, for messages.
    metadata : dict
        What is noted with them: the preset, and of its options those that anchors depend on.

    Returns
    -------
    numpy.ndarray, (N, 4)
        In the dtype of the targets, read-only.

    Raises
    ------
    ValueError
        If the preset is not known, or makes other anchors today.
    """
    name = str(metadata["preset"]).removesuffix(" unguarded")  # as format 1 noted it
    if name not in NETWORKS:
        raise ValueError(f"{path}: no preset {name!r} is known, whose anchors these would be")
    preset = getattr(_Anchors, name)
    network = NETWORKS[name]
    noted = {} if network.fixed else {side: metadata[side] for side in ("height", "width")}
    try:
        noted.update({key: ast.literal_eval(text) for key, text in _own(preset, metadata).items()})
        made = preset(**noted).anchors
        anchors = np.ascontiguousarray(made, metadata["dtype"])
    except (ValueError, TypeError, SyntaxError) as error:
        raise ValueError(f"{path}: the anchors of {name} cannot be made again: {error}") from None
    if len(anchors) != metadata["anchors"]:
        raise ValueError(
            f"{path}: {name} has {len(anchors)} anchors now, and had {metadata['anchors']} when "
            "the targets were made"
        )
    digest = sha256(anchors.tobytes()).hexdigest()
    if metadata.get("anchors_sha256", digest) != digest:
        raise ValueError(f"{path}: {name} has other anchors now than when the targets were made")
    anchors.setflags(write=False)
    return anchors


def _own(preset: Any, metadata: dict[str, Any]) -> dict[str, str]:
    """Return the options that are the preset's own, as they were noted; others change no anchor."""
    kinds = inspect.signature(preset).parameters
    named = {name for name, own in kinds.items() if own.kind is not own.VAR_KEYWORD}
    return {key: text for key, text in metadata.get("options", {}).items() if key in named}
