"""The recorder: one line around a pipeline, of NumPy operators, Gluon blocks or somebody's own."""

import threading
from concurrent.futures import ThreadPoolExecutor
from copy import deepcopy

import numpy as np
import pytest

import refkernels as rk
from refkernels.explain import compare_dumps, read_dump, record
from refkernels.explain.diff.words import tell
from tests.explain.chains import CHAINS, run, scene


def pipeline(inputs, operators):
    """A chain as people write it, by operators of whatever kind."""
    ious = operators["iou"](inputs["anchors"], inputs["boxes"])
    matches = operators["matcher"](ious)
    if "logits" in inputs:
        samples = operators["sampler"](matches, inputs["logits"], ious)
    else:
        samples = operators["sampler"](matches)
    operators["class_encoder"](samples, matches, inputs["labels"])
    return operators["box_encoder"](samples, matches, inputs["anchors"], inputs["boxes"])


def numpy_operators(**changed):
    return {"iou": rk.BBoxBatchIOU(), **CHAINS["ssd"], **changed}


def inputs_of(seed=0, **sizes):
    inputs = scene(seed, **sizes)
    return {k: v.astype(np.float32) if v.dtype.kind == "f" else v for k, v in inputs.items()}


def test_one_line_records_a_chain(tmp_path):
    with record(tmp_path / "a.npz") as recorder:
        pipeline(inputs_of(), numpy_operators())
    dump = read_dump(tmp_path / "a.npz")
    assert dump.operators == numpy_operators() == recorder.dump.operators
    assert recorder.assumed == []
    found = compare_dumps(dump, run(scene(0), CHAINS["ssd"]))
    assert found.cause == 0
    assert len(found.stages) == 5


def test_an_operator_inside_another_is_the_other_s_business(tmp_path):
    with record(tmp_path / "a.npz") as recorder:
        pipeline(inputs_of(), numpy_operators())
    assert isinstance(recorder.dump.operators["matcher"], rk.CompositeMatcher)


def test_of_several_passes_the_first_is_recorded(tmp_path):
    with record(tmp_path / "a.npz") as recorder:
        pipeline(inputs_of(0), numpy_operators())
        pipeline(inputs_of(1), numpy_operators())
    assert np.array_equal(recorder.dump.arrays["boxes"], inputs_of(0)["boxes"])


def test_what_is_recorded_is_a_copy(tmp_path):
    inputs = inputs_of()
    before = inputs["boxes"].copy()
    with record(tmp_path / "a.npz") as recorder:
        pipeline(inputs, numpy_operators())
        inputs["boxes"][:] = 0
    assert np.array_equal(recorder.dump.arrays["boxes"], before)


def test_classes_are_what_they_were_afterwards(tmp_path):
    kinds = (rk.BBoxBatchIOU, rk.MaximumMatcher, rk.NumPyNormalizedBoxCenterEncoder)
    before = [(kind.__dict__.get("__call__"), kind.__call__) for kind in kinds]
    with record(tmp_path / "a.npz"), record(tmp_path / "b.npz"):
        pipeline(inputs_of(), numpy_operators())
    with pytest.raises(ZeroDivisionError), record(tmp_path / "c.npz"):
        raise ZeroDivisionError
    assert before == [(kind.__dict__.get("__call__"), kind.__call__) for kind in kinds]
    assert (tmp_path / "a.npz").exists()
    assert (tmp_path / "b.npz").exists()
    assert not (tmp_path / "c.npz").exists()


def test_only_named_operators_are_recorded(tmp_path):
    operators, others = (deepcopy(numpy_operators()) for _ in range(2))
    with record(tmp_path / "a.npz", *operators.values()) as recorder:
        pipeline(inputs_of(1), others)
        pipeline(inputs_of(0), operators)
    assert np.array_equal(recorder.dump.arrays["boxes"], inputs_of(0)["boxes"])


def in_a_thread(call, *arguments):
    thread = threading.Thread(target=call, args=arguments)
    thread.start()
    thread.join()


def test_of_several_threads_the_one_that_calls_first_is_recorded(tmp_path):
    for first in (0, 1):
        with record(tmp_path / "a.npz") as recorder:
            in_a_thread(pipeline, inputs_of(first), numpy_operators())
            in_a_thread(pipeline, inputs_of(2), numpy_operators())
            pipeline(inputs_of(3), numpy_operators())
        assert np.array_equal(recorder.dump.arrays["boxes"], inputs_of(first)["boxes"])
        assert len(recorder.dump.stages) == 5
        assert recorder.dump.about == ""


