"""What code that has none of our names is said to look like, and how it is checked then."""

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from refkernels.cli.main import main
from refkernels.conformance.cases import find
from refkernels.conformance.suggest import trial
from refkernels.conformance.suggest.clues import CLUES, is_clue, words_in
from refkernels.conformance.targets.bound import Binding
from refkernels.conformance.targets.files import as_module
from refkernels.conformance.targets.representation import RepresentationError

UNNAMED = "tests.conformance.targets.unnamed"

WANTED = {
    "compute_overlaps": "=BBoxBatchIOU",
    "bbox_transform": "=NormalizedBoxCenterEncoder,inputs=anchors+refs,outputs=targets,aligned",
    "Assigner": "=ThresholdMatcher,transposed,parameters=high:pos_iou_thr+low:neg_iou_thr",
    "Coder.decode": "=NormalizedBoxCenterDecoder,inputs=anchors+x,fixed=convert_anchor:true",
}


def run(*arguments: str) -> Result:
    return CliRunner().invoke(main, arguments, catch_exceptions=False)


def test_callables_are_known_by_name_arguments_and_a_trial() -> None:
    found = {own.place.partition(":")[2]: own for own in trial.suggest(UNNAMED)}
    assert set(found) == {*WANTED, "train"}
    assert found["compute_overlaps"].framework == "NumPy"
    assert found["compute_overlaps"].signature.startswith("(boxes1: Any, boxes2")
    assert found["train"].suggestions == ()
    for name, words in WANTED.items():
        best = found[name].suggestions[0]
        assert (best.binding, best.agrees) == (f"{UNNAMED}:{name}{words}", 1.0)
        assert Binding.parse(best.binding).operator == best.operator


def test_nothing_is_tried_when_time_is_up() -> None:
    assert not any(own.suggestions for own in trial.suggest(UNNAMED, seconds=-1))


