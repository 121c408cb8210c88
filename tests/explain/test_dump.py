"""Dumps: written and read again, written by anybody, and bad ones."""

import json
import zipfile

import numpy as np
import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

import refkernels as rk
from refkernels.chain.writing import decode_contract, encode_contract
from refkernels.cli.main import main
from refkernels.explain.diff.dump import make_dump, read_config, read_dump
from tests.explain.chains import CHAINS, run, scene

MATCHER = {"matcher": {"operator": "MaximumMatcher", "config": {"threshold": 0.5}}}


@pytest.mark.parametrize("chain", CHAINS)
def test_what_is_written_is_read_again(chain, tmp_path):
    dump = run(scene(0), CHAINS[chain])
    dump.write(tmp_path / "a.npz")
    again = read_dump(tmp_path / "a.npz")
    assert again.operators == dump.operators
    assert again.arrays.keys() == dump.arrays.keys()
    for name, array in dump.arrays.items():
        assert again.arrays[name].dtype == array.dtype
        assert np.array_equal(again.arrays[name], array)


def test_a_dump_appears_whole_or_not_at_all(tmp_path, monkeypatch):
    dump = run(scene(0), CHAINS["plain"])
    dump.write(tmp_path / "a.npz")
    before = (tmp_path / "a.npz").read_bytes()

    def breaks(file, **arrays):
        file.write(b"half")
        raise OSError("disk full")

    monkeypatch.setattr(np, "savez_compressed", breaks)
    with pytest.raises(OSError, match="disk full"):
        dump.write(tmp_path / "a.npz")
    assert (tmp_path / "a.npz").read_bytes() == before
    assert [path.name for path in tmp_path.iterdir()] == ["a.npz"]


def test_anybody_s_numpy_writes_one(tmp_path):
    """Without a batch, in lists and other dtypes, with an array that nobody knows."""
    np.savez(
        tmp_path / "mine.npz",
        config=json.dumps(MATCHER),
        anchors=[[0, 0, 10, 10], [5, 5, 15, 15]],
        boxes=[[0, 0, 10, 10]],
        ious=np.float32([[1], [25 / 175]]),
        matches=np.array([0, -1], np.float32),
        losses=np.zeros(7),
    )
    dump = read_dump(tmp_path / "mine.npz")
    assert dump.shape == (1, 2)
    assert dump.operators == {"matcher": rk.MaximumMatcher(0.5), "iou": rk.BBoxBatchIOU()}
    assert "losses" not in dump.arrays


def test_labels_may_have_an_axis_of_one_at_their_end():
    dump = run(scene(0), CHAINS["plain"])
    labels = dump.arrays["labels"][..., None]
    assert make_dump("a", {**dump.arrays, "labels": labels}, dump.operators).arrays[
        "labels"
    ].shape == (2, 4)


def test_a_contract_says_what_a_dump_does_not(tmp_path):
    np.savez(
        tmp_path / "a.npz", anchors=np.eye(4), boxes=np.eye(4), ious=np.eye(4), matches=[0] * 4
    )
    dump = read_dump(tmp_path / "a.npz")
    assert [dump.not_held(stage) for stage in dump.stages] == ["nothing says what made it"] * 2
    dump = read_dump(tmp_path / "a.npz", {"matcher": rk.MaximumMatcher(0.5)})
    assert dump.operators["matcher"] == rk.MaximumMatcher(0.5)
    assert [dump.not_held(stage) for stage in dump.stages] == ["", ""]


def test_a_stage_may_be_there_without_what_it_is_made_of():
    dump = run(scene(0), CHAINS["plain"], without=("anchors", "matches"))
    reasons = {stage.name: dump.not_held(stage) for stage in dump.stages}
    assert reasons == {
        "ious": "made of anchors, not in it",
        "samples": "made of matches, not in it",
        "cls_targets": "made of matches, not in it",
        "box_targets": "made of matches and anchors, not in it",
    }


