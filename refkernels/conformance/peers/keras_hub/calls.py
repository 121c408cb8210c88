"""Calls of keras_hub and keras that no representation tells: layers, masks, what comes in a dict.

Each has the name and parameters of an operator and does nothing but carry arrays to and fro. Keras
makes tensors of NumPy's arrays, on whatever backend it runs.
"""

from functools import cache
from typing import Any
from unittest import mock

import keras
import keras_hub
import numpy as np
from keras.utils import bounding_boxes
from keras_hub.src.layers.modeling import non_max_supression as suppression
from keras_hub.src.models.retinanet import retinanet_label_encoder

__all__ = [
    "anchor_generator",
    "anchors_by_documented_ratio",
    "anchors_of_odd_image",
    "box_matcher",
    "clip_to_image_size",
    "convert_to_center",
    "convert_to_corner",
    "non_max_suppression",
    "retinanet_matches",
]

__refkernels_framework__ = "numpy"


def box_matcher(x: Any, high: float, low: float | None = None, low_quality: bool = False) -> Any:
    """Call ``BoxMatcher``, which gives columns, and the kinds of rows by themselves."""
    thresholds, kinds = ([high], [-1, 1]) if low is None else ([low, high], [-1, -2, 1])
    matcher = keras_hub.layers.BoxMatcher(thresholds, kinds, low_quality, **_computed_in(x))
    columns, found = (np.asarray(own) for own in matcher(x))
    return np.select([found == 1, found == -2], [columns, -2], -1)


def retinanet_matches(x: Any) -> Any:
    """Call ``RetinaNetLabelEncoder`` on IoUs that are given; labels are the objects' numbers."""
    images = x if x.ndim > 2 else x[None]
    boxes = np.tile(np.array([0, 0, 1, 1], x.dtype), (*images.shape[::2], 1))
    labels = np.tile(np.arange(x.shape[-1], dtype=x.dtype), (len(images), 1))
    encoder = _encoder(x.shape[-2], x.dtype.name)
    with mock.patch.object(bounding_boxes, "compute_iou", return_value=images):
        _, matches = encoder(np.zeros((len(images), 8, 8, 3), x.dtype), boxes, labels)
    return np.asarray(matches).reshape(x.shape[:-1])


def clip_to_image_size(boxes: Any, size: tuple[int, int]) -> Any:
    """Call it on a dict with boxes, for an image of this height and width."""
    height, width = size
    given = {"boxes": keras.ops.convert_to_tensor(boxes)}
    return bounding_boxes.clip_to_image_size(given, height=height, width=width)["boxes"]


def convert_to_center(x: Any) -> Any:
    """Call ``convert_format``, in the dtype of the boxes where that is of reals."""
    return bounding_boxes.convert_format(x, "xyxy", "center_xywh", **_computed_in(x))


def convert_to_corner(x: Any) -> Any:
    """Call ``convert_format``, in the dtype of the boxes where that is of reals."""
    return bounding_boxes.convert_format(x, "center_xywh", "xyxy", **_computed_in(x))


def _computed_in(x: Any) -> dict[str, str]:
    return {"dtype": x.dtype.name} if x.dtype.kind == "f" else {}


def non_max_suppression(boxes: Any, scores: Any, iou_threshold: float) -> Any:
    """Call what ``NonMaxSuppression`` calls, which gives indices where that gives boxes."""
    indices, count = suppression.non_max_suppression(
        keras.ops.convert_to_tensor(boxes[None]),
        keras.ops.convert_to_tensor(scores[None]),
        max_output_size=len(boxes),
        iou_threshold=iou_threshold,
        score_threshold=float("-inf"),
    )
    return np.asarray(indices)[0, : int(np.asarray(count)[0])]


def anchor_generator(height: Any, width: Any, sizes: Any, ratios: Any, stride: Any) -> Any:
    """Call ``AnchorGenerator`` for its only level, on an image of whole cells."""
    step = int(stride)
    return _anchors((int(height) * step, int(width) * step), sizes, ratios, step)


def anchors_of_odd_image(height: Any, width: Any, sizes: Any, ratios: Any, stride: Any) -> Any:
    """Call ``AnchorGenerator`` on an image whose last cells are a pixel short."""
    step = int(stride)
    return _anchors((int(height) * step - 1, int(width) * step - 1), sizes, ratios, step)


def anchors_by_documented_ratio(
    height: Any, width: Any, sizes: Any, aspect_ratios: Any, stride: Any
) -> Any:
    """Call ``AnchorGenerator`` with ratios of width to height, as its documentation has them."""
    return anchor_generator(height, width, sizes, aspect_ratios, stride)


def _anchors(shape: tuple[int, int], sizes: Any, ratios: Any, step: int) -> Any:
    level = step.bit_length() - 1
    generator = keras_hub.layers.AnchorGenerator("xyxy", level, level, 1, ratios, sizes[0] / step)
    (anchors,) = generator(np.zeros((*shape, 1), np.float32)).values()
    return anchors


class _Anchors:
    """In place of an anchor generator: as many anchors as there are rows."""

    bounding_box_format = "xyxy"

    def __init__(self, count: int) -> None:
        self.count = count

    def __call__(self, images: Any) -> Any:
        """Return equal anchors; where they are, nobody looks."""
        dtype = keras.backend.standardize_dtype(images.dtype)
        anchors = np.tile(np.array([0, 0, 1, 1], dtype), (self.count, 1))
        return {"P3": keras.ops.convert_to_tensor(anchors)}


@cache
def _encoder(count: int, dtype: str) -> Any:
    return retinanet_label_encoder.RetinaNetLabelEncoder(_Anchors(count), "xyxy", dtype=dtype)
