"""`TargetAssigner` beside the blocks of gluoncv and the functions of torchvision, on COCO's boxes.

``python -m bench.assign scaling.png`` draws the time against the numbers of anchors and boxes.
"""

import os
import subprocess
import sys
from collections.abc import Callable
from functools import partial
from itertools import pairwise
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from bench.harness import Contestant, Table, compare, load, measure
from bench.peers import GLUONCV, Peer
from refkernels.arrays import Array
from refkernels.assign import TargetAssigner, sample_images

__all__ = ["run"]

# How many times as long as ours the time of gluoncv and of torchvision is to be at least. The
# presets of torchvision do what its own code does; gluoncv has no blocks for these.
TARGETS = {
    "ssd300": (300, 25),
    "rpn_fpn": (1000, 80),
    "torchvision_ssd300": (None, 40),
    "torchvision_retinanet": (None, 40),
    "torchvision_rpn": (None, 100),
}
# The same of a copy of as many bytes: where anchors are many, twice its time is allowed.
COPY = {"rpn_fpn": 0.5}
# What a box costs the others grows with N x M; ours has arrays to fill however few boxes there are.
OBJECTS = 20
BYTES_PER_ANCHOR = 56  # three times int64 and two times four float32

FIRST_CALL = """
import sys, time
import numpy as np
from refkernels.assign import TargetAssigner
start = time.perf_counter()
assigner = getattr(TargetAssigner, sys.argv[1])()
assigner(np.array([[10, 10, 90, 120]], np.float32), np.array([3]), rng=0)
print(time.perf_counter() - start)
"""


class Scene(NamedTuple):
    """Images in the pixels of a network's input, float32, and where they come from."""

    boxes: list[Array]
    labels: list[Array]
    source: str

    def __str__(self) -> str:
        counts = ", ".join(str(len(boxes)) for boxes in self.boxes)
        return f"{len(self.boxes)} images of {counts} boxes ({self.source})"


def run(rounds: int) -> bool:
    """Measure all; return whether every target is met."""
    peers, skipped = load((GLUONCV, Peer("torchvision", _torchvision)))
    print("\n".join(skipped))
    met = True
    for preset in TARGETS:
        for objects in (None, OBJECTS):
            met &= _race(preset, objects, peers, rounds)
    met &= _alone(rounds)
    _growth(rounds)
    return met


def scene(preset: str, count: int, objects: int | None = None) -> Scene:
    """Take images of COCO, none without boxes, whose numbers of boxes are at even quantiles.

    With `objects`, take those whose numbers of boxes are the nearest to it.
    """
    default = Path(__file__).parents[2] / "shared" / "data"
    path = Path(os.environ.get("REFKERNELS_SHARED_DATA", default)) / "coco_boxes.npz"
    images = []
    if path.exists():
        data = np.load(path)
        sizes = np.stack([data["width"], data["height"]], axis=1)
        for k, (first, last) in enumerate(pairwise(data["box_offsets"])):
            keep = ~data["iscrowd"][first:last]
            images.append(
                (data["boxes"][first:last][keep], data["labels"][first:last][keep], sizes[k])
            )
    else:
        path = Path("generated")
        images = [(i.boxes, i.labels, np.array([i.width, i.height])) for i in sample_images(500)]
    images = sorted((image for image in images if len(image[0])), key=lambda image: len(image[0]))
    if objects is None:
        chosen = [images[int((k + 0.5) / count * len(images))] for k in range(count)]
    else:
        chosen = sorted(images, key=lambda image: abs(len(image[0]) - objects))[:count]
    stretch, side = _is_ssd(preset), _side(preset)
    boxes = []
    for own, _, size in chosen:
        scale = side / size if stretch else np.full(2, side / size.max())
        boxes.append((own * np.tile(scale, 2)).astype(np.float32))
    return Scene(boxes, [labels.astype(np.int64) for _, labels, _ in chosen], path.name)


