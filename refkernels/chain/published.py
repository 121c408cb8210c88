"""The chains of published detectors, by what stands at each place, and the inputs they take."""

from collections.abc import Mapping
from typing import Any, NamedTuple

from refkernels.arrays import shown
from refkernels.bbox import BBoxBatchIOU, BBoxCornerToCenter
from refkernels.coder import (
    DistanceEncoder,
    MultiClassEncoder,
    NormalizedBoxCenterEncoder,
    SigmoidClassEncoder,
)
from refkernels.cost import DETRCost, SimOTACost, TaskAlignedMetric
from refkernels.matcher import (
    ATSSMatcher,
    BipartiteMatcher,
    CompositeMatcher,
    HungarianMatcher,
    MaximumMatcher,
    PointMatcher,
    SimOTAMatcher,
    TaskAlignedMatcher,
    ThresholdMatcher,
)
from refkernels.sampler import BalancedSampler, NaiveSampler, QuotaSampler

__all__ = [
    "BEYOND_IOUS",
    "NETWORKS",
    "PREDICTING_NETWORKS",
    "PRESETS",
    "SSD",
    "Network",
    "preset_operators",
]

# A quota that no image reaches: a sampler with it looks at thresholds alone.
UNLIMITED = 2**31 - 1

UNSCALED = NormalizedBoxCenterEncoder(stds=(1.0, 1.0, 1.0, 1.0))

# SSD 2016, section 2.2; its mining of hard negatives is left to the loss.
SSD: Mapping[str, Any] = {
    "iou": BBoxBatchIOU(),
    "matcher": CompositeMatcher([BipartiteMatcher(share_max=False), MaximumMatcher(0.5)]),
    "sampler": NaiveSampler(),
    "class_encoder": MultiClassEncoder(),
    "box_encoder": NormalizedBoxCenterEncoder(),
}

# FPN 2017, section 4.1; Faster R-CNN 2015, sections 3.1.2 and 3.1.3.
REGION_PROPOSALS: Mapping[str, Any] = {
    **SSD,
    "matcher": CompositeMatcher([BipartiteMatcher(), MaximumMatcher(0.7)]),
    "sampler": QuotaSampler(256, pos_thresh=0.7, neg_thresh_high=0.3),
    "class_encoder": SigmoidClassEncoder(),
    "box_encoder": UNSCALED,
}

# Of packages, as they have them: a ground truth that overlaps nothing gets nothing here.
TWO_STAGE: Mapping[str, Any] = {**REGION_PROPOSALS, "sampler": BalancedSampler(256, 0.5)}
ONE_STAGE: Mapping[str, Any] = {**SSD, "box_encoder": UNSCALED}

# By name, the operators of a chain by their place in it.
PRESETS: Mapping[str, Mapping[str, Any]] = {
    "ssd300": SSD,
    "ssd512": SSD,
    "rpn_fpn": REGION_PROPOSALS,
    "faster_rcnn": REGION_PROPOSALS,
    # Focal loss 2017, section 4; that each box gets its best anchors is in its code.
    "retinanet": {
        **SSD,
        "matcher": CompositeMatcher([BipartiteMatcher(), MaximumMatcher(0.5)]),
        "sampler": QuotaSampler(UNLIMITED, pos_thresh=0.5, neg_thresh_high=0.4),
        "box_encoder": UNSCALED,
    },
    # YOLOv3 2018, section 2.1.
    "yolo3": {
        **SSD,
        "matcher": BipartiteMatcher(share_max=False),
        "sampler": QuotaSampler(UNLIMITED, pos_thresh=1.0, neg_thresh_high=0.5),
        "box_encoder": UNSCALED,
    },
    # torchvision 0.29, its models of these names.
    "torchvision_ssd300": {**SSD, "matcher": ThresholdMatcher.ssd()},
    "torchvision_ssdlite320": {**SSD, "matcher": ThresholdMatcher.ssd()},
    "torchvision_retinanet": {
        **ONE_STAGE,
        "matcher": ThresholdMatcher.torchvision(0.5, 0.4, allow_low_quality_matches=True),
    },
    "torchvision_rpn": {
        **TWO_STAGE,
        "matcher": ThresholdMatcher.torchvision(0.7, 0.3, allow_low_quality_matches=True),
    },
    # detectron2 0.6, Base-RetinaNet.yaml and Base-RCNN-FPN.yaml.
    "detectron2_retinanet": {
        **ONE_STAGE,
        "matcher": ThresholdMatcher.torchvision(0.5, 0.4, allow_low_quality_matches=True),
    },
    "detectron2_rpn": {
        **TWO_STAGE,
        "matcher": ThresholdMatcher.torchvision(0.7, 0.3, allow_low_quality_matches=True),
    },
    # mmdetection 3.3, ssd300.py, retinanet_r50_fpn.py and faster-rcnn_r50_fpn.py.
    "mmdet_ssd300": {**SSD, "matcher": ThresholdMatcher.mmdet(0.5, 0.5, gt_max_assign_all=False)},
    "mmdet_retinanet": {**ONE_STAGE, "matcher": ThresholdMatcher.mmdet(0.5, 0.4)},
    "mmdet_rpn": {**TWO_STAGE, "matcher": ThresholdMatcher.mmdet(0.7, 0.3, min_pos_iou=0.3)},
}


