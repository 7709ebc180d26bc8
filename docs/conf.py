"""Sphinx: ./dev docs builds the pages into build/docs. The package is taken from build/<preset>/python (GPUC_BUILD_DIR)."""
import os
import re
import sys

sys.path.insert(0, os.path.join(os.environ["GPUC_BUILD_DIR"], "python"))

import gpucompute  # noqa: E402

project = "libgpucompute"
author = "the authors of libgpucompute"
copyright = author
release = version = gpucompute.__version__

extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon"]
exclude_patterns = ["README.md"]
default_role = "code"  # docstrings name code in single backticks
html_theme = "furo"
html_title = f"libgpucompute {release}"
myst_enable_extensions = ["colon_fence"]
myst_heading_anchors = 3
autodoc_member_order = "bysource"
autodoc_typehints = "signature"
napoleon_google_docstring = True
napoleon_use_rtype = False

_SECTION = re.compile(r"^(\s*)(Args|Returns|Raises|Attributes|Yields|Example|Note):\s*$")


def mark_code(app, what, name, obj, options, lines):
    """An indented block after a blank line, outside the sections of a docstring, is code."""
    marked, in_section = [], False
    for line in lines:
        if _SECTION.match(line):
            in_section = True
        elif line and not line.startswith(" "):
            in_section = False
        starts = line.startswith("    ") and not in_section and marked and not marked[-1].strip()
        if starts and not any(earlier.startswith("    ") for earlier in marked[-2:-1]):
            marked += ["::", ""]
        marked.append(line)
    lines[:] = marked


# READMEs of other folders that are pages here as well.
_PAGES = {"../bench/README.md": "benchmarks.md", "../examples/README.md": "examples.md"}


def link_pages(app, name, source):
    for readme, page in _PAGES.items():
        source[0] = source[0].replace(f"]({readme})", f"]({page})")


def setup(app):
    app.connect("source-read", link_pages)
    app.connect("autodoc-process-docstring", mark_code, priority=400)  # before napoleon
