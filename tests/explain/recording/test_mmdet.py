"""One line around mmdetection's assigners records what they assign, image by image."""

import numpy as np
import pytest
from click.testing import CliRunner

import refkernels as rk
from refkernels.cli.main import main
from refkernels.explain import compare_dumps, read_dump, record
from refkernels.explain.diff.headline import headline
from refkernels.explain.recording.mmdet import NOT_INSIDE

torch = pytest.importorskip("torch", reason="PyTorch is not installed")
assigners = pytest.importorskip("mmdet.models.task_modules.assigners", reason="no mmdet")
samplers = pytest.importorskip("mmdet.models.task_modules.samplers", reason="no mmdet")
InstanceData = pytest.importorskip("mmengine.structures").InstanceData

pytestmark = pytest.mark.filterwarnings("ignore:.*autocast.*:FutureWarning")

OBJECTS = ([[4.0, 5, 40, 50], [31, 30, 60, 62]], [[10.0, 20, 51, 60]], [])
CENTRES = torch.stack(torch.meshgrid(*[torch.arange(4.0, 64, 8)] * 2, indexing="xy"), -1)
POINTS = CENTRES.reshape(-1, 2)


def truths():
    """Ground truths of three images, of which the last has none."""
    return [
        InstanceData(
            bboxes=torch.tensor(boxes, dtype=torch.float32).reshape(-1, 4),
            labels=torch.arange(len(boxes)),
        )
        for boxes in OBJECTS
    ]


def priors(kind):
    rng = torch.Generator().manual_seed(0)
    side = 8 + 8 * torch.rand(64, 2, generator=rng)
    own = InstanceData(priors=torch.cat([POINTS - side, POINTS + side], -1))
    if kind in ("TaskAlignedAssigner", "SimOTAAssigner"):
        shift = 8 * torch.rand(64, 4, generator=rng)
        own.bboxes = own.priors + shift
        own.scores = 0.1 + 0.8 * torch.rand(64, 3, generator=rng)
    if kind == "SimOTAAssigner":
        own.priors = torch.cat([POINTS, torch.full((64, 2), 8.0)], -1)
    return own


ASSIGNERS = {
    "MaxIoUAssigner": (lambda: assigners.MaxIoUAssigner(0.5, 0.4, 0.1), {}),
    "ATSSAssigner": (lambda: assigners.ATSSAssigner(4), {"num_level_priors": [64]}),
    "TaskAlignedAssigner": (lambda: assigners.TaskAlignedAssigner(4), {}),
    "SimOTAAssigner": (lambda: assigners.SimOTAAssigner(), {}),
}
OPERATORS = {
    "MaxIoUAssigner": rk.ThresholdMatcher.mmdet(0.5, 0.4, 0.1),
    "ATSSAssigner": rk.ATSSMatcher(4),
    "TaskAlignedAssigner": rk.TaskAlignedMatcher.tood(4),
    "SimOTAAssigner": rk.SimOTAMatcher.mmdet(10),
}
each_assigner = pytest.mark.parametrize("kind", ASSIGNERS)


def assigned(kind, assigner=None, sampler=None):
    """Assign all images, as `multi_apply` of a head does; return what was assigned."""
    make, more = ASSIGNERS[kind]
    assigner, found = assigner or make(), []
    for own in truths():
        result = assigner.assign(pred_instances=priors(kind), gt_instances=own, **more)
        found.append(result.gt_inds.numpy().copy())
        if sampler:
            sampler.sample(result, priors(kind), own)
    return np.stack(found)


@each_assigner
def test_an_assigner_is_recorded_and_keeps_the_contract(kind, tmp_path):
    with record(tmp_path / "a.npz", "mmdet"):
        inds = assigned(kind)
    dump = read_dump(tmp_path / "a.npz")
    what, _, remark = dump.about.partition("; ")
    assert what == f"{kind} of mmdet 3.3.0"
    assert remark == (NOT_INSIDE if "inside" in dump.arrays else "")
    assert dump.operators["matcher"] == OPERATORS[kind]
    matches = dump.arrays["matches"]
    assert np.array_equal(np.where(matches < 0, -1 - matches, matches + 1),
                          np.where(inds < 0, 1, inds))  # fmt: skip
    assert (inds[:2] > 0).any(axis=1).all()
    found = compare_dumps(dump, dump)
    assert headline(found) == "Nothing differs."
    assert found.stages[-1].held[0].not_held == ""


@each_assigner
def test_an_image_is_explained(kind, tmp_path):
    with record(tmp_path / "a.npz", "mmdet"):
        assigned(kind)
    for image in ("0", "1"):
        result = CliRunner().invoke(main, ["explain", str(tmp_path / "a.npz"), "--image", image])
        assert result.exit_code == 0, result.output
        assert "is matched with ground truth 0" in result.output
        assert "other matches" not in result.output


