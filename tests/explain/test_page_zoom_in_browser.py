"""The page is looked into closely, by ground truth and by IoU; names and what has none are seen."""

import numpy as np
import pytest

from refkernels import MaximumMatcher
from refkernels.assign import TargetAssigner
from refkernels.explain import explain
from refkernels.explain.trace.page import as_page
from tests.explain.test_page_in_browser import WIDTHS, drawing, fits, opened, place_of

pytestmark = pytest.mark.once

# The fourth ground truth has no anchor, and reaches out of the image; the fifth is at its corner.
BOXES = [[10.0, 10, 70, 80], [120, 100, 200, 160], [20, 200, 80, 260], [290, 250, 310, 290],
         [0, 0, 60, 55]]  # fmt: skip
CLASSES = ["dog", "a name that is far too long for any picture", "<i>cat</i>"]


@pytest.fixture(scope="module")
def trace():
    x, y = np.meshgrid(np.arange(0, 300, 20.0), np.arange(0, 300, 20.0))
    corners = np.stack([x.ravel(), y.ravel()], axis=1)
    anchors = np.concatenate([corners, corners + 60], axis=1)
    assigner = TargetAssigner(anchors, MaximumMatcher(0.5))
    return explain(assigner, BOXES, [0, 1, 2, 0, 1], classes=CLASSES)


@pytest.fixture(params=WIDTHS)
def page(browser, trace, tmp_path, request):
    page, complaints = opened(
        browser, trace, tmp_path / "page.html", request.param, extent=(300, 300)
    )
    yield page
    assert complaints[1:] == []
    assert fits(page)
    page.close()


def on_screen(page, x, y):
    script = """([x, y]) => { const own = canvas.getBoundingClientRect();
        return [own.left + X(x), own.top + Y(y)] }"""
    return page.evaluate(script, [x, y])


def test_buttons_and_keys_zoom(page):
    whole = page.evaluate("scale")
    page.click("#closer")
    once = page.evaluate("scale")
    assert once == pytest.approx(1.5 * whole)
    page.focus("#canvas")
    page.keyboard.press("+")
    assert page.evaluate("scale") == pytest.approx(1.5 * once)
    before = page.evaluate("middle")
    page.keyboard.press("Shift+ArrowRight")
    assert page.evaluate("middle[0]") > before[0]
    page.keyboard.press("-")
    assert page.evaluate("scale") == pytest.approx(once)
    page.keyboard.press("0")
    assert page.evaluate("scale") == whole
    for _ in range(30):
        page.click("#closer")
    assert page.evaluate("scale") == pytest.approx(60 * whole)
    page.click("#whole")
    assert page.evaluate("scale") == whole
    page.click("#wider")
    assert page.evaluate("scale") == whole


def test_the_wheel_zooms_at_the_pointer_and_scrolls_the_page_at_the_whole(page):
    whole, (x, y) = page.evaluate("scale"), on_screen(page, 150, 130)
    page.mouse.move(x, y)
    page.mouse.wheel(0, -200)
    page.wait_for_function(f"scale > {whole * 1.2}")
    assert on_screen(page, 150, 130) == pytest.approx([x, y], abs=1)
    for _ in range(6):
        page.mouse.wheel(0, 200)
    page.wait_for_function(f"scale === {whole}")


def test_what_is_close_is_moved_by_dragging(page):
    page.click("#closer")
    page.click("#closer")
    page.select_option("#truth", "1")
    before, (x, y) = page.evaluate("middle"), on_screen(page, 150, 150)
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x - 30, y - 20, steps=3)
    page.mouse.up()
    after = page.evaluate("middle")
    assert after[0] > before[0]
    assert after[1] > before[1]
    assert page.input_value("#truth") == "1"  # that was no click