def test_workers_that_run_at_once_do_not_mix_their_chains(tmp_path):
    barrier = threading.Barrier(3)

    class Waiting(rk.BBoxBatchIOU):
        """IoUs that all workers have before any of them goes on."""

        def __call__(self, a, b):
            made = super().__call__(a, b)
            barrier.wait(timeout=60)
            return made

    def work(seed):
        ious = Waiting()(*(inputs_of(seed)[name] for name in ("anchors", "boxes")))
        return rk.MaximumMatcher(0.5)(ious)

    with (
        record(tmp_path / "a.npz", Waiting, rk.MaximumMatcher) as recorder,
        ThreadPoolExecutor(3) as pool,
    ):
        made = list(pool.map(work, range(3)))
    own = next(k for k in range(3)
               if np.array_equal(inputs_of(k)["boxes"], recorder.dump.arrays["boxes"]))  # fmt: skip
    assert np.array_equal(recorder.dump.arrays["matches"], made[own])
    assert compare_dumps(recorder.dump, recorder.dump).status == 0


def test_what_only_other_threads_called_is_told(tmp_path):
    with record(tmp_path / "a.npz") as recorder:
        ious = rk.BBoxBatchIOU()(np.eye(4), np.eye(4))
        in_a_thread(rk.MaximumMatcher(0.5), ious)
    assert recorder.dump.about == "of other threads, and left out: calls of MaximumMatcher"
    assert list(recorder.dump.arrays) == ["anchors", "boxes", "ious"]


def test_keywords_are_known_as_well(tmp_path):
    with record(tmp_path / "a.npz") as recorder:
        rk.BBoxBatchIOU()(b=[[0.0, 0, 1, 1]], a=[[0.0, 0, 1, 1], [0, 0, 2, 2]])
    assert recorder.dump.arrays["anchors"].shape == (1, 2, 4)


def test_two_chains_at_once_are_an_error_that_says_what_to_do(tmp_path):
    message = r"MaximumMatcher has other ious .* than BBoxBatchIOU"
    with pytest.raises(ValueError, match=message), record(tmp_path / "a.npz"):
        rk.MaximumMatcher(0.5)(rk.BBoxBatchIOU()(np.eye(4), np.eye(4)) + 1)
    assert not (tmp_path / "a.npz").exists()


def test_nothing_recorded_is_an_error(tmp_path):
    message = "is not written: none of the operators was called"
    with pytest.raises(ValueError, match=message), record(tmp_path / "a.npz"):
        pass
    for value in (7, dict):
        message = f"nothing to record: {value!r} holds no class of the name"
        with pytest.raises(ValueError, match=message), record(tmp_path / "a.npz", value):
            pass


def test_a_folder_that_is_not_there_is_told_before_anything_runs(tmp_path):
    with pytest.raises(FileNotFoundError, match="there is no folder"):
        record(tmp_path / "nowhere" / "a.npz")


class Mine:
    """Somebody's own operators, by the usual names."""

    class MaximumMatcher:
        def __init__(self, threshold):
            self._threshold = threshold

        def __call__(self, ious):
            return np.where(ious.max(-1) > self._threshold, ious.argmax(-1), -1)

    class QuotaSampler:
        def __call__(self, matches, ious):
            return matches


def test_somebody_s_own_operators_are_held_to_their_parameters(tmp_path):
    ious = np.float32([[[0.5], [0.75]]])
    anchors = np.float32([[0, 0, 10, 5], [0, 0, 10, 7.5]])
    matcher = Mine.MaximumMatcher(0.5)
    with record(tmp_path / "a.npz", rk.BBoxBatchIOU, matcher) as recorder:
        found = matcher(rk.BBoxBatchIOU()(anchors, np.float32([[0, 0, 10, 10]])))
    assert found.tolist() == [-1, 0]
    assert recorder.dump.operators["matcher"] == rk.MaximumMatcher(0.5)
    left = compare_dumps(recorder.dump, recorder.dump).left(0)
    assert left.held[0].wrong.tolist() == [[True, False]]
    assert np.array_equal(recorder.dump.arrays["ious"], ious)


