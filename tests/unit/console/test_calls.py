"""The pages of calls: filters, pages of a list, the story and its proof, over a record as calls leave it."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import urlencode

import pytest

from mpp.cli.app import run
from mpp.console.limits import PAGE_ROWS
from mpp.console.pages import asking
from mpp.pages.texts import seen
from mpp.console.views.calls import command_of, read_filters, wanted_of
from mpp.console.views.proving import NotProved, prove
from mpp.errors import HostFailed, Refused
from mpp.host.audit.index import progress
from mpp.host.audit.reader import LogReader
from mpp.host.home import Home
from mpp.stages.audit import Condition, glance, read_proof, verify_proof
from mpp.testing.packages import NOW
from tests import auditlogs
from tests.auditlogs import DAY, Story
from tests.unit.console.conftest import Console, make_console
from tests.unit.console.hostile import HOSTILE, is_harmless, TURNED

ADA = Story(number=2, approver="ada", package="com.example.crm", tool="export", hosts=("api.example.com",))


def rows(text: str) -> list[str]:
    return re.findall(r'<a href="/calls/([0-9a-f]{32})">', text)


# -- filters, pure


def same(fact: str, name: str) -> tuple[str, ...]:
    return (fact, name)


def test_an_address_becomes_a_question() -> None:
    filters = read_filters(
        {"agent": " claude ", "ending": "denied", "since": "7d", "until": "2026-01-02", "risk": "50", "q": "host:api.x abcdef12 mail", "odd": "x"}
    )
    wanted = wanted_of(filters, NOW, same)
    assert wanted.words == {"agent": ("claude",), "ending": ("denied",)}
    assert (wanted.since, wanted.until, wanted.risk) == (NOW - 7 * DAY, NOW + 2 * DAY - 1, 50)
    assert (wanted.conditions, wanted.anywhere, wanted.beginning) == ((Condition("host", ("host", "api.x")),), ("mail",), "abcdef12")
    assert wanted_of(read_filters({"ending": "running"}), NOW, same).running
    assert wanted_of(read_filters({"since": str(NOW), "until": "2026-01-01T00:00:05Z"}), NOW, same).until == NOW + 5


@pytest.mark.parametrize(
    "query",
    [
        {"ending": "x"},
        {"decision": "perhaps"},
        {"before": "-1"},
        {"after": "9" * 30},
        {"since": "yesterday"},
        {"risk": "high"},
        {"until": "2026-13-01"},
        {"before": "٣"},
    ],
)
def test_what_makes_no_sense_is_refused(query: dict[str, str]) -> None:
    with pytest.raises(Refused, match="nothing that can stand there"):
        wanted_of(read_filters(query), NOW, same)


def test_the_command_asks_the_same_and_nothing_of_it_runs() -> None:
    """Attack: a name that a person copies into a shell."""
    filters = read_filters({"agent": "a; rm -rf ~", "ending": "denied", "q": "rule:$(id) abcdef", "since": "7d"})
    assert command_of(filters) == "mpp audit search --agent 'a; rm -rf ~' --since 7d --rule '$(id)' --invocation abcdef --decision deny"
    assert command_of(read_filters({})) == "mpp audit search"


# -- the list


def test_without_a_record_the_page_says_how_it_begins(console: Console) -> None:
    page = console.get("/calls")
    assert page.status == 200
    assert "No call was made yet" in page.words
    assert console.get("/calls/abcdef").status == 404
    assert not (console.home / "audit").exists()


def test_calls_are_listed_the_newest_first(busy: Console) -> None:
    page = busy.get("/calls")
    found = rows(page.text)
    assert page.status == 200
    assert found[0] == Story(number=2000).invocation
    assert len(found) == len(set(found)) > 20
    assert "com.bad.tool" in page.words
    assert "signature.invalid" in page.words


@pytest.mark.parametrize(
    ("query", "least", "words"),
    [
        ("agent=planner", 4, "planner"), ("package=com.example.*", 10, ""), ("tool=steal", 4, "steal"), ("ending=denied", 3, "policy.denied"), ("decision=deny", 3, ""),
        ("code=signature.*", 1, "signature.invalid"), ("q=intruder", 3, "intruder"), ("q=host:api.example.com", 6, ""), ("q=approver:ada", 6, ""), ("risk=80", 3, ""),
        ("q=rule:no-strangers", 3, ""), ("tenant=local", 10, ""), (f"q={ADA.invocation[:8]}", 1, ""), (f"since={NOW + DAY}&until={NOW + 2 * DAY - 1}", 5, ""),
    ],
)  # fmt: skip
def test_filters_find_calls(busy: Console, query: str, least: int, words: str) -> None:
    page = busy.get(f"/calls?{query}")
    assert page.status == 200
    found = rows(page.text)
    assert least <= len(found) < 40
    assert len(found) < len(rows(busy.get("/calls").text)) or query == "tenant=local"
    assert words in page.words
    assert "mpp audit search" in page.words


def test_what_fits_nothing_says_so_and_a_filter_can_be_taken_away(busy: Console) -> None:
    page = busy.get("/calls?agent=nobody&tool=greet")
    assert "No call is like this." in page.words
    assert 'href="/calls?tool=greet"' in page.text
    assert busy.get("/calls?ending=never").status == 400


def test_one_page_follows_the_other(tmp_path: Path) -> None:
    folder = tmp_path / "home"
    folder.mkdir()
    auditlogs.write(folder, [event for number in range(2 * PAGE_ROWS + 7) for event in auditlogs.refused(Story(number=number, at=NOW + number))])
    console = make_console(folder, now=NOW + DAY)
    seen, path = list[str](), "/calls?package=com.example.hello"
    pages = []
    while path:
        page = console.get(path)
        pages.append(rows(page.text))
        seen += pages[-1]
        older = re.search(r'rel="next" href="([^"]+)"', page.text)
        path = older[1].replace("&amp;", "&") if older else ""
    assert [len(one) for one in pages] == [PAGE_ROWS, PAGE_ROWS, 7]
    assert seen == [Story(number=number).invocation for number in reversed(range(2 * PAGE_ROWS + 7))]
    newer = re.search(r'rel="prev" href="([^"]+)"', page.text)
    assert newer is not None
    back = console.get(newer[1].replace("&amp;", "&"))
    assert rows(back.text) == pages[1]
    first = re.search(r'rel="prev" href="([^"]+)"', back.text)
    assert first is not None
    assert rows(console.get(first[1].replace("&amp;", "&")).text) == pages[0]


class Elements(HTMLParser):
    """What a browser would make of it."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.all: list[tuple[str, dict[str, str]]] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.all.append((tag, {name: item or "" for name, item in attrs}))


