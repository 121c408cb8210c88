"""An image of a recorded assignment, explained."""

from dataclasses import replace

import numpy as np

from refkernels.arrays import Array, require
from refkernels.bbox import BBoxBatchIOU, BBoxCenterToCorner
from refkernels.explain.diff.dump import Dump
from refkernels.explain.trace.trace import Trace, explain
from refkernels.explain.trace.warnings import is_padding
from refkernels.sampler import NaiveSampler, QuotaSampler

__all__ = ["trace_of_dump"]


def trace_of_dump(dump: Dump, image: str | None = None, seed: int = 0) -> tuple[Trace, list[str]]:
    """Trace the decisions of a dump's operators on its IoUs, or on those of its boxes.

    Parameters
    ----------
    dump : Dump
        With a matcher, and IoUs or anchors and boxes.
    image : str, optional
        Which, from 0. By default the first with objects.
    seed : int
        That of random samples.

    Returns
    -------
    trace : Trace
    notes : list of str
        Where the dump has other results than its operators make.

    Raises
    ------
    ValueError, TypeError
        If there is no such image, or something is missing; the message says what.
    """
    arrays, operators = dump.arrays, dump.operators
    require(
        "matcher" in operators,
        f"{dump.name}: nothing says what made its matches; expected a matcher in its config, or "
        "--config",
    )
    if "ious" not in arrays:
        for name in ("anchors", "boxes"):
            require(name in arrays, f"{dump.name}: holds neither ious nor {name}; expected either")
    place = _place(dump, image)
    own = _image(dump, place)
    count = _objects(own)
    iou = operators.get("iou", BBoxBatchIOU())
    ious = own["ious"] if "ious" in own else iou(own["anchors"], own["boxes"])
    trace = explain(
        operators["matcher"],
        ious[:, :count],
        sampler=operators.get("sampler", NaiveSampler()),
        logits=own.get("logits"),
        rng=seed,
        name=f"{dump.name}, image {place}",
    )
    corners = {
        name: np.asarray(BBoxCenterToCorner()(own[name]) if iou.fmt == "center" else own[name])
        for name in ("anchors", "boxes")
        if name in own
    }
    if len(corners) == 2:
        trace = replace(trace, anchor_boxes=corners["anchors"], boxes=corners["boxes"][:count])
    if "labels" in own:
        trace = replace(trace, labels=own["labels"][:count].astype(np.int64))
    return trace, _notes(trace, own)


def _place(dump: Dump, image: str | None) -> int:
    images = dump.shape[0]
    require(images > 0, f"{dump.name}: holds no image")
    if image is None:
        return next((k for k in range(images) if _objects(_image(dump, k))), 0)
    known = image.isdecimal() and int(image) < images
    require(known, f"{dump.name}: holds no image {image}; expected 0 to {images - 1}")
    return int(image)


def _image(dump: Dump, place: int) -> dict[str, Array]:
    """Return the arrays of one image; the anchors of one may stand for all."""
    return {name: array[min(place, len(array) - 1)] for name, array in dump.arrays.items()}


def _objects(own: dict[str, Array]) -> int:
    """Return the number of an image's objects, without those at the end that only pad."""
    if "boxes" in own:
        return int(np.flatnonzero(~is_padding(own["boxes"])).max(initial=-1)) + 1
    return int(own["ious"].shape[1])


def _notes(trace: Trace, own: dict[str, Array]) -> list[str]:
    told = []
    for name, made in (("matches", trace.matches), ("samples", trace.samples)):
        if name in own and (count := int((own[name] != made).sum())):
            why = "refkernels diff says where and why"
            if name == "samples" and isinstance(trace.sampler, QuotaSampler):
                why = "they are drawn anew"
            told.append(f"The dump has other {name} at {count} of {len(made)} anchors: {why}.")
    return told
