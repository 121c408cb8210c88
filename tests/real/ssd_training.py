"""Train a gluoncv SSD for two steps, with gluoncv's own targets and with refkernels' blocks.

``python -m tests.real.ssd_training FILE`` takes a COCO instances file, builds an SSD with random
weights, and at every step makes the targets of both generators from the same predictions. Where
they differ it says at which stage they part, and who left the specification there: each stage is
made anew by the kernels from gluoncv's own inputs to it.
"""

import argparse
from collections import Counter
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

import refkernels
from refkernels import gluon as blocks
from refkernels.annotations.coco import read_coco
from refkernels.conformance.cases import find
from refkernels.conformance.model.operator import Case
from refkernels.gluon.compat import import_mxnet
from refkernels.legacy_numpy import numpy_for_mxnet

mx = import_mxnet()
with numpy_for_mxnet():
    from gluoncv.loss import SSDMultiBoxLoss
    from gluoncv.model_zoo import get_model
    from gluoncv.model_zoo.ssd.target import SSDTargetGenerator

SIZE = 256
STAGES = ("ious", "matches", "samples", "cls_targets", "box_targets", "box_masks")


class TargetGenerator(mx.gluon.HybridBlock):
    """SSD's targets from refkernels' blocks: takes and returns what gluoncv's generator does."""

    def __init__(self):
        super().__init__()
        self.to_corner = blocks.BBoxCenterToCorner()
        self.iou = blocks.BBoxBatchIOU()
        self.matcher = blocks.CompositeMatcher(
            [blocks.BipartiteMatcher(share_max=False), blocks.MaximumMatcher(0.5)]
        )
        self.sampler = blocks.OHEMSampler(3, thresh=0.5)
        self.class_encoder = blocks.MultiClassEncoder()
        self.box_encoder = blocks.NormalizedBoxCenterEncoder()

    def hybrid_forward(self, F, anchors, cls_preds, boxes, ids):
        """Return every stage; the last three are the targets."""
        corners = self.to_corner(anchors)
        ious = self.iou(corners, boxes)
        matches = self.matcher(ious)
        samples = self.sampler(matches, cls_preds, ious)
        cls_targets = self.class_encoder(samples, matches, F.squeeze(ids, axis=-1))
        box_targets, box_masks = self.box_encoder(samples, matches, corners, boxes)
        return ious, matches, samples, cls_targets, box_targets, box_masks


def gluoncv_stages(generator, anchors, cls_preds, boxes, ids):
    """Run gluoncv's generator part by part, since it returns only its end."""
    corners = generator._center_to_corner(anchors.reshape((-1, 4)))
    ious = mx.nd.transpose(mx.nd.contrib.box_iou(corners, boxes), (1, 0, 2))
    matches = generator._matcher(ious)
    samples = generator._sampler(matches, cls_preds, ious)
    cls_targets = generator._cls_encoder(samples, matches, ids)
    box_targets, box_masks = generator._box_encoder(samples, matches, corners, boxes)
    return ious, matches, samples, cls_targets, box_targets, box_masks


@dataclass
class Comparison:
    """How the targets of a step differ.

    Attributes
    ----------
    differing : dict of str to int
        Anchors that differ, per stage.
    reasons : Counter
        Why, for each anchor whose targets differ; "unexplained" must not occur.
    """

    differing: dict = field(default_factory=dict)
    reasons: Counter = field(default_factory=Counter)


