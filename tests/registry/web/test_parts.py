"""The small parts that pages are made of."""

from __future__ import annotations

import json

import pytest
from jinja2 import UndefinedError

from mpp.errors import HostFailed, Refused, RemoteFailed
from mpp_registry.catalog.types import NamespaceRow, PublisherRow, VersionRow
from mpp.pages import texts
from mpp_registry.web.documents import item, materials_in, origin_in, pretty
from mpp_registry.web.errors import fault_answer
from mpp_registry.web.graph import graph_of
from mpp_registry.web.logrows import Cosigned, Head, LeafLine
from mpp_registry.web.markdown import readme_markup
from mpp_registry.web.rates import Rates
from mpp_registry.web.sentences import KINDS, sentence
from mpp_registry.web.site import make_site
from mpp_registry.web.toolforms import tool_view
from mpp_registry.web.verdict import Evidence, verdict
from mpp.model.manifest import ToolDefinition
from tests.registry.web.world import World

# ------------------------------------------------------------ texts


@pytest.mark.parametrize(
    ("text", "seen"),
    [
        ("plain", "plain"), ("two\nlines\tand a tab", "two\nlines\tand a tab"), ("cr\r\nlf", "cr\nlf"), ("a\rb", "a⟨U+000D⟩b"), ("a\u202eb", "a⟨U+202E⟩b"),
        ("nul\x00", "nul⟨U+0000⟩"), ("\U000e0041", "⟨U+E0041⟩"), ("zero\u200bwidth", "zero⟨U+200B⟩width"), ("é ü 日本 עברית", "é ü 日本 עברית"),
        ("heart \u2764\ufe0f", "heart \u2764\ufe0f"), ("x\ufe0f", "x⟨U+FE0F⟩"), ("\ud800", "⟨U+D800⟩"), ("z" + "\u0301" * 8, "z" + "\u0301" * 8),
        ("z" + "\u0301" * 50, "z" + "\u0301" * 8 + "⟨more marks⟩"),
    ],
)  # fmt: skip
def test_what_is_not_seen_is_written_out(text: str, seen: str):
    assert texts.seen(text) == seen


def test_a_text_is_cut_before_it_makes_a_page_of_megabytes():
    assert len(texts.seen("x" * 1_000_000)) == texts.TEXT_CHARS_MAX + 1
    assert texts.seen("\u202e" * 1_000_000).count("⟨") == texts.TEXT_CHARS_MAX
    assert texts.clip("short", 10) == "short"
    assert texts.clip("a longer text", 8) == "a longe…"


def test_times_sizes_and_numbers():
    assert (texts.day(0), texts.when(1), texts.machine_time(2)) == ("1 January 1970", "1970-01-01 00:00:01 UTC", "1970-01-01T00:00:02Z")
    assert (texts.day(-5), texts.day(10**18)) == ("1 January 1970", "31 December 9999")
    assert [texts.span(one) for one in (0, 1, 59, 60, 7200, 90_000, 200_000)] == [
        "0 seconds",
        "1 second",
        "59 seconds",
        "1 minute",
        "2 hours",
        "1 day",
        "2 days",
    ]
    assert [texts.size(one) for one in (0, 1023, 1024, 5_000_000, 3 << 30)] == ["0 bytes", "1023 bytes", "1.0 KiB", "4.8 MiB", "3.0 GiB"]
    assert [texts.many(one, "entry", "entries") for one in (0, 1, 2000)] == ["0 entries", "1 entry", "2,000 entries"]
    assert texts.part("a/b?c\"d'é") == "a%2Fb%3Fc%22d%27%C3%A9"
    assert texts.count(1234567) == "1,234,567"


def test_a_template_that_misses_a_name_is_a_fault_and_escapes_what_it_has(world: World):
    templates = make_site(world.services).templates
    with pytest.raises(UndefinedError):
        templates.from_string("{{ nothing }}").render()
    assert templates.from_string("{{ a }} {{ 5 }} {{ b|join(', ') }}").render(a="<\u202e>", b=["<"]) == "&lt;⟨U+202E⟩&gt; 5 &lt;"
    assert make_site(world.services).templates is templates


