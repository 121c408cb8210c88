"""The site that `make docs` builds of the pages in this folder and of the docstrings."""

import re
import sys
from pathlib import Path

from sphinx.application import Sphinx

import refkernels

sys.path.insert(0, str(Path(__file__).parent / "_extensions"))

project = "refkernels"
author = "the refkernels developers"
copyright = author
version = release = refkernels.__version__

extensions = [
    "matplotlib.sphinxext.plot_directive",
    "myst_parser",
    "numpydoc",
    "recorded",
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "sphinx_click",
]
templates_path = ["_templates"]

# Parameters are said in numpydoc's words, with shapes and units, which types do not have.
autodoc_typehints = "none"
autodoc_member_order = "bysource"
autosummary_ignore_module_all = False
autosummary_imported_members = True
numpydoc_show_class_members = False

myst_heading_anchors = 3
plot_formats = ["svg"]
plot_html_show_formats = False
plot_html_show_source_link = False

html_theme = "pydata_sphinx_theme"
html_title = f"refkernels {release}"
html_copy_source = False
html_show_sourcelink = False
html_theme_options = {
    "navbar_end": ["theme-switcher"],
    "secondary_sidebar_items": ["page-toc"],
    "show_prev_next": False,
    "footer_start": ["copyright"],
    "footer_end": [],
}

CITED = re.compile(r"SPEC(?: sections?)? (\d+)(?:( and | to |, )(\d+))?")


def link_sections(
    app: Sphinx, what: str, name: str, thing: object, options: object, lines: list[str]
) -> None:
    """Make a link to the page of "SPEC section 6" in a docstring."""

    def linked(found: re.Match[str]) -> str:
        first, between, second = found.groups()
        words = found.group()[: found.end(1) - found.start()]
        link = f":ref:`{words} <spec-{first}>`"
        return f"{link}{between}:ref:`{second} <spec-{second}>`" if second else link

    lines[:] = [CITED.sub(linked, line) for line in lines]


def label_sections(app: Sphinx, docname: str, source: list[str]) -> None:
    """Give the numbered sections of the specification the names that those links lead to."""
    if docname == "spec":
        source[0] = re.sub(r"^## (\d+)\.", r"(spec-\1)=\n\g<0>", source[0], flags=re.M)


def setup(app: Sphinx) -> None:
    """Connect what stands above."""
    app.connect("autodoc-process-docstring", link_sections, priority=400)  # before numpydoc
    app.connect("source-read", label_sections)
