"""The page of a comparison: whole, for itself, and readable at any width."""

import re

import numpy as np
import pytest
from click.testing import CliRunner

from refkernels.cli.main import main
from refkernels.explain import compare_dumps
from refkernels.explain.diff.headline import headline
from tests.explain.chains import CHAINS, run, scene
from tests.explain.planted import planted

page = pytest.importorskip("refkernels.explain.diff.page")

pytestmark = pytest.mark.once


def test_it_begins_with_the_headline_and_has_all_that_is_printed():
    found = planted("wrong threshold", 0)
    text = page.as_page(found)
    assert f'<p id="lead">{headline(found)}</p>' in text
    assert "wrong at " in text
    assert "misses the threshold" in text or "reaches the threshold 0.5 by" in text


def test_both_sides_are_drawn_with_their_boxes():
    found = planted("swapped", 0)
    text = page.as_page(found)
    assert text.count("<svg") == 2 * 3
    assert text.count('class="truth"') == 2 * 18
    assert len(re.findall(r'class="anchor differs"', text)) > 20
    assert 'class="anchor"' in page.as_page(planted("permuted truths", 0))


def test_images_that_differ_are_drawn_and_no_more_than_four():
    found = planted("normalised", 0, images=6)
    assert page.as_page(found).count("<svg") == 2 * 4


def test_boxes_of_any_form_have_a_place():
    assert 'width="-' not in page.as_page(planted("xywh", 0))


def test_without_boxes_nothing_is_drawn():
    without = ("anchors",)
    a = run(scene(0), CHAINS["plain"], without=without)
    assert "<svg" not in page.as_page(compare_dumps(a, a))


def test_matches_are_drawn_where_there_are_no_samples():
    for rest in (("samples", "cls_targets", "box_targets", "box_masks"), ("matches",)):
        kept = {"ious"} if rest == ("matches",) else {"ious", "matches"}
        every = {"ious", "matches", "samples", "cls_targets", "box_targets", "box_masks"}
        a = run(scene(0), CHAINS["plain"], without=tuple(every - kept))
        text = page.as_page(compare_dumps(a, a))
        assert text.count("<svg") == 2
        assert ('class="anchor"' in text) == ("matches" in kept)


def test_no_image_is_no_picture():
    a = run({k: v if k == "anchors" else v[:0] for k, v in scene(0).items()}, CHAINS["plain"])
    assert "<svg" not in page.as_page(compare_dumps(a, a))


def test_what_it_is_of_is_escaped():
    a = run(scene(0), CHAINS["plain"], name="<b>.npz")
    assert "&lt;b&gt;.npz" in page.as_page(compare_dumps(a, a))
    assert "<b>" not in page.as_page(compare_dumps(a, a))


@pytest.mark.parametrize("width", [390, 1280])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_it_fits_and_asks_for_nothing(browser, tmp_path, width, scheme):
    page.write_page(planted("wrong threshold", 0), tmp_path / "page.html")
    opened = browser.new_page(viewport={"width": width, "height": 900}, color_scheme=scheme)
    asked = []
    opened.on("request", lambda request: asked.append(request.url))
    opened.on("console", lambda message: asked.append(message.text))
    opened.goto((tmp_path / "page.html").as_uri())
    assert len(asked) == 1
    assert opened.evaluate("document.documentElement.scrollWidth") == width
    ink, paper = opened.evaluate(
        "[getComputedStyle(document.body).color, getComputedStyle(document.body).backgroundColor]"
    )
    light = [sum(map(int, re.findall(r"\d+", own)[:3])) for own in (ink, paper)]
    assert abs(light[0] - light[1]) > 450
    assert (light[0] > light[1]) == (scheme == "dark")
    # Side by side where there is room.
    tops = opened.evaluate("[...document.querySelectorAll('svg')].slice(0, 2)"
                           ".map(own => own.getBoundingClientRect().top)")  # fmt: skip
    assert (tops[0] == tops[1]) == (width == 1280)
    opened.close()


def test_the_command_writes_it(tmp_path):
    for seed in (0, 1):
        run(scene(seed), CHAINS["plain"]).write(tmp_path / f"{seed}.npz")
    files = [str(tmp_path / f"{seed}.npz") for seed in (0, 1)]
    result = CliRunner().invoke(main, ["diff", *files, "--html", str(tmp_path / "page.html")])
    assert result.exit_code == 1
    assert f"page in {tmp_path / 'page.html'}" in result.output
    assert "0.npz beside 1.npz" in (tmp_path / "page.html").read_text()
    result = CliRunner().invoke(main, ["diff", *files, "--html", str(tmp_path / "no" / "p.html")])
    assert result.exit_code == 2
    assert "No such file or directory" in result.output
    assert np.sum([path.name.startswith(".") for path in tmp_path.iterdir()]) == 0