def test_parameters_that_cannot_be_told_are_asked_for(tmp_path):
    sampler, ious = Mine.QuotaSampler(), rk.BBoxBatchIOU()
    message = r"QuotaSampler cannot be told: .* has no attribute num_sample .* contract=\{'sampler'"

    def go():
        found = ious(np.eye(4), np.eye(4))
        sampler(rk.MaximumMatcher(0.5)(found), found)

    with pytest.raises(ValueError, match=message), record(tmp_path / "a.npz", ious, sampler):
        go()
    given = rk.QuotaSampler(1, 0.5, 0.5)
    contract = {"sampler": given}
    with record(tmp_path / "a.npz", ious, sampler, rk.MaximumMatcher, contract=contract) as found:
        go()
    assert found.dump.operators["sampler"] == given


def test_parameters_that_are_assumed_are_told(tmp_path):
    class BBoxBatchIOU:
        def __call__(self, a, b):
            return rk.BBoxBatchIOU()(a, b)

    with record(tmp_path / "a.npz", own := BBoxBatchIOU()) as recorder:
        own(np.eye(4), np.eye(4))
    assert recorder.assumed[0] == "axis of BBoxBatchIOU is -1"
    about = read_dump(tmp_path / "a.npz").about
    assert about.startswith("assumed: axis of BBoxBatchIOU is -1; fmt of BBoxBatchIOU is corner")
    assert about in "\n".join(tell(compare_dumps(recorder.dump, recorder.dump)))


def test_targets_by_class_are_recorded_with_the_anchors_they_are_of(tmp_path):
    inputs, encoder = inputs_of(), rk.NormalizedPerClassBoxCenterEncoder(3, max_pos=40)
    with record(tmp_path / "a.npz") as recorder:
        ious = rk.BBoxBatchIOU()(inputs["anchors"], inputs["boxes"])
        matches = rk.MaximumMatcher(0.5)(ious)
        samples = rk.NaiveSampler()(matches)
        arrays = (inputs[name] for name in ("anchors", "labels", "boxes"))
        _, _, indices = encoder(samples, matches, *arrays)
    assert np.array_equal(recorder.dump.arrays["indices"], indices)
    assert compare_dumps(recorder.dump, recorder.dump).status == 0


def test_a_sampler_may_be_given_the_largest_ious_alone(tmp_path):
    inputs = inputs_of()
    with record(tmp_path / "a.npz") as recorder:
        ious = rk.BBoxBatchIOU()(inputs["anchors"], inputs["boxes"])
        rk.QuotaSampler(16, 0.5, 0.5)(rk.MaximumMatcher(0.5)(ious), ious.max(axis=-1), rng=0)
    assert np.array_equal(recorder.dump.arrays["ious"], ious)
    assert compare_dumps(recorder.dump, recorder.dump).status == 0


def test_tensors_are_recorded_as_arrays(tmp_path):
    class Tensor:
        """As PyTorch's, which may need a gradient and lie on a device."""

        def __init__(self, array):
            self.array = array

        def detach(self):
            return self

        cpu = detach

        def numpy(self):
            return self.array

    class BBoxBatchIOU:
        axis, fmt, offset, eps = -1, "corner", 0, 1e-12

        def __call__(self, a, b):
            return Tensor(rk.BBoxBatchIOU()(a.array, b.array))

    with record(tmp_path / "a.npz", iou := BBoxBatchIOU()) as recorder:
        ious = iou(Tensor(np.eye(4)), Tensor(np.eye(4)))
    assert np.array_equal(recorder.dump.arrays["ious"][0], ious.array)


def test_what_are_no_arrays_is_not_recorded(tmp_path):
    class NaiveSampler:
        def __call__(self, matches):
            return matches

    message = "NaiveSampler saw symbols, not arrays"
    with (
        pytest.raises(ValueError, match=message),
        record(tmp_path / "a.npz", own := NaiveSampler()),
    ):
        own(object())


def test_a_matcher_alone_is_recorded_and_compared(tmp_path):
    for name, threshold in (("a.npz", 0.5), ("b.npz", 0.8)):
        with record(tmp_path / name, rk.MaximumMatcher) as recorder:
            rk.MaximumMatcher(threshold)([[0.75], [0.25]])
    assert list(recorder.dump.arrays) == ["ious", "matches"]
    found = compare_dumps(read_dump(tmp_path / "a.npz"), read_dump(tmp_path / "b.npz"))
    assert [stage.differing for stage in found.stages] == [0, 1]
    assert found.stages[1].parameters == ["threshold of MaximumMatcher is 0.5 in A, 0.8 in B"]


