"""Sphinx's settings of the book. `make book` copies the project into build/book_source, with this file on top."""

import sys
from pathlib import Path
from typing import Any

SOURCE = Path(__file__).resolve().parent
sys.path.insert(0, str(SOURCE / "docs" / "book"))  # what we wrote for the book

import api_pages  # noqa: E402
from sphinx import addnodes  # noqa: E402

project = "Compress-train pruning"
author = "the contributors"
extensions = ["myst_nb", "sphinx.ext.autodoc", "sphinx.ext.napoleon", "sphinx.ext.viewcode"]
extensions += ["docstrings", "figure_texts"]
include_patterns = ["index.md", "README.md", "CONTRIBUTING.md", "CHANGELOG.md", "docs/*.md", "api/**", "notebooks/**"]

# Pages and notebooks: what is stored is shown, nothing is executed.
nb_execution_mode = "off"
nb_merge_streams = True
myst_enable_extensions = ["dollarmath"]
myst_heading_anchors = 6  # links to headings, as GitHub makes them

# API pages, from the docstrings
api_pages.write(SOURCE / "api")
default_role = "literal"
autodoc_default_options = {"members": True, "member-order": "bysource"}
autodoc_inherit_docstrings = False
viewcode_follow_imported_members = False  # it would link back to where a name was imported
napoleon_google_docstring = False
napoleon_use_ivar = True
napoleon_custom_sections = ["Returns", "Yields", "Raises"]  # their text is prose
nitpick_ignore_regex = [
    ("py:.*", r"(?!dtc_helpers\.).*"),  # names of other packages lead nowhere: no network
    ("py:class", r"dtc_helpers\..*\.(Kept|Kind|Item|Network)"),  # type variables
]

html_theme = "furo"
html_title = project
html_static_path = ["docs/book/static"]
html_css_files = ["book.css"]
mathjax_path = "tex-svg-full.js"  # of MathJax, beside the pages: no network
html_show_search_summary = False  # it would be fetched, which no browser does from a file
html_copy_source = False
html_show_copyright = False
html_domain_indices = False


def _leave_text_of_folders(_app: Any, document: Any) -> None:
    """A folder has no page: of a link to it the text is left."""
    for link in list(document.findall(addnodes.pending_xref)):
        if link["reftype"] == "myst" and (Path(document["source"]).parent / link["reftarget"]).is_dir():
            link.replace_self(link.children)


def setup(app: Any) -> None:
    """Sphinx calls this."""
    app.connect("doctree-read", _leave_text_of_folders)