@given(
    st.floats(0, 1) | st.just(np.float32(0.25)),
    st.floats(-1e6, 0.99) | st.just(-np.inf),
    st.booleans(),
)
def test_parameters_are_read_as_they_were_written(high, low, filled):
    operators = {
        "iou": rk.BBoxBatchIOU(offset=1),
        "matcher": rk.CompositeMatcher([rk.BipartiteMatcher(eps=high), rk.MaximumMatcher(high)]),
        "sampler": rk.QuotaSampler(128, high, high, low, fill_negative=filled),
        "box_encoder": rk.NormalizedBoxCenterEncoder(stds=[1, 2, 3, 4]),
    }
    text = json.dumps(encode_contract(operators), allow_nan=False)
    assert decode_contract(json.loads(text)) == operators


def test_a_contract_may_be_short(tmp_path):
    path = tmp_path / "contract.json"
    path.write_text('{"about": "ours", "sampler": "NaiveSampler", "box_encoder": {"operator": '
                    '"NormalizedBoxCenterEncoder", "config": {"stds": [1, 1, 1, 1]}}}')  # fmt: skip
    assert read_config(path) == {
        "sampler": rk.NaiveSampler(),
        "box_encoder": rk.NormalizedBoxCenterEncoder((1, 1, 1, 1)),
    }


def test_a_contract_may_be_the_config_of_a_saved_failure():
    matcher = {"operator": "MaximumMatcher", "config": {
        "threshold": {"numpy": "float32", "value": 0.5}}}  # fmt: skip
    encoder = {
        "operator": "NormalizedBoxCenterEncoder",
        "config": {"stds": {"tuple": [1, 1, 1, 1]}},
    }
    assert decode_contract({"matcher": matcher, "box_encoder": encoder}) == {
        "matcher": rk.MaximumMatcher(0.5),
        "box_encoder": rk.NormalizedBoxCenterEncoder((1, 1, 1, 1)),
    }


BAD_CONTRACTS = {
    "[]": "config: expected an object of iou, matcher, sampler, class_encoder, box_encoder, got",
    '{"format": 7}': "config: format is 7, expected 1",
    '{"match": "MaximumMatcher"}': "config: unknown member 'match', expected iou, matcher",
    '{"matcher": 7}': 'config: matcher: expected {"operator": name, "config": {...}}, got int 7',
    '{"matcher": "OHEMSampler"}': "config: matcher: unknown operator 'OHEMSampler', expected Bip",
    '{"matcher": "MaximumMatcher"}': "config: matcher: MaximumMatcher: ",
    '{"matcher": {"operator": "MaximumMatcher", "config": {"threshold": "x"}}}': (
        "config: matcher: MaximumMatcher: threshold: expected a real number, got 'x'"
    ),
    '{"matcher": {"operator": "MaximumMatcher", "config": [1]}}': (
        "config: matcher: expected config to be an object"
    ),
    '{"matcher": {"operator": "MaximumMatcher", "config": {"threshold": {"code": "1"}}}}': (
        "config: matcher: threshold: unknown value {'code': '1'}"
    ),
    '{"matcher": {"operator": "CompositeMatcher", "config": {"matchers": '
    '[{"operator": "NaiveSampler"}]}}}': "matchers[0]: unknown operator 'NaiveSampler'",
    "{": "",
}


@pytest.mark.parametrize("text", BAD_CONTRACTS)
def test_a_bad_contract_is_one_sentence(text, tmp_path):
    path = tmp_path / "contract.json"
    path.write_text(text)
    with pytest.raises(ValueError) as caught:
        read_config(path)
    assert str(caught.value).startswith(f"{path}: {BAD_CONTRACTS[text]}"[:40])
    assert BAD_CONTRACTS[text] in str(caught.value)
    assert "\n" not in str(caught.value)


def _whole(**changed):
    dump = run(scene(0), CHAINS["plain"])
    arrays = {"config": np.array(json.dumps(encode_contract(dump.operators))), **dump.arrays}
    return {k: v for k, v in {**arrays, **changed}.items() if v is not None}