def test_a_click_on_a_ground_truth_selects_its_anchors(page, trace):
    page.mouse.click(*on_screen(page, 120, 145))  # its left side
    assert page.input_value("#truth") == "1"
    assert trace.why_truth(1) in page.inner_text("#about")
    own = page.locator("#list option").all_inner_texts()
    matched = {int(text.split(":")[0]) for text in own if "ground truth" in text}
    assert matched == set(np.flatnonzero(trace.matches == 1))
    page.mouse.click(*on_screen(page, 250, 230))  # where nothing is
    assert page.input_value("#truth") == ""
    [_, left, above, right, below] = page.evaluate("written.find(own => own[0] === 3)")
    rect = page.evaluate(
        "(() => { const r = canvas.getBoundingClientRect(); return [r.x, r.y] })()"
    )
    page.mouse.click(rect[0] + (left + right) / 2, rect[1] + (above + below) / 2)
    assert page.inner_text("#about h2") == "Ground truth 3: dog"
    assert "none: below every threshold" in page.inner_text("#about")


def test_an_anchor_is_held_all_the_same(page, trace):
    anchor = int(trace.truths["best_anchor"][1])
    page.mouse.click(*place_of(page, anchor))
    assert page.inner_text("#record h2") == f"Anchor {anchor}, held"
    assert page.input_value("#truth") == ""


def test_a_least_iou_leaves_anchors_out(page, trace):
    shown, before = page.locator("#list option").count(), drawing(page)
    page.fill("#limit", "0.6")
    few = page.locator("#list option").count()
    assert few == int((trace.anchors["iou"] >= 0.6).sum()) < shown
    assert page.inner_text("#limited") == "0.6"
    assert drawing(page) != before
    page.fill("#limit", "0")
    assert page.inner_text("#limited") == "any"
    assert page.locator("#list option").count() == shown
    assert drawing(page) == before


@pytest.mark.parametrize("closer", [0, 1, 4])
def test_names_are_whole_on_the_canvas_and_apart(page, closer):
    for _ in range(closer):
        page.click("#closer")
    written, sides = page.evaluate("written"), page.evaluate("[width, height]")
    assert len(written) == 5 if not closer else len(written) > 0
    for place, (_, left, above, right, below) in enumerate(written):
        assert 0 <= left < right <= sides[0]
        assert 0 <= above < below <= sides[1]
        for _, a, b, c, d in written[:place]:
            assert left >= c or right <= a or above >= d or below <= b


def test_what_has_no_anchor_is_told_by_colour_line_and_word(page):
    script = """() => {
        const told = { dashes: [], words: [] };
        context.setLineDash = own => told.dashes.push([context.strokeStyle, own.join()]);
        context.fillText = own => told.words.push([context.fillStyle, own]);
        draw();
        delete context.setLineDash;
        delete context.fillText;
        return told;
    }"""
    told = page.evaluate(script)
    lost = page.evaluate("getComputedStyle(document.documentElement).getPropertyValue('--lost')")
    assert [lost, "7,4"] in told["dashes"]
    assert [lost, "3 dog: no anchor"] in told["words"]
    assert "1 a name that is far too…" in [words for _, words in told["words"]]
    assert "Ground truths in broken lines have no positive anchor." in page.inner_text("#decided")
    assert "1 ground truth lies partly outside the image" in page.inner_text("#decided")
    assert "<i>cat</i>" in page.inner_text("#truth")


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", WIDTHS)
def test_a_photo_is_seen_under_lines_with_an_outline(browser, trace, tmp_path, width, scheme):
    image = pytest.importorskip("PIL.Image")
    image.new("RGB", (900, 900), (20, 200, 20)).save(tmp_path / "photo.jpg")
    page, complaints = opened(
        browser, trace, tmp_path / "page.html", width, image=tmp_path / "photo.jpg",
        extent=(300, 300),
    )  # fmt: skip
    page.emulate_media(color_scheme=scheme)
    page.wait_for_function("picture.complete && picture.naturalWidth === 900")
    page.select_option("#truth", "1")
    colour = """([x, y]) => {
        const place = [X(x), Y(y)].map(own => Math.round(own * canvas.width / width));
        return [...context.getImageData(...place, 1, 1).data];
    }"""
    red, green, blue, _ = page.evaluate(colour, [250, 200])
    assert green > max(red, blue) + 60
    assert page.evaluate("canvas.clientWidth") <= width
    assert fits(page)
    assert complaints[1:] == []
    page.close()


def test_positives_that_are_not_there_one_by_one_are_counted(trace):
    positive = int((trace.samples > 0).sum())
    text = as_page(trace, most=2)
    assert f"{positive - 2} positive anchors are among those that are not one by one." in text
    assert "positive anchors are among" not in as_page(trace)
