"""The web site: what it shows is reached, nothing is fetched, and a phone can show it. `make book` makes it."""

import importlib
import os
import re
import sys
from dataclasses import dataclass, field
from functools import cache
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest

ROOT = Path(__file__).resolve().parents[1]
BOOK = ROOT / "build" / "book"
SHOWN = ("index", "notebooks/1_dtc_prune_train", "notebooks/lessons/3_entropy_by_hand", "docs/reproduction",
         "api/recovery")  # fmt: skip
FETCHES = {"script": "src", "link": "href", "img": "src", "iframe": "src", "source": "src", "object": "data"}
sys.path.insert(0, str(ROOT / "docs" / "book"))

docstrings = importlib.import_module("docstrings")


@dataclass
class Page(HTMLParser):
    """What a page can be linked to by, links to, fetches, and says of its pictures."""

    text: str
    anchors: set = field(default_factory=set)
    links: list = field(default_factory=list)
    fetched: list = field(default_factory=list)
    alts: list = field(default_factory=list)

    def __post_init__(self):
        super().__init__()
        self.feed(self.text)

    def handle_starttag(self, tag, attrs):
        values = dict(attrs)
        self.anchors |= {values.get("id"), values.get("name")}
        if tag == "a" and values.get("href"):
            self.links.append(values["href"])
        if address := values.get(FETCHES.get(tag, "")):
            self.fetched.append(address)
        if tag == "img":
            self.alts.append(values.get("alt", ""))


@cache
def read(path):
    return Page(path.read_text(encoding="utf-8"))


def broken(folder):
    """(page, address) of every link and every fetched file that is not there, or lies elsewhere."""
    found = []
    for path in sorted(folder.rglob("*.html")):
        page = read(path)
        for address in page.links + page.fetched:
            parts = urlsplit(address)
            if parts.scheme in ("http", "https", "mailto", "data"):
                continue
            target = (path.parent / unquote(parts.path)).resolve() if parts.path else path
            is_there = target.is_file() and target.is_relative_to(folder)
            has_anchors = is_there and target.suffix == ".html" and target.parent.name != "explorer"  # its state
            if not is_there or (has_anchors and parts.fragment and unquote(parts.fragment) not in read(target).anchors):
                found.append((str(path.relative_to(folder)), address))
    return found


def from_the_network(folder):
    """(file, address) of what a page or a style sheet fetches from elsewhere."""
    pages = [(path, address) for path in folder.rglob("*.html") for address in read(path).fetched]
    styles = [
        (path, address)
        for path in folder.rglob("*.css")
        for address in re.findall(r"""(?:url\(|@import )\s*["']?([^"')]+)""", path.read_text(encoding="utf-8"))
    ]
    return [(path.name, address) for path, address in pages + styles if re.match(r"(?:https?:)?//", address)]


@pytest.fixture(scope="module")
def book():
    if not (BOOK / "index.html").exists():
        (pytest.fail if os.environ.get("CI") == "true" else pytest.skip)("there is no book here: see `make book`")
    return BOOK


def test_all_links_lead_to_pages_and_anchors_that_exist(book):
    assert broken(book) == []


def test_no_page_fetches_anything_from_the_network(book):
    assert from_the_network(book) == []


def test_every_notebook_and_page_of_docs_is_shown(book):
    paths = [*ROOT.glob("notebooks/**/*.ipynb"), *ROOT.glob("docs/*.md")]
    pages = {path.relative_to(ROOT).with_suffix(".html") for path in paths}
    assert {str(page) for page in pages if not (book / page).exists()} == set()
    assert pages <= {Path(link) for link in read(book / "index.html").links}  # in its side bar


def test_every_picture_says_what_it_shows(book):
    assert [
        (str(path.relative_to(book)), alt)
        for path in book.rglob("*.html")
        for alt in read(path).alts
        if len(alt.split()) < 3 or "/" in alt.split()[0]
    ] == []


