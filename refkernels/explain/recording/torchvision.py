"""What torchvision's detection models assign: SSD, RetinaNet, FCOS, and both stages of R-CNN.

Anchors, ground truths and matches are those of the methods that take them for a whole batch; what
matchers are given and give is theirs, so images without objects, of which models ask no matcher,
are there as well.
"""

from importlib import import_module
from typing import Any

import numpy as np

from refkernels.arrays import Array
from refkernels.arrays.printing import times
from refkernels.coder import MultiClassEncoder, NormalizedBoxCenterEncoder, SigmoidClassEncoder
from refkernels.explain.recording.images import Found
from refkernels.explain.recording.packages import Seen
from refkernels.explain.recording.patches import Patches, given, subclasses
from refkernels.explain.recording.tensors import copied
from refkernels.matcher import PointMatcher, ThresholdMatcher
from refkernels.sampler import BalancedSampler, NaiveSampler

__all__ = ["CHAINS", "WATCHED", "watch"]

CHAINS = ("rpn", "roi_heads", "ssd", "retinanet", "fcos")

WATCHED = (
    "RegionProposalNetwork, RoIHeads, SSD, RetinaNet and FCOS of torchvision.models.detection in "
    "training, as model(images, targets)"
)

# What is in a dump, and was not seen.
NOT_SAMPLED = "samples were not seen: the model has no sampler, and they are what matches say"

# Of a class that is none, and of which labels begin with 1.
BACKGROUND = 1


def watch(patches: Patches, seen: Seen) -> None:
    """Watch matchers, samplers and coders, and the methods of models that begin and end a chain."""
    detection = "torchvision.models.detection"
    utils = import_module(f"{detection}._utils")
    ssd, retinanet, fcos, rpn, roi = (
        import_module(f"{detection}.{name}")
        for name in ("ssd", "retinanet", "fcos", "rpn", "roi_heads")
    )
    for kind in subclasses(utils.Matcher, "__call__"):
        patches.put(kind, "__call__", seen.noting("matcher", _matched(utils)))
    sampler = utils.BalancedPositiveNegativeSampler
    patches.put(sampler, "__call__", seen.noting("sampler", _sampled))
    for name in ("encode", "encode_single"):
        patches.put(utils.BoxCoder, name, seen.noting(name, _encoded))

    for kind, method, around in (
        (ssd.SSD, "compute_loss", _one_stage("ssd", BACKGROUND, seen)),
        (retinanet.RetinaNetHead, "compute_loss", _one_stage("retinanet", 0, seen)),
        (fcos.FCOS, "compute_loss", _keeping("fcos", seen)),
        (fcos.FCOSHead, "compute_loss", _points(seen)),
        (rpn.RegionProposalNetwork, "assign_targets_to_anchors", _keeping("rpn", seen)),
        (rpn.RegionProposalNetwork, "compute_loss", _proposals(seen)),
        (roi.RoIHeads, "assign_targets_to_proposals", _keeping("roi_heads", seen)),
        (roi.RoIHeads, "select_training_samples", _second_stage(seen)),
    ):
        for own in subclasses(kind, method):
            patches.put(own, method, around)


def _matched(utils: Any) -> Any:
    def note(matcher: Any, matrix: Any) -> Any:
        """Keep the matrix before the matcher has it."""
        ious = copied(matrix).T
        high, low = matcher.high_threshold, matcher.low_threshold
        operator = ThresholdMatcher.torchvision(high, low, matcher.allow_low_quality_matches)
        if isinstance(matcher, utils.SSDMatcher):
            operator = ThresholdMatcher.ssd(high)
        return lambda matches: (operator, ious, copied(matches))

    return note


def _sampled(sampler: Any, labels: Any) -> Any:
    operator = BalancedSampler(sampler.batch_size_per_image, sampler.positive_fraction)

    def of(masks: Any) -> tuple[Any, list[Array]]:
        """Return samples of masks of positives and negatives."""
        pairs = zip(*masks, strict=True)
        return operator, [copied(own).astype(np.int64) - copied(other) for own, other in pairs]

    return of


