"""One line around a training step of a torchvision model records what it assigns."""

import re
import sys
import threading
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

import refkernels as rk
from refkernels.chain.published import preset_operators
from refkernels.cli.main import main
from refkernels.explain import compare_dumps, read_dump, record
from refkernels.explain.diff.dump import make_dump
from refkernels.explain.diff.headline import headline
from refkernels.explain.recording.torchvision import NOT_SAMPLED

torch = pytest.importorskip("torch", reason="PyTorch is not installed")
detection = pytest.importorskip("torchvision.models.detection", reason="no torchvision")
from torchvision.models.detection import _utils  # noqa: E402

SMALL = {"min_size": 96, "max_size": 96}
MODELS = {
    "ssd": detection.ssdlite320_mobilenet_v3_large,
    "retinanet": partial(detection.retinanet_resnet50_fpn, **SMALL),
    "fcos": partial(detection.fcos_resnet50_fpn, **SMALL),
    "rpn": partial(detection.fasterrcnn_mobilenet_v3_large_320_fpn, **SMALL),
}


def model_of(name):
    torch.manual_seed(0)
    return MODELS[name](weights=None, weights_backbone=None, num_classes=5).train()


@pytest.fixture(scope="module", params=MODELS)
def model(request):
    return request.param, model_of(request.param)


IMAGES = torch.zeros(3, 3, 96, 96)
OBJECTS = ([[4.0, 4, 40, 50], [30, 30, 90, 80]], [[10.0, 20, 60, 70]], [])


def targets():
    """Ground truths of three images, of which the last has none."""
    return [
        {
            "boxes": torch.tensor(boxes, dtype=torch.float32).reshape(-1, 4),
            "labels": torch.arange(1, len(boxes) + 1),
        }
        for boxes in OBJECTS
    ]


def step(model):
    torch.manual_seed(1)
    return model(list(IMAGES), targets())


def test_a_training_step_is_recorded_and_keeps_the_contract(model, tmp_path):
    name, own = model
    with record(tmp_path / "a.npz", "torchvision") as recorder:
        step(own)
    dump = read_dump(tmp_path / "a.npz")
    assert dump.about.startswith(f"{name} of torchvision 0.")
    assert (NOT_SAMPLED in dump.about) == (name in ("ssd", "retinanet"))
    assert dump.shape[0] == 3
    assert dump.real.sum(axis=1).tolist() == [2, 1, 0]
    assert (dump.arrays["matches"][:2] >= 0).any(axis=1).all()
    assert (dump.arrays["matches"][2] == -1).all()
    found = compare_dumps(dump, recorder.dump)
    assert headline(found) == "Nothing differs."
    assert not any(held.not_held for stage in found.stages for held in stage.held)
    assert all(held.keeps for stage in found.stages for held in stage.held)
    expected = {
        "fcos": ["matches"],
        "rpn": ["ious", "matches", "samples", "cls_targets", "box_targets"],
    }.get(name, ["ious", "matches", "samples", "box_targets"])
    assert [stage.name for stage in dump.stages] == expected


@pytest.mark.parametrize("preset", ["ssdlite320", "retinanet", "rpn"])
def test_what_is_recorded_has_the_operators_of_the_preset(preset, tmp_path):
    with record(tmp_path / "a.npz", "torchvision") as recorder:
        step(model_of("ssd" if preset == "ssdlite320" else preset))
    published = preset_operators(f"torchvision_{preset}")
    own = recorder.dump.operators
    # Of two thresholds that are the same, one needs not be said.
    assert {role: own[role] for role in own} == {role: published[role] for role in own}


def test_it_is_what_the_preset_assigns_to_the_boxes(tmp_path):
    with record(tmp_path / "a.npz", "torchvision"):
        step(model_of("ssd"))
    arguments = ["diff", str(tmp_path / "a.npz"), "--preset", "torchvision_ssdlite320"]
    result = CliRunner().invoke(main, arguments)
    assert result.exit_code == 0, result.output
    assert "Both keep the contract." in result.output


