"""The page as people use it: in Chromium, from a file, at the width of a phone and of a desk."""

import numpy as np
import pytest

from refkernels import MaximumMatcher
from refkernels.assign import TargetAssigner
from refkernels.explain import explain
from refkernels.explain.trace.page import write_page
from tests.compiled import needs_compiler
from tests.explain.test_page import PIXEL

WIDTHS = (390, 1280)

# Three objects, each with anchors; the last has none that reaches a threshold by far.
BOXES = np.array([[10.0, 10, 90, 90], [150, 30, 230, 110], [30, 170, 60, 200]])


@pytest.fixture(scope="module")
def trace():
    return explain(TargetAssigner.ssd300(), BOXES, [1, 2, 3], name="three objects")


@pytest.fixture(scope="module")
def large():
    rng = np.random.default_rng(0)
    low = rng.uniform(0, 900, (30, 2))
    boxes = np.concatenate([low, low + rng.uniform(8, 300, (30, 2))], axis=1)
    return explain(TargetAssigner.rpn_fpn(), boxes, rng=0)


def opened(browser, trace, path, width, **options):
    """A page at a width; and what it complains of, or fetches."""
    write_page(trace, path, **options)
    complaints = []
    page = browser.new_page(viewport={"width": width, "height": 900})
    page.on("console", lambda message: complaints.append(message.text))
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("dialog", lambda dialog: complaints.append(dialog.message))
    page.on(
        "request",
        lambda asked: asked.url.startswith("data:") or complaints.append(asked.url),
    )
    page.goto(path.as_uri())
    return page, complaints


@pytest.fixture(params=WIDTHS)
def page(browser, trace, tmp_path, request):
    page, complaints = opened(browser, trace, tmp_path / "page.html", request.param)
    yield page
    assert complaints[1:] == []  # the first is the request of the page itself
    page.close()


def place_of(page, anchor):
    """Where the mark of an anchor stands on the screen."""
    script = """anchor => { const [x, y] = at(A.anchor.indexOf(anchor)),
        rect = canvas.getBoundingClientRect(); return [rect.left + x, rect.top + y] }"""
    return page.evaluate(script, anchor)


def some_anchor(trace, truth=0):
    return int(trace.truths["own_anchor"][truth])


def drawing(page):
    """The drawing as a PNG in base64: what is drawn makes it longer."""
    return page.evaluate("canvas.toDataURL()")


def fits(page):
    width = page.evaluate("document.documentElement.scrollWidth")
    return width == page.viewport_size["width"]


def test_it_opens_and_fits(page, trace):
    assert page.title() == "three objects: why anchors were matched"
    assert "8732 anchors, 3 ground truths" in page.inner_text("main")
    assert fits(page)
    assert len(drawing(page)) > 10_000


def test_pointing_at_an_anchor_shows_its_record_and_its_sentence(page, trace):
    for truth in (0, 1):
        anchor = some_anchor(trace, truth)
        page.mouse.move(*place_of(page, anchor))
        assert page.inner_text("#record h2") == f"Anchor {anchor}"
        assert trace.why(anchor) in page.inner_text("#record")
        assert f"ground truth {truth}" in page.inner_text("#record dl")
    page.mouse.move(1, 1)
    assert "Point at an anchor" in page.inner_text("#record h2")
    assert fits(page)


def test_a_click_holds_an_anchor_and_another_lets_it_go(page, trace):
    first, second = some_anchor(trace, 0), some_anchor(trace, 1)
    page.mouse.click(*place_of(page, first))
    page.mouse.move(*place_of(page, second))
    assert page.inner_text("#record h2") == f"Anchor {first}, held"
    page.mouse.click(*place_of(page, first))
    page.mouse.move(*place_of(page, second))
    assert page.inner_text("#record h2") == f"Anchor {second}"


def test_a_finger_does_what_a_click_does(browser, trace, tmp_path):
    write_page(trace, tmp_path / "page.html")
    context = browser.new_context(viewport={"width": 390, "height": 844}, has_touch=True)
    page = context.new_page()
    page.goto((tmp_path / "page.html").as_uri())
    page.touchscreen.tap(*place_of(page, some_anchor(trace)))
    assert page.inner_text("#record h2") == f"Anchor {some_anchor(trace)}, held"
    context.close()


def test_every_mark_can_be_pointed_at(page, trace):
    """Anchors of one centre stand side by side."""
    apart = page.evaluate(
        """() => { let least = Infinity; const same = {};
        for (let i = 0; i < N; i++) if (A.match[i] === 0) {
          const [a, b, c, d] = A.boxes.slice(4 * i, 4 * i + 4);
          (same[`${a + c},${b + d}`] ||= []).push(at(i)); }
        for (const own of Object.values(same)) own.forEach(([x, y], i) =>
          own.slice(i + 1).forEach(([u, v]) =>
            { least = Math.min(least, Math.hypot(x - u, y - v)); }));
        return least; }"""
    )
    assert apart > 4


