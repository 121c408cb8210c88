"""Target assignment: anchors, ground truth and targets, from one image to a whole data set."""

from importlib import import_module
from typing import Any

_MODULE_OF = {
    "Resize": "part",
    "SparseTargets": "results",
    "Summary": "part",
    "TargetAssigner": "assigner",
    "Targets": "results",
    "AnnotationSet": "annotations",
    "ImageAnnotations": "annotations",
    "read_annotations": "folders",
    "read_coco": "annotations",
    "read_voc": "folders",
    "read_yolo": "folders",
    "sample_images": "generated",
    "assign_dataset": "dataset",
    "dask_assign": "dask_graph",
    "faster_rcnn_anchors": "anchors",
    "grid_anchors": "anchors",
    "retinanet_anchors": "anchors",
    "rpn_fpn_anchors": "anchors",
    "ssd300_anchors": "anchors",
    "ssd512_anchors": "anchors",
    "yolo3_anchors": "anchors",
}

__all__ = list(_MODULE_OF)


def __getattr__(name: str) -> Any:
    if name in _MODULE_OF:
        return getattr(import_module(f"{__name__}.{_MODULE_OF[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