def test_code_of_pytorch_is_given_tensors(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("torch")
    (tmp_path / "some_torch.py").write_text(
        "import torch\n"
        "class M(torch.nn.Module):\n"
        "    def forward(self, ious):\n"
        "        best, index = ious.max(-1)\n"
        "        return torch.where(best > 0.5, index, -1)\n"
        "def pairwise_iou(a, b):\n"
        "    wh = (torch.min(a[:, None, 2:], b[:, 2:]) - torch.max(a[:, None, :2], b[:, :2]))\n"
        "    inter = wh.clamp(min=0).prod(-1)\n"
        "    area = [(x[:, 2:] - x[:, :2]).prod(-1) for x in (a, b)]\n"
        "    return inter / (area[0][:, None] + area[1] - inter + 1e-9)\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    found = {own.place: own for own in trial.suggest("some_torch")}
    assert found["some_torch:pairwise_iou"].framework == "PyTorch"
    assert found["some_torch:pairwise_iou"].suggestions[0].operator == "BBoxBatchIOU"
    assert found["some_torch:M"].suggestions[0].operator == "MaximumMatcher"


def test_a_sampler_with_a_quota_is_not_taken_for_one_without(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    body = "    def __call__(self, matches):\n        return np.where(matches < 0, -1, 1)\n"
    built = "    def __init__(self, num=256, fraction=0.25):\n        pass\n"
    (tmp_path / "some_samplers.py").write_text(
        f"import numpy as np\nclass Sampler:\n{body}class QuotaOne(Sampler):\n{built}{body}"
    )
    monkeypatch.syspath_prepend(tmp_path)
    plain, quota = trial.suggest("some_samplers")
    assert [own.operator for own in plain.suggestions] == ["NaiveSampler"]
    assert quota.suggestions == ()


BALANCED = """
    def __init__(self, batch_size_per_image, positive_fraction=0.25):
        self.num, self.share = batch_size_per_image, positive_fraction

    def __call__(self, labels):
        labels = {copy}
        positive, negative = ({where} for mark in (1, {negative}))
        left = positive[{permuted}[: int(self.num * self.share)]]
        permuted = {permuted_negative}[: self.num - len(left)]
        kept = negative[permuted]
        labels[:] = {ignored}
        labels[left], labels[kept] = 1, {negative}
        return labels
"""


def of_numpy(negative: int, ignored: int) -> str:
    return "import numpy as np\nclass Subsample:" + BALANCED.format(
        copy="labels.copy()",
        where="np.flatnonzero(labels == mark)",
        permuted="np.random.permutation(len(positive))",
        permuted_negative="np.random.permutation(len(negative))",
        negative=negative,
        ignored=ignored,
    )


def of_torch(negative: int, ignored: int) -> str:
    return "import torch\nclass Subsample(torch.nn.Module):" + BALANCED.format(
        copy="labels.clone()",
        where="torch.nonzero(labels == mark)[:, 0]",
        permuted="torch.randperm(len(positive))",
        permuted_negative="torch.randperm(len(negative))",
        negative=negative,
        ignored=ignored,
    ).replace("__call__", "forward").replace(
        ":\n        self.num", ":\n        super().__init__()\n        self.num"
    )


@pytest.mark.parametrize("written", [of_numpy, of_torch])
@pytest.mark.parametrize(("marks", "words"), [((-1, 0), ""), ((0, -1), ",samples=1+0+-1")])
def test_a_sampler_that_balances_by_lot_is_known_by_what_it_keeps(
    written: Callable[[int, int], str],
    marks: tuple[int, int],
    words: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    if written is of_torch:
        pytest.importorskip("torch")
    name = f"lots_{written.__name__}_{len(words)}"
    (tmp_path / f"{name}.py").write_text(written(*marks))
    monkeypatch.syspath_prepend(tmp_path)
    (found,) = trial.suggest(name)
    called = "num_sample:batch_size_per_image+pos_ratio:positive_fraction"
    best = found.suggestions[0]
    assert best.binding == f"{name}:Subsample=BalancedSampler{words},parameters={called}"
    assert best.agrees == 1


def test_a_sampler_that_fills_quotas_by_lot_is_known_by_what_it_keeps(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "some_quotas.py").write_text(
        "import numpy as np\n"
        "def sample_anchors(matches, ious, num, fg_thresh, bg_thresh, fg_fraction=0.5):\n"
        "    best = ious.max(-1)\n"
        "    positive = (matches >= 0) | (best >= fg_thresh)\n"
        "    negative = ~positive & (best < bg_thresh)\n"
        "    samples, left = np.zeros(len(matches), int), num\n"
        "    quota = round(fg_fraction * num)\n"
        "    for mark, among, most in ((1, positive, quota), (-1, negative, num)):\n"
        "        chosen = np.random.permutation(np.flatnonzero(among))[: min(most, left)]\n"
        "        samples[chosen] = mark\n"
        "        left -= len(chosen)\n"
        "    return samples\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    (found,) = trial.suggest("some_quotas")
    own = "num_sample:num+pos_thresh:fg_thresh+neg_thresh_high:bg_thresh+pos_ratio:fg_fraction"
    best = found.suggestions[0]
    assert (best.operator, best.agrees) == ("QuotaSampler", 1)
    assert best.binding == f"some_quotas:sample_anchors=QuotaSampler,parameters={own}"


def test_two_thresholds_are_known_by_the_names_that_people_give_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "some_matcher.py").write_text(
        "import numpy as np\n"
        "class AnchorMatcher:\n"
        '    """Matches are counted from 1; 0 is the background, and -1 is ignored."""\n'
        "    def __init__(self, fg_thresh=0.5, bg_thresh=0.4):\n"
        "        self.fg, self.bg = fg_thresh, bg_thresh\n"
        "    def __call__(self, ious):\n"
        "        best = ious.max(1)\n"
        "        found = np.where(best < self.fg, -1, ious.argmax(1) + 1)\n"
        "        return np.where(best < self.bg, 0, found)\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    (found,) = trial.suggest("some_matcher")
    words = "ThresholdMatcher,first=1,parameters=high:fg_thresh+low:bg_thresh"
    assert found.suggestions[0].binding == f"some_matcher:AnchorMatcher={words}"


@pytest.mark.parametrize("name", CLUES)
def test_each_operator_is_found_under_its_own_name(name: str) -> None:
    operator = find(name)
    ways = [f"refkernels:{name}=" + ",".join(filter(None, (name, way))) for way in CLUES[name].ways]
    assert max(trial._agreement(way, operator) for way in ways) == 1


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("pairwise_iou", {"pairwise", "iou"}),
        ("boxIoU", {"box", "bbox", "iou"}),
        ("xyxy2xywh", {"xyxy", "xywh", "cxcywh"}),
        ("BoxCoder.encode", {"box", "bbox", "coder", "encode"}),
        ("NMS", {"nms"}),
    ],
)
def test_names_are_read_as_people_write_them(name: str, words: set[str]) -> None:
    assert words_in(name) == words


def test_what_has_nothing_to_do_with_boxes_is_not_called() -> None:
    assert is_clue("f", ["boxes", "x"])
    assert is_clue("my_nms", [])
    assert not is_clue("train", ["model", "loader"])


@pytest.mark.once
def test_a_check_of_a_module_without_our_names_says_what_it_has() -> None:
    done = run("check", UNNAMED)
    assert done.exit_code == 2
    assert f"{UNNAMED} has none of the operators by name." in done.output.replace("\n", " ")
    for name, words in WANTED.items():
        assert f"{UNNAMED}:{name}{words}" in done.output
    assert "like none of the operators: train" in done.output
    assert "absent" not in done.output


@pytest.mark.once
def test_of_a_package_that_defines_nothing_itself_its_modules_are_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "some_package").mkdir()
    for name in ("__init__", "_own", "boxes", "matching"):
        (tmp_path / "some_package" / f"{name}.py").write_text("")
    monkeypatch.syspath_prepend(tmp_path)
    for command in ("suggest", "check"):
        said = run(command, "some_package").output
        assert "in it are some_package.boxes, some_package.matching; look into one:" in said
        assert "  refkernels suggest some_package.boxes\n" in said


@pytest.mark.once
def test_suggest_takes_a_file_and_says_what_is_not_to_be_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "path", list(sys.path))
    for name, text, status, said in (
        ("own_iou", "def iou_matrix(a, b):\n    raise ValueError\n", 1, "like none of the oper"),
        ("own_empty", "x = 3\n", 1, "defines no function and no class that can be called"),
        ("own_bad", "import no_such_thing\n", 2, "cannot import own_bad: No module named"),
        ("own_end", "import os\nos._exit(3)\n", 2, "own_end ends the process that looks at it"),
    ):
        (tmp_path / f"{name}.py").write_text(text)
        done = run("suggest", str(tmp_path / f"{name}.py"))
        assert (done.exit_code, said in done.output.replace("\n", " ")) == (status, True), name
    refused = run("suggest", "torchvison.ops")
    assert refused.exit_code == 2
    assert "cannot import torchvison" in refused.output


@pytest.mark.once
def test_what_takes_long_is_told_on_stderr(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from refkernels.arrays import telling

    monkeypatch.setattr(telling, "FIRST", 0.01)
    monkeypatch.syspath_prepend(tmp_path)
    (tmp_path / "slow_iou.py").write_text("def box_iou(a, b):\n    raise ValueError\n")
    for command in ("suggest", "check"):
        done = run(command, "slow_iou")
        assert "slow_iou: looking at what it has; it is imported, and kernels are" in done.stderr
        assert "looking" not in done.stdout
        assert ("slow_iou: importing it: 0 s" in done.stderr) == (command == "check")


def test_a_file_is_the_module_that_it_is_imported_as(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "path", list(sys.path))
    package = tmp_path / "src" / "own" / "part"
    package.mkdir(parents=True)
    for place in (package, package.parent):
        (place / "__init__.py").touch()
    for name in ("det.py", "2d.py"):
        (package / name).touch()
    assert as_module(f"{package}/det.py:iou=BBoxBatchIOU") == "own.part.det:iou=BBoxBatchIOU"
    assert sys.path[0] == str(tmp_path / "src")
    assert as_module(f"{package}/__init__.py") == "own.part"
    assert sys.path.count(str(tmp_path / "src")) == 1
    assert as_module("torchvision") == "torchvision"
    with pytest.raises(RepresentationError, match=r"2d.py: '2d' cannot be imported, as it is no"):
        as_module(f"{package}/2d.py")
    with pytest.raises(RepresentationError, match=r"none.py: there is no such file"):
        as_module("none.py:a=b")


def test_mistyped_names_get_a_hint() -> None:
    with pytest.raises(ValueError, match=r"unknown operator 'nsm', did you mean 'NMS'\? There are"):
        find("nsm")
    with pytest.raises(ValueError, match="unknown operator 'x', expected one of: BBoxCorner"):
        find("x")


@pytest.mark.once
def test_a_module_that_does_not_import_is_told_with_what_may_be_meant() -> None:
    for name, hint in (
        ("hypothesys", "did you mean 'hypothesis'?"),
        ("refkernels.matchr", "did you mean 'refkernels.matcher'?"),
        ("hypothesys.core", "did you mean 'hypothesis'?"),
        ("q8", "No module named 'q8'\n"),
    ):
        assert hint in run("check", name).output


@pytest.mark.once
def test_the_framework_that_was_guessed_is_told_when_calls_fail_for_it(tmp_path: Path) -> None:
    place = "tests.conformance.targets.foreign_arrays"
    done = run("check", f"{place}:area=BBoxArea", "--profile", "quick")
    assert done.exit_code == 1
    said = done.output.replace("\n", "")
    for part in (
        "raises AttributeError: ",
        "foreign_arrays.py:7 in _sides",
        "foreign_arrays.py:11 in area",
        "it was given arrays of NumPy; if it takes others, say so beside it",
    ):
        assert part.replace(" ", "") in said.replace(" ", ""), part


def test_an_interrupt_keeps_what_is_done_and_writes_reports(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from refkernels.conformance import command
    from refkernels.conformance.engine.run import Result as Verdict

    def interrupted(*_: Any, on_event: Any, **__: Any) -> Any:
        on_event("BBoxArea", 34, Verdict("BBoxArea", "conforms", cases=34))
        raise KeyboardInterrupt

    monkeypatch.setattr(command.workers, "check", interrupted)
    report = tmp_path / "report.json"
    done = run(
        "check", "refkernels", "--operator", "BBoxArea", "--operator", "NMS", "--json", str(report)
    )
    assert done.exit_code == 130
    assert "interrupted: 1 of 2 were checked" in done.output
    assert '"BBoxArea"' in report.read_text()


@pytest.mark.once
def test_less_and_more_can_be_printed() -> None:
    few = ("check", "refkernels", "--operator", "BBoxArea", "--max-examples", "5")
    quiet, usual, verbose = run(*few, "-q"), run(*few), run(*few, "-v")
    assert "refuses nan" in usual.output
    assert "refuses nan" not in quiet.output
    assert "1 conforms" in quiet.output
    assert len(quiet.output) < len(usual.output) <= len(verbose.output)


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_is_printed_for_a_shell(shell: str) -> None:
    done = run("completion", shell)
    assert done.exit_code == 0
    assert "_REFKERNELS_COMPLETE" in done.output


def test_kernels_can_be_compiled_before_they_are_needed(monkeypatch: pytest.MonkeyPatch) -> None:
    from refkernels.chain import published
    from refkernels.conformance.engine import warm

    names = warm.what_to_warm()
    assert "NMS" in names
    assert "SSDTargets" not in names
    monkeypatch.setattr(warm, "what_to_warm", lambda: ["BBoxArea", "QuotaSampler"])
    monkeypatch.setattr(published, "NETWORKS", {"ssd300": published.NETWORKS["ssd300"]})
    done = run("warmup", "--presets")
    assert done.exit_code == 0
    assert "the kernels of 3 operators and presets" in done.output