def test_stages_are_turned_off_and_on(page, trace):
    before, shown = drawing(page), page.locator("#list option").count()
    boxes = page.locator("#stages input")
    for i in range(boxes.count()):
        boxes.nth(i).uncheck()
    assert page.locator("#list option").count() == 0
    assert page.inner_text("#counted") == "0 anchors"
    assert len(drawing(page)) < len(before) / 2
    page.mouse.move(*place_of(page, some_anchor(trace)))
    assert "Point at an anchor" in page.inner_text("#record h2")
    page.mouse.move(1, 1)
    for i in range(boxes.count()):
        boxes.nth(i).check()
    assert page.locator("#list option").count() == shown
    assert drawing(page) == before


def test_a_ground_truth_is_picked_and_looked_at(page, trace):
    page.select_option("#truth", "1")
    assert trace.why_truth(1) in page.inner_text("#about")
    own = page.locator("#list option").all_inner_texts()
    assert 0 < len(own) < len(trace.anchors)
    matched = {int(text.split(":")[0]) for text in own if "ground truth" in text}
    assert matched == set(np.flatnonzero(trace.matches == 1))
    before = page.evaluate("scale")
    page.click("#zoom")
    assert page.evaluate("scale") > 1.1 * before
    assert fits(page)
    anchor = some_anchor(trace, 1)
    page.mouse.move(*place_of(page, anchor))
    assert page.inner_text("#record h2") == f"Anchor {anchor}"
    page.select_option("#truth", "")
    assert page.locator("#about").is_hidden()


def test_an_anchor_is_found_by_its_number(page, trace):
    anchor = some_anchor(trace)
    page.fill("#number", str(anchor))
    page.keyboard.press("Enter")
    assert page.inner_text("#record h2") == f"Anchor {anchor}, held"
    far = int(np.flatnonzero(trace.anchors["stage"] == 6)[0])  # overlaps nothing
    page.fill("#number", str(far))
    page.keyboard.press("Enter")
    assert "far from any decision" in page.inner_text("#record")


def test_the_keyboard_goes_from_anchor_to_anchor(page, trace):
    page.focus("#canvas")
    page.keyboard.press("ArrowRight")
    first = page.inner_text("#record h2")
    page.keyboard.press("ArrowRight")
    assert page.inner_text("#record h2") != first
    page.keyboard.press("ArrowLeft")
    assert page.inner_text("#record h2") == first
    page.keyboard.press("Escape")
    assert "Point at an anchor" in page.inner_text("#record h2")


def test_the_ground_tells_how_many_are_only_counted(page, trace):
    column, row, _, _ = page.evaluate("data.rest.find(own => own[1] > 20 && own[0] > 20)")
    x, y = page.evaluate(
        """([column, row]) => { const side = cell(), rect = canvas.getBoundingClientRect();
        return [rect.left + X(data.view[0] + (column + .5) * side),
                rect.top + Y(data.view[1] + (row + .5) * side)] }""",
        [column, row],
    )
    page.mouse.move(x, y)
    assert "anchors around here" in page.inner_text("#record h2")


@needs_compiler
@pytest.mark.parametrize("width", WIDTHS)
def test_a_page_of_a_quarter_of_a_million_anchors_opens(browser, large, tmp_path, width):
    place = tmp_path / "page.html"
    write_page(large, place)
    page, complaints = opened(browser, large, place, width)
    page.evaluate("new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))")
    assert "261888 anchors" in page.inner_text("main")
    assert place.stat().st_size < 1_000_000
    anchor = int(page.evaluate("A.anchor[0]"))
    page.mouse.move(*place_of(page, anchor))
    assert "Anchor " in page.inner_text("#record h2")
    assert fits(page)
    assert complaints[1:] == []
    page.close()


@pytest.mark.parametrize("width", WIDTHS)
def test_a_picture_lies_under_the_anchors(browser, trace, tmp_path, width):
    (tmp_path / "image.png").write_bytes(PIXEL)
    page, complaints = opened(
        browser, trace, tmp_path / "page.html", width, image=tmp_path / "image.png",
        extent=(300, 300),
    )  # fmt: skip
    page.wait_for_function("picture.complete && picture.naturalWidth === 1")
    assert complaints[1:] == []
    assert fits(page)
    page.close()


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("kind", ["ious", "nothing", "evil"])
def test_odd_traces_open_too(browser, tmp_path, width, kind):
    if kind == "nothing":
        odd = explain(TargetAssigner(np.empty((0, 4))), np.empty((0, 4)), [])
    else:
        name = "<b>&" + "x" * 300 if kind == "evil" else None
        odd = explain(MaximumMatcher(0.5), [[0.9, 0.8], [0.7, 0.1], [0.2, 0.3]], name=name)
    page, complaints = opened(browser, odd, tmp_path / "page.html", width)
    assert fits(page)
    if kind != "nothing":
        assert page.locator("#canvas").is_hidden()
        page.select_option("#list", "2")
        assert odd.why(2) in page.inner_text("#record")
    assert complaints[1:] == []
    page.close()
