"""An image of a recorded assignment, explained."""

from dataclasses import replace
from typing import Any

import numpy as np

from refkernels.arrays import Array, require
from refkernels.arrays.printing import times
from refkernels.bbox import BBoxBatchIOU, BBoxCenterToCorner
from refkernels.chain.roles import PLACES
from refkernels.explain.diff.dump import Dump
from refkernels.explain.diff.stages import DRAWING
from refkernels.explain.trace.beyond.known import is_beyond
from refkernels.explain.trace.phrases import name_of
from refkernels.explain.trace.trace import Trace, explain
from refkernels.sampler import NaiveSampler

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
    matcher = operators["matcher"]
    if is_beyond(matcher):
        missing = dump.not_held(PLACES[1]).removesuffix(", not in it").removeprefix("made of ")
        require(
            not missing, f"{dump.name}: a {name_of(matcher)} looks at {missing}, which it lacks"
        )
    elif "ious" not in arrays:
        for name in ("anchors", "boxes"):
            require(name in arrays, f"{dump.name}: holds neither ious nor {name}; expected either")
    place = _place(dump, image)
    own, count = dump.image(place), dump.objects(place)
    iou = operators.get("iou", BBoxBatchIOU())
    given: Any = dump.given_to_matcher(place) if is_beyond(matcher) else None
    if given is None:
        ious = own["ious"] if "ious" in own else iou(own["anchors"], own["boxes"])
        given = ious[:, :count]
    trace = explain(
        matcher,
        given,
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
        return next((k for k in range(images) if dump.objects(k)), 0)
    known = image.isdecimal() and int(image) < images
    require(known, f"{dump.name}: holds no image {image}; expected 0 to {images - 1}")
    return int(image)


def _notes(trace: Trace, own: dict[str, Array]) -> list[str]:
    told = []
    for name, made in (("matches", trace.matches), ("samples", trace.samples)):
        if name in own and (count := int((own[name] != made).sum())):
            why = "refkernels diff says where and why"
            if name == "samples" and isinstance(trace.sampler, DRAWING):
                why = "they are drawn anew"
            told.append(
                f"The dump has other {name} at {count} of {times(len(made), 'anchor')}: {why}."
            )
    return told
