"""Target assignment: anchors, ground truth and targets, from one image to a whole data set."""

from importlib import import_module
from typing import Any

_MODULE_OF = {
    "AssignersBySize": "assign.by_size",
    "Layout": "chain.layout",
    "Resize": "assign.resize",
    "SparseTargets": "assign.results",
    "Summary": "assign.dataset.part",
    "TargetAssigner": "assign.assigner",
    "Targets": "assign.results",
    "AnnotationSet": "annotations.images",
    "ImageAnnotations": "annotations.images",
    "read_annotations": "annotations.formats",
    "read_coco": "annotations.coco",
    "read_open_images": "annotations.open_images",
    "read_voc": "annotations.voc",
    "read_yolo": "annotations.yolo",
    "sample_images": "annotations.generated",
    "Survey": "assign.surveying.survey",
    "survey": "assign.surveying.survey",
    "assign_dataset": "assign.dataset.job",
    "read_config": "assign.config",
    "open_targets": "assign.reading.targets",
    "StoredImage": "assign.reading.targets",
    "StoredTargets": "assign.reading.targets",
    "dask_assign": "assign.dataset.dask_graph",
    "faster_rcnn_anchors": "assign.anchors",
    "grid_anchors": "assign.anchors",
    "retinanet_anchors": "assign.anchors",
    "rpn_fpn_anchors": "assign.anchors",
    "ssd300_anchors": "assign.anchors",
    "ssd512_anchors": "assign.anchors",
    "yolo3_anchors": "assign.anchors",
}

__all__ = list(_MODULE_OF)


def __getattr__(name: str) -> Any:
    if name in _MODULE_OF:
        return getattr(import_module(f"refkernels.{_MODULE_OF[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