BAD_ARRAYS = {
    "no stage": (
        {"anchors": np.eye(4)},
        "no stage in it: it holds anchors; expected some of ious, matches",
    ),
    "empty": ({}, "no stage in it: it holds nothing"),
    "boxes of 5": (_whole(boxes=np.zeros((2, 4, 5))), "boxes: expected shape (B, M, 4) or without"),
    "one axis": (_whole(matches=np.zeros(3)), "matches: 1 image in shape (1, 3), expected 2"),
    "too many axes": (_whole(ious=np.zeros((1, 2, 3, 4))), "ious: expected shape (B, N, M)"),
    "other images": (
        _whole(labels=np.zeros((3, 4))),
        "labels: 3 images in shape (3, 4), expected 2",
    ),
    "objects": (_whole(matches=np.zeros((2, 120), object)), "matches holds Python objects"),
    "text": (_whole(samples=np.full((2, 120), "x")), "samples: expected float16, float32, float64"),
    "complex": (_whole(ious=np.zeros((2, 120, 4), complex)), "ious: expected float16"),
    "nan": (_whole(anchors=np.full((120, 4), np.nan)), "anchors[0, 0] is nan, expected finite"),
    "labels": (_whole(labels=np.full((2, 4), 0.5)), "labels[0, 0] is 0.5, expected whole numbers"),
    "not text": (_whole(config=np.zeros(3)), "config: expected a string of JSON, got float64"),
    "not JSON": (_whole(config=np.array("{")), "config: not JSON: "),
    "axis": (
        _whole(config=np.array('{"iou": {"operator": "BBoxBatchIOU", "config": {"axis": 1}}}')),
        "iou: axis is 1, but boxes lie along the last axis here",
    ),
}


@pytest.mark.parametrize("case", BAD_ARRAYS)
def test_a_bad_dump_is_one_sentence_and_a_wrong_call(case, tmp_path):
    arrays, message = BAD_ARRAYS[case]
    path = tmp_path / "bad.npz"
    np.savez(path, **arrays)
    with pytest.raises(ValueError) as caught:
        read_dump(path)
    assert str(caught.value).startswith(f"{path}: {message}")
    assert "\n" not in str(caught.value)
    result = CliRunner().invoke(main, ["diff", str(path), str(path)])
    assert result.exit_code == 2
    assert message in result.output


def test_centre_boxes_do_not_go_with_a_box_encoder(tmp_path):
    operators = {**CHAINS["plain"], "iou": rk.BBoxBatchIOU(fmt="center")}
    with pytest.raises(ValueError, match="takes boxes in centre form, but the box encoder"):
        make_dump("a", run(scene(0), CHAINS["plain"]).arrays, operators)


def test_a_pickle_is_not_opened(tmp_path):
    np.savez(tmp_path / "a.npz", matches=np.array([print], object))
    with pytest.raises(ValueError, match="holds Python objects, which are not read"):
        read_dump(tmp_path / "a.npz")


@pytest.mark.parametrize("kind", ["text", "npy", "cut", "flipped", "no array"])
def test_a_file_that_is_no_npz_is_one_sentence(kind, tmp_path):
    path = tmp_path / "a.npz"
    run(scene(0), CHAINS["plain"]).write(path)
    whole = path.read_bytes()
    if kind == "text":
        path.write_text("anchors")
    elif kind == "npy":
        with path.open("wb") as file:
            np.save(file, np.zeros(3))
    elif kind == "cut":
        path.write_bytes(whole[: len(whole) // 2])
    elif kind == "flipped":
        path.write_bytes(whole[:500] + bytes(255 - byte for byte in whole[500:600]) + whole[600:])
    else:
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr("readme.txt", "hello")
    with pytest.raises(ValueError) as caught:
        read_dump(path)
    assert str(caught.value).startswith(f"{path}: ")
    assert "\n" not in str(caught.value)


@given(st.binary(max_size=400), st.integers(0, 10**6))
def test_no_damage_is_a_traceback(tmp_path_factory, noise, place):
    folder = tmp_path_factory.getbasetemp()
    path, whole = folder / "noise.npz", folder / "whole.npz"
    if not whole.exists():
        run(scene(0, anchors=20), CHAINS["plain"]).write(whole)
    content = bytearray(whole.read_bytes())
    start = place % len(content)
    content[start : start + len(noise)] = noise
    path.write_bytes(content)
    message = ""
    try:
        read_dump(path)
    except ValueError as error:
        message = str(error)
    assert not message or message.startswith(f"{path}: ")
