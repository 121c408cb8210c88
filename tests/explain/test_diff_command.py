"""The command `diff`: its exit status, its contracts and its page."""

import json
import re
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

import refkernels as rk
from refkernels.assign import TargetAssigner
from refkernels.chain.published import preset_operators
from refkernels.chain.roles import ROLES
from refkernels.chain.writing import decode_contract, encode_operator
from refkernels.cli.main import main
from refkernels.explain.diff.dump import make_dump
from refkernels.explain.diff.of_preset import dump_of_preset
from tests.explain.chains import CHAINS, put, run, scene
from tests.explain.planted import pipeline
from tests.explain.test_diff import WRONG


@pytest.fixture
def files(tmp_path):
    inputs, plain = scene(2), CHAINS["plain"]
    a = run(inputs, plain)
    dumps = {
        "a": a,
        "rounded": run(inputs, plain, "float64"),
        "changed": run(inputs, {**plain, "matcher": rk.MaximumMatcher(0.6)}),
        "wrong": run(inputs, plain, matches=put(0, 5, value=WRONG["matches"])),
    }
    for name, dump in dumps.items():
        dump.write(tmp_path / f"{name}.npz")
    return tmp_path


@pytest.mark.parametrize(
    ("other", "status", "says"),
    [
        ("a", 0, "Nothing differs"),
        ("rounded", 0, "What differs is rounding"),
        ("changed", 1, "Their parameters differ, first at matches"),
        ("wrong", 1, "B leaves the contract first at matches: for 1 of 240 anchors"),
        ("nowhere", 2, "nowhere.npz: No such file or directory"),
    ],
)
def test_the_exit_status(files, other, status, says):
    result = CliRunner().invoke(main, ["diff", str(files / "a.npz"), str(files / f"{other}.npz")])
    assert result.exit_code == status, result.output
    assert says in result.output


def test_a_contract_from_a_file_counts_for_both(files):
    (files / "contract.json").write_text(
        '{"matcher": {"operator": "MaximumMatcher", "config": {"threshold": 0.6}}}'
    )
    arguments = ["diff", str(files / "a.npz"), str(files / "changed.npz")]
    result = CliRunner().invoke(main, [*arguments, "--config", str(files / "contract.json")])
    assert result.exit_code == 1
    assert "A leaves the contract first at matches" in result.output
    assert "B keeps the contract at every stage" in result.output


def test_a_preset_counts_for_both(files):
    a = run(scene(2), CHAINS["ssd"] | {"sampler": rk.NaiveSampler()})
    a.write(files / "ssd.npz")
    arguments = ["diff", str(files / "ssd.npz"), str(files / "changed.npz"), "--preset", "ssd300"]
    result = CliRunner().invoke(main, arguments)
    assert result.exit_code == 1
    assert "A keeps the contract at every stage" in result.output
    result = CliRunner().invoke(main, [*arguments[:-1], "sdd"])
    assert result.exit_code == 2
    assert "unknown preset 'sdd'" in result.output


def test_operators_of_one_s_own_are_no_contract():
    class Mine(rk.MaximumMatcher):
        pass

    with pytest.raises(TypeError, match="is not one of refkernels' operators"):
        encode_operator(Mine(0.5))


def test_the_page_shows_what_diff_prints(tmp_path, monkeypatch):
    page = (Path(__file__).parents[2] / "docs" / "diff.md").read_text()
    blocks = dict(re.findall(r"^```(\w+)\n(.*?)^```$", page, re.M | re.S))
    monkeypatch.chdir(tmp_path)
    exec(blocks["python"], {})
    command, _, shown = blocks["console"].partition("\n")
    assert command == "$ refkernels diff a.npz b.npz"
    result = CliRunner().invoke(main, command.split()[2:])
    assert [line.rstrip() for line in result.output.splitlines()] == shown.splitlines()
    assert sorted(decode_contract(json.loads(blocks["json"]))) == sorted(ROLES)


def test_a_file_alone_is_compared_with_what_a_preset_makes_of_its_boxes(tmp_path):
    own = {k: v for k, v in pipeline(0, images=1).items() if k != "scale"}
    anchors = TargetAssigner.ssd300().anchors[None]
    for name, given in (("a", anchors), ("b", anchors + np.float32(0.5)), ("c", anchors[:, 1:])):
        run({**own, "anchors": given}, preset_operators("ssd300")).write(tmp_path / f"{name}.npz")
    np.savez(tmp_path / "d.npz", ious=np.eye(3))
    command = ["--preset", "ssd300"]
    result = CliRunner().invoke(main, ["diff", str(tmp_path / "a.npz"), *command])
    assert (result.exit_code, result.output.splitlines()[0]) == (0, "Nothing differs.")
    assert "B  ssd300: 1 image, 8732 anchors" in result.output
    result = CliRunner().invoke(main, ["diff", str(tmp_path / "b.npz"), *command])
    assert result.exit_code == 1
    assert result.output.startswith(
        "B's anchors differ from A's (8732 of 8732), which is explained by a shift by -0.5."
    )
    for arguments, message in (
        (["c.npz", *command], "ssd300: 8732 anchors, in "),
        (["d.npz", *command], "has no boxes, of which ssd300 could make anything"),
        (["a.npz"], "b: missing; expected a second dump, or --preset"),
    ):
        result = CliRunner().invoke(main, ["diff", str(tmp_path / arguments[0]), *arguments[1:]])
        assert result.exit_code == 2
        assert message in result.output


def test_stages_that_a_preset_cannot_make_of_a_file_are_left_out():
    own = {k: v for k, v in pipeline(0, images=1).items() if k in ("boxes", "anchors")}
    dump = make_dump("a", {**own, "ious": rk.BBoxBatchIOU()(own["anchors"], own["boxes"])}, {})
    made = dump_of_preset("torchvision_ssd300", preset_operators("torchvision_ssd300"), dump)
    assert list(made.arrays) == [
        "anchors", "boxes", "ious", "matches", "samples", "box_targets", "box_masks"
    ]  # fmt: skip