@pytest.mark.parametrize("name", [HOSTILE, TURNED])
def test_names_of_strangers_are_words(tmp_path: Path, name: str) -> None:
    """Attack: a tool, an agent, a rule and whatever else a record holds, whose names are markup, an attribute's end, or turn the line around."""
    folder = tmp_path / "home"
    folder.mkdir()
    bad = Story(number=1, tool=name, agent=name, package=name, version=name, publisher=name, user=name, outcome=name, hosts=(name,), secrets=(name,), tenant="local",
                more={"redactions": [{"type": name, "count": 1}], "kv": {"get": 1}, "privacy": {"let_through": {name if name.isascii() else "x": 1}}})  # fmt: skip
    worse = Story(number=2, tool=name, agent=name)
    rules = {"layer": name, "policy": name, "rule": name, "effect": "deny"}
    events = [worse.event("decision", {"facts": {"scope": {"read": [name], "network": [{"host": name, "ports": [name]}]}}, "effect": "deny", "rules": [rules]}),
              worse.event("answer", {"answer": name, "approver": name, "amr": name, "channel": name, "jti": "j"}), worse.event("refused", {"code": name, "tool": name}),
              worse.event("consent", {"by": name})]  # fmt: skip
    auditlogs.write(folder, [*auditlogs.runs(bad), *events])
    console = make_console(folder, now=NOW + 3600)
    shown = name is HOSTILE
    for path in ("/calls", f"/calls/{bad.invocation}", f"/calls/{worse.invocation}", "/?period=all"):
        assert is_harmless(console.get(path), shown=shown) is True
    for field in ("q", "agent", "code", "package", "tenant"):
        page = console.get(f"/calls?{urlencode({field: name})}")
        assert page.status == 200
        # It stands in the field of the form as it was given, and is no more than a value there.
        found = Elements(page.text)
        assert next(given for tag, given in found.all if tag == "input" and given.get("name") == field)["value"] in {name.strip(), seen(name)}
        assert not [tag for tag, given in found.all if tag == "img" or any(one.startswith("on") for one in given)]
        assert [given for tag, given in found.all if tag == "script" and not given.get("src", "").startswith("/static/")] == []
    if not shown:
        assert "U+202E" in console.get("/calls").words


# -- one call


def test_a_call_tells_its_story_and_proves_it(busy: Console) -> None:
    page = busy.get(f"/calls/{ADA.invocation}")
    assert page.status == 200
    for words in (
        "Checked now",
        "asks a person",
        "approved",
        "this decided",
        "/data",
        "api.example.com",
        "yes by user:ada",
        "salted commitments",
        "--check-in arguments.json",
    ):
        assert words in page.words, words
    (link,) = set(re.findall(r'class="button" href="(/entries/\d+/proof.json)"', page.text))
    file = busy.get(link)
    assert file.header("content-type") == "application/json"
    assert file.header("content-disposition").startswith('attachment; filename="proof-')
    found = verify_proof(read_proof(file.body, where="proof"), where="proof")
    assert found.entry.event.invocation == ADA.invocation
    assert found.entry.event.kind == "result"
    assert f"--log-id {found.genesis.log_id}" in page.words


def test_a_call_is_found_by_the_beginning_of_its_id(busy: Console) -> None:
    assert busy.get(f"/calls/{ADA.invocation[:10]}").status == 200
    assert busy.get("/calls/ffffffffffff").status == 404
    assert busy.get("/calls/nothing").status == 400
    assert busy.get("/entries/999999/proof.json").status in {400, 404}
    assert busy.get("/entries/x/proof.json").status == 400