# ------------------------------------------------------------ documents


def test_a_readme_keeps_its_form_without_images_html_or_deep_headings():
    made = str(
        readme_markup(b"# One\n## Two\n###### Six\n\n- a\n  - b\n\n1. c\n\n|x|y|\n|-|-|\n|1|2|\n\n`code` ~~gone~~ **bold** *it*\n\n<b>raw</b>\r\n\r\nnew")
    )
    assert "<h3>One</h3>\n<h4>Two</h4>\n<h6>Six</h6>" in made
    assert "<ul>\n<li>a\n<ul>\n<li>b</li>" in made
    assert "<td>1</td>" in made
    assert "<code>code</code> <s>gone</s> <strong>bold</strong> <em>it</em>" in made
    assert "&lt;b&gt;raw&lt;/b&gt;" in made
    assert "<p>new</p>" in made
    assert str(readme_markup(b"![](https://e.example/x.png)")) == "<p><span>[image: no description]</span></p>\n"
    assert 'href="https://e.example/a?b=c&amp;d" rel="nofollow noopener noreferrer"' in str(readme_markup(b"[a](https://e.example/a?b=c&d)"))
    assert str(readme_markup(b"a\n" * 3000)).startswith("<pre>a\na")
    assert str(readme_markup(b"<" * 5000)).startswith("<pre>&lt;&lt;")


def test_documents_that_do_not_read_break_nothing():
    for data in (b"", b"[", b"[]", b"\xff", b"[" * 100_000, b"null", b'"x"', b'{"components": 5, "metadata": []}'):
        materials_in(data)
        origin_in(data)
        assert isinstance(pretty(data), str)
    assert materials_in(b"[") is None
    assert origin_in(b"null") is None
    empty = materials_in(b'{"components": 5}')
    assert empty is not None
    assert (empty.form, empty.count) == ("of an unknown form", 0)
    assert pretty(b'{"a":1}') == '{\n  "a": 1\n}'
    assert pretty(b'{"a":"' + b"x" * 100 + b'"}', 20).endswith("(the rest is in the file)")
    assert item({"a": {"b": 1}}, "a", "b") == 1
    assert item({"a": 1}, "a", "b") is None


def tool(parameters: object, returns: bytes | None = None) -> ToolDefinition:
    return ToolDefinition(name="t", description="d", title="", parameters=json.dumps(parameters).encode(), returns=returns, security_level="low")


def test_fields_come_from_the_schema():
    properties = {
        "z": {"type": "number", "exclusiveMinimum": 0, "exclusiveMaximum": 1, "multipleOf": 0.5},
        "b": {"type": ["string", "null"], "format": "date", "pattern": "^x" * 100, "default": None},
        "c": {"type": "array", "minItems": 1, "maxItems": 1}, "d": {}, "e": True, "f": {"type": "object"}, "g": {"type": "boolean"}, "h": {"enum": [1, "two", None]},
        "i": {"type": "integer", "minimum": 7}, "j": {"type": "null"}, "k": {"type": "string", "examples": ["as shown"], "title": "Only a title"},
    }  # fmt: skip
    view = tool_view(tool({"properties": properties, "required": ["i", "k", "h", 5]}), 3, "com.example.t", "1.0.0")
    by_name = {one.name: one for one in view.fields}
    assert [one.name for one in view.fields][:3] == ["h", "i", "k"]
    assert len({one.id for one in view.fields}) == len(properties)
    assert by_name["z"].rule == "more than 0, less than 1, a multiple of 0.5"
    assert by_name["b"].kind == "string or null"
    assert by_name["b"].rule.endswith("…, date, otherwise null")
    assert by_name["c"].rule == "at least 1 item, at most 1 item"
    assert [by_name[one].control for one in "bcdefghij"] == ["text", "area", "area", "area", "area", "check", "choice", "number", "text"]
    assert by_name["h"].choices == ("1", "two", "null")
    assert by_name["k"].about == "Only a title"
    assert view.command == """mpp run com.example.t-1.0.0.mpp --tool t --args '{"h": 1, "i": 7, "k": "as shown"}'"""
    assert view.returns == ""


