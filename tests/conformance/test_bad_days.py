"""A check ends as it should: whoever is killed, and whatever its target does to it."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from click.testing import CliRunner

from refkernels.cli.main import main
from refkernels.conformance.engine.run import Options
from refkernels.conformance.process import watched
from refkernels.conformance.process.supervisor import Checker, check

# Of processes, files and pages: the versions of NumPy and of frameworks play no part.
pytestmark = pytest.mark.once

TARGETS = Path(__file__).parent / "targets"

# It hangs with Python's lock held, and so does a process that it has started.
HANGS = """
import os, re, subprocess, sys
def NaiveSampler(matches):
    child = subprocess.Popen([sys.executable, "-c", "while True: pass"])
    with open("beside", "w") as file:
        file.write(f"{os.getpid()} {child.pid}")
    os.rename("beside", "started")
    re.match("(a*)*b", "a" * 100)
"""

VERDICTS = {
    "BBoxArea": ("error", "its reports cannot be read: KeyError: 'dissents'"),
    "BBoxSplit": ("conforms", ""),
    "BBoxCenterToCorner": ("conforms", ""),
    "NaiveSampler": ("error", "the check itself failed: FileNotFoundError"),
    "MaximumMatcher": ("error", "the check itself failed"),
    "OHEMSampler": ("error", "its reports cannot be read: ValueError: some are no longer there"),
    "SigmoidClassEncoder": ("hangs", "no answer within 2 s"),
    "BBoxClipToImage": ("crashes", f"was killed by signal {signal.SIGRTMIN + 3}"),
    "QuotaSampler": ("error", "the check itself failed"),
    "MultiPerClassDecoder": ("error", "its last words: last words; at which case cannot be read"),
    "BBoxCornerToCenter": ("conforms", ""),
}


@pytest.fixture
def module(tmp_path, monkeypatch):
    """Return a function that makes a module of a text, and its name; `tmp_path` is where we are."""

    def write(text):
        (tmp_path / "made.py").write_text(text)
        return "made"

    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.chdir(tmp_path)
    return write


def is_there(pid):
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return False
    return state != "Z"  # who has ended, and was not asked yet


def comes_true(condition, seconds=20):
    end = time.monotonic() + seconds
    while not condition() and time.monotonic() < end:
        time.sleep(0.05)
    return condition()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP, signal.SIGKILL])
def test_whoever_ends_a_check_ends_its_processes_and_leaves_no_folder(module, tmp_path, number):
    (tmp_path / "temporary").mkdir()
    places = {"PYTHONPATH": os.pathsep.join([str(tmp_path), *sys.path])}
    own = {**os.environ, **places, "TMPDIR": str(tmp_path / "temporary")}
    command = ["-m", "refkernels", "check", module(HANGS), "--operator", "NaiveSampler"]
    with subprocess.Popen([sys.executable, *command], env=own, stdout=subprocess.PIPE) as process:
        assert comes_true((tmp_path / "started").exists, 60)
        pids = (tmp_path / "started").read_text().split()
        assert all(map(is_there, pids))
        process.send_signal(number)
        status = process.wait(20)
    assert status == (-number if number == signal.SIGKILL else 128 + number)
    assert comes_true(lambda: not any(map(is_there, pids)))
    assert comes_true(lambda: not list((tmp_path / "temporary").iterdir()))


def test_what_a_target_has_started_ends_with_its_check(module, tmp_path):
    name = module(
        """
