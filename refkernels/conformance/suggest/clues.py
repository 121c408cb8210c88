"""By which names people call operators and their parameters, and how they write their arguments."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

__all__ = ["CLUES", "PARAMETERS", "Clue", "is_clue", "words_in"]


@dataclass(frozen=True)
class Clue:
    """How an operator is recognised.

    Attributes
    ----------
    names : tuple of str
        Words, all of which are in a name: ``"center corner"``; any of these will do.
    ways : tuple of str
        The representations to be tried, the plainest first.
    bare : bool
        Whether no class with parameters is meant: what has a quota is no `NaiveSampler`.
    """

    names: tuple[str, ...]
    ways: tuple[str, ...] = ("",)
    bare: bool = False
    words: tuple[frozenset[str], ...] = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "words", tuple(frozenset(own.split()) for own in self.names))


# One by one, and row by row; what else is there that pairs of boxes are given.
_PAIRS = ("", "inputs=b+a", "transposed", "aligned")
_MATCHES = ("", "transposed", "first=1", "transposed,first=1")
_SAMPLER = ("sample", "sampler", "subsample", "sampling", "quota", "balanced")
_SAMPLES = ("", "samples=1+0+-1")
# Offsets of matched pairs, without samples and matches.
_ENCODED = (
    "",
    "inputs=anchors+refs,outputs=targets,aligned",
    "inputs=refs+anchors,outputs=targets,aligned",
)
_DECODED = (
    "fixed=convert_anchor:true",
    "inputs=anchors+x,fixed=convert_anchor:true",
    "",
    "inputs=anchors+x",
)

# In the order in which they are tried; the words of names are those of `words_in`.
CLUES: Mapping[str, Clue] = {
    "BBoxBatchGIOU": Clue(("giou", "generalized iou", "generalised iou"), _PAIRS),
    "BBoxBatchDIOU": Clue(("diou", "distance iou"), _PAIRS),
    "BBoxBatchCIOU": Clue(("ciou", "complete iou"), _PAIRS),
    "BBoxBatchIOA": Clue(("ioa", "iof"), _PAIRS),
    "BBoxBatchIOU": Clue(("iou", "ious", "overlap", "overlaps", "jaccard", "intersection"), _PAIRS),
    "BBoxCornerToCenter": Clue(
        ("corner center", "xyxy cxcywh", "xyxy xywh", "xyxy center", "point center"),
        ("", "fixed=split:false"),
    ),
    "BBoxCenterToCorner": Clue(
        ("corner center", "xyxy cxcywh", "xyxy xywh", "center corners", "center point"),
        ("", "fixed=split:false"),
    ),
    "BBoxArea": Clue(("area", "areas"), ("squeezed", "squeezed,fixed=fmt:corner")),
    "BBoxClipToImage": Clue(
        ("clip", "clamp"), ("", "inputs=x+img.size", "inputs=x+img.size,images=one")
    ),
    "MaximumMatcher": Clue(
        ("match", "matcher", "assign", "argmax"),
        (*_MATCHES, "fixed=threshold:0.5", "transposed,fixed=threshold:0.5"),
    ),
    "BipartiteMatcher": Clue(("bipartite", "match", "matcher", "greedy"), _MATCHES),
    "ThresholdMatcher": Clue(
        ("match", "matcher", "assign", "assigner"),
        (
            *_MATCHES,
            "fixed=low_quality:none",
            "transposed,fixed=low_quality:none",
            "first=1,fixed=low_quality:none",
        ),
    ),
    "HungarianMatcher": Clue(("hungarian", "linear assignment", "match", "matcher"), _MATCHES),
    "QuotaSampler": Clue(_SAMPLER, _SAMPLES),
    "BalancedSampler": Clue(_SAMPLER, _SAMPLES),
    "NaiveSampler": Clue(("sample", "sampler"), _SAMPLES, bare=True),
    "MultiClassEncoder": Clue(("class encode", "cls encode", "class encoder", "label encode")),
    "MultiClassDecoder": Clue(("class decode", "cls decode", "class decoder")),
    "NormalizedBoxCenterEncoder": Clue(
        ("encode", "encoder", "deltas", "delta", "offsets", "regression", "bbox transform"),
        _ENCODED,
    ),
    "NormalizedBoxCenterDecoder": Clue(
        ("decode", "decoder", "deltas", "delta", "apply", "offsets", "bbox transform inv"),
        _DECODED,
    ),
    "DistanceEncoder": Clue(("distance", "dist", "ltrb", "encode"), ("", "inputs=points+boxes")),
    "DistanceDecoder": Clue(("distance", "dist", "ltrb", "decode"), ("", "inputs=x+points")),
    "BatchedNMS": Clue(("batched nms", "class nms", "multiclass nms"), ("",)),
    "NMS": Clue(("nms", "suppress", "suppression", "maximum"), ("",)),
    "CenterDistance": Clue(("center distance", "centre distance"), ("",)),
}

# The thresholds of what is positive, and of what is negative.
_POSITIVE = (
    "pos_iou_thr", "pos_threshold", "pos_thresh", "positive_threshold", "fg_threshold",
    "fg_thresh", "fg_iou_thresh",
)  # fmt: skip
_NEGATIVE = (
    "neg_iou_thr", "neg_threshold", "neg_thresh", "negative_threshold", "bg_threshold",
    "bg_thresh", "bg_iou_thresh", "bg_thresh_hi", "neg_thresh_hi",
)  # fmt: skip

# What parameters are called elsewhere; 1/ if their reciprocals are meant.
PARAMETERS: Mapping[str, tuple[str, ...]] = {
    "threshold": (
        "thr", "thresh", "iou_threshold", "iou_thresh", "iou_thr", "iou_thres", "min_iou",
        "nms_thresh", "nms_threshold", "overlap", "overlap_threshold", "pos_thresh", "pos_iou_thr",
        "high_threshold", "positive_threshold",
    ),
    "high": ("high_threshold", "high_thresh", *_POSITIVE),
    "low": ("low_threshold", "low_thresh", *_NEGATIVE),
    "num_sample": (
        "num", "num_samples", "n_sample", "n_samples", "batch_size", "batch_size_per_image",
        "num_rois", "rois_per_image", "rpn_batchsize", "total",
    ),
    "pos_ratio": (
        "pos_fraction", "positive_fraction", "fg_fraction", "fraction", "positive_ratio",
        "fg_ratio",
    ),
    "pos_thresh": _POSITIVE,
    "neg_thresh_high": _NEGATIVE,
    "neg_thresh_low": ("neg_iou_thresh_lo", "bg_thresh_lo", "neg_thresh_lo"),
    "stds": ("std", "variances", "variance", "target_stds", "1/weights", "1/scale"),
    "means": ("mean", "target_means"),
    "clip": ("max_ratio", "bbox_xform_clip", "dwh_clip"),
    "eps": ("epsilon",),
    "offset": ("plus_one",),
}  # fmt: skip

# Names of arguments that tell of boxes, IoUs and the like.
ARGUMENTS = frozenset(
    (
        "a", "b", "box", "boxes", "box1", "box2", "boxes1", "boxes2", "bbox", "bboxes", "bboxes1",
        "bboxes2", "anchor", "anchors", "gt", "gts", "truth", "truths", "target", "targets",
        "gt_boxes", "gt_bboxes", "prior", "priors", "proposals", "iou", "ious", "overlaps",
        "quality", "match_quality_matrix", "delta", "deltas", "offsets", "rel_codes", "codes",
        "points", "scores", "matches", "samples", "candidates", "similarity", "cost",
    )
)  # fmt: skip

# Which of several words that mean one is looked for.
_SAME = {"xywh": "cxcywh", "centre": "center", "centres": "center", "centers": "center",
         "corners": "corner", "box": "bbox", "boxes": "bbox", "bboxes": "bbox"}  # fmt: skip


def words_in(name: str) -> frozenset[str]:
    """Return the words of a name, in small letters: of ``boxIoU2Center`` box, iou and center.

    >>> sorted(words_in("pairwise_iou")), sorted(words_in("xyxy2cxcywh"))
    (['iou', 'pairwise'], ['cxcywh', 'xyxy'])
    """
    spread = re.sub(r"(?<=[a-z])2(?=[a-z])", "_", name, flags=re.IGNORECASE)
    spread = re.sub(r"IoU|IOU", "Iou", spread)
    spread = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", spread)
    found = {word for word in re.split(r"[^a-z0-9]+", spread.lower()) if word}
    return frozenset(found | {_SAME[word] for word in found if word in _SAME})


def is_clue(name: str, arguments: Iterable[str]) -> bool:
    """Return whether a name or the names of arguments tell of an operator at all."""
    words = words_in(name)
    named = any(own <= words for clue in CLUES.values() for own in clue.words)
    return named or any(argument.lower() in ARGUMENTS for argument in arguments)
