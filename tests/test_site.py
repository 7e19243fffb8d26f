"""The documentation site: made without network, whole in its links, with a search that finds; and its maker finds what is wrong."""

from __future__ import annotations

import json
import posixpath
import re
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest

from mpp import __version__
from tests.e2e.chromium import CONTRAST, OVERFLOW, Chromium, needs_chromium
from tools import reference_benchmarks
from tools.docsite import __main__ as docsite
from tools.docsite import tree, versions
from tools.docsite.text import Heading, WrongText, code, render
from tools.docsite.tree import BrokenLink
from tools.docsite.words import index, tokens
from tools.tidy import ROOT

LOADED = {"script": "src", "img": "src", "link": "href", "source": "srcset", "iframe": "src", "video": "src", "audio": "src", "object": "data"}
"""What a browser fetches by itself."""
UNSAFE = re.compile(r"^on[a-z]+$|^style$")


class Page(HTMLParser):
    """What a page loads, where it leads, which anchors it has, and what no page of ours has."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.loads: list[str] = []
        self.leads: list[str] = []
        self.anchors: set[str] = set()
        self.forbidden: list[str] = []
        self.headings = 0
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = {name: value or "" for name, value in attrs}
        self.headings += tag == "h1"
        self.anchors |= {found["id"]} if "id" in found else set()
        self.leads += [found["href"]] if tag == "a" and "href" in found else []
        self.loads += [found[LOADED[tag]]] if LOADED.get(tag) in found else []
        self.forbidden += [name for name in found if UNSAFE.fullmatch(name)]
        self.forbidden += [tag] if tag in {"iframe", "object", "embed", "style", "form", "base"} or (tag == "script" and "src" not in found) else []


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    target = tmp_path_factory.mktemp("docs") / "site"
    assert docsite.main(["--to", str(target)]) == 0
    return target / __version__


@pytest.fixture(scope="module")
def pages(site: Path) -> dict[str, Page]:
    return {path.relative_to(site).as_posix(): Page(path.read_text(encoding="utf-8")) for path in sorted(site.rglob("*.html"))}


def test_nothing_comes_from_elsewhere(site: Path, pages: dict[str, Page]) -> None:
    foreign = [(name, address) for name, page in pages.items() for address in page.loads if urlsplit(address).scheme or urlsplit(address).netloc]
    assert foreign == []
    assets = {
        path.name: path.read_text(encoding="utf-8")
        for path in (site / "assets").iterdir()
        if path.suffix in {".css", ".js", ".svg"} and path.name != "search-index.js"
    }
    assert {"site.css", "site.js", "logo.svg"} <= set(assets)
    own = {name: text.replace('xmlns="http://www.w3.org/2000/svg"', "") for name, text in assets.items()}
    assert [name for name, text in own.items() if re.search(r"url\(|@import|https?://|[\"'(]//", text)] == []


def test_no_page_holds_script_or_style_of_its_own(pages: dict[str, Page]) -> None:
    assert [(name, page.forbidden) for name, page in pages.items() if page.forbidden] == []


def test_every_link_leads_to_a_page_and_a_place(site: Path, pages: dict[str, Page]) -> None:
    lost = []
    files = {path.relative_to(site).as_posix() for path in site.rglob("*") if path.is_file()}
    for name, page in pages.items():
        for address in {*page.leads, *page.loads}:
            parts = urlsplit(address)
            if parts.scheme or parts.netloc:
                assert parts.scheme in {"https", "http", "mailto"}, (name, address)
                continue
            there = posixpath.normpath(posixpath.join(posixpath.dirname(name), unquote(parts.path))) if parts.path else name
            if there == f"../{versions.PAGE}":
                assert (site.parent / versions.PAGE).is_file(), name
                continue
            if there not in files or (parts.fragment and there in pages and parts.fragment not in pages[there].anchors):
                lost.append((name, address))
    assert lost == []
    assert len(pages) > 200


def test_every_page_has_one_title_and_a_place_to_skip_to(pages: dict[str, Page]) -> None:
    assert [name for name, page in pages.items() if page.headings != 1 or "main" not in page.anchors] == []


def test_the_search_knows_commands_codes_and_headings(site: Path) -> None:
    text = (site / "assets" / "search-index.js").read_text(encoding="utf-8")
    found = json.loads(text.removeprefix("window.mppIndex = ").removesuffix(";\n"))
    for word, page in (
        ("archive.order", "reference/codes.html"),
        ("quarantine", "reference/cli.html"),
        ("manifest", "reference/manifest.html"),
        ("warrant", "glossary.html"),
    ):
        places = found["places"][found["words"].index(word)]
        assert any(found["entries"][place][0].startswith(page) for place in places), word
    assert found["words"] == sorted(found["words"])


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Chromium]:
    found = Chromium(tmp_path_factory.mktemp("browser"))
    found.begin()
    yield found
    found.close()


@needs_chromium
@pytest.mark.parametrize(
    "name", ["index.html", "reference/policy.html", "threat-model.html", "tutorials/python.html", "spec/3-policy.html", "files/tests/attack/index.html"]
)
def test_pages_in_a_browser_from_a_folder(site: Path, browser: Chromium, name: str) -> None:
    """Opened from the disk, as somebody does who has no web server: nothing complains, nothing is wider than a telephone, everything can be read."""
    for width, dark in ((1400, False), (1400, True), (390, False)):
        browser.look(width=width, dark=dark)
        browser.open(f"{site.as_uri()}/{name}")
        assert browser.complaints() == []
        assert browser.run(OVERFLOW) == 0
        assert browser.run(CONTRAST) == []
        assert [address for address in browser.asked_for() if not address.startswith((site.as_uri(), f"{site.parent.as_uri()}/{versions.LIST}"))] == []


@needs_chromium
def test_the_search_works_by_keyboard_and_without_a_server(site: Path, browser: Chromium) -> None:
    browser.look(width=1400)
    browser.open(f"{site.as_uri()}/how-to/privacy.html")
    browser.run("document.dispatchEvent(new KeyboardEvent('keydown', {key: '/', bubbles: true})), 0")
    assert browser.run("document.activeElement.id") == "search"
    browser.run(
        "load = new Promise(done => { const at = document.getElementById('found'); new MutationObserver(() => done()).observe(at, {childList: true}); }), 0"
    )
    browser.run("(() => { const at = document.getElementById('search'); at.value = 'archive.ord'; at.dispatchEvent(new Event('input')); })(), 0")
    browser.run("load.then(() => 0)")
    found = browser.run("[...document.querySelectorAll('#found a')].map(one => one.getAttribute('href'))")
    assert any(address.startswith("../reference/codes.html") for address in found), found
    browser.run("document.getElementById('search').dispatchEvent(new KeyboardEvent('keydown', {key: 'ArrowDown', bubbles: true})), 0")
    assert browser.run("document.querySelectorAll('#found [aria-selected=true]').length") == 1
    browser.events.clear()
    browser.run("document.getElementById('search').dispatchEvent(new KeyboardEvent('keydown', {key: 'Enter', bubbles: true})), 0")
    browser.wait("Page.loadEventFired")
    assert browser.run("location.pathname").startswith(site.as_posix())
    assert not browser.run("location.pathname").endswith("/how-to/privacy.html")


@needs_chromium
def test_colours_are_chosen_and_kept(site: Path, browser: Chromium) -> None:
    browser.look(width=1400)
    browser.open(f"{site.as_uri()}/readme.html")
    light = browser.run("getComputedStyle(document.body).backgroundColor")
    browser.run("document.querySelector('.theme').click(), 0")
    dark = browser.run("getComputedStyle(document.body).backgroundColor")
    assert light != dark
    assert browser.run("[...document.querySelectorAll('picture source')].every(one => one.media === 'all')")
    browser.open(f"{site.as_uri()}/why.html")
    assert browser.run("getComputedStyle(document.body).backgroundColor") == dark
    browser.run("document.querySelector('.theme').click(), 0")
    assert browser.run("getComputedStyle(document.body).backgroundColor") == light


@needs_chromium
def test_a_narrow_screen_has_its_navigation_behind_a_button(site: Path, browser: Chromium) -> None:
    browser.look(width=390)
    browser.open(f"{site.as_uri()}/why.html")
    shown = "document.getElementById('nav').checkVisibility()"
    assert not browser.run(shown)
    browser.run("document.querySelector('.menu').click(), 0")
    assert browser.run(shown)
    assert browser.run("document.querySelector('.menu').getAttribute('aria-expanded')") == "true"


OTHER = '<!doctype html><html lang="en"><title>x</title><body><h1>Another version</h1></body></html>'


@pytest.fixture
def beside(site: Path) -> Iterator[Path]:
    """A newer version and an older one beside the one that was made."""
    for name in ("9.0.0", "0.0.1"):
        (site.parent / name).mkdir()
        (site.parent / name / "index.html").write_text(OTHER)
    assert versions.write(site.parent) == ["9.0.0", __version__, "0.0.1"]
    yield site.parent
    for name in ("9.0.0", "0.0.1"):
        (site.parent / name / "index.html").unlink()
        (site.parent / name).rmdir()
    versions.write(site.parent)


def test_the_first_page_leads_to_the_newest_and_all_are_listed(site: Path, beside: Path) -> None:
    first, listed = (Page((beside / name).read_text(encoding="utf-8")) for name in ("index.html", versions.PAGE))
    assert first.leads == ["9.0.0/index.html", versions.PAGE]
    assert 'content="0; url=9.0.0/index.html"' in (beside / "index.html").read_text(encoding="utf-8")
    assert listed.leads == ["9.0.0/index.html", f"{__version__}/index.html", "0.0.1/index.html"]
    assert (first.forbidden, listed.forbidden) == ([], [])


def test_a_version_that_is_made_anew_leaves_the_others(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    made = nav(tmp_path / "repository", "docs/index.md", docs__index="# A\n")
    monkeypatch.setattr(docsite, "Site", lambda: made)
    place = tmp_path / "site"
    for name in ("0.0.1", "no-version"):
        (place / name).mkdir(parents=True)
        (place / name / "index.html").write_text(OTHER)
    (place / __version__).mkdir()
    (place / __version__ / "old.html").write_text(OTHER)
    assert docsite.main(["--to", str(place)]) == 0
    assert "beside it 0.0.1" in capsys.readouterr().out
    assert (place / "0.0.1" / "index.html").read_text() == OTHER
    assert not (place / __version__ / "old.html").exists()
    assert (place / versions.LIST).read_text() == f'window.mppVersions = ["{__version__}", "0.0.1"];\n'


def test_what_is_not_finished_comes_after_what_is() -> None:
    names = ["1.0.0rc1", "0.9.0", "1.0.0", "1.0.0-beta.2", "1.10.0", "latest", "1.2", "1.0.0.dev3", "99999999999.0.0", "1.0.0a1"]
    assert versions.newest_first(names) == ["1.10.0", "1.0.0", "1.0.0rc1", "1.0.0.dev3", "1.0.0-beta.2", "1.0.0a1", "0.9.0"]


@needs_chromium
def test_the_menu_leads_to_another_version_and_an_old_page_says_so(site: Path, beside: Path, browser: Chromium) -> None:
    for width, dark in ((1400, True), (390, False)):
        browser.look(width=width, dark=dark)
        browser.open(f"{site.as_uri()}/how-to/privacy.html")
        assert browser.run("[...document.querySelectorAll('.version option')].map(one => one.value)") == ["9.0.0", __version__, "0.0.1"]
        assert browser.run("document.querySelector('.version select').value") == __version__
        assert browser.run("document.querySelector('.older').textContent") == f"These pages are of version {__version__}. The newest is 9.0.0."
        assert (browser.complaints(), browser.run(OVERFLOW), browser.run(CONTRAST)) == ([], 0, [])
        browser.picture(f"docs-versions-{width}")
    browser.events.clear()
    browser.run("(() => { const at = document.querySelector('.version select'); at.value = '0.0.1'; at.dispatchEvent(new Event('change')); })(), 0")
    browser.wait("Page.loadEventFired")
    assert browser.run("document.querySelector('h1').textContent") == "Another version"


@needs_chromium
def test_a_version_that_stands_alone_says_which_it_is(site: Path, browser: Chromium) -> None:
    browser.look(width=1400)
    browser.open(f"{site.parent.as_uri()}/index.html")
    # The page that leads on, and the one that it leads to.
    browser.wait("Page.loadEventFired", 2)
    assert browser.run("location.pathname").endswith(f"/{__version__}/index.html")
    assert browser.run("document.querySelector('.version').textContent.trim()") == __version__
    assert not browser.run("document.querySelector('.older')")
    browser.open(f"{site.parent.as_uri()}/{versions.PAGE}")
    assert browser.run("document.querySelector('main a').textContent") == __version__
    assert (browser.complaints(), browser.run(OVERFLOW), browser.run(CONTRAST)) == ([], 0, [])


def nav(tmp_path: Path, *names: str, **texts: str) -> docsite.Site:
    """A site of a few pages, in a repository of its own."""
    for name, text in texts.items():
        path = tmp_path / (name.replace("__", "/") + ".md")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    (tmp_path / "nav.toml").write_text(f'[[section]]\ntitle = "S"\npages = {json.dumps(list(names))}\n', encoding="utf-8")
    return docsite.Site(tmp_path, tmp_path / "nav.toml")


def test_faults_are_found(tmp_path: Path) -> None:
    site = nav(tmp_path, "docs/a.md", docs__a="# A\n\n[gone](b.md#no-such) [here](#a)\n", docs__b="# B\n", docs__lost="# C\n")
    assert site.faults() == [
        "docs/a.md: the link to docs/b.md#no-such names no heading",
        "docs/b.md is not in docs/nav.toml",
        "docs/lost.md is not in docs/nav.toml",
    ]


def test_two_files_are_not_one_page(tmp_path: Path) -> None:
    site = nav(tmp_path, "docs/spec/x.md", "spec/x.md", docs__spec__x="# X\n", spec__x="# X\n")
    assert site.faults() == ["docs/spec/x.md and spec/x.md would be one page"]


@pytest.mark.parametrize("link", ["gone.md", "../../outside.md", "../../../../etc/passwd", "gone/"])
def test_a_link_that_leads_nowhere_ends_it(tmp_path: Path, link: str) -> None:
    with pytest.raises(BrokenLink, match="leads nowhere"):
        nav(tmp_path, "docs/a.md", docs__a=f"# A\n\n[x]({link})\n")


def test_a_navigation_that_names_nothing_ends_it(tmp_path: Path) -> None:
    with pytest.raises(BrokenLink, match="which is not there"):
        nav(tmp_path, "docs/gone.md")


def test_a_fault_is_told_and_nothing_is_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    def broken() -> docsite.Site:
        raise BrokenLink("docs/a.md: the link x leads nowhere")

    monkeypatch.setattr(docsite, "Site", broken)
    assert docsite.main(["--to", str(tmp_path / "site")]) == 1
    assert capsys.readouterr().err == "error: docs/a.md: the link x leads nowhere\n"
    assert not (tmp_path / "site").exists()


def test_files_and_folders_of_the_repository_are_shown(tmp_path: Path) -> None:
    (tmp_path / "src").mkdir()
    (tmp_path / "src" / "a.py").write_text("x = '<b>'\n", encoding="utf-8")
    (tmp_path / "src" / "b.bin").write_bytes(b"\0\1")
    site = nav(tmp_path, "docs/a.md", docs__a="# A\n\n[f](../src/) [p](../src/a.py) [b](../src/b.bin)\n")
    assert site.faults() == []
    made = dict(docsite.pages(site))
    assert "&lt;b&gt;" in made["files/src/a.py.html"].decode()
    assert made["files/src/b.bin"] == b"\0\1"
    assert 'href="../../files/src/a.py.html">a.py</a>' in made["files/src/index.html"].decode()
    assert 'href="files/src/index.html"' in made["a.html"].decode()


@pytest.mark.parametrize(
    ("name", "address"),
    [
        ("docs/index.md", "index.html"), ("docs/how-to/a.md", "how-to/a.html"), ("README.md", "readme.html"), ("spec/README.md", "spec/index.html"),
        ("docs/tutorials/README.md", "tutorials/index.html"), ("examples/tools/README.md", "files/examples/tools/index.html"), ("src/a.py", "files/src/a.py.html"),
        ("docs/a.svg", "files/docs/a.svg"),
    ],
)  # fmt: skip
def test_where_a_file_stands(name: str, address: str) -> None:
    assert tree.address(name) == address


def test_headings_get_the_usual_anchors() -> None:
    text = render("# A `b`\n\nw\n\n## Same, here!\n\none\n\n## Same, here!\n\n```\ntwo\n```\n", str)
    assert [(one.anchor, one.title, one.words) for one in text.headings] == [
        ("a-b", "A b", "w"),
        ("same-here", "Same, here!", "one"),
        ("same-here-1", "Same, here!", "two"),
    ]
    assert text.title == "A b"


def test_html_that_nobody_would_see_is_refused() -> None:
    with pytest.raises(WrongText, match="<name>"):
        render("Give the <name> of it.\n", str)
    assert render('<div class="x">\n\n[a](b)\n\n</div>\n\n<img src="p.svg" alt="">\n', lambda target: f"to/{target}").body.count("to/") == 2


def test_code_is_escaped_and_an_unknown_language_is_plain() -> None:
    assert "&lt;script&gt;" in code("<script>", "no-such-language")
    assert 'class="k"' in code("def f(): pass", "python")


def test_words_are_found_whole_and_in_parts() -> None:
    assert tokens("`archive.order`, MPP_HOME; a") == {"archive.order", "archive", "order", "mpp_home", "mpp", "home"}
    deep = index([("p.html", "P", "S", (Heading(1, "p", "P", "alpha"), Heading(2, "q", "Q", "beta"), Heading(4, "r", "R", "gamma")))])
    found = json.loads(deep.removeprefix("window.mppIndex = ").removesuffix(";\n"))
    assert [entry[0] for entry in found["entries"]] == ["p.html", "p.html#q"]
    assert found["places"][found["words"].index("gamma")] == [1]


FIGURES = {
    "format": 1,
    "date": "2026-11-27",
    "machine": {"processor": "two | cores", "date": "2026-11-27"},
    "versions": {"fastmcp": "3.0"},
    "parts": [
        {
            "name": "a", "title": "Calls", "command": "python a.py", "load_before": 0.5, "load_after": 1.25, "seconds": 12.4, "error": "",
            "rows": [
                {"what": "a call", "ours": 1234.5, "unit": "us", "baseline": "fastmcp", "base": 0.1234, "ratio": 1.2345, "promised": "at most 2x", "kept": True, "note": ""},
                {"what": "another", "ours": 3, "unit": "ms", "baseline": "", "base": None, "ratio": None, "promised": "1 ms", "kept": False, "note": "why"},
                {"what": "told", "ours": 0, "unit": "", "kept": None},
            ],
        },
        {"name": "b", "title": "Rivals", "command": "python b.py", "load_before": 1, "load_after": 1, "seconds": 0, "rows": [], "error": "act-cli is not here"},
    ],
}  # fmt: skip


def test_the_page_of_benchmarks_tells_all() -> None:
    page = reference_benchmarks.page("", json.dumps(FIGURES))
    assert "| a call | 1,234 us | fastmcp, 0.123 us | 1.23 | at most 2x | yes |  |" in page
    assert "| another | 3 ms |  |  | 1 ms | **no** | why |" in page
    assert "1 promises kept, 1 not kept, 1 figures" in page
    assert "Not measured in this run: act-cli is not here" in page
    assert "| Calls | 0.5 before, 1.25 after | 12 s |" in page
    assert "two \\| cores" in page
    with pytest.raises(reference_benchmarks.WrongFigures, match="format 2"):
        reference_benchmarks.page("", json.dumps({**FIGURES, "format": 2}))


def test_the_repository_is_the_one_that_is_meant() -> None:
    assert tree.NAV == ROOT / "docs" / "nav.toml"
