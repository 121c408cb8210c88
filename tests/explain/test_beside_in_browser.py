"""The page of assigners side by side as people use it: in Chromium, from a file."""

import pytest

from refkernels.assign import TargetAssigner
from refkernels.explain import compare_traces, explain
from refkernels.explain.beside.page import write_comparison_page

pytestmark = pytest.mark.once

BOXES = [[10.0, 10, 60, 50], [20, 20, 90, 90], [100, 8, 104, 11]]


@pytest.fixture(scope="module")
def pair():
    names = ("atss", "fcos", "torchvision_retinanet")
    traces = {
        name: explain(getattr(TargetAssigner, name)(128, 128), BOXES, [1, 2, 3]) for name in names
    }
    return compare_traces(traces, dict.fromkeys(names, (128, 128)))


@pytest.mark.parametrize("width", [390, 1280])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_an_object_is_picked_and_told_by_each(browser, pair, tmp_path, width, scheme):
    write_comparison_page(pair, tmp_path / "page.html")
    page = browser.new_page(viewport={"width": width, "height": 900}, color_scheme=scheme)
    complaints = []
    page.on("console", lambda message: complaints.append(message.text))
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.goto((tmp_path / "page.html").as_uri())
    assert page.evaluate("document.documentElement.scrollWidth") == width
    assert page.locator("svg").count() == 3
    assert page.locator("#about").is_hidden()
    page.click("tr.truth >> nth=2 >> button")
    for name, trace in pair.traces.items():
        assert name in page.inner_text("#about")
        assert trace.why_truth(2) in page.inner_text("#about")
    faint = page.evaluate(
        "getComputedStyle(document.querySelector('.object[data-truth=\"0\"]')).opacity"
    )
    assert float(faint) < 0.5
    # Beside each other on a desk, one below the other on a phone.
    tops = page.evaluate(
        "[...document.querySelectorAll('svg')].map(own => own.closest('.card').offsetTop)"
    )
    assert len(set(tops)) == (3 if width == 390 else 1)
    assert page.evaluate("document.documentElement.scrollWidth") == width
    page.keyboard.press("Escape")
    assert page.locator("#about").is_hidden()
    page.click(".object[data-truth='1'] >> nth=0")
    assert page.inner_text("#about h2") == "Ground truth 1"
    # Points are seen.
    fill = page.evaluate("getComputedStyle(document.querySelector('circle.anchor')).fill")
    assert fill != "none"
    assert complaints == []
    page.close()