def compare(theirs, ours, cls_preds):
    """Compare the stages of gluoncv's generator with ours, and explain each anchor that differs."""
    g = dict(zip(STAGES, theirs, strict=True))
    r = dict(zip(STAGES, ours, strict=True))
    result = Comparison()
    unequal = {}
    for stage in STAGES:
        differs = g[stage] != r[stage]
        unequal[stage] = differs if differs.ndim == 2 else differs.any(-1)
        result.differing[stage] = int(unequal[stage].sum())
    # What the kernels make of gluoncv's own inputs to a stage tells who leaves the specification.
    matcher = refkernels.CompositeMatcher(
        [refkernels.BipartiteMatcher(share_max=False), refkernels.MaximumMatcher(0.5)]
    )
    right_matches = matcher(g["ious"])
    # The judge knows which scores rounding may put in either order.
    mining = find("OHEMSampler")
    case = Case({"ratio": 3.0}, {"matches": g["matches"], "logits": cls_preds, "ious": g["ious"]})
    left_specification = mining.judge(case, mining.refer(case), (g["samples"],))
    (right_samples,) = mining.refer(case).kernel
    targets = unequal["cls_targets"] | unequal["box_targets"] | unequal["box_masks"]
    for image, anchor in zip(*np.nonzero(targets), strict=True):
        at = image, anchor
        if unequal["matches"][at]:
            if right_matches[at] != g["matches"][at]:
                column = int(max(g["matches"][at], right_matches[at]))
                best = float(g["ious"][image, anchor, column])
                why = (
                    f"gluoncv's matcher gives {'a match' if g['matches'][at] >= 0 else 'no match'} "
                    f"at {'IoU 0 (a padding row)' if best == 0 else 'a positive IoU'}"
                )
            else:
                why = "IoU: rounding at a tie or threshold"
        elif unequal["samples"][at]:
            if right_samples[at] != g["samples"][at]:
                why = (
                    "OHEM: rounding of scores, within the bound"
                    if left_specification is None
                    else f"gluoncv's OHEM: {left_specification.what}"
                )
            elif (right_matches[image] != g["matches"][image]).any():
                why = "OHEM: the image's quota differs, since its matches do"
            else:
                why = "OHEM: rounding of a score"
        elif np.allclose(g["box_targets"][at], r["box_targets"][at], rtol=1e-5, atol=1e-5):
            why = "box targets: rounding"
        else:
            why = "unexplained"
        result.reasons[why] += 1
    return result


def batch_of(annotations):
    """Return boxes (B, M, 4) in pixels of the network's input, and labels (B, M, 1), padded."""
    count = max(len(image.boxes) for image in annotations)
    boxes = np.full((len(annotations), count, 4), -1, np.float32)
    ids = np.full((len(annotations), count, 1), -1, np.float32)
    for k, image in enumerate(annotations):
        scale = SIZE / np.array([image.width, image.height] * 2)
        boxes[k, : len(image.boxes)] = image.boxes * scale
        ids[k, : len(image.boxes), 0] = image.labels
    return boxes, ids


def without_objects(image):
    """Return an image's annotations without its boxes."""
    nothing = np.zeros(0, np.int64)
    return replace(image, boxes=np.zeros((0, 4)), labels=nothing, iscrowd=nothing)


def train(use_ours, annotations, steps=2):
    """Train for some steps; return each step's loss and the comparison of its targets."""
    mx.random.seed(1)
    net = get_model("ssd_512_mobilenet1.0_coco", pretrained=False, pretrained_base=False)
    net.initialize()
    trainer = mx.gluon.Trainer(net.collect_params(), "sgd", {"learning_rate": 1e-3})
    theirs, ours = SSDTargetGenerator(), TargetGenerator()
    ours.hybridize()
    loss_of = SSDMultiBoxLoss()
    boxes, ids = (mx.nd.array(array) for array in batch_of(annotations))
    history = []
    for step in range(steps):
        noise = np.random.default_rng(step).random((len(annotations), 3, SIZE, SIZE), np.float32)
        with mx.autograd.record():
            cls_preds, box_preds, anchors = net(mx.nd.array(noise))
            with mx.autograd.pause():
                inputs = anchors, cls_preds, boxes, ids
                stages = gluoncv_stages(theirs, *inputs), ours(*inputs)
            cls_targets, box_targets, _ = stages[use_ours][3:]
            loss, _, _ = loss_of(cls_preds, box_preds, cls_targets, box_targets)
        mx.autograd.backward(loss)
        trainer.step(1)
        arrays = [[stage.asnumpy() for stage in own] for own in stages]
        total = float(sum(part.sum().asscalar() for part in loss))
        history.append((total, compare(*arrays, cls_preds.asnumpy())))
    return history


def main():
    """Print losses, how many anchors differ at each stage, and why."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("file", type=Path, help="a COCO instances file")
    parser.add_argument("--images", type=int, default=8)
    arguments = parser.parse_args()
    images = read_coco(arguments.file)
    annotations = [image for image in images if len(image.boxes)][: arguments.images]
    # A crop of the last one beside all its objects, as augmentation makes them: only padding.
    annotations[-1] = without_objects(annotations[-1])
    for use_ours in (False, True):
        name = "refkernels' blocks" if use_ours else "gluoncv's generator"
        for step, (loss, found) in enumerate(train(use_ours, annotations)):
            print(f"trained with {name}, step {step}: loss {loss:.4f}")
            print("  anchors that differ:", found.differing)
            for why, count in found.reasons.most_common():
                print(f"  {count:5d}  {why}")


if __name__ == "__main__":
    main()