def test_a_threshold_that_was_changed_is_named(tmp_path):
    model = model_of("ssd")
    model.proposal_matcher = _utils.SSDMatcher(0.7)
    with record(tmp_path / "a.npz", "torchvision"):
        step(model)
    arguments = ["diff", str(tmp_path / "a.npz"), "--preset", "torchvision_ssdlite320"]
    result = CliRunner().invoke(main, arguments)
    assert result.exit_code == 1
    assert "A leaves the contract first at matches" in result.output
    assert "explained by high 0.7 of ThresholdMatcher in place of 0.5" in result.output


def test_a_matcher_of_one_s_own_is_held_to_what_it_derives_from(tmp_path):
    class Strict(_utils.Matcher):
        """It forgets low quality."""

        def __call__(self, matrix):
            matches = super().__call__(matrix)
            matches[matrix.max(dim=0).values < self.high_threshold] = self.BELOW_LOW_THRESHOLD
            return matches

    model = model_of("retinanet")
    model.proposal_matcher = Strict(0.5, 0.4, allow_low_quality_matches=True)
    with record(tmp_path / "a.npz", "torchvision") as recorder:
        step(model)
    told = headline(compare_dumps(recorder.dump, recorder.dump))
    assert told.startswith("A leaves the contract first at matches")


def test_an_image_is_explained(model, tmp_path):
    with record(tmp_path / "a.npz", "torchvision"):
        step(model[1])
    result = CliRunner().invoke(main, ["explain", str(tmp_path / "a.npz"), "--image", "1"])
    assert result.exit_code == 0, result.output
    assert "is matched with ground truth 0" in result.output
    assert "1 ground truth" in result.output
    assert "The dump has other matches" not in result.output


def test_of_two_stages_the_one_that_is_named_is_recorded(tmp_path):
    model = model_of("rpn")
    model.roi_heads.fg_bg_sampler.batch_size_per_image = 64
    with record(tmp_path / "a.npz", "torchvision") as first:
        step(model)
    assert first.dump.about.endswith(
        '; "torchvision:roi_heads" was called as well, and can be recorded by that name'
    )
    with record(tmp_path / "b.npz", "torchvision:roi_heads") as second:
        step(model)
    dump = second.dump
    assert dump.about.startswith("roi_heads of torchvision")
    assert "left out are images that have not" in dump.about
    assert dump.operators["sampler"] == rk.BalancedSampler(64, 0.25)
    assert compare_dumps(dump, dump).status == 0
    assert headline(compare_dumps(dump, dump)) == "Nothing differs."
    assert (dump.arrays["samples"] != 0).sum(axis=1).tolist() == [64] * len(dump.arrays["samples"])
    assert (dump.arrays["box_targets"] != 0).any()
    assert set(dump.arrays["cls_targets"].ravel().tolist()) == {-1, 0, 1, 2}


def test_a_draw_is_told_from_an_error(tmp_path):
    model = model_of("rpn")
    model.rpn.fg_bg_sampler.batch_size_per_image = 32
    dumps = []
    for seed in (1, 2):
        with record(tmp_path / "a.npz", "torchvision") as recorder:
            torch.manual_seed(seed)
            model(list(IMAGES), targets())
        dumps.append(recorder.dump)
    found = compare_dumps(*dumps)
    assert found.status == 0
    assert headline(found).startswith("What differs was drawn by lot")
    more = dumps[0].arrays["samples"].copy()
    more[:] = np.where(dumps[0].arrays["matches"] == -1, -1, more)
    other = make_dump("b", {**dumps[0].arrays, "samples": more}, dumps[0].operators)
    assert "B leaves the contract first at samples" in headline(compare_dumps(dumps[0], other))


def test_of_several_steps_the_first_is_recorded_and_no_other_is_looked_at(tmp_path):
    model = model_of("ssd")
    with record(tmp_path / "a.npz", "torchvision") as recorder:
        step(model)
        model.proposal_matcher = lambda ious: torch.full((ious.shape[1],), -1)
        step(model)
    assert (recorder.dump.arrays["matches"] >= 0).any()
    assert "not understood" not in recorder.dump.about


