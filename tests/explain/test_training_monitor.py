"""What is logged of an assigner while a detector is trained."""

import copy
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from refkernels.assign import TargetAssigner
from refkernels.explain import AssignmentMonitor
from refkernels.explain.training.assigned import assigned_of

Logged = dict[tuple[str, int], float]


def monitored(**options: Any) -> tuple[AssignmentMonitor, Logged]:
    logged: Logged = {}
    return AssignmentMonitor(
        lambda name, value, step: logged.__setitem__((name, step), value), **options
    ), logged


def test_figures_are_over_all_objects_of_a_step() -> None:
    monitor, logged = monitored(prefix="")
    with monitor.step([7, 8], [3, 1]):
        monitor.see(np.array([[0, 0, 1, -1], [-1, -1, -2, -1]]))
    assert logged == {("positives_per_object", 0): 3 / 4, ("objects_without_anchors", 0): 2 / 4}


def test_drift_is_of_images_that_were_seen_before() -> None:
    monitor, logged = monitored(prefix="")
    for step, matches in enumerate([[0, 0, -1, 1], [0, 1, 1, -1], [0, 1, 1, -1]]):
        with monitor.step(["a", step], [2, 1]):
            monitor.see(np.array(matches))
            monitor.see(np.array([0, 0, 0, 0]))
    # Anchor 0 alone is as it was, of four that are matched in either.
    assert [logged.get(("drift", step)) for step in range(3)] == [None, 3 / 4, 0.0]


def test_nothing_is_kept_where_that_is_not_wanted() -> None:
    monitor, logged = monitored(keep=False)
    for _ in range(2):
        with monitor.step([1], [1]):
            monitor.see(np.array([0]))
    assert ("assign/drift", 1) not in logged
    assert logged["assign/positives_per_object", 1] == 1


@given(st.lists(st.integers(-2, 3), max_size=8), st.lists(st.integers(-2, 3), max_size=8))
def test_drift_is_one_minus_what_is_alike_of_what_is_matched(a: list[int], b: list[int]) -> None:
    size = max(len(a), len(b))
    a, b = a + [-1] * (size - len(a)), b + [-1] * (size - len(b))
    (own,), (other,) = assigned_of(np.array(a, int)), assigned_of(np.array(b, int))
    either = [(x, y) for x, y in zip(a, b, strict=True) if x >= 0 or y >= 0]
    wanted = sum(x != y for x, y in either) / max(1, len(either))
    assert own.drift(other) == pytest.approx(wanted)
    assert own.drift(other) == other.drift(own)


def test_results_of_packages_are_read_as_they_mean_them() -> None:
    def told(result: Any) -> list[Any]:
        return [(own.anchors.tolist(), own.objects.tolist()) for own in assigned_of(result)]

    assert told(np.array([-1, 2, -2, 0])) == [([1, 3], [2, 0])]
    assert told(SimpleNamespace(gt_inds=np.array([0, 3, -1, 1]))) == [([1, 3], [2, 0])]
    fg, index = np.array([[False, True, True]]), np.array([[0, 1, 0]])
    assert told((None, None, None, fg, index)) == [([1, 2], [1, 0])]
    assert told([(np.array([4, 1]), np.array([0, 1])), ([], [])]) == [([1, 4], [1, 0]), ([], [])]
    own = TargetAssigner([[0, 0, 8, 8], [0, 0, 8, 6], [9, 9, 12, 12]])([[0, 0, 8, 8]], [3])
    assert told(own) == [([0, 1], [0, 0])]
    for wrong in (np.array([0.5]), "matches", None, np.zeros((1, 2, 3), int)):
        with pytest.raises(TypeError, match=r"expected matches \(N,\) or \(B, N\)"):
            assigned_of(wrong)


def test_a_watched_callable_is_what_it_was() -> None:
    class Matcher:
        BELOW = -1

        def __call__(self, matches: Any) -> Any:
            return matches

    monitor, logged = monitored()
    matcher = monitor.watch(Matcher())
    assert matcher.BELOW == -1
    assert copy.copy(matcher).BELOW == -1
    matcher(np.array([0]))  # outside of a step
    with monitor.step([1], [2]):
        assert matcher(np.array([1, -1])).tolist() == [1, -1]
    assert logged["assign/objects_without_anchors", 0] == 1 / 2


