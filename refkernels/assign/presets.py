"""The assignments of published detectors."""

from typing import TYPE_CHECKING, Any, NamedTuple

from refkernels.arrays import Array, shown
from refkernels.assign.anchors import (
    faster_rcnn_anchors,
    retinanet_anchors,
    rpn_fpn_anchors,
    ssd300_anchors,
    ssd512_anchors,
    yolo3_anchors,
)
from refkernels.bbox import BBoxBatchIOU
from refkernels.coder import NormalizedBoxCenterEncoder, SigmoidClassEncoder
from refkernels.matcher import BipartiteMatcher, CompositeMatcher, MaximumMatcher
from refkernels.sampler import QuotaSampler

if TYPE_CHECKING:
    from refkernels.assign.assigner import TargetAssigner

__all__ = ["NETWORKS", "PRESETS", "Network", "Presets", "preset_operators"]

# A quota that no image reaches: a sampler with it looks at thresholds alone.
UNLIMITED = 2**31 - 1


class Presets:
    """The assignments of published detectors, as ways to make a `TargetAssigner`.

    Each takes the keyword parameters of `TargetAssigner` as well.
    """

    @classmethod
    def _made(cls, anchors: Array, own: dict[str, Any], given: Any) -> "TargetAssigner":
        make: Any = cls
        made: TargetAssigner = make(anchors, **{**own, **given})
        return made

    @classmethod
    def ssd300(cls, dataset: str = "voc", **options: Any) -> "TargetAssigner":
        """Make the assignment of SSD300, on 300 x 300 pixels.

        Each box gets its best default box, and default boxes match boxes from IoU 0.5 up. The
        mining of hard negatives is left to the loss.

        Parameters
        ----------
        dataset : {'voc', 'coco'}
            Which scale of default boxes: see `ssd300_anchors`.
        **options
            Parameters of `TargetAssigner`.

        References
        ----------
        Liu et al., "SSD: Single Shot MultiBox Detector", 2016, section 2.2; the stds are those of
        its code ("prior_variance").

        Examples
        --------
        >>> from refkernels.assign import TargetAssigner
        >>> TargetAssigner.ssd300()
        <TargetAssigner ssd300: 8732 anchors, float32>
        """
        return cls._made(ssd300_anchors(dataset), {"name": "ssd300"}, options)

    @classmethod
    def ssd512(cls, dataset: str = "voc", **options: Any) -> "TargetAssigner":
        """Make the assignment of SSD512, on 512 x 512 pixels: that of `ssd300` but for anchors.

        Examples
        --------
        >>> from refkernels.assign import TargetAssigner
        >>> TargetAssigner.ssd512()
        <TargetAssigner ssd512: 24564 anchors, float32>
        """
        return cls._made(ssd512_anchors(dataset), {"name": "ssd512"}, options)

    @classmethod
    def rpn_fpn(
        cls,
        height: int = 1024,
        width: int = 1024,
        *,
        rounded: bool = False,
        **options: Any,
    ) -> "TargetAssigner":
        """Make the assignment of region proposals on a feature pyramid.

        Each box gets all anchors of its largest IoU; anchors match boxes from IoU 0.7 up and are
        negative below 0.3. A random 256 anchors are used, at most half of them positive. Class
        targets are 1 and 0, and -1 for what is ignored.

        Parameters
        ----------
        height, width : int
            The size of the network's input in pixels.
        rounded : bool, default False
            Round anchors as torchvision does: see `rpn_fpn_anchors`.
        **options
            Parameters of `TargetAssigner`.

        References
        ----------
        Lin et al., "Feature Pyramid Networks for Object Detection", 2017, section 4.1; Ren et al.,
        "Faster R-CNN", 2015, sections 3.1.2 and 3.1.3.

        Examples
        --------
        >>> from refkernels.assign import TargetAssigner
        >>> TargetAssigner.rpn_fpn(256, 256)
        <TargetAssigner rpn_fpn: 16368 anchors, float32>
        """
        anchors = rpn_fpn_anchors(height, width, rounded=rounded)
        return cls._made(anchors, {"name": "rpn_fpn", **_region_proposals()}, options)

    @classmethod
    def faster_rcnn(cls, height: int = 600, width: int = 1000, **options: Any) -> "TargetAssigner":
        """Make the assignment of Faster R-CNN's region proposals, on one map of stride 16.

        That of `rpn_fpn` but for anchors. The paper also ignores anchors that reach beyond the
        image; that is left to the caller, who knows each image's size.

        Examples
        --------
        >>> from refkernels.assign import TargetAssigner
        >>> TargetAssigner.faster_rcnn()
        <TargetAssigner faster_rcnn: 21546 anchors, float32>
        """
        anchors = faster_rcnn_anchors(height, width)
        return cls._made(anchors, {"name": "faster_rcnn", **_region_proposals()}, options)

    @classmethod
    def retinanet(
        cls,
        height: int = 1024,
        width: int = 1024,
        *,
        rounded: bool = False,
        **options: Any,
    ) -> "TargetAssigner":
        """Make the assignment of RetinaNet.

        Each box gets all anchors of its largest IoU; anchors match boxes from IoU 0.5 up, are
        negative below 0.4, and ignored between. All of them are used.

        Parameters
        ----------
        height, width : int
            The size of the network's input in pixels.
        rounded : bool, default False
            Round anchors as torchvision does: see `retinanet_anchors`.
        **options
            Parameters of `TargetAssigner`.

        References
        ----------
        Lin et al., "Focal Loss for Dense Object Detection", 2017, section 4; that each box gets
        its best anchors is not in the paper, but in its code and in those that follow it.

        Examples
        --------
        >>> from refkernels.assign import TargetAssigner
        >>> TargetAssigner.retinanet(256, 256)
        <TargetAssigner retinanet: 12276 anchors, float32>
        """
        own = {
            "name": "retinanet",
            "matcher": CompositeMatcher([BipartiteMatcher(), MaximumMatcher(0.5)]),
            "sampler": QuotaSampler(UNLIMITED, pos_thresh=0.5, neg_thresh_high=0.4),
            "box_encoder": NormalizedBoxCenterEncoder(stds=(1.0, 1.0, 1.0, 1.0)),
        }
        return cls._made(retinanet_anchors(height, width, rounded=rounded), own, options)

    @classmethod
    def yolo3(cls, height: int = 416, width: int = 416, **options: Any) -> "TargetAssigner":
        """Make an assignment after that of YOLOv3.

        Each box gets its one best prior; others are negative below IoU 0.5, and ignored above.
        Unlike the original, which compares shapes alone and takes the cell that a box's centre is
        in, this compares priors where they stand, centred in their cells; box targets are offsets
        and logarithms of ratios in the units of the prior.

        Parameters
        ----------
        height, width : int
            The size of the network's input in pixels.
        **options
            Parameters of `TargetAssigner`.

        References
        ----------
        Redmon and Farhadi, "YOLOv3: An Incremental Improvement", 2018, section 2.1.

        Examples
        --------
        >>> from refkernels.assign import TargetAssigner
        >>> TargetAssigner.yolo3()
        <TargetAssigner yolo3: 10647 anchors, float32>
        """
        own = {
            "name": "yolo3",
            "matcher": BipartiteMatcher(share_max=False),
            "sampler": QuotaSampler(UNLIMITED, pos_thresh=1.0, neg_thresh_high=0.5),
            "box_encoder": NormalizedBoxCenterEncoder(stds=(1.0, 1.0, 1.0, 1.0)),
        }
        return cls._made(yolo3_anchors(height, width), own, options)


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
}
PRESETS = tuple(NETWORKS)