def attributes():
    from torchvision.models.detection import fcos, retinanet, roi_heads, rpn, ssd

    kinds = (
        _utils.Matcher, _utils.SSDMatcher, _utils.BalancedPositiveNegativeSampler, _utils.BoxCoder,
        ssd.SSD, retinanet.RetinaNetHead, fcos.FCOS, fcos.FCOSHead, rpn.RegionProposalNetwork,
        roi_heads.RoIHeads,
    )  # fmt: skip
    return [dict(vars(kind)) for kind in kinds]


def test_everything_is_as_it_was_afterwards(tmp_path):
    before = attributes()
    with record(tmp_path / "a.npz", "torchvision"), record(tmp_path / "b.npz", "torchvision"):
        assert attributes() != before
        step(model_of("ssd"))
    assert attributes() == before
    assert (tmp_path / "a.npz").exists() and (tmp_path / "b.npz").exists()  # noqa: PT018
    with pytest.raises(ZeroDivisionError), record(tmp_path / "c.npz", "torchvision"):
        raise ZeroDivisionError
    assert attributes() == before
    assert not (tmp_path / "c.npz").exists()


def test_replicas_in_threads_do_not_mix(tmp_path):
    model, barrier = model_of("ssd"), threading.Barrier(2)
    shifts, errors = (0.0, 20.0), []

    def run(shift):
        try:
            own = targets()[1:2]
            own[0]["boxes"] += shift
            barrier.wait(timeout=60)
            with torch.no_grad():
                model([IMAGES[0], IMAGES[0]], [own[0], own[0]])
        except Exception as error:
            errors.append(error)

    with record(tmp_path / "a.npz", "torchvision") as recorder:
        threads = [threading.Thread(target=run, args=(shift,)) for shift in shifts]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert errors == []
    dump = recorder.dump
    assert dump.shape[0] == 2
    assert np.array_equal(dump.arrays["boxes"][0], dump.arrays["boxes"][1])
    assert headline(compare_dumps(dump, dump)) == "Nothing differs."


def test_what_is_in_bfloat16_is_recorded_in_single_precision(tmp_path):
    from refkernels.explain.recording.tensors import as_numpy

    assert as_numpy(torch.ones(2, dtype=torch.bfloat16)).dtype == np.float32


def test_nothing_called_says_what_was_watched(tmp_path):
    message = r"a\.npz is not written: nothing of torchvision was called; watched was Region"
    with pytest.raises(ValueError, match=message), record(tmp_path / "a.npz", "torchvision"):
        pass
    message = 'watched was fcos of it; only "torchvision:ssd" was'
    with pytest.raises(ValueError, match=message), record(tmp_path / "a.npz", "torchvision:fcos"):
        step(model_of("ssd"))


def test_a_package_that_cannot_be_imported_says_how_to_install_it(tmp_path, monkeypatch):
    before = attributes()
    monkeypatch.setitem(sys.modules, "torchvision.models.detection.roi_heads", None)
    message = "torchvision cannot be imported: .*; pip install torchvision"
    with pytest.raises(ImportError, match=message), record(tmp_path / "a.npz", "torchvision"):
        pass
    assert attributes() == before


def test_the_page_shows_what_is_recorded(tmp_path, monkeypatch):
    page = (Path(__file__).parents[3] / "docs" / "diff.md").read_text()
    code = next(re.finditer(r"^```py\n(.*?)^```$", page, re.M | re.S)).group(1)
    (shown,) = re.findall(r"^```\n\$ refkernels (diff step.*?)\n\.\.\.\n```$", page, re.M | re.S)
    monkeypatch.chdir(tmp_path)
    exec(code, {})
    command, *lines = shown.splitlines()
    printed = CliRunner().invoke(main, command.split()).output.splitlines()
    pairs = zip(lines, [line.rstrip() for line in printed], strict=False)
    versions = r"of torchvision .*"
    assert all(re.sub(versions, "", one) == re.sub(versions, "", other) for one, other in pairs)
