"""The assignments of published detectors."""

from typing import Any, TypeVar

from refkernels.assign.anchors import (
    faster_rcnn_anchors,
    retinanet_anchors,
    rpn_fpn_anchors,
    ssd300_anchors,
    ssd512_anchors,
    yolo3_anchors,
)
from refkernels.assign.point_presets import PointPresets

__all__ = ["Presets"]

Assigner = TypeVar("Assigner", bound="Presets")


class Presets(PointPresets):
    """The assignments of published detectors, as ways to make a `TargetAssigner`.

    Each takes the keyword parameters of `TargetAssigner` as well. Those without a package in their
    name are the papers' as gluoncv reads them.
    """

    @classmethod
    def ssd300(cls: type[Assigner], dataset: str = "voc", **options: Any) -> Assigner:
        """Make the assignment of SSD300, on 300 x 300 pixels.

        Each box gets its best default box, or all that share its largest IoU, as a small box inside
        of several does; and default boxes match boxes from IoU 0.5 up. The mining of hard negatives
        is left to the loss. With one default box for each box: `torchvision_ssd300`.

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
        return cls._made("ssd300", ssd300_anchors(dataset), options)

    @classmethod
    def ssd512(cls: type[Assigner], dataset: str = "voc", **options: Any) -> Assigner:
        """Make the assignment of SSD512, on 512 x 512 pixels: that of `ssd300` but for anchors.

        Examples
        --------
        >>> from refkernels.assign import TargetAssigner
        >>> TargetAssigner.ssd512()
        <TargetAssigner ssd512: 24564 anchors, float32>
        """
        return cls._made("ssd512", ssd512_anchors(dataset), options)

    @classmethod
    def rpn_fpn(
        cls: type[Assigner],
        height: int = 1024,
        width: int = 1024,
        *,
        rounded: bool = False,
        **options: Any,
    ) -> Assigner:
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
        return cls._made("rpn_fpn", anchors, options)

    @classmethod
    def faster_rcnn(
        cls: type[Assigner], height: int = 600, width: int = 1000, **options: Any
    ) -> Assigner:
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
        return cls._made("faster_rcnn", anchors, options)

    @classmethod
    def retinanet(
        cls: type[Assigner],
        height: int = 1024,
        width: int = 1024,
        *,
        rounded: bool = False,
        **options: Any,
    ) -> Assigner:
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
        return cls._made("retinanet", retinanet_anchors(height, width, rounded=rounded), options)

    @classmethod
    def yolo3(cls: type[Assigner], height: int = 416, width: int = 416, **options: Any) -> Assigner:
        """Make an assignment after that of YOLOv3.

        Each box gets its best prior, or all that share its largest IoU, as a small box inside of
        several does; others are negative below IoU 0.5, and ignored above. To have one prior for
        each box, give ``matcher=ThresholdMatcher(1.5, low_quality="truth", ties=False)``. Unlike
        the original, which compares shapes alone and takes the cell that a box's centre is in, this
        compares priors where they stand, centred in their cells; box targets are offsets and
        logarithms of ratios in the units of the prior.

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
        return cls._made("yolo3", yolo3_anchors(height, width), options)
