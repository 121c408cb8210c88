"""Packages are asked for by name; what is no package, chain or installation is told at once."""

import sys

import pytest

import refkernels as rk
from refkernels.explain import record


def test_an_unknown_package_or_chain_is_told(tmp_path):
    message = "unknown package 'keras', expected torchvision, ultralytics, mmdet"
    with pytest.raises(ValueError, match=message):
        record(tmp_path / "a.npz", "keras")
    message = "unknown chain 'rcnn' of torchvision, expected rpn, roi_heads, ssd, retinanet, fcos"
    with pytest.raises(ValueError, match=message):
        record(tmp_path / "a.npz", "torchvision:rcnn")
    message = "unknown chain 'rpn' of mmdet, expected the number of an assigner, from 1"
    with pytest.raises(ValueError, match=message):
        record(tmp_path / "a.npz", "mmdet:rpn")


def test_packages_and_operators_are_not_mixed(tmp_path):
    message = "expected names of packages alone, or operators alone, got 'mmdet', MaximumMatcher"
    with pytest.raises(ValueError, match=message):
        record(tmp_path / "a.npz", "mmdet", rk.MaximumMatcher(0.5))


@pytest.mark.parametrize(
    ("package", "module", "install"),
    [
        ("torchvision", "torchvision.models.detection._utils", "torchvision"),
        ("ultralytics", "ultralytics.utils.tal", "ultralytics"),
        ("mmdet", "mmdet.models.task_modules.assigners", "mmdet mmengine mmcv"),
    ],
)
def test_a_package_that_is_not_there_says_how_to_install_it(
    package, module, install, tmp_path, monkeypatch
):
    monkeypatch.setitem(sys.modules, module, None)
    message = f"{package} cannot be imported: .*; pip install {install}$"
    with pytest.raises(ImportError, match=message), record(tmp_path / "a.npz", package):
        pass
