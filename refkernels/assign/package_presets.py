"""The assignments of torchvision's, detectron2's and mmdetection's detectors, bit for bit."""

from typing import Any, TypeVar

from refkernels.arrays import Array, check_flag
from refkernels.assign.package_anchors import (
    detectron2_retinanet_anchors,
    detectron2_rpn_anchors,
    mmdet_retinanet_anchors,
    mmdet_rpn_anchors,
    mmdet_ssd300_anchors,
    torchvision_retinanet_anchors,
    torchvision_rpn_anchors,
    torchvision_ssd300_anchors,
    torchvision_ssdlite320_anchors,
)
from refkernels.assign.unguarded import UnguardedMatcher
from refkernels.chain.published import BEYOND_IOUS, PRESETS

__all__ = ["PackagePresets"]

Assigner = TypeVar("Assigner", bound="PackagePresets")


class PackagePresets:
    """The assignments of packages' detectors: their anchors, their matches, their targets.

    Each says whose it is. Labels count from 0 without a background; class targets are labels + 1,
    and 0 for background, for region proposals 1 and 0, and -1 for what is left out of the loss.

    A ground truth that overlaps no anchor gets none here. Packages then match every anchor with
    something (torchvision, detectron2, mmdetection with ties) or give it the first anchor (SSD);
    ``unguarded=True`` does what they do.
    """

    @classmethod
    def _made(cls: type[Assigner], name: str, anchors: Array, given: dict[str, Any]) -> Assigner:
        make: Any = cls
        known = {**PRESETS, **BEYOND_IOUS}[name]
        operators = {place: own for place, own in known.items() if place != "iou"}
        made: Assigner = make(anchors, **{"name": name, **operators, **given})
        return made

    @classmethod
    def _of_package(
        cls: type[Assigner], name: str, anchors: Array, unguarded: bool, given: dict[str, Any]
    ) -> Assigner:
        if check_flag("unguarded", unguarded):
            matcher = UnguardedMatcher.of(PRESETS[name]["matcher"])
            given = {"matcher": matcher, "name": f"{name} unguarded", **given}
        return cls._made(name, anchors, given)

    @classmethod
    def torchvision_ssd300(
        cls: type[Assigner], *, unguarded: bool = False, **options: Any
    ) -> Assigner:
        """Make the assignment of torchvision's ``ssd300_vgg16``, on 300 x 300 pixels.

        Each box gets its first best default box, and default boxes match boxes from IoU 0.5 up.
        Where several boxes want one default box the last gets it, and the others go without unless
        they overlap more. The mining of hard negatives is left to the loss.

        Parameters
        ----------
        unguarded : bool, default False
            Whether a ground truth that overlaps nothing gets what it does there: the first anchor.
        **options
            Parameters of `TargetAssigner`.

        Returns
        -------
        TargetAssigner

        References
        ----------
        torchvision 0.29, ``SSD`` and ``SSDMatcher``.

        Examples
        --------
        >>> from refkernels.assign import TargetAssigner
        >>> TargetAssigner.torchvision_ssd300()
        <TargetAssigner torchvision_ssd300: 8732 anchors, float32>
        """
        anchors = torchvision_ssd300_anchors()
        return cls._of_package("torchvision_ssd300", anchors, unguarded, options)

    @classmethod
    def torchvision_ssdlite320(
        cls: type[Assigner], *, unguarded: bool = False, **options: Any
    ) -> Assigner:
        """Make the assignment of torchvision's ``ssdlite320_mobilenet_v3_large``.

        Each box gets its first best default box, and default boxes match boxes from IoU 0.5 up.
        Where several boxes want one default box the last gets it, and the others go without unless
        they overlap more. The mining of hard negatives is left to the loss.

        Parameters
        ----------
        unguarded : bool, default False
            Whether a ground truth that overlaps nothing gets what it does there: the first anchor.
        **options
            Parameters of `TargetAssigner`.

        Returns
        -------
        TargetAssigner

        References
        ----------
        torchvision 0.29, ``SSD`` and ``SSDMatcher``.

        Examples
        --------
        >>> from refkernels.assign import TargetAssigner
        >>> TargetAssigner.torchvision_ssdlite320()
        <TargetAssigner torchvision_ssdlite320: 3234 anchors, float32>
        """
        anchors = torchvision_ssdlite320_anchors()
        return cls._of_package("torchvision_ssdlite320", anchors, unguarded, options)

    @classmethod
    def torchvision_retinanet(
        cls: type[Assigner],
        height: int = 800,
        width: int = 1344,
        *,
        unguarded: bool = False,
        **options: Any,
    ) -> Assigner:
        """Make the assignment of torchvision's ``retinanet_resnet50_fpn``.

        Anchors match boxes from IoU 0.5 up, are negative below 0.4, and ignored between; all that
        hold a box's largest IoU are positive, for the box that they overlap most themselves.

        Parameters
        ----------
        height, width : int
            The size of the padded batch in pixels, which anchors depend on.
        unguarded : bool, default False
            Whether a ground truth that overlaps nothing gets what it does there: all anchors.
        **options
            Parameters of `TargetAssigner`.

        Returns
        -------
        TargetAssigner

        References
        ----------
        torchvision 0.29, ``RetinaNet`` and ``Matcher``.

        Examples
        --------
        >>> from refkernels.assign import TargetAssigner
        >>> TargetAssigner.torchvision_retinanet(512, 512)
        <TargetAssigner torchvision_retinanet: 49104 anchors, float32>
        """
        anchors = torchvision_retinanet_anchors(height, width)
        return cls._of_package("torchvision_retinanet", anchors, unguarded, options)

    @classmethod
    def torchvision_rpn(
        cls: type[Assigner],
        height: int = 800,
        width: int = 1344,
        *,
        unguarded: bool = False,
        **options: Any,
    ) -> Assigner:
        """Make the assignment of the proposals of torchvision's ``fasterrcnn_resnet50_fpn``.

        Anchors match boxes from IoU 0.7 up, are negative below 0.3, and ignored between; all that
        hold a box's largest IoU are positive, for the box that they overlap most themselves. A
        random 256 are used, at most half of them positive.

        Parameters
        ----------
        height, width : int
            The size of the padded batch in pixels, which anchors depend on.
        unguarded : bool, default False
            Whether a ground truth that overlaps nothing gets what it does there: all anchors.
        **options
            Parameters of `TargetAssigner`.

        Returns
        -------
        TargetAssigner

        References
        ----------
        torchvision 0.29, ``RegionProposalNetwork``, ``Matcher`` and
        ``BalancedPositiveNegativeSampler``.

        Examples
        --------
        >>> from refkernels.assign import TargetAssigner
        >>> TargetAssigner.torchvision_rpn(512, 512)
        <TargetAssigner torchvision_rpn: 65472 anchors, float32>
        """
        anchors = torchvision_rpn_anchors(height, width)
        return cls._of_package("torchvision_rpn", anchors, unguarded, options)

    @classmethod
    def detectron2_retinanet(
        cls: type[Assigner],
        height: int = 800,
        width: int = 1344,
        *,
        unguarded: bool = False,
        **options: Any,
    ) -> Assigner:
        """Make the assignment of detectron2's RetinaNet.

        Anchors match boxes from IoU 0.5 up, are negative below 0.4, and ignored between; all that
        hold a box's largest IoU are positive, for the box that they overlap most themselves.

        Parameters
        ----------
        height, width : int
            The size of the padded batch in pixels, which anchors depend on.
        unguarded : bool, default False
            Whether a ground truth that overlaps nothing gets what it does there: all anchors.
        **options
            Parameters of `TargetAssigner`.

        Returns
        -------
        TargetAssigner

        References
        ----------
        detectron2 0.6, ``RetinaNet`` and ``Base-RetinaNet.yaml``.

        Examples
        --------
        >>> from refkernels.assign import TargetAssigner
        >>> TargetAssigner.detectron2_retinanet(512, 512)
        <TargetAssigner detectron2_retinanet: 49104 anchors, float32>
        """
        anchors = detectron2_retinanet_anchors(height, width)
        return cls._of_package("detectron2_retinanet", anchors, unguarded, options)

    @classmethod
    def detectron2_rpn(
        cls: type[Assigner],
        height: int = 800,
        width: int = 1344,
        *,
        unguarded: bool = False,
        **options: Any,
    ) -> Assigner:
        """Make the assignment of detectron2's region proposals on a pyramid.

        Anchors match boxes from IoU 0.7 up, are negative below 0.3, and ignored between; all that
        hold a box's largest IoU are positive, for the box that they overlap most themselves. A
        random 256 are used, at most half of them positive.

        Parameters
        ----------
        height, width : int
            The size of the padded batch in pixels, which anchors depend on.
        unguarded : bool, default False
            Whether a ground truth that overlaps nothing gets what it does there: all anchors.
        **options
            Parameters of `TargetAssigner`.

        Returns
        -------
        TargetAssigner

        References
        ----------
        detectron2 0.6, ``RPN`` and ``Base-RCNN-FPN.yaml``.

        Examples
        --------
        >>> from refkernels.assign import TargetAssigner
        >>> TargetAssigner.detectron2_rpn(512, 512)
        <TargetAssigner detectron2_rpn: 65472 anchors, float32>
        """
        anchors = detectron2_rpn_anchors(height, width)
        return cls._of_package("detectron2_rpn", anchors, unguarded, options)

    @classmethod
    def mmdet_ssd300(cls: type[Assigner], *, unguarded: bool = False, **options: Any) -> Assigner:
        """Make the assignment of mmdetection's SSD300, on 300 x 300 pixels.

        Each box gets its first best default box, and default boxes match boxes from IoU 0.5 up.
        Where several boxes want one default box the last gets it, and the others go without unless
        they overlap more. The mining of hard negatives is left to the loss.

        Parameters
        ----------
        unguarded : bool, default False
            Whether a ground truth that overlaps nothing gets what it does there: the first anchor.
        **options
            Parameters of `TargetAssigner`.

        Returns
        -------
        TargetAssigner

        References
        ----------
        mmdetection 3.3, ``MaxIoUAssigner`` and ``ssd300.py``.

        Examples
        --------
        >>> from refkernels.assign import TargetAssigner
        >>> TargetAssigner.mmdet_ssd300()
        <TargetAssigner mmdet_ssd300: 8732 anchors, float32>
        """
        anchors = mmdet_ssd300_anchors()
        return cls._of_package("mmdet_ssd300", anchors, unguarded, options)

    @classmethod
    def mmdet_retinanet(
        cls: type[Assigner],
        height: int = 800,
        width: int = 1344,
        *,
        unguarded: bool = False,
        **options: Any,
    ) -> Assigner:
        """Make the assignment of mmdetection's RetinaNet.

        Anchors match boxes from IoU 0.5 up, are negative below 0.4, and ignored between; all that
        hold a box's largest IoU are matched with that box, the last of several.

        Parameters
        ----------
        height, width : int
            The size of the padded batch in pixels, which anchors depend on.
        unguarded : bool, default False
            Whether a ground truth that overlaps nothing gets what it does there: all anchors.
        **options
            Parameters of `TargetAssigner`.

        Returns
        -------
        TargetAssigner

        References
        ----------
        mmdetection 3.3, ``MaxIoUAssigner`` and ``retinanet_r50_fpn.py``.

        Examples
        --------
        >>> from refkernels.assign import TargetAssigner
        >>> TargetAssigner.mmdet_retinanet(512, 512)
        <TargetAssigner mmdet_retinanet: 49104 anchors, float32>
        """
        anchors = mmdet_retinanet_anchors(height, width)
        return cls._of_package("mmdet_retinanet", anchors, unguarded, options)

    @classmethod
    def mmdet_rpn(
        cls: type[Assigner],
        height: int = 800,
        width: int = 1344,
        *,
        unguarded: bool = False,
        **options: Any,
    ) -> Assigner:
        """Make the assignment of mmdetection's region proposals on a pyramid.

        Anchors match boxes from IoU 0.7 up, are negative below 0.3, and ignored between; all that
        hold a box's largest IoU, if that is at least 0.3, are matched with that box, the last of
        several. A random 256 are used, at most half of them positive.

        Parameters
        ----------
        height, width : int
            The size of the padded batch in pixels, which anchors depend on.
        unguarded : bool, default False
            Changes nothing: a best pair needs 0.3 here.
        **options
            Parameters of `TargetAssigner`.

        Returns
        -------
        TargetAssigner

        References
        ----------
        mmdetection 3.3, ``MaxIoUAssigner`` and ``faster-rcnn_r50_fpn.py``.

        Examples
        --------
        >>> from refkernels.assign import TargetAssigner
        >>> TargetAssigner.mmdet_rpn(512, 512)
        <TargetAssigner mmdet_rpn: 65472 anchors, float32>
        """
        anchors = mmdet_rpn_anchors(height, width)
        return cls._of_package("mmdet_rpn", anchors, unguarded, options)