def test_a_tool_of_many_fields_or_none_has_a_form_all_the_same():
    many = tool_view(tool({"properties": {f"f{number}": {"type": "string"} for number in range(100)}}), 0, "a.b", "1.0.0")
    assert (len(many.fields), many.more_fields) == (30, 70)
    for parameters in ({}, {"properties": []}, {"properties": {}}, True):
        assert tool_view(tool(parameters, b"{}"), 0, "a.b", "1.0.0").fields == ()


def test_a_graph_shows_little_beside_much():
    graph = graph_of([0, 1, 1_000_000], 2)
    assert [bar.height for bar in graph.bars] == [1, 2, 64]
    assert graph.bars[1].words == "2 January 1970: 1 download"
    assert graph.words == "1,000,001 downloads in 3 days, at most 1,000,000 in a day"
    assert [bar.height for bar in graph_of([0, 0], 1).bars] == [1, 1]


# ------------------------------------------------------------ verdict and log

VERSION = VersionRow(
    package_id="com.example.t", version="1.0.0", publisher_id="ab" * 32, content_hash="cd" * 32, file_hash="ef" * 32, size=1, status="active", reason="",
    published_at=1, log_index=5,
)  # fmt: skip
WHO = PublisherRow(publisher_id="ab" * 32, name="Ada", roots=b"", root_version=1, status="active", registered_at=1)
SPACE = NamespaceRow(namespace="com.example", publisher_id="ab" * 32, method="dns", state="proven", proven_at=0, checked_at=0)
HEAD = Head(size=9, root=b"", map_root=b"", at=0, note=b"")
SEEN = (Cosigned(size=9, witness="w.example"),)


def found(**changes: object) -> Evidence:
    whole: dict[str, object] = {"version": VERSION, "publisher": WHO, "namespace": SPACE, "head": HEAD, "witnesses": SEEN, **changes}
    return Evidence(**whole)  # type: ignore[arg-type] # the names are those of the fields


def changed(row, **changes):
    return type(row)(**{**{name: getattr(row, name) for name in type(row).__slots__}, **changes})


@pytest.mark.parametrize(
    ("evidence", "tone", "line", "said"),
    [
        (found(), "good", "Signed, logged and in good standing", "1 witness: w.example"),
        (found(publisher=None), "bad", "Signed, but something speaks against its publisher", "a publisher that this registry does not know"),
        (found(publisher=changed(WHO, status="revoked")), "bad", "Signed, but something speaks against its publisher", "which is revoked here"),
        (found(namespace=None), "good", "Signed, logged and in good standing", "nobody has proven the domain in this name"),
        (found(namespace=changed(SPACE, publisher_id="00" * 32)), "good", "Signed, logged and in good standing", "example.com was proven by another publisher"),
        (found(namespace=changed(SPACE, state="lapsed")), "good", "Signed, logged and in good standing", "was proven once, and is not any more"),
        (found(head=None), "bad", "Signed, but no proof of the log holds it", "no signed head of the log holds it"),
        (found(head=changed(HEAD, size=5)), "bad", "Signed, but no proof of the log holds it", "no signed head of the log holds it"),
        (found(witnesses=()), "good", "Signed, logged and in good standing", "none has countersigned a head that holds it"),
        (found(witnesses=SEEN * 5), "good", "Signed, logged and in good standing", "5 witnesses: w.example, w.example, w.example and 2 more"),
        (found(version=changed(VERSION, status="yanked", reason="slow")), "careful", "Signed and logged, but taken back by its publisher", "Reason: slow"),
        (found(version=changed(VERSION, status="quarantined")), "bad", "Held back: do not use this version for now", "it does not install"),
        (found(version=changed(VERSION, status="unheard of")), "bad", "Held back: do not use this version for now", "Quarantined"),
    ],
)
def test_a_verdict_says_the_worst_first(evidence: Evidence, tone: str, line: str, said: str):
    made = verdict(evidence)
    assert (made.tone, made.line) == (tone, line)
    assert any(said in fact.words for fact in made.facts)