def test_an_assigner_with_a_method_is_watched_by_that() -> None:
    class Assigner:
        def assign(self, given: Any) -> Any:
            return SimpleNamespace(gt_inds=np.array(given))

    monitor, logged = monitored()
    assigner = Assigner()
    assert monitor.watch(assigner) is assigner
    with monitor.step([1], [1]):
        assigner.assign([0, 1, 1])
    assert logged["assign/positives_per_object", 0] == 2


def test_images_without_objects_may_be_left_out_by_the_assigner() -> None:
    monitor, logged = monitored()
    targets = [
        {"image_id": np.int64(3), "boxes": np.zeros((0, 4))},
        {"image_id": 4, "boxes": np.zeros((2, 4))},
    ]
    with monitor.step(targets):
        monitor.see(np.array([0, 1]))
    assert logged["assign/positives_per_object", 0] == 1
    with monitor.step([3], [0]):
        pass
    assert monitor.steps == 2
    assert max(step for _, step in logged) == 0


@pytest.mark.parametrize(
    ("call", "kind", "message"),
    [
        (lambda m: AssignmentMonitor(3), TypeError, "log: expected a callable or a SummaryWriter"),
        (lambda m: m.watch(3), TypeError, "assigner: expected a callable, got 3"),
        (lambda m: m.see([0]), ValueError, "see: expected to be inside of a step"),
        (lambda m: m.step([1]).__enter__(), TypeError, r"images\[0\]: expected a dict with boxes"),
        (lambda m: m.step([1], [1, 2]).__enter__(), ValueError, "one number for each of 1 image"),
        (lambda m: m.step([1], [-1]).__enter__(), ValueError, r"objects\[0\]"),
    ],
)
def test_what_is_wrong_is_one_line(
    call: Callable[[Any], Any], kind: type[Exception], message: str
) -> None:
    with pytest.raises(kind, match=message):
        call(monitored()[0])


def test_a_step_that_sees_too_little_or_is_not_alone_says_so() -> None:
    monitor, _ = monitored()
    few = pytest.raises(ValueError, match="1 assignment was seen of 2 images; watch the")
    with few, monitor.step([1, 2], [1, 1]):
        monitor.see(np.array([0]))
    with monitor.step([1], [1]):
        with pytest.raises(ValueError, match="step: the one before has not ended"):
            monitor.step([1], [1]).__enter__()
        monitor.see(np.array([0]))
    with pytest.raises(KeyError, match="lost"), monitor.step([1], [1]):
        raise KeyError("lost")
    with monitor.step([1], [1]):  # the failed one is over
        monitor.see(np.array([0]))


def test_torchvision_s_retinanet_is_watched_while_it_trains() -> None:
    torch = pytest.importorskip("torch")
    detection = pytest.importorskip("torchvision.models.detection")
    torch.manual_seed(0)
    model = detection.retinanet_resnet50_fpn(
        weights=None, weights_backbone=None, num_classes=3, min_size=64, max_size=64
    )
    monitor, logged = monitored()
    model.proposal_matcher = monitor.watch(model.proposal_matcher)
    boxes = torch.tensor([[4.0, 4, 40, 44], [10, 20, 60, 60]])
    targets = [
        {"image_id": torch.tensor(1), "boxes": boxes, "labels": torch.tensor([1, 2])},
        {"image_id": 2, "boxes": boxes[:0], "labels": torch.zeros(0, dtype=torch.int64)},
    ]
    pixels = [torch.rand(3, 64, 64) for _ in targets]
    wanted = TargetAssigner.torchvision_retinanet(64, 64).sparse(boxes.numpy(), [0, 1])
    for step in range(2):
        with monitor.step(targets):
            model(pixels, targets)
        assert logged["assign/positives_per_object", step] == len(wanted.positives) / 2
    assert logged["assign/drift", 1] == 0


def test_a_module_of_pytorch_gets_a_hook() -> None:
    torch = pytest.importorskip("torch")
    tal = pytest.importorskip("ultralytics.utils.tal")
    assigner = tal.TaskAlignedAssigner(topk=2, num_classes=1)
    monitor, logged = monitored()
    assert monitor.watch(assigner) is assigner
    points = torch.tensor([[4.0, 4], [12, 4], [4, 12], [12, 12]])
    boxes = torch.tensor([[[0.0, 0, 16, 16]]])
    predicted = torch.cat([points - 8, points + 8], 1)[None]
    with monitor.step(["a"], [1]):
        assigner(
            torch.full((1, 4, 1), 0.5), predicted, points, torch.zeros(1, 1, 1), boxes,
            torch.ones(1, 1, 1),
        )  # fmt: skip
    assert logged["assign/positives_per_object", 0] == 2
