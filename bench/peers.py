"""The libraries that refkernels is raced against, and how each of them is imported."""

import importlib
import os
import sys
import warnings
from types import ModuleType
from typing import Any

from bench.harness import Peer

__all__ = [
    "GLUONCV",
    "MMDET",
    "POWERBOXES",
    "PYCOCOTOOLS",
    "SCIPY",
    "TORCHVISION",
    "TORCHVISION_MODELS",
    "ULTRALYTICS",
]


def _gluoncv() -> tuple[ModuleType, Any]:
    from refkernels.gluon.compat import import_mxnet
    from refkernels.legacy_numpy import numpy_for_mxnet

    mxnet = import_mxnet()
    # gluoncv refuses to be imported beside a PyTorch of today, which it does not need here.
    torch = sys.modules.pop("torch", None)
    sys.modules["torch"] = None  # type: ignore[assignment]
    try:
        with numpy_for_mxnet(), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return mxnet, importlib.import_module("gluoncv.nn")
    finally:
        del sys.modules["torch"]
        if torch is not None:
            sys.modules["torch"] = torch


def _torchvision() -> tuple[ModuleType, Any]:
    torch = importlib.import_module("torch")
    return torch, importlib.import_module("torchvision.ops").box_iou


def _torchvision_models() -> tuple[ModuleType, ModuleType, ModuleType]:
    torch = importlib.import_module("torch")
    torch.set_num_threads(int(os.environ.get("OMP_NUM_THREADS", "1")))
    utils = importlib.import_module("torchvision.models.detection._utils")
    return torch, importlib.import_module("torchvision.ops"), utils


def _ultralytics() -> tuple[ModuleType, Any]:
    torch = importlib.import_module("torch")
    return torch, importlib.import_module("ultralytics.utils.tal").TaskAlignedAssigner


def _mmdet() -> tuple[ModuleType, Any, ModuleType]:
    torch = importlib.import_module("torch")
    structures = importlib.import_module("mmengine.structures")
    assigners = importlib.import_module("mmdet.models.task_modules.assigners")
    return torch, structures.InstanceData, assigners


GLUONCV = Peer("gluoncv", _gluoncv)
MMDET = Peer("mmdet", _mmdet)
POWERBOXES = Peer("powerboxes", lambda: importlib.import_module("powerboxes"))
PYCOCOTOOLS = Peer("pycocotools", lambda: importlib.import_module("pycocotools.mask"))
TORCHVISION = Peer("torchvision", _torchvision)
TORCHVISION_MODELS = Peer("torchvision", _torchvision_models)
ULTRALYTICS = Peer("ultralytics", _ultralytics)
SCIPY = Peer("scipy", lambda: importlib.import_module("scipy.optimize").linear_sum_assignment)