def _is_ssd(preset: str) -> bool:
    return preset.endswith("ssd300")


def _side(preset: str) -> int:
    return 300 if _is_ssd(preset) else 1024


def _make(preset: str, **options: Any) -> TargetAssigner:
    sizes = {} if _is_ssd(preset) else dict.fromkeys(("height", "width"), _side(preset))
    made: TargetAssigner = getattr(TargetAssigner, preset)(**sizes, **options)
    return made


def _race(preset: str, objects: int | None, peers: dict[str, Any], rounds: int) -> bool:
    images = scene(preset, 16 if _is_ssd(preset) else 4, objects)
    assigner = _make(preset)
    out = assigner.empty()
    source = np.ones(len(assigner) * BYTES_PER_ANCHOR, np.uint8)
    copy = source.copy()
    filled = assigner.empty()
    arrays = [
        filled.cls_targets, filled.box_targets, filled.box_masks, filled.matches, filled.samples
    ]  # fmt: skip

    def each(function: Callable[[Array, Array], Any]) -> Callable[[], Any]:
        def call() -> Any:
            for boxes, labels in zip(images.boxes, images.labels, strict=True):
                result = function(boxes, labels)
            return result

        return call

    def classes(targets: Any) -> Array:
        found: Array = targets.cls_targets
        return found

    def dense(sparse: Any) -> Array:
        targets = np.full(len(assigner), 0 if _is_ssd(preset) else -1)
        targets[sparse.negatives] = 0
        targets[sparse.positives] = sparse.cls_targets
        return targets

    contestants = [
        Contestant("refkernels, own arrays", each(partial(assigner, rng=0, out=out)), classes),
        Contestant("refkernels, new arrays", each(partial(assigner, rng=0)), classes),
        Contestant(
            "refkernels, one batch",
            lambda: assigner(images.boxes, images.labels, rng=0),
            lambda t: t.cls_targets[-1],
        ),
        Contestant("refkernels, sparse", each(partial(assigner.sparse, rng=0)), dense),
        Contestant(
            "np.copyto of as many bytes",
            each(lambda *_: np.copyto(copy, source)),
            lambda _: None,
            COPY.get(preset),
        ),
        Contestant(
            "filling such arrays, no more",
            each(lambda *_: [array.fill(0) for array in arrays]),
            lambda _: None,
        ),
    ]
    least, least_torch = TARGETS[preset]
    if "gluoncv" in peers and least is not None:
        contestants += _gluoncv(preset, assigner, images, each, *peers["gluoncv"], least)
    if "torchvision" in peers:
        contestants += _torch(preset, assigner, images, each, *peers["torchvision"], least_torch)
    title = f"{preset}, {len(assigner)} anchors, {images}, {rounds} rounds"
    return compare(title, contestants, rounds, _differ)


def _differ(ours: Array, theirs: Array | None) -> str:
    if theirs is None:
        return ""
    positive, other = ours > 0, theirs > 0
    same = bool((ours[positive & other] == theirs[positive & other]).all())
    missed = int((positive != other).sum())
    return (
        f"{missed} of {int(positive.sum())} positives differ"
        if missed or not same
        else "same positives"
    )