def test_each_kind_of_event_has_words():
    bodies = {
        "registry.opened": {"name": "R"}, "publisher.recovery": {"publisher_id": "a", "successor": "b", "state": "asked", "due": 86_400, "reason": "lost"},
        "package.owners": {"package_id": "a.b", "owners": [{"publisher_id": "c", "role": "owner"}], "by": "admin"}, "advisory.published": {"package_id": "a.b", "versions": ["1"]},
        "namespace.lapsed": {"namespace": "com.example", "publisher_id": "a"}, "version.staged": {"package_id": "a.b", "version": "1.0.0", "publisher_id": "a"},
    }  # fmt: skip
    for kind in (*KINDS, "new.kind"):
        for body in (bodies.get(kind, {}), {}, [], None, {"package_id": 5, "owners": 5, "versions": 5, "due": "x", "by": []}):
            made = sentence(LeafLine(index=1, leaf=json.dumps(body).encode(), kind=kind, package_id="", publisher_id="", at=0))
            assert made.words
    recovery = sentence(
        LeafLine(index=1, leaf=json.dumps(bodies["publisher.recovery"]).encode(), kind="publisher.recovery", package_id="", publisher_id="", at=0)
    )
    assert recovery.words.endswith("possible from 2 January 1970")
    assert (recovery.href, recovery.reason) == ("/publishers/a", "lost")
    assert "no words" in sentence(LeafLine(index=1, leaf=b"{", kind="new.kind", package_id="", publisher_id="", at=0)).words


# ------------------------------------------------------------ rates and faults


def test_rates_count_in_windows_and_forget_the_oldest(monkeypatch: pytest.MonkeyPatch):
    rates = Rates()
    assert [rates.count("x", "a", now, 60) for now in (0, 1, 59, 60)] == [1, 2, 3, 1]
    assert rates.so_far("x", "a", 61, 60) == 1
    assert rates.so_far("x", "a", 120, 60) == 0
    assert rates.so_far("y", "a", 61, 60) == 0
    monkeypatch.setattr("mpp_registry.web.rates.RATED_ADDRESSES_MAX", 2)
    for address in "bcd":
        rates.count("x", address, 61, 60)
    assert rates.so_far("x", "a", 61, 60) == 0
    assert rates.so_far("x", "d", 61, 60) == 1


@pytest.mark.parametrize(
    ("fault", "status", "said"),
    [
        (Refused("registry.absent", "there is no such thing", hint="look elsewhere"), 404, "look elsewhere"),
        (Refused("registry.form", "wrong form"), 400, "wrong form"),
        (Refused("registry.state", "it is so", hint="h"), 409, "it is so"),
        (HostFailed("registry.database", "secret inner words", where="/inner/path"), 503, "Not at the moment"),
        (RemoteFailed("remote.answer", "secret inner words"), 500, "Something broke here"),
    ],
)
def test_of_our_own_failures_a_stranger_learns_nothing(world: World, fault, status: int, said: str):
    answer = fault_answer(make_site(world.services), fault)
    assert answer.status == status
    assert said in answer.body.decode()
    assert b"inner" not in answer.body


def test_a_failure_of_the_database_is_a_page(world: World, monkeypatch: pytest.MonkeyPatch):
    def broken(*_given: object) -> None:
        raise HostFailed("host.database", "the disk is full", where="/inner/path")

    monkeypatch.setattr(type(world.services.database), "read", broken)
    answer = world.browser.get("/")
    assert answer.status == 503
    assert "inner" not in answer.text
