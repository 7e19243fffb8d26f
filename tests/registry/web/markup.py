"""A page as a browser has to read it: well formed, labelled, and with nothing in it that a policy would have to stop."""

from __future__ import annotations

from html.parser import HTMLParser
from urllib.parse import urljoin, urlsplit

VOID = frozenset(("area", "base", "br", "col", "hr", "img", "input", "link", "meta", "source", "track", "wbr"))
SVG_VOID = frozenset(("path", "circle", "rect"))
LANDMARKS = ("header", "main", "footer")
CONTROLS = ("input", "select", "textarea")
HEADINGS = ("h1", "h2", "h3", "h4", "h5", "h6")


class Page(HTMLParser):
    """Parses strictly: each element is closed by its own end tag. ``faults`` says what is wrong."""

    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=True)
        self.faults: list[str] = []
        self.ids: list[str] = []
        self.links: list[str] = []
        self.outward: list[dict[str, str]] = []
        self.loads: list[str] = []
        self.words = ""
        self.tags: list[str] = []
        self._open: list[str] = []
        self._labels: set[str] = set()
        self._controls: list[dict[str, str]] = []
        self._referred: list[str] = []
        self._headings: list[int] = []
        self._forms: list[dict[str, str]] = []
        self.feed(text)
        self.close()
        self._finish()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        self.tags.append(tag)
        if len(given) != len(attrs):
            self.faults.append(f"<{tag}> has an attribute twice")
        self._judge_attributes(tag, given)
        self._note(tag, given)
        if tag not in VOID:
            self._open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        if tag in SVG_VOID:
            self._open.pop()
        elif tag not in VOID:
            self.faults.append(f"<{tag}/> closes itself")

    def handle_endtag(self, tag: str) -> None:
        if not self._open or self._open[-1] != tag:
            self.faults.append(f"</{tag}> closes {self._open[-1:] or 'nothing'} in {'>'.join(self._open)}")
        else:
            self._open.pop()

    def handle_data(self, data: str) -> None:
        self.words += data
        if self._open[-1:] in (["script"], ["style"]) and data.strip():
            self.faults.append("a script or style is in the page itself")

    def _judge_attributes(self, tag: str, given: dict[str, str]) -> None:
        for name, value in given.items():
            if name.startswith("on") or name == "style":
                self.faults.append(f"<{tag} {name}> needs a looser policy")
            if name in {"href", "src", "action", "formaction"} and urlsplit(value).scheme not in {"", "http", "https", "mailto"}:
                self.faults.append(f"<{tag} {name}={value[:40]!r}>")
        if tag in {"iframe", "object", "embed", "base", "style"}:
            self.faults.append(f"there is a <{tag}>")
        if tag == "form" and not given.get("action", "").startswith("/"):
            self.faults.append("a form goes elsewhere")
        if tag == "button" and "type" not in given:
            self.faults.append("a button without a type")

    def _note(self, tag: str, given: dict[str, str]) -> None:
        if "id" in given:
            self.ids.append(given["id"])
        if tag == "a":
            self.links.append(given.get("href", ""))
            if urlsplit(given.get("href", "")).netloc:
                self.outward.append(given)
        if tag in {"script", "img"}:
            self.loads.append(given.get("src", ""))
        if tag == "link":
            self.loads.append(given.get("href", ""))
        if tag == "label":
            self._labels.add(given.get("for", ""))
        if tag in CONTROLS and given.get("type") != "hidden":
            self._controls.append(given)
        if tag in HEADINGS:
            self._headings.append(int(tag[1]))
        self._referred += given.get("aria-labelledby", "").split() + given.get("aria-describedby", "").split()
        if "data-copy" in given:
            self._referred.append(given["data-copy"])

    def _finish(self) -> None:
        if self._open:
            self.faults.append(f"left open: {self._open}")
        self.faults += [f"the id {one!r} stands twice" for one in {one for one in self.ids if self.ids.count(one) > 1}]
        self.faults += [f"refers to no id {one!r}" for one in self._referred if one not in self.ids]
        self.faults += [f"a control without a label: {one}" for one in self._controls if one.get("id", "-") not in self._labels and "aria-label" not in one]
        self.faults += [f"no <{one}>" for one in LANDMARKS if self.tags.count(one) != 1]
        if self._headings.count(1) != 1:
            self.faults.append(f"{self._headings.count(1)} first headings")
        self.faults += [f"a heading of level {b} below one of {a}" for a, b in zip(self._headings, self._headings[1:], strict=False) if b > a + 1]
        self.faults += [f"leads to no place: {one}" for one in self.links if one.startswith("#") and one[1:] not in self.ids]
        self.faults += [f"loads from elsewhere: {one}" for one in self.loads if not one.startswith("/static/")]
        self.faults += [
            "a link outwards without nofollow and noopener" for one in self.outward if not {"nofollow", "noopener"} <= set(one.get("rel", "").split())
        ]

    def inner(self, base: str) -> list[str]:
        """The addresses of this site that the page leads to."""
        full = [urlsplit(urljoin(f"http://site{base}", one)) for one in self.links if not one.startswith("#")]
        return [one.path + (f"?{one.query}" if one.query else "") for one in full if one.netloc == "site"]