# A size that costs nothing, where operators are wanted and not anchors.
SMALL = {"height": 64, "width": 64}


def preset_operators(name: str) -> dict[str, Any]:
    """Return the operators of a preset by their place in a chain, on anchors of any network.

    Examples
    --------
    >>> preset_operators("yolo3")["matcher"]
    BipartiteMatcher(threshold=1e-12, is_ascend=False, eps=1e-12, share_max=False)
    """
    from refkernels.assign.assigner import TargetAssigner

    if name not in PRESETS:
        expected = ", ".join(PRESETS)
        raise ValueError(f"preset: unknown preset {shown(name)}, expected one of {expected}")
    made: Any = getattr(TargetAssigner, name)(**({} if NETWORKS[name].fixed else SMALL))
    operators = made.operators
    return {
        "iou": BBoxBatchIOU(),
        "matcher": operators.matcher,
        "sampler": operators.sampler,
        "class_encoder": operators.class_encoder,
        "box_encoder": operators.box_encoder,
    }


def _region_proposals() -> dict[str, Any]:
    return {
        "matcher": CompositeMatcher([BipartiteMatcher(), MaximumMatcher(0.7)]),
        "sampler": QuotaSampler(256, pos_thresh=0.7, neg_thresh_high=0.3),
        "box_encoder": NormalizedBoxCenterEncoder(stds=(1.0, 1.0, 1.0, 1.0)),
        "class_encoder": SigmoidClassEncoder(),
    }