def test_a_fault_is_found_where_it_arises(tmp_path):
    class Greedy(assigners.MaxIoUAssigner):
        """It takes what is above another threshold than its own."""

        def assign_wrt_overlaps(self, overlaps, gt_labels):
            return super().assign_wrt_overlaps(overlaps * 1.25, gt_labels)

    with record(tmp_path / "a.npz", "mmdet") as recorder:
        assigned("MaxIoUAssigner", Greedy(0.6, 0.6, match_low_quality=False))
    told = headline(compare_dumps(recorder.dump, recorder.dump))
    assert told.startswith("A leaves the contract first at matches")
    assert "explained by high 0.48 of ThresholdMatcher in place of 0.6" in told


def test_samples_are_recorded_and_a_draw_is_none_to_blame(tmp_path):
    sampler = samplers.RandomSampler(16, 0.5, add_gt_as_proposals=False)
    dumps = []
    for seed in (0, 1):
        with record(tmp_path / "a.npz", "mmdet") as recorder:
            torch.manual_seed(seed)
            assigned("MaxIoUAssigner", sampler=sampler)
        dumps.append(recorder.dump)
    assert dumps[0].operators["sampler"] == rk.BalancedSampler(16, 0.5)
    found = compare_dumps(*dumps)
    assert found.status == 0
    assert headline(found).startswith("What differs was drawn by lot")
    with record(tmp_path / "a.npz", "mmdet") as recorder:
        assigned("ATSSAssigner", sampler=samplers.PseudoSampler())
    assert recorder.dump.operators["sampler"] == rk.NaiveSampler()
    assert compare_dumps(recorder.dump, recorder.dump).status == 0


def test_samples_among_added_ground_truths_are_left_out(tmp_path):
    with record(tmp_path / "a.npz", "mmdet") as recorder:
        assigned("MaxIoUAssigner", sampler=samplers.RandomSampler(16, 0.5))
    assert "samples are left out: the sampler adds" in recorder.dump.about
    assert "samples" not in recorder.dump.arrays


def test_a_hungarian_matching_is_recorded(tmp_path):
    cost = {"type": "BBoxL1Cost", "weight": 5.0, "box_format": "xyxy"}
    predicted = InstanceData(bboxes=priors("SimOTAAssigner").bboxes, scores=torch.zeros(64, 3))
    assigner = assigners.HungarianAssigner([cost])
    with record(tmp_path / "a.npz", "mmdet") as recorder:
        for own in truths():
            assigner.assign(predicted, own, {"img_shape": (64, 64)})
    dump = recorder.dump
    assert (dump.arrays["matches"] >= 0).sum(axis=1).tolist() == [2, 1, 0]
    assert headline(compare_dumps(dump, dump)) == "Nothing differs."


def test_of_two_assigners_the_one_that_is_numbered_is_recorded(tmp_path):
    def both():
        assigned("ATSSAssigner")
        assigned("MaxIoUAssigner")

    with record(tmp_path / "a.npz", "mmdet") as recorder:
        both()
    assert recorder.dump.about == (
        'ATSSAssigner of mmdet 3.3.0; "mmdet:2" was called as well, and can be recorded by that '
        f"name; {NOT_INSIDE}"
    )
    with record(tmp_path / "a.npz", "mmdet:2") as recorder:
        both()
    assert recorder.dump.operators["matcher"] == OPERATORS["MaxIoUAssigner"]
    assert recorder.dump.shape == (3, 64)


def test_what_no_matcher_does_is_held_to_nothing(tmp_path):
    assigner = assigners.MaxIoUAssigner(0.5, (0.1, 0.4))
    with record(tmp_path / "a.npz", "mmdet") as recorder:
        assigned("MaxIoUAssigner", assigner)
    assert "neg_iou_thr is (0.1, 0.4)" in recorder.dump.about
    assert "matcher" not in recorder.dump.operators


def attributes():
    kinds = [getattr(assigners, name) for name in ASSIGNERS]
    return [dict(vars(kind)) for kind in (*kinds, samplers.BaseSampler, samplers.PseudoSampler)]


def test_everything_is_as_it_was_afterwards(tmp_path):
    before = attributes()
    with record(tmp_path / "a.npz", "mmdet"):
        assert attributes() != before
        assigned("MaxIoUAssigner")
    assert attributes() == before
    message = "nothing of mmdet was called; watched was assign of MaxIoUAssigner, ATSSAssigner"
    with pytest.raises(ValueError, match=message), record(tmp_path / "a.npz", "mmdet"):
        pass
    assert attributes() == before