import subprocess, sys
from refkernels import NaiveSampler
child = subprocess.Popen([sys.executable, "-c", "while True: pass"])
open("started", "w").write(str(child.pid))
"""
    )
    (result,) = check(name, ["NaiveSampler"], Options(1, dtypes=("float32",)))
    assert result.verdict == "conforms"
    assert comes_true(lambda: not is_there((tmp_path / "started").read_text()))


@pytest.fixture(scope="module")
def sabotaged(tmp_path_factory):
    """Check the saboteur once, all of it in one process after the other."""
    failures = tmp_path_factory.mktemp("failures")
    sys.path.insert(0, str(TARGETS))
    try:
        options = Options(2, dtypes=("float32",), shrink_seconds=1)
        every = list(VERDICTS)
        results = check("saboteur", every, options, failures=failures, workers=1, time_limit=2)
    finally:
        sys.path.remove(str(TARGETS))
    return {result.operator: result for result in results}


@pytest.mark.parametrize("operator", VERDICTS)
def test_a_target_that_spoils_the_check_costs_one_verdict(sabotaged, operator):
    result = sabotaged[operator]
    verdict, words = VERDICTS[operator]
    said = [result.note, *(dissent.what for dissent in result.dissents)]
    assert result.verdict == verdict, said
    assert words in " ".join(said)


def test_of_what_a_crashed_target_printed_the_end_alone_is_read(module, monkeypatch):
    read = []
    real = watched.Worker._last_words

    def last_words(worker):
        said = real(worker)
        read.append(worker._files[watched.STDOUT].tell())
        return said

    monkeypatch.setattr(watched.Worker, "_last_words", last_words)
    name = module(
        """
import os, sys
def NaiveSampler(matches):
    sys.stdout.truncate(2**40)
    sys.stdout.seek(2**40)
    sys.stdout.write("\\nfarewell\\n")
    sys.stdout.flush()
    os._exit(3)
"""
    )
    (result,) = check(name, ["NaiveSampler"], Options(1))
    assert result.dissents[0].what.endswith("its last words: farewell")
    assert read == [2**40 + len("\nfarewell\n")]


def test_a_check_that_stands_still_by_itself_ends(module, monkeypatch):
    monkeypatch.setattr(watched, "OWN_SECONDS", 1)
    # Between two calls: it is asked for its name there.
    name = module(
        """
import time
def __getattr__(name):
    if name == "NaiveSampler":
        open(WORKER + "/moment.json", "w").close()
        time.sleep(600)
    raise AttributeError(name)
import os
WORKER = os.path.dirname(os.environ["TMPDIR"])
"""
    )
    (result,) = check(name, ["NaiveSampler"], Options(1), time_limit=30)
    assert (result.verdict, result.note) == ("error", "between two calls of it, no sign for 1 s")


def test_reports_that_nobody_has_asked_for_are_dropped(module, tmp_path):
    name = module(
        """
import os, threading, time
from refkernels import NaiveSampler
def spoil():
    while True:
        if os.path.exists("spoil"):
            with open(os.path.dirname(os.environ["TMPDIR"]) + "/events.jsonl", "a") as file:
                file.write('{"unknown": 1}\\n')
            os.remove("spoil")
        time.sleep(0.01)
threading.Thread(target=spoil, daemon=True).start()
"""
    )
    options = Options(1, dtypes=("float32",))
    with Checker(name, tmp_path / "failures") as checker:
        assert checker.check("NaiveSampler", options).verdict == "conforms"
        (tmp_path / "spoil").touch()
        assert comes_true(lambda: not (tmp_path / "spoil").exists())
        assert checker._worker.read(lambda *event: None, 10) is None
        assert checker._worker.gone
        checker._worker.stop()
        assert checker.check("NaiveSampler", options).verdict == "conforms"


def test_a_result_of_another_operator_is_none(module):
    name = module(
        """
import json, os
from refkernels.conformance.model.result import Result
def NaiveSampler(matches):
    with open(os.path.dirname(os.environ["TMPDIR"]) + "/events.jsonl", "a") as file:
        file.write(json.dumps({"result": Result("BBoxArea", "conforms").as_json()}) + "\\n")
    return matches
"""
    )
    (result,) = check(name, ["NaiveSampler"], Options(1))
    assert result.verdict == "error"
    assert result.note == "its reports cannot be read: ValueError: one is of something else"


def test_an_error_of_ours_is_no_divergence(monkeypatch):
    def check_command(*args, **kwargs):
        raise LookupError("ours")

    monkeypatch.setattr("refkernels.conformance.command.check_command", check_command)
    result = CliRunner().invoke(main, ["check"])
    assert result.exit_code == 2
    assert result.output.rstrip().endswith("refkernels: an error of its own: LookupError: ours")
