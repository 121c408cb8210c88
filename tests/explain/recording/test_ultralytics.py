"""One line around the loss of a YOLO records what its task-aligned assigner assigns."""

import numpy as np
import pytest
from click.testing import CliRunner

import refkernels as rk
from refkernels.cli.main import main
from refkernels.explain import compare_dumps, read_dump, record
from refkernels.explain.diff.headline import headline
from refkernels.explain.dumped import trace_of_dump

torch = pytest.importorskip("torch", reason="PyTorch is not installed")
tal = pytest.importorskip("ultralytics.utils.tal", reason="ultralytics is not installed")

BOXES = np.float32([[[4, 4, 40, 40], [20, 24, 60, 60]], [[10, 8, 50, 56], [0, 0, 0, 0]]])


def assigned(assigner, boxes=BOXES, seed=0):
    """Call an assigner as the loss does, with predictions near the ground truths."""
    rng, images, objects = np.random.default_rng(seed), *boxes.shape[:2]
    points = np.stack(np.meshgrid(*[np.arange(4, 64, 8)] * 2), -1).reshape(-1, 2)
    boxes = torch.tensor(boxes)
    side = rng.uniform(8, 24, (images, 64, 2))
    predicted = np.concatenate([points - side, points + side], -1)
    return assigner(
        torch.tensor(rng.uniform(0.1, 0.9, (images, 64, 3)), dtype=torch.float32),
        torch.tensor(predicted, dtype=torch.float32),
        torch.tensor(points, dtype=torch.float32),
        torch.arange(objects, dtype=torch.float32).expand(images, -1)[..., None],
        boxes,
        (boxes.sum(-1, keepdim=True) > 0).float(),
    )


def test_an_assignment_is_recorded_and_keeps_the_contract(tmp_path):
    with record(tmp_path / "a.npz", "ultralytics"):
        *_, positive, matched = assigned(tal.TaskAlignedAssigner(4, 3))
    dump = read_dump(tmp_path / "a.npz")
    assert dump.about.startswith("TaskAlignedAssigner of ultralytics 8.")
    assert dump.operators == {"matcher": rk.TaskAlignedMatcher.ultralytics(4)}
    assert np.array_equal(dump.arrays["matches"], np.where(positive, matched, -1))
    assert dump.real.tolist() == [[True, True], [True, False]]
    assert not dump.arrays["inside"][1, :, 1].any()
    found = compare_dumps(dump, dump)
    assert headline(found) == "Nothing differs."
    assert found.stages[-1].held[0].not_held == ""
    assert (dump.arrays["matches"] >= 0).any(axis=1).all()


def test_an_image_is_explained(tmp_path):
    with record(tmp_path / "a.npz", "ultralytics") as recorder:
        assigned(tal.TaskAlignedAssigner(4, 3))
    result = CliRunner().invoke(main, ["explain", str(tmp_path / "a.npz")])
    assert result.exit_code == 0, result.output
    assert "is matched with ground truth 0: it is inside, and its metric" in result.output
    trace, notes = trace_of_dump(recorder.dump, "1")
    assert notes == []
    assert len(trace.truths) == 1


def test_an_assigner_that_selects_others_leaves_the_contract(tmp_path):
    class Nearly(tal.TaskAlignedAssigner):
        """It goes by the overlap where it should go by the metric."""

        def select_topk_candidates(self, metrics, topk_mask=None):
            return super().select_topk_candidates(-metrics, topk_mask)

    with record(tmp_path / "a.npz", "ultralytics") as recorder:
        assigned(Nearly(4, 3))
    told = headline(compare_dumps(recorder.dump, recorder.dump))
    assert told.startswith("A leaves the contract first at matches: for ")


def test_another_topk_is_another_parameter(tmp_path):
    dumps = []
    for topk in (4, 6):
        with record(tmp_path / "a.npz", "ultralytics") as recorder:
            assigned(tal.TaskAlignedAssigner(topk, 3))
        dumps.append(recorder.dump)
    told = headline(compare_dumps(*dumps))
    assert told == (
        "Their parameters differ, first at matches: topk of TaskAlignedMatcher is 4 in A, 6 in B."
    )


def test_of_two_assigners_the_one_that_is_numbered_is_recorded(tmp_path):
    first, second = tal.TaskAlignedAssigner(4, 3), tal.TaskAlignedAssigner(6, 3, topk2=1)

    def both():
        assigned(first)
        assigned(second, seed=1)

    with record(tmp_path / "a.npz", "ultralytics") as recorder:
        both()
    assert '"ultralytics:2" was called as well' in recorder.dump.about
    with record(tmp_path / "b.npz", "ultralytics:2") as recorder:
        both()
    assert "keeps 1 of the 6 that a ground truth selects (topk2)" in recorder.dump.about
    assert recorder.dump.operators == {}


def test_a_batch_without_objects_has_no_matches(tmp_path):
    with record(tmp_path / "a.npz", "ultralytics") as recorder:
        assigned(tal.TaskAlignedAssigner(4, 3), BOXES[:, :0])
    assert recorder.dump.arrays["metric"].shape == (2, 64, 0)
    assert (recorder.dump.arrays["matches"] == -1).all()
    assert compare_dumps(recorder.dump, recorder.dump).status == 0


def test_a_step_of_a_model_is_recorded(tmp_path):
    tasks = pytest.importorskip("ultralytics.nn.tasks")
    cfg = pytest.importorskip("ultralytics.cfg")
    torch.manual_seed(0)
    model = tasks.DetectionModel("yolov8n.yaml", nc=4, verbose=False)
    model.args = cfg.get_cfg()
    batch = {
        "img": torch.rand(2, 3, 64, 64),
        "batch_idx": torch.tensor([0.0, 0, 1]),
        "cls": torch.tensor([[0.0], [1.0], [2.0]]),
        "bboxes": torch.tensor([[0.3, 0.3, 0.4, 0.4], [0.6, 0.6, 0.5, 0.6], [0.5, 0.5, 0.7, 0.5]]),
    }
    with record(tmp_path / "a.npz", "ultralytics") as recorder:
        model.train()(batch)
    dump = recorder.dump
    assert dump.shape == (2, 84)
    assert dump.operators["matcher"].topk == 10
    assert dump.arrays["labels"].tolist() == [[0, 1], [2, -1]]


def test_everything_is_as_it_was_afterwards(tmp_path):
    before = dict(vars(tal.TaskAlignedAssigner))
    with record(tmp_path / "a.npz", "ultralytics"):
        assert dict(vars(tal.TaskAlignedAssigner)) != before
        assigned(tal.TaskAlignedAssigner(4, 3))
    assert dict(vars(tal.TaskAlignedAssigner)) == before
    message = "nothing of ultralytics was called; watched was TaskAlignedAssigner of"
    with pytest.raises(ValueError, match=message), record(tmp_path / "a.npz", "ultralytics"):
        pass