@pytest.mark.parametrize("number", [1000, 2000, 1])
def test_calls_that_ended_in_other_ways_have_a_page(busy: Console, number: int) -> None:
    assert "Checked now" in busy.get(f"/calls/{Story(number=number).invocation}").words


def test_nothing_that_fails_to_verify_is_called_proven(busy: Console, monkeypatch: pytest.MonkeyPatch) -> None:
    """Attack: a line of the log that was changed where it lies."""
    log = Home(path=str(busy.home)).log
    seq = next(line.seq for line in _lines(log) if line.invocation == ADA.invocation and line.kind == "result")
    (segment,) = (path for path in Path(log.segments).iterdir() if path.suffix == ".jsonl")
    data = segment.read_bytes()
    line = LogReader(log).line(seq)
    segment.write_bytes(data.replace(line, line.replace(b'"outcome":"ok"', b'"outcome":"no"')))
    page = busy.get(f"/calls/{ADA.invocation}")
    assert "Checked now" not in page.words
    assert "There is no proof at the moment" in page.words
    assert ">proven<" not in page.text


def _lines(log):
    return [line for data in LogReader(log).lines() if (line := glance(data)) is not None]


def test_a_proof_of_another_entry_is_none(busy: Console, monkeypatch: pytest.MonkeyPatch) -> None:
    reader = LogReader(Home(path=str(busy.home)).log)
    honest = reader.prove
    monkeypatch.setattr(reader, "prove", lambda seq: honest(seq - 1))
    found = prove(reader, 9, ())
    assert isinstance(found, NotProved)
    assert found.code == "audit.proof"
    assert not found.can_be_signed


def test_what_no_checkpoint_covers_can_be_signed_here(busy: Console, monkeypatch: pytest.MonkeyPatch) -> None:
    log = Home(path=str(busy.home)).log
    kept = Path(log.checkpoint).read_bytes()
    auditlogs.write(busy.home, auditlogs.refused(replace(ADA, number=77)))
    Path(log.checkpoint).write_bytes(kept)
    path = f"/calls/{replace(ADA, number=77).invocation}"
    page = busy.get(path)
    assert "There is no proof at the moment" in page.words
    assert "Sign a checkpoint now" in page.words
    after = busy.follow(busy.post(f"{path}/checkpoint"))
    assert "A checkpoint was signed" in after.words
    assert "Checked now" in after.words
    assert busy.post("/calls/x/checkpoint").status == 400


def test_a_console_that_only_shows_signs_nothing(tmp_path: Path) -> None:
    folder = tmp_path / "home"
    folder.mkdir()
    auditlogs.write(folder, auditlogs.refused(ADA))
    console = make_console(folder, read_only=True)
    Path(Home(path=str(folder)).log.checkpoint).unlink()
    page = console.get(f"/calls/{ADA.invocation}")
    assert "There is no proof" in page.words
    assert "Sign a checkpoint now" not in page.words
    assert console.post(f"/calls/{ADA.invocation}/checkpoint").status == 403


# -- the index


def test_a_long_record_is_indexed_beside_and_the_page_says_how_far(busy: Console, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(asking, "AT_ONCE_MAX", 5)
    begun: list[object] = []
    monkeypatch.setattr(asking._BUSY, "begin", begun.append)
    for path in ("/calls", f"/calls/{ADA.invocation}"):
        page = busy.get(path)
        assert "0 of 1" in page.words
        assert 'http-equiv="refresh"' in page.text
    assert len(begun) == 2
    done, of = progress(Home(path=str(busy.home)).log)
    assert done == 0 < of


def test_the_index_is_made_once_at_a_time_and_a_fault_is_told_once(busy: Console, monkeypatch: pytest.MonkeyPatch) -> None:
    log, calls = Home(path=str(busy.home)).log, []

    class Never:
        def __init__(self, **more: object) -> None:
            calls.append(more)

        def start(self) -> None: ...

    monkeypatch.setattr(asking.threading, "Thread", Never)
    ours = asking._Busy()
    ours.begin(log)
    ours.begin(log)
    assert len(calls) == 1

    def broken(*_: object) -> None:
        raise HostFailed("audit.index", "no room", where=log.index, hint="make room")

    monkeypatch.setattr(asking, "ask", broken)
    ours._make(log)
    with pytest.raises(HostFailed):
        ours.begin(log)
    ours.begin(log)
    assert len(calls) == 2


def test_the_index_made_beside_is_the_whole_index(busy: Console) -> None:
    log = Home(path=str(busy.home)).log
    asking._Busy()._make(log)
    done, of = progress(log)
    assert done == of > 0
    Path(log.index).write_bytes(b"no index at all")
    assert progress(log) == (0, of)


def test_a_proof_file_is_a_proof_for_the_command(busy: Console, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    page = busy.get("/entries/3/proof.json")
    file = tmp_path / "proof.json"
    file.write_bytes(page.body)
    assert json.loads(page.body)["mpp_proof"] == 1
    assert run(["audit", "verify-proof", str(file), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["entry"] == 3
