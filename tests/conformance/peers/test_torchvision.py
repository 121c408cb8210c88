"""torchvision does what its docstrings say, but for what is declared."""

import subprocess
import sys

import pytest

from refkernels.conformance.engine.run import Options
from refkernels.conformance.peers.opening import bindings_of, find_peer
from refkernels.conformance.process.supervisor import check

PEER = find_peer("torchvision")
ITEMS = [binding.item for _, binding in bindings_of(["torchvision"])]
PAIRS = "torchvision.ops:box_iou=BBoxBatchIOU"


def results(items, options, tmp_path):
    pytest.importorskip("torchvision", reason="torchvision is not installed")
    return check(["torchvision"], items, options, failures=tmp_path / "failures")


def test_the_call_to_paste_is_torchvisions_own(tmp_path):
    options = Options(60, dtypes=("int32",), undeclared=("TV-002",))
    (result,) = results([PAIRS], options, tmp_path)
    paste = result.dissents[0].paste
    assert paste.startswith("import torch\nfrom torchvision.ops import box_iou\na = torch.tensor(")
    assert "print(box_iou(a, b))" in paste
    assert "refkernels" not in paste.partition("# right")[0]
    done = subprocess.run([sys.executable, "-c", paste], capture_output=True, text=True, check=True)
    assert done.stdout.startswith("tensor(")
