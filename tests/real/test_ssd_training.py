"""A real network trains on the blocks' targets, and each difference from gluoncv's is explained."""

import math
from importlib.util import find_spec

import pytest

# gluoncv refuses to import beside a torch of its own age or later.
if find_spec("gluoncv") is None or find_spec("torch") is not None:
    pytest.skip("needs gluoncv, and no torch beside it", allow_module_level=True)


@pytest.fixture(scope="module")
def histories(shared_data):
    from refkernels.annotations.coco import read_coco
    from tests.real.ssd_training import train, without_objects

    images = read_coco(shared_data / "instances_val2014_100.json")
    annotations = [image for image in images if len(image.boxes)][:3]
    annotations[-1] = without_objects(annotations[-1])
    return {use_ours: train(use_ours, annotations) for use_ours in (False, True)}


def test_every_difference_is_explained(histories):
    for history in histories.values():
        for _, comparison in history:
            assert "unexplained" not in comparison.reasons


def test_an_image_without_objects_has_no_positives_on_our_targets(histories):
    for _, comparison in histories[True]:
        assert comparison.differing["ious"] == 0
        assert any("IoU 0" in why for why in comparison.reasons)


def test_training_on_our_targets_stays_finite(histories):
    assert all(math.isfinite(loss) for loss, _ in histories[True])