def _encoded(coder: Any, *boxes: Any) -> Any:
    operator = NormalizedBoxCenterEncoder(stds=tuple(1 / weight for weight in coder.weights))
    return lambda targets: (
        operator,
        list(map(copied, targets)) if isinstance(targets, (list, tuple)) else copied(targets),
    )


def _keeping(name: str, seen: Seen) -> Any:
    """Return what keeps the arguments of the call by which a chain begins."""

    def around(call: Any, *args: Any, **kwargs: Any) -> Any:
        """Keep the arguments, and call."""
        seen.forget()
        own = given(call, args, kwargs)
        # The second stage puts what it has sampled into its list of proposals.
        seen.pending[name] = {k: list(v) if isinstance(v, list) else v for k, v in own.items()}
        return call(*args, **kwargs)

    return around


def _one_stage(name: str, first: int, seen: Seen) -> Any:
    """Return what ends the chain of SSD and of RetinaNet."""

    def around(call: Any, *args: Any, **kwargs: Any) -> Any:
        """Call, and take the chain that has ended."""
        own = given(call, args, kwargs)
        result = call(*args, **kwargs)

        def make() -> Found:
            """Return its images, in the words of a dump."""
            images = [
                _image(anchors, target["boxes"], target["labels"], first, matches)
                for anchors, target, matches in zip(
                    own["anchors"], own["targets"], own["matched_idxs"], strict=True
                )
            ]
            found = _chain(name, images, seen.take("matcher"))
            # What these models take for positive, negative and neither.
            found.operators["sampler"] = NaiveSampler()
            for image in images:
                image["samples"] = NaiveSampler()(image["matches"])
            found.remarks.append(NOT_SAMPLED)
            targets = seen.take("encode_single")
            if len(targets) == len(images):
                found.operators["box_encoder"] = targets[0][0]
                for image, (_, rows) in zip(images, targets, strict=True):
                    _put_targets(image, image["samples"] > 0, rows)
            return found

        seen.finish(name, make)
        return result

    return around


def _points(seen: Seen) -> Any:
    """Return what ends the chain of FCOS, whose matches are those of points."""

    def around(call: Any, *args: Any, **kwargs: Any) -> Any:
        """Call, and take the chain that has ended."""
        own = given(call, args, kwargs)
        result = call(*args, **kwargs)
        begun = seen.pending.pop("fcos", None)

        def make() -> Found:
            """Return its images, in the words of a dump."""
            images = [
                _image(anchors, target["boxes"], target["labels"], 0, matches)
                for anchors, target, matches in zip(
                    own["anchors"], own["targets"], own["matched_idxs"], strict=True
                )
            ]
            anchors, counts = images[0]["anchors"], begun["num_anchors_per_level"]
            sizes = anchors[:, 2] - anchors[:, 0]
            ranges = np.stack([sizes * 4, sizes * 8], -1)
            ranges[: counts[0], 0], ranges[-counts[-1] :, 1] = 0, np.inf
            points = (anchors[:, :2] + anchors[:, 2:]) / 2
            matcher = PointMatcher.torchvision(begun["self"].center_sampling_radius)
            shared = {"points": points, "strides": sizes, "ranges": ranges}
            return Found("fcos", images, shared, {"matcher": matcher})

        if begun is not None:
            seen.finish("fcos", make)
        return result

    return around