def _gluoncv(
    preset: str, assigner: Any, images: Scene, each: Any, mxnet: Any, nn: Any, least: float
) -> list[Contestant]:
    """Compose gluoncv's blocks as its own SSD target generator does."""
    anchors = mxnet.nd.array(assigner.anchors)
    given = {
        id(boxes): (mxnet.nd.array(boxes[None]), mxnet.nd.array(labels[None]))
        for boxes, labels in zip(images.boxes, images.labels, strict=True)
    }
    contestants = []
    for hybrid in (False, True):
        ssd = preset == "ssd300"
        matcher = nn.matcher.CompositeMatcher(
            [
                nn.matcher.BipartiteMatcher(share_max=not ssd),
                nn.matcher.MaximumMatcher(0.5 if ssd else 0.7),
            ]
        )
        sampler = nn.sampler.NaiveSampler() if ssd else nn.sampler.QuotaSampler(256, 0.7, 0.3)
        classes = nn.coder.MultiClassEncoder() if ssd else nn.coder.SigmoidClassEncoder()
        boxes_of = nn.coder.NormalizedBoxCenterEncoder(
            stds=(0.1, 0.1, 0.2, 0.2) if ssd else (1.0,) * 4
        )
        if hybrid:
            for block in (matcher, classes, boxes_of):
                if hasattr(block, "hybridize"):
                    block.hybridize(static_alloc=True, static_shape=True)

        def assign(
            boxes: Array,
            labels: Array,
            ssd: bool = ssd,
            matcher: Any = matcher,
            sampler: Any = sampler,
            classes: Any = classes,
            boxes_of: Any = boxes_of,
        ) -> Any:
            truth, names = given[id(boxes)]
            ious = mxnet.nd.transpose(mxnet.nd.contrib.box_iou(anchors, truth), (1, 0, 2))
            matches = matcher(ious)
            samples = sampler(matches) if ssd else sampler(matches, ious)
            cls_targets = classes(samples, matches, names) if ssd else samples
            box_targets, box_masks = boxes_of(samples, matches, anchors.expand_dims(0), truth)
            for result in (cls_targets, box_targets, box_masks):
                result.wait_to_read()
            # Its SigmoidClassEncoder takes NumPy arrays.
            return cls_targets if ssd else mxnet.nd.array(classes(samples.asnumpy())[0])

        contestants.append(
            Contestant(
                "gluoncv, hybridised" if hybrid else "gluoncv, as constructed",
                each(assign),
                lambda found: found.asnumpy()[0].astype(int),
                None if hybrid else least,
            )
        )
    return contestants


def _torchvision() -> Any:
    import torch
    from torchvision.models.detection import _utils
    from torchvision.ops import box_iou

    torch.set_num_threads(int(os.environ["OMP_NUM_THREADS"]))  # MXNet, imported earlier, makes it 1
    return torch, _utils, box_iou


def _torch(
    preset: str,
    assigner: Any,
    images: Scene,
    each: Any,
    torch: Any,
    utils: Any,
    box_iou: Any,
    least: float,
) -> list[Contestant]:
    """Do what torchvision's SSD and region proposal network do for their losses."""
    anchors = torch.from_numpy(assigner.anchors.copy())
    given = {
        id(boxes): (torch.from_numpy(boxes), torch.from_numpy(labels))
        for boxes, labels in zip(images.boxes, images.labels, strict=True)
    }
    ssd, samples = _is_ssd(preset), preset.endswith(("rpn", "rpn_fpn"))
    thresholds = (0.7, 0.3) if samples else (0.5, 0.4)
    matcher = (
        utils.SSDMatcher(0.5) if ssd else utils.Matcher(*thresholds, allow_low_quality_matches=True)
    )
    coder = utils.BoxCoder((10.0, 10.0, 5.0, 5.0) if ssd else (1.0,) * 4)
    sampler = utils.BalancedPositiveNegativeSampler(256, 0.5)

    def assign(boxes: Array, labels: Array) -> Any:
        truth, names = given[id(boxes)]
        matches = matcher(box_iou(truth, anchors))
        matched = matches.clamp(min=0)
        coder.encode_single(truth[matched], anchors)
        if not samples:
            cls_targets = names[matched] + 1
            cls_targets[matches < 0] = 0
            cls_targets[matches == -2] = -1
            return cls_targets
        cls_targets = (matches >= 0).long()
        cls_targets[matches == matcher.BETWEEN_THRESHOLDS] = -1
        positive, negative = sampler([cls_targets])
        cls_targets[(positive[0] | negative[0]) == 0] = -1
        return cls_targets

    name = f"torchvision, {torch.get_num_threads()} threads"
    return [Contestant(name, each(assign), lambda found: found.numpy(), least)]


