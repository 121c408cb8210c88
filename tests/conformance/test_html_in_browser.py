"""The page as people see it: in Chromium, from a file, at the width of a phone and of a desk."""

import pytest

from refkernels.conformance.report.html import as_html
from refkernels.conformance.report.summary import write

# Of processes, files and pages: the versions of NumPy and of frameworks play no part.
pytestmark = pytest.mark.once

WIDTHS = (390, 1280)


@pytest.fixture(params=WIDTHS)
def page(browser, summary, tmp_path, request):
    """The report at a width; what it complains of, or fetches, fails the test."""
    write(tmp_path / "report.html", as_html(summary))
    complaints = []
    page = browser.new_page(viewport={"width": request.param, "height": 900})
    page.on("console", lambda message: complaints.append(message.text))
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("dialog", lambda dialog: complaints.append(dialog.message))
    page.on("request", lambda asked: complaints.append(asked.url))
    page.goto((tmp_path / "report.html").as_uri())
    yield page
    assert complaints[1:] == []  # the first is the request of the page itself
    page.close()


def shown(page):
    return [row.inner_text() for row in page.locator(".operator:visible .name").all()]


def test_it_opens_and_fits(page, summary):
    assert "my.blocks<b>" in page.title()
    assert shown(page) == [result.operator for result in summary.results]
    page.click("#toggle")
    width = page.evaluate("document.documentElement.scrollWidth")
    assert width == page.viewport_size["width"]


def test_the_first_failure_is_open(page):
    assert page.locator(".operator[open] > .row .name").all_inner_texts() == ["BBoxBatchIOU"]


def test_the_filter_by_verdict(page):
    page.select_option("#verdict", "diverges")
    assert shown(page) == ["BBoxBatchIOU", "MaximumMatcher"]
    assert page.inner_text("#shown") == "2 of 9 operators"
    page.select_option("#verdict", "tone:bad")
    assert len(shown(page)) == 6
    page.select_option("#verdict", "")
    assert len(shown(page)) == 9


def test_the_filter_by_family(page):
    page.select_option("#family", "matcher")
    assert shown(page) == ["MaximumMatcher", "CompositeMatcher", "BipartiteMatcher"]


def test_the_filter_by_text_takes_every_word_in_any_case(page):
    page.fill("#text", "SIGSEGV killed")
    assert shown(page) == ["BipartiteMatcher"]
    page.fill("#text", "<script>")
    assert shown(page) == ["CompositeMatcher"]
    page.keyboard.press("Enter")  # sends no form
    page.fill("#text", "nothing is like this")
    assert shown(page) == []
    assert page.locator("#nothing").is_visible()


def test_filters_add_up(page):
    page.select_option("#family", "matcher")
    page.select_option("#verdict", "raises")
    page.fill("#text", "compo")
    assert shown(page) == ["CompositeMatcher"]


def test_all_can_be_opened_and_closed(page):
    page.click("#toggle")
    assert page.locator(".operator[open]").count() == 9
    page.click("#toggle")
    assert page.locator(".operator[open]").count() == 0


def test_boxes_are_drawn_inside_their_picture(page):
    picture = page.locator("svg").first.bounding_box()
    for rect in page.locator("svg").first.locator("rect").all():
        box = rect.bounding_box()
        assert picture["x"] <= box["x"]
        assert box["x"] + box["width"] <= picture["x"] + picture["width"] + 1
        assert box["y"] + box["height"] <= picture["y"] + picture["height"] + 1


def test_the_call_can_be_copied(page):
    page.locator(".paste button").first.click()
    page.wait_for_function("document.querySelector('.paste button').textContent !== 'Copy'")
    assert page.evaluate("getSelection().toString()").startswith("a = np.array(")
