"""The readings that there are of one name, two by two, and whose they are."""

from typing import NamedTuple

__all__ = ["DIALECTS", "Dialect"]


class Dialect(NamedTuple):
    """Two readings of one operator.

    Attributes
    ----------
    name : str
        What both call it.
    one, other : str
        The readings (`reading.Reading`).
    whose_one, whose_other : str
        Whose they are.
    what : str
        Where they part.
    """

    name: str
    one: str
    whose_one: str
    other: str
    whose_other: str
    what: str


DIALECTS = (
    Dialect(
        "task-aligned matching",
        "TaskAlignedMatcher.ultralytics(topk=10)",
        "ultralytics",
        "TaskAlignedMatcher.tood(topk=10)",
        "TOOD, mmdetection",
        "whether a truth selects among all anchors or those inside it, and who gets an anchor that "
        "several select",
    ),
    Dialect(
        "task-aligned metric",
        "TaskAlignedMetric.ultralytics()",
        "ultralytics",
        "TaskAlignedMetric.tood()",
        "TOOD, mmdetection",
        "the exponents of score and IoU",
    ),
    Dialect(
        "SimOTA's cost",
        "SimOTACost.yolox()",
        "YOLOX",
        "SimOTACost.mmdet()",
        "mmdetection",
        "what is added to an IoU before its logarithm",
    ),
    Dialect(
        "SimOTA's conflicts",
        "SimOTAMatcher.yolox()",
        "YOLOX, mmdetection",
        "SimOTAMatcher(conflict='selected')",
        "no package that was looked at",
        "an anchor that several truths select goes to the cheapest of all, or of these",
    ),
    Dialect(
        "low-quality matches",
        "ThresholdMatcher.torchvision(0.7, 0.3, True)",
        "torchvision, detectron2",
        "ThresholdMatcher.mmdet(0.7, 0.3)",
        "mmdetection",
        "an anchor that is some truth's best keeps the one that it overlaps most, or gets that one",
    ),
    Dialect(
        "ties of low-quality matches",
        "ThresholdMatcher.mmdet(0.7, 0.3)",
        "mmdetection",
        "ThresholdMatcher.mmdet(0.7, 0.3, gt_max_assign_all=False)",
        "mmdetection with gt_max_assign_all=False",
        "all anchors that overlap a truth as much as its best, or the first alone",
    ),
    Dialect(
        "SSD's matching",
        "ThresholdMatcher.ssd(0.5)",
        "torchvision",
        "ThresholdMatcher(0.5, low_quality='truth', ties=False, winner='first')",
        "no package that was looked at",
        "of several truths that want one anchor, the last or the first gets it",
    ),
    Dialect(
        "points inside",
        "PointMatcher.torchvision()",
        "torchvision, detectron2",
        "PointMatcher(radius=1.5)",
        "FCOS, mmdetection",
        "a point on the limit of its level's range",
    ),
    Dialect(
        "clamps of box sizes",
        "NormalizedBoxCenterDecoder(clip=4.135166556742356, convert_anchor=True)",
        "torchvision, detectron2",
        "NormalizedBoxCenterDecoder(clip=4.135166556742356, clip_low=-4.135166556742356, "
        "convert_anchor=True)",
        "mmdetection",
        "whether a box may shrink by more than 1000/16",
    ),
    Dialect(
        "suppression at the threshold",
        "NMS(0.5)",
        "torchvision",
        "NMS(0.49999997)",
        "keras_hub and Fast R-CNN's cpu_nms, which suppress from the threshold on",
        "a box whose IoU with a better one is the threshold",
    ),
    Dialect(
        "IoU of pixels",
        "BBoxBatchIOU(offset=0)",
        "torchvision, COCO",
        "BBoxBatchIOU(offset=1)",
        "VOC, cython-bbox, mmdetection 1",
        "whether a box ends at its last pixel or after it",
    ),
    Dialect(
        "IoU of empty boxes",
        "BBoxBatchIOU(eps=1e-15)",
        "gluoncv",
        "BBoxBatchIOU(eps=1e-7)",
        "ultralytics",
        "what is added to the union, so that nothing is divided by zero",
    ),
    Dialect(
        "DETR's cost",
        "DETRCost()",
        "DETR",
        "DETRCost.deformable()",
        "Deformable DETR",
        "the cost of a class: softmax or focal",
    ),
    Dialect(
        "anchors of a cell",
        "AnchorGrid(sizes=(32,), ratios=(0.5, 1.0, 2.0), stride=16, offset=0, rounded=True)",
        "torchvision",
        "AnchorGrid(sizes=(32,), ratios=(0.5, 1.0, 2.0), stride=16, offset=0)",
        "detectron2, mmdetection",
        "whether the corners of anchors are rounded to whole pixels",
    ),
)
