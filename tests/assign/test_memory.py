"""What assigning an image takes beside the arrays that it fills."""

import subprocess
import sys

import pytest

from refkernels.assign.known import new_scratch

# What an assigner keeps for an anchor from call to call.
SCRATCH = sum(array.nbytes for array in new_scratch(6400)) / 6400

MEASURE = """
import ctypes, re, sys
from pathlib import Path
import numpy as np
from refkernels.assign import TargetAssigner


def memory(which):  # as Linux counts it
    status = Path("/proc/self/status").read_text()
    return int(re.search(which + r":\\s*(\\d+) kB", status)[1]) * 1024


def assign(assigner, boxes, form=sys.argv[1]):
    labels = np.zeros(len(boxes), np.int64)
    if form == "sparse":
        return lambda: assigner.sparse(boxes, labels, rng=0)
    out = assigner.empty()
    for array in (out.cls_targets, out.box_targets, out.box_masks, out.matches, out.samples):
        array[:] = 0  # so that its memory is there
    return lambda: assigner(boxes, labels, rng=0, out=out)


rng = np.random.default_rng(0)
corner = rng.uniform(0, 900, (1000, 2))
boxes = np.concatenate([corner, corner + rng.uniform(4, 120, (1000, 2))], axis=1)
boxes = boxes.astype(np.float32)
assign(TargetAssigner.rpn_fpn(64, 64), boxes[:5])()  # compiles
assigner = TargetAssigner.rpn_fpn(1024, 1024)
call = assign(assigner, boxes)
ctypes.CDLL(None).malloc_trim(0)  # what was freed is given back, so that nothing comes from it
Path("/proc/self/clear_refs").write_text("5")  # the peak is what it is now
before = memory("VmRSS")
call()
print((memory("VmHWM") - before) / len(assigner))
"""


@pytest.mark.parametrize("form", ["dense", "sparse"])
def test_assigning_takes_less_than_16_bytes_an_anchor_for_1000_boxes(form: str) -> None:
    run = subprocess.run(
        [sys.executable, "-c", MEASURE, form], capture_output=True, check=True, text=True
    )
    assert SCRATCH + float(run.stdout) < 16  # the matrix of IoUs would take 4000
