"""A peer that is absent, broken or of another version says so, and no more."""

import sys

import pytest

from refkernels.conformance.command import UsageError, check_command
from refkernels.conformance.engine.run import Options, check_operator
from refkernels.conformance.model.divergence import Divergence, witness
from refkernels.conformance.peers import opening
from refkernels.conformance.peers.opening import (
    declared,
    of_other_version,
    open_target,
    why_absent,
)
from refkernels.conformance.peers.peer import Peer
from refkernels.conformance.targets.bound import Binding

AREAS = Binding("boxes_of_mine:areas", "BBoxArea")

STALE = Divergence(
    "BM-001",
    "BBoxArea",
    "it was wrong once",
    lambda case: bool((case.inputs["x"] == 1).all()),
    witness(x=[[1, 1, 1, 1]]),
)

PEER = Peer("boxes_of_mine", "1.4", (AREAS,), divergences=(STALE,))


@pytest.fixture
def installed(tmp_path, monkeypatch):
    """Return a function that installs the peer, with this code and in this version."""

    def install(code, version="1.4.2"):
        (tmp_path / "boxes_of_mine.py").write_text(code)
        info = tmp_path / f"boxes_of_mine-{version}.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(
            f"Metadata-Version: 2.1\nName: boxes_of_mine\nVersion: {version}\n"
        )
        monkeypatch.syspath_prepend(tmp_path)
        monkeypatch.chdir(tmp_path)

    sys.modules.pop("boxes_of_mine", None)  # of another test
    known = opening.find_peer
    monkeypatch.setattr(
        opening, "find_peer", lambda name: PEER if name == PEER.name else known(name)
    )
    return install


RIGHT = """
import numpy as np

def areas(x):
    sides = np.maximum(x[..., 2:] - x[..., :2], 0)
    return sides[..., :1] * sides[..., 1:]
"""


def checked():
    target = open_target(["boxes_of_mine"]).of(AREAS.item)
    return check_operator("BBoxArea", target, Options(10, dtypes=("float32",)))


def run():
    return check_command(["boxes_of_mine"], [], Options(5), [], {}, processes=1, time_limit=60)


def test_what_is_declared_of_a_peer_holds_of_objects_of_other_packages(installed):
    installed(RIGHT)
    assert declared("keras.utils.bounding_boxes", "BBoxArea", spec=PEER.name) == (STALE,)
    assert declared("keras.utils.bounding_boxes", "BBoxArea") == ()
    assert of_other_version("keras.utils.bounding_boxes", PEER.name) == ""


def test_a_difference_that_is_gone_is_stale(installed):
    installed(RIGHT)
    result = checked()
    assert (result.verdict, result.dissents[0].what) == (
        "stale",
        "BM-001 is stale: its witness conforms",
    )


def test_in_another_version_it_is_a_remark(installed):
    installed(RIGHT, "1.5")
    result = checked()
    assert (result.verdict, result.dissents) == ("known", [])
    other = "boxes_of_mine 1.5 is installed, and its bindings are of 1.4"
    assert result.remarks["stale"] == f"BM-001 is stale: its witness conforms; {other}"
    assert of_other_version("boxes_of_mine") == other
    # 1.40 is not 1.4, and other modules have no version.
    assert of_other_version("numpy") == ""


@pytest.mark.parametrize("version", ["1.40", "2.1.4", "1"])
def test_a_version_is_the_same_by_its_numbers(installed, version):
    installed(RIGHT, version)
    assert of_other_version("boxes_of_mine.sub") != ""


def test_a_peer_that_is_not_installed_is_named_with_what_installs_it(installed):
    assert why_absent("boxes_of_mine.sub") == (
        "boxes_of_mine is not installed; install it with: pip install 'boxes_of_mine==1.4.*'"
    )
    with pytest.raises(UsageError, match=r"^boxes_of_mine is not installed"):
        run()
    assert why_absent("refkernels.gluon") == ""


def test_the_install_line_may_be_its_own(monkeypatch):
    peer = Peer("no_such_package", "1", install="git+https://example.org/it")
    monkeypatch.setattr(opening, "find_peer", lambda name: peer)
    assert why_absent("no_such_package").endswith("pip install git+https://example.org/it")


def test_a_peer_that_does_not_import_is_one_line_with_its_reason(tmp_path, monkeypatch, capsys):
    (tmp_path / "torchvision.py").write_text("raise ImportError('libtorch is gone')")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))  # before what is installed
    with pytest.raises(UsageError) as told:
        check_command(["torchvision"], [], Options(5), [], {}, processes=1, time_limit=60)
    assert str(told.value).count("libtorch is gone") == 1
    assert capsys.readouterr().out.count("libtorch") == 0