# Those whose matchers look at more than IoUs: at levels and points, or at what is predicted.
BEYOND_IOUS: Mapping[str, Mapping[str, Any]] = {
    # ATSS 2020, section 3.2, with the encoder of mmdetection's atss_r50_fpn_1x_coco.py.
    "atss": {**SSD, "matcher": ATSSMatcher(9)},
    # FCOS 2019, section 3.2, with the centre sampling of the journal's version, 2020.
    "fcos": {**SSD, "matcher": PointMatcher(1.5), "box_encoder": DistanceEncoder()},
    "torchvision_fcos": {
        **SSD,
        "matcher": PointMatcher.torchvision(),
        "box_encoder": DistanceEncoder(normalize=True),
    },
    # YOLOX 2021, section 2.1.
    "simota": {
        **SSD,
        "matcher": SimOTAMatcher.yolox(),
        "cost": SimOTACost(),
        "box_encoder": DistanceEncoder(normalize=True),
    },
    # TOOD 2021, section 3.3, as ultralytics 8.4 has it for YOLOv8 and later.
    "task_aligned": {
        **SSD,
        "matcher": TaskAlignedMatcher.ultralytics(),
        "cost": TaskAlignedMetric.ultralytics(),
        "box_encoder": DistanceEncoder(normalize=True),
    },
    # DETR 2020, section 3.1.
    "detr": {
        **SSD,
        "matcher": HungarianMatcher(),
        "cost": DETRCost(),
        "box_encoder": BBoxCornerToCenter(),
    },
}


def preset_operators(name: str) -> dict[str, Any]:
    """Return the operators of a preset by their place in a chain, on anchors of any network.

    Examples
    --------
    >>> preset_operators("yolo3")["matcher"]
    BipartiteMatcher(threshold=1e-12, is_ascend=False, eps=1e-12, share_max=False)
    """
    if name not in PRESETS:
        expected = ", ".join(PRESETS)
        raise ValueError(f"preset: unknown preset {shown(name)}, expected one of {expected}")
    return dict(PRESETS[name])


class Network(NamedTuple):
    """The input that a preset's network takes by default.

    Attributes
    ----------
    height, width : int
        Its size in pixels.
    fixed : bool
        Whether the network takes no other size.
    resize : {'stretch', 'fit'}
        Whether images are stretched to that size, or scaled until they fit it.
    """

    height: int
    width: int
    fixed: bool
    resize: str


# SSD 2016, section 3.1; FPN 2017, section 5, and Mask R-CNN's padding to 1024; Faster R-CNN 2015,
# section 3.3; YOLOv3's letterbox.
NETWORKS = {
    "ssd300": Network(300, 300, True, "stretch"),
    "ssd512": Network(512, 512, True, "stretch"),
    "rpn_fpn": Network(1024, 1024, False, "fit"),
    "faster_rcnn": Network(600, 1000, False, "fit"),
    "retinanet": Network(1024, 1024, False, "fit"),
    "yolo3": Network(416, 416, False, "fit"),
    # The shorter side to 800 pixels, the longer one to 1333 at most; padded to multiples of 32.
    "torchvision_ssd300": Network(300, 300, True, "stretch"),
    "torchvision_ssdlite320": Network(320, 320, True, "stretch"),
    "torchvision_retinanet": Network(800, 1344, False, "fit"),
    "torchvision_rpn": Network(800, 1344, False, "fit"),
    "detectron2_retinanet": Network(800, 1344, False, "fit"),
    "detectron2_rpn": Network(800, 1344, False, "fit"),
    "mmdet_ssd300": Network(300, 300, True, "stretch"),
    "mmdet_retinanet": Network(800, 1344, False, "fit"),
    "mmdet_rpn": Network(800, 1344, False, "fit"),
    "atss": Network(800, 1344, False, "fit"),
    "fcos": Network(800, 1344, False, "fit"),
    "torchvision_fcos": Network(800, 1344, False, "fit"),
}

# Those whose matchers look at what a network predicts: YOLOX 2021; ultralytics' YOLO; DETR 2020.
PREDICTING_NETWORKS = {
    "simota": Network(640, 640, False, "fit"),
    "task_aligned": Network(640, 640, False, "fit"),
    "detr": Network(800, 1344, False, "fit"),
}