def test_a_composite_of_somebody_s_own_matchers_is_asked_for(tmp_path):
    class Nearest:
        pass

    class CompositeMatcher:
        def __init__(self):
            self.matchers = [rk.MaximumMatcher(0.5), Nearest()]

        def __call__(self, ious):
            return self.matchers[0](ious)

    message = r"Nearest has not the name of a matcher; give them by contract=\{'matcher'"
    matcher, iou = CompositeMatcher(), rk.BBoxBatchIOU()
    with pytest.raises(ValueError, match=message), record(tmp_path / "a.npz", iou, matcher):
        matcher(iou(np.eye(4), np.eye(4)))


# Gluon


@pytest.fixture
def gluon(mx):
    from refkernels import gluon

    return gluon


def gluon_operators(gluon):
    return {
        "iou": gluon.BBoxBatchIOU(),
        "matcher": gluon.CompositeMatcher(
            [gluon.BipartiteMatcher(share_max=False), gluon.MaximumMatcher(0.5)]
        ),
        "sampler": gluon.OHEMSampler(3.0),
        "class_encoder": gluon.MultiClassEncoder(),
        "box_encoder": gluon.NormalizedBoxCenterEncoder(),
    }


@pytest.mark.parametrize("hybridised", [False, True])
def test_gluon_blocks_are_recorded_and_keep_the_contract(gluon, mx, tmp_path, hybridised):
    blocks = gluon_operators(gluon)
    for block in blocks.values() if hybridised else ():
        block.hybridize()
    arrays = {name: mx.nd.array(value) for name, value in inputs_of().items()}
    arrays["anchors"] = arrays["anchors"].expand_dims(0)
    with record(tmp_path / "gluon.npz") as recorder:
        pipeline(arrays, blocks)
    assert recorder.assumed == []
    assert recorder.dump.operators == numpy_operators()
    found = compare_dumps(recorder.dump, run(scene(0), CHAINS["ssd"]))
    assert all(held.keeps for own in found.stages for held in own.held)
    assert found.status == 0


def test_blocks_inside_a_block_are_found(gluon, mx, tmp_path):
    class Targets(mx.gluon.HybridBlock):
        def __init__(self):
            super().__init__()
            self.iou = gluon.BBoxBatchIOU()
            self.matcher = gluon.MaximumMatcher(0.5)

        def hybrid_forward(self, F, anchors, boxes):
            return self.matcher(self.iou(anchors, boxes))

    net = Targets()
    boxes = mx.nd.array(np.eye(4)[None])
    with record(tmp_path / "a.npz", net) as recorder:
        net(boxes, boxes)
    assert [stage.name for stage in recorder.dump.stages] == ["ious", "matches"]
    net.hybridize()
    message = r"saw symbols, not arrays: .* hybridize\(active=False\)"
    with pytest.raises(ValueError, match=message), record(tmp_path / "b.npz", net):
        net(boxes, boxes)


def test_gluoncv_is_recorded_and_found_out(mx, tmp_path):
    """Its OHEM sampler takes what is no candidate, where there are too few of them."""
    nn = pytest.importorskip("gluoncv.nn", reason="gluoncv is not installed")
    from gluoncv.nn import coder, matcher, sampler

    assert nn
    arrays = {name: mx.nd.array(value) for name, value in inputs_of(anchors=12).items()}
    arrays["anchors"] = arrays["anchors"].expand_dims(0)
    blocks = {
        "iou": rk.gluon.BBoxBatchIOU(),
        "matcher": matcher.CompositeMatcher(
            [matcher.BipartiteMatcher(share_max=False), matcher.MaximumMatcher(0.5)]
        ),
        "sampler": sampler.OHEMSampler(1000.0, thresh=0.1),
        "class_encoder": coder.MultiClassEncoder(),
        "box_encoder": coder.NormalizedBoxCenterEncoder(),
    }
    with record(tmp_path / "a.npz", *blocks.values()) as recorder:
        pipeline(arrays, blocks)
    operators = numpy_operators(sampler=rk.OHEMSampler(1000.0, thresh=0.1))
    assert recorder.dump.operators == operators
    found = compare_dumps(recorder.dump, run(scene(0, anchors=12), operators))
    assert found.left(1) is None
    assert found.left(0).stage.name == "samples"
