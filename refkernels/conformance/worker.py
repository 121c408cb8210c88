"""The process in which operators are checked; `workers` starts it and reads what it reports."""

import io
import json
import sys
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from refkernels.conformance.replay import save, saved_for
from refkernels.conformance.run import Options, Result, check_operator
from refkernels.conformance.spec import Case, Image
from refkernels.conformance.target import Target, TargetError

__all__ = ["CURRENT", "main"]

# The file that holds what the target is at, for as long as it is at it. Its age tells a hang.
CURRENT = "case.txt"


def main(folder: Path, images_file: Path) -> None:
    """Take operator names from standard input until it ends, and check one after the other.

    Parameters
    ----------
    folder : Path
        Holds ``job.json``; ``events.jsonl`` and `CURRENT` are written there.
    images_file : Path
        The images whose boxes become cases, as `workers` wrote them.
    """
    job = json.loads((folder / "job.json").read_text())
    # The parent finds its modules where its own path says; so must this process.
    sys.path.extend(place for place in job["path"] if place not in sys.path)
    options = Options(**job["options"])
    failures = Path(job["failures"])
    images = _read_images(images_file)
    current = folder / CURRENT
    names = sys.stdin
    sys.stdin = io.StringIO()  # a target that reads its input gets none of ours
    with (folder / "events.jsonl").open("a") as events:

        def report(**event: Any) -> None:
            events.write(json.dumps(event) + "\n")
            events.flush()

        def note_progress(name: str, count: int) -> None:
            report(operator=name, count=count)

        def note_case(name: str, case: Case | None) -> None:
            if case is None:
                current.unlink()
            else:
                current.write_text(f"{case.assignments()[:20_000]}\n{case.call(name)}")

        current.write_text(f"import {job['target']}")
        try:
            target: Target | TargetError = Target(job["target"])
        except TargetError as error:
            target = error
        current.unlink()
        for line in names:
            name = line.strip()
            if isinstance(target, TargetError):
                result = Result(name, "error", seed=options.seed, note=str(target))
            else:
                try:
                    earlier = [saved.case for saved in saved_for(failures, target.module, name)]
                    result = check_operator(
                        name,
                        target,
                        options,
                        images,
                        earlier,
                        partial(note_progress, name),
                        partial(note_case, name),
                    )
                except Exception as error:
                    reason = f"the check itself failed: {type(error).__name__}: {error}"
                    result = Result(name, "error", seed=options.seed, note=reason)
            result.dissents = [
                dissent
                if dissent.case is None or dissent.who == "declaration"
                else replace(dissent, saved=str(save(failures, job["target"], name, dissent)))
                for dissent in result.dissents
            ]
            report(result=result.as_json())


def _read_images(path: Path) -> list[Image]:
    with np.load(path, allow_pickle=False) as data:
        anchors = {name: data[name] for name in data.files if name.startswith("anchors-")}
        return [
            Image(
                str(name),
                data[f"boxes{i}"],
                data[f"labels{i}"],
                anchors[f"anchors-{int(data[f'anchors{i}'])}"],
            )
            for i, name in enumerate(data["names"])
        ]


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
