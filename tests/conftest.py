"""Fixtures that tests of several rooms share."""

import os
import shutil
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).parents[1]


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Return the folder of real annotations: ``REFKERNELS_SHARED_DATA``, or shared/data beside the
    project's own folder."""
    folder = Path(os.environ.get("REFKERNELS_SHARED_DATA", ROOT.parent / "shared" / "data"))
    if not folder.is_dir():
        pytest.skip(f"no folder {folder} of real annotations; set REFKERNELS_SHARED_DATA to one")
    return folder


@pytest.fixture(scope="session")
def mx() -> ModuleType:
    """Return MXNet; a test that asks for it is skipped, with the reason, where MXNet is absent.

    Files under tests/gluon need not ask: none of them is collected without MXNet.
    """
    try:
        from refkernels.gluon.compat import import_mxnet

        return import_mxnet()
    except ImportError as error:
        pytest.skip(str(error))


@pytest.fixture(scope="session")
def browser():
    """Chromium, for pages that are looked at as people see them."""
    sync_api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    path = next(
        filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None
    )
    if path is None:
        pytest.skip("no Chromium found")
    quiet = ["no-sandbox", "disable-gpu", "no-first-run", "disable-sync"]
    quiet += ["disable-background-networking", "disable-component-update"]
    with sync_api.sync_playwright() as playwright:
        chromium = playwright.chromium.launch(
            executable_path=path, args=[f"--{flag}" for flag in quiet]
        )
        yield chromium
        chromium.close()
