"""The assignments of detectors that match by more than IoUs: by points, levels, or predictions."""

from typing import Any, TypeVar

import numpy as np

from refkernels.arrays import check_integer
from refkernels.assign.package_presets import PackagePresets
from refkernels.assign.point_anchors import FCOS_RANGES, FCOS_STRIDES, YOLO_STRIDES, point_anchors

__all__ = ["PointPresets"]

Assigner = TypeVar("Assigner", bound="PointPresets")


class PointPresets(PackagePresets):
    """Assignments on points or single squares, and such that look at predictions."""

    @classmethod
    def atss(cls: type[Assigner], height: int = 800, width: int = 1344, **options: Any) -> Assigner:
        """Make the assignment of ATSS, with the anchors of mmdetection.

        On each level the nine squares of 8 strides that are nearest to a box are its candidates;
        those match that reach the mean of their IoUs plus the deviation, and have their centre
        inside of the box. Centres are at multiples of the stride.

        Parameters
        ----------
        height, width : int
            The size of the network's input in pixels.
        **options
            Parameters of `TargetAssigner`.

        References
        ----------
        Zhang et al., "Bridging the gap between anchor-based and anchor-free detection via adaptive
        training sample selection", 2020, section 3.2; mmdetection 3.3, ``ATSSAssigner``.

        Examples
        --------
        >>> from refkernels.assign import TargetAssigner
        >>> TargetAssigner.atss(256, 256)
        <TargetAssigner atss: 1364 anchors, float32>
        """
        anchors, layout = point_anchors(height, width, FCOS_STRIDES, offset=0.0, scale=8.0)
        return cls._made("atss", anchors, {"layout": layout, **options})

    @classmethod
    def fcos(cls: type[Assigner], height: int = 800, width: int = 1344, **options: Any) -> Assigner:
        """Make the assignment of FCOS, with centre sampling.

        A point matches the smallest box around it whose sides are as far as its level looks for,
        if it is within 1.5 strides of the box's centre. Box targets are the distances from the
        point to the four sides, in pixels.

        Parameters
        ----------
        height, width : int
            The size of the network's input in pixels.
        **options
            Parameters of `TargetAssigner`.

        References
        ----------
        Tian et al., "FCOS: Fully convolutional one-stage object detection", 2019, section 3.2; the
        sampling is that of the journal's version, 2020.

        Examples
        --------
        >>> from refkernels.assign import TargetAssigner
        >>> TargetAssigner.fcos(256, 256)
        <TargetAssigner fcos: 1364 anchors, float32>
        """
        anchors, layout = point_anchors(height, width, FCOS_STRIDES, ranges=FCOS_RANGES)
        return cls._made("fcos", anchors, {"layout": layout, **options})

    @classmethod
    def torchvision_fcos(
        cls: type[Assigner], height: int = 800, width: int = 1344, **options: Any
    ) -> Assigner:
        """Make the assignment of torchvision's ``fcos_resnet50_fpn``.

        That of `fcos`, but points lie at the corners of cells, whose distance is whole; the ends of
        a level's range do not belong to it; and distances are in strides.

        Parameters
        ----------
        height, width : int
            The size of the padded batch in pixels, which anchors depend on.
        **options
            Parameters of `TargetAssigner`.

        References
        ----------
        torchvision 0.29, ``FCOS.compute_loss`` and ``BoxLinearCoder``.

        Examples
        --------
        >>> from refkernels.assign import TargetAssigner
        >>> TargetAssigner.torchvision_fcos(256, 256)
        <TargetAssigner torchvision_fcos: 1364 anchors, float32>
        """
        ranges = FCOS_RANGES
        anchors, layout = point_anchors(
            height, width, FCOS_STRIDES, offset=0.0, whole=True, ranges=ranges
        )
        return cls._made("torchvision_fcos", anchors, {"layout": layout, **options})

    @classmethod
    def simota(
        cls: type[Assigner], height: int = 640, width: int = 640, **options: Any
    ) -> Assigner:
        """Make the assignment of YOLOX, which looks at predictions.

        Predictions are boxes, and scores after the sigmoid. Box targets are distances to the four
        sides, in strides.

        Parameters
        ----------
        height, width : int
            The size of the network's input in pixels.
        **options
            Parameters of `TargetAssigner`.

        References
        ----------
        Ge et al., "YOLOX: Exceeding YOLO series in 2021", 2021, section 2.1, "SimOTA". Its centre
        radius, which adds points around a box's centre, is not in it.

        Examples
        --------
        >>> from refkernels.assign import TargetAssigner
        >>> import numpy as np
        >>> assigner = TargetAssigner.simota(64, 64)
        >>> boxes, scores = np.array(assigner.anchors), np.full((len(assigner), 3), 0.25)
        >>> targets = assigner([[4.0, 4.0, 30.0, 30.0]], [2], predictions=(boxes, scores))
        >>> np.flatnonzero(targets.matches == 0)
        array([80])
        """
        anchors, layout = point_anchors(height, width, YOLO_STRIDES)
        return cls._made("simota", anchors, {"layout": layout, **options})

    @classmethod
    def task_aligned(
        cls: type[Assigner], height: int = 640, width: int = 640, **options: Any
    ) -> Assigner:
        """Make the assignment of YOLOv8 and later, which looks at predictions.

        Predictions are boxes, and scores after the sigmoid. Box targets are distances to the four
        sides, in strides.

        Parameters
        ----------
        height, width : int
            The size of the network's input in pixels.
        **options
            Parameters of `TargetAssigner`.

        References
        ----------
        Feng et al., "TOOD: Task-aligned one-stage object detection", 2021, section 3.3; ultralytics
        8.4, ``TaskAlignedAssigner``.

        Examples
        --------
        >>> from refkernels.assign import TargetAssigner
        >>> import numpy as np
        >>> assigner = TargetAssigner.task_aligned(64, 64)
        >>> boxes, scores = np.array(assigner.anchors), np.full((len(assigner), 3), 0.25)
        >>> targets = assigner([[4.0, 4.0, 30.0, 30.0]], [2], predictions=(boxes, scores))
        >>> int((targets.matches == 0).sum())
        10
        """
        anchors, layout = point_anchors(height, width, YOLO_STRIDES)
        return cls._made("task_aligned", anchors, {"layout": layout, **options})

    @classmethod
    def detr(
        cls: type[Assigner],
        queries: int = 100,
        height: int = 800,
        width: int = 1344,
        **options: Any,
    ) -> Assigner:
        """Make the matching of DETR, which looks at predictions.

        Predictions are centre forms as shares of the input, and logits. Ground truth is in pixels
        of the input, as everywhere; box targets are centre forms as shares of it. Of what matches
        nothing, the class target is 0; labels count from 1.

        Parameters
        ----------
        queries : int, default 100
            How many predictions there are.
        height, width : int
            The size of the network's input in pixels.
        **options
            Parameters of `TargetAssigner`.

        References
        ----------
        Carion et al., "End-to-end object detection with transformers", 2020, section 3.1.

        Examples
        --------
        >>> from refkernels.assign import TargetAssigner
        >>> assigner = TargetAssigner.detr(queries=2, height=100, width=100)
        >>> predictions = [[0.5, 0.5, 1, 1], [0.2, 0.2, 0.2, 0.2]], [[2.0, 0, 0], [0, 2.0, 0]]
        >>> assigner([[10.0, 10.0, 30.0, 30.0]], [1], predictions=predictions).matches
        array([-1,  0])
        """
        count = check_integer("queries", queries, low=0)
        sizes = {
            "size": (check_integer("height", height, low=1), check_integer("width", width, low=1))
        }
        return cls._made("detr", np.zeros((count, 4)), {**sizes, **options})