def test_what_is_broken_or_fetched_is_found(tmp_path):
    good = ["other.html#there", "other.html", "#here", "https://example.org/x#y", "explorer/index.html#view=lab"]
    bad = ["none.html", "other.html#here", "#there", "../outside.html", "picture.png"]
    links = "".join(f'<a href="{address}">x</a>' for address in good + bad[:-1])
    (tmp_path / "book" / "explorer").mkdir(parents=True)
    (tmp_path / "book" / "index.html").write_text(f'<p id="here">{links}</p><img src="{bad[-1]}">')
    (tmp_path / "book" / "other.html").write_text('<p id="there"><script src="//cdn.example.org/x.js"></script>')
    (tmp_path / "book" / "explorer" / "index.html").touch()
    (tmp_path / "book" / "style.css").write_text('@import "https://a.example/x.css"; p { background: url(x.png) }')
    (tmp_path / "outside.html").touch()
    assert broken(tmp_path / "book") == [("index.html", address) for address in bad] + [
        ("other.html", "//cdn.example.org/x.js")
    ]
    assert [address for _, address in from_the_network(tmp_path / "book")] == [
        "//cdn.example.org/x.js",
        "https://a.example/x.css",
    ]


def test_docstrings_become_restructured_text():
    ours = (
        "s* = argmin |x| of `a*b`s and n_ of n_keep.\n\nParameters\n----------\nx, y : numbers,\n    two.\n\n"
        "Returns\n-------\nz : no name.\n\n>>> f(*x)\n1\n\nAnd *.\n"
    )
    assert docstrings.restructured(ours) == (
        "s\\* = argmin \\|x\\| of `a*b`\\ s and n\\_ of n_keep.\n\nParameters\n----------\nx, y\n    numbers,\n    two."
        "\n\nReturns\n-------\nz : no name.\n\n>>> f(*x)\n1\n\nAnd \\*.\n"
    )


def test_comments_behind_the_fields_of_a_class_describe_them():
    source = (
        "class A:\n    code: Tensor  # s, (n,)\n    gap: float = 0.0  # relative\n    bare: int\n    x = 1  # none\n"
    )
    assert docstrings.field_section(source).split("----------\n")[1] == "code\n    s, (n,)\ngap\n    relative\n"
    assert docstrings.field_section("class A:\n    bare: int\n") == ""


@pytest.fixture
def opened(chromium, book):
    """Function that opens a page from its file; it must ask for nothing else, and say nothing."""
    contexts = []

    def open_page(name, *, width=1280):
        context = chromium.new_context(viewport={"width": width, "height": 900})
        contexts.append(context)
        tab = context.new_page()
        tab.complaints = []
        tab.on("request", lambda request: request.url.startswith("file:") or tab.complaints.append(request.url))
        tab.on("console", lambda message: tab.complaints.append(message.text))
        tab.on("pageerror", lambda error: tab.complaints.append(str(error)))
        tab.goto(f"{book.as_uri()}/{name}")
        return tab

    yield open_page
    for context in contexts:
        context.close()


@pytest.mark.browser
@pytest.mark.parametrize("width", [1280, 400])
@pytest.mark.parametrize("name", SHOWN)
def test_page_fits_the_screen_and_is_silent(opened, name, width):
    tab = opened(f"{name}.html", width=width)
    assert tab.evaluate("document.documentElement.scrollWidth") <= width
    assert tab.complaints == []


@pytest.mark.browser
def test_formulas_are_drawn(opened):
    tab = opened("notebooks/1_dtc_prune_train.html")
    tab.wait_for_selector("div.math svg")
    assert tab.locator("[data-mml-node=merror]").count() == 0
    assert tab.complaints == []


@pytest.mark.browser
def test_search_finds_a_function_from_a_file(opened):
    tab = opened("search.html?q=recover")
    tab.wait_for_selector("#search-results a[href^='api/recovery.html']")
    assert tab.complaints == []