def _alone(rounds: int) -> bool:
    """Print what is not a race: two threads, and the first call of a process."""
    table = Table("TargetAssigner by itself", "", "figure", "target")
    met = True
    for preset in TARGETS:
        images = scene(preset, 16)
        times = []
        for threads in (1, 2):
            assigner = _make(preset, threads=threads)
            out = assigner.empty(len(images.boxes))
            call = partial(assigner, images.boxes, images.labels, rng=0, out=out)
            times.append(measure(call, rounds).median)
        gain = times[0] / times[1]
        met &= gain >= 1.8
        table.add(
            f"{preset}: speed of two threads, batch of 16",
            f"{gain:.2f} times",
            f"1.8 {'met' if gain >= 1.8 else 'MISSED'}",
        )
        table.add(f"{preset}: images/s, one thread", f"{16 / times[0]:.0f}", "")
        seconds = min(
            float(
                subprocess.run(
                    [sys.executable, "-c", FIRST_CALL, preset],
                    capture_output=True,
                    check=True,
                    text=True,
                ).stdout
            )
            for _ in range(3)
        )
        met &= seconds < 0.3
        table.add(
            f"{preset}: built and called first in a process, cache warm",
            f"{seconds:.3f} s",
            f"0.3 {'met' if seconds < 0.3 else 'MISSED'}",
        )
    table.print()
    return met


ANCHORS = (128, 256, 512, 1024, 2048)
BOXES = (0, 1, 10, 100, 1000)


def _growth(rounds: int) -> dict[tuple[int, int], float]:
    """Print the time of an image as anchors and boxes grow, sparse: without filling arrays."""
    table = Table(
        "rpn_fpn, sparse, ms an image", "pixels, anchors", *(f"M = {count}" for count in BOXES)
    )
    times = {}
    for side in ANCHORS:
        assigner = TargetAssigner.rpn_fpn(side, side)
        cells = []
        for count in BOXES:
            boxes, labels = _crowd(side, count)
            call = partial(assigner.sparse, boxes, labels, rng=0)
            times[len(assigner), count] = measure(call, max(3, rounds // 4)).median
            cells.append(f"{1e3 * times[len(assigner), count]:.3f}")
        table.add(f"{side}, {len(assigner)}", *cells)
    table.print()
    return times


def _crowd(side: int, count: int) -> tuple[Array, Array]:
    """Return boxes of COCO's sizes, as many as asked for, in an image of `side` pixels."""
    parts = [
        image.boxes * np.tile([side / 640, side / 480], 2)
        for image in sample_images(count // 2 + 1)
    ]
    boxes = np.concatenate(parts)[:count].astype(np.float32)
    return np.ascontiguousarray(boxes), np.zeros(len(boxes), np.int64)


def plot(path: str) -> None:
    """Draw the time of an image against the numbers of anchors and boxes."""
    import matplotlib.pyplot as plt

    times = _growth(20)
    figure, axes = plt.subplots(1, 2, figsize=(11, 4), layout="constrained")
    counts = sorted({count for count, _ in times})
    for boxes in BOXES:
        axes[0].plot(counts, [1e3 * times[n, boxes] for n in counts], "o-", label=f"M = {boxes}")
    for anchors in counts:
        axes[1].plot(
            BOXES[1:], [1e3 * times[anchors, m] for m in BOXES[1:]], "o-", label=f"N = {anchors}"
        )
    for axis, name in zip(axes, ("anchors N", "boxes M"), strict=True):
        axis.set(xscale="log", yscale="log", xlabel=name, ylabel="ms an image, sparse")
        axis.legend(fontsize=8, loc="upper left", bbox_to_anchor=(1, 1))
        axis.grid(alpha=0.3)
    figure.savefig(path, dpi=120)


if __name__ == "__main__":
    plot(sys.argv[1])