def _proposals(seen: Seen) -> Any:
    """Return what ends the chain of the region proposal network."""

    def around(call: Any, *args: Any, **kwargs: Any) -> Any:
        """Call, and take the chain that has ended."""
        result = call(*args, **kwargs)
        begun = seen.pending.pop("rpn", None)

        def make() -> Found:
            """Return its images, in the words of a dump."""
            labels = map(copied, given(call, args, kwargs)["labels"])
            pairs = list(zip(begun["anchors"], begun["targets"], strict=True))
            images = [_image(anchors, target["boxes"]) for anchors, target in pairs]
            found = _chain("rpn", images, seen.take("matcher"))
            _put_samples(found, seen.take("sampler"))
            found.operators["class_encoder"] = SigmoidClassEncoder()
            for image, own in zip(images, labels, strict=True):  # of those that are sampled
                image["cls_targets"] = np.where(image["samples"] != 0, own, -1).astype(np.int64)
            targets = seen.take("encode")
            if targets:
                found.operators["box_encoder"], rows = targets[0]
                for image, own in zip(images, rows, strict=True):
                    positive = image["samples"] > 0
                    _put_targets(image, positive, own[positive])
            return found

        if begun is not None:
            seen.finish("rpn", make)
        return result

    return around


def _second_stage(seen: Seen) -> Any:
    """Return what is around the chain of the second stage."""

    def around(call: Any, *args: Any, **kwargs: Any) -> Any:
        """Call, and take the chain that has ended."""
        result = call(*args, **kwargs)
        begun = seen.pending.pop("roi_heads", None)

        def make() -> Found:
            """Return its images, in the words of a dump."""
            images = [
                _image(anchors, boxes, labels, BACKGROUND)
                for anchors, boxes, labels in zip(
                    begun["proposals"], begun["gt_boxes"], begun["gt_labels"], strict=True
                )
            ]
            found = _chain("roi_heads", images, seen.take("matcher"))
            _put_samples(found, seen.take("sampler"))
            found.operators["class_encoder"] = MultiClassEncoder()
            for image, own in zip(images, result[2], strict=True):  # of those that are sampled
                image["cls_targets"] = np.full(len(image["samples"]), -1)
                image["cls_targets"][image["samples"] != 0] = copied(own)
            targets = seen.take("encode")
            if targets:
                found.operators["box_encoder"], rows = targets[0]
                for image, own in zip(images, rows, strict=True):
                    taken = image["samples"][image["samples"] != 0]
                    _put_targets(image, image["samples"] > 0, own[taken > 0])
            return found

        if begun is not None:
            seen.finish("roi_heads", make)
        return result

    return around


def _image(
    anchors: Any, boxes: Any, labels: Any = None, first: int = 0, matches: Any = None
) -> dict[str, Array]:
    """Return the arrays of an image; `first` is the label of the first class."""
    own = {"anchors": copied(anchors), "boxes": copied(boxes).reshape(-1, 4)}
    if labels is not None:
        own["labels"] = copied(labels).astype(np.int64) - first
    if matches is not None:
        own["matches"] = copied(matches)
    return own


def _chain(name: str, images: list[dict[str, Array]], matched: list[Any]) -> Found:
    """Return a chain with what matchers were given and gave for the images with objects."""
    found = Found(name, images)
    asked = [image for image in images if len(image["boxes"])]
    if matched and len(matched) == len(asked):
        found.operators["matcher"] = matched[0][0]
        for image in images:
            count = len(image["anchors"]), len(image["boxes"])
            image["ious"] = np.zeros(count, matched[0][1].dtype)
        for image, (_, ious, matches) in zip(asked, matched, strict=True):
            image["ious"] = ious
            image.setdefault("matches", matches)
    else:
        found.remarks.append(
            f"{times(len(matched), 'call')} of a Matcher "
            f"{'was' if len(matched) == 1 else 'were'} seen for "
            f"{times(len(asked), 'image')} with objects"
        )
    for image in images:  # models ask nobody for those without objects
        image.setdefault("matches", np.full(len(image["anchors"]), -1))
    return found


def _put_samples(found: Found, sampled: list[Any]) -> None:
    if sampled:
        found.operators["sampler"], samples = sampled[0]
        for image, own in zip(found.images, samples, strict=True):
            image["samples"] = own


def _put_targets(image: dict[str, Array], positive: Array, rows: Array) -> None:
    """Put the targets of positive anchors in their places, and zeros in the others'."""
    targets = np.zeros((len(positive), 4), rows.dtype)
    targets[positive] = rows
    image["box_targets"] = targets
