"""Policies in the console: what is in force, in words; what another text would do over past calls; and that nothing is put in force."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from mpp.console.pages import policy as page_of_policy
from mpp.console.views.policy import limit_words, TEXT_BYTES_MAX
from mpp.host.audit.log import AuditLog
from mpp.model.events import Event
from mpp.stages.policy import parse_policy, PRESETS
from mpp.testing.packages import NOW, TestClock, TestRandom
from tests.auditlogs import denied, runs, Story, write
from tests.unit.console.conftest import Console, make_console
from tests.unit.console.hostile import HOSTILE, is_harmless

ASKS_ALL = 'mpp_policy = 1\nname = "careful"\n[[rules]]\nid = "ask-all"\neffect = "ask"\nwhy = "everything is asked"\n'
DENIES_CRM = (
    'mpp_policy = 1\nname = "no-crm"\n[[rules]]\nid = "rest"\neffect = "allow"\n[[rules]]\nid = "no-crm"\neffect = "deny"\npackages = ["com.example.crm"]\n'
)
ALLOWS_ALL = 'mpp_policy = 1\nname = "loose"\n[[rules]]\nid = "all"\neffect = "allow"\n'


def own_policy(home: Path, text: str, name: str = "policy.toml") -> Path:
    folder = home / "policy"
    folder.mkdir(parents=True, mode=0o700, exist_ok=True)
    home.chmod(0o700)
    path = folder / name
    path.write_text(text)
    path.chmod(0o600)
    return path


def files_of(home: Path) -> dict[str, bytes]:
    kept = {path for path in home.rglob("*") if path.is_file() and "index" not in path.name}
    return {str(path): path.read_bytes() for path in kept}


def counts(page: object) -> dict[str, str]:
    table = page.text.partition("How many calls would end otherwise")[2].partition("</table>")[0]
    rows = re.findall(r"<tr><th[^>]*>([^<]*)</th>(?:<td><span[^>]*>([^<]*)</span></td>)?<td[^>]*>([^<]*)</td></tr>", table)
    return {f"{before} to {after}" if after else before: number for before, after, number in rows}


def test_without_a_policy_the_preset_stands_in(console: Console) -> None:
    page = console.get("/policy")
    assert page.status == 200
    assert "the preset developer, because nobody wrote a policy" in page.words
    assert "Asks a person the risk is 25 or more" in page.words
    assert "what the package asks for is something outside its own computation" in page.words
    assert 'name = "developer"' in page.words
    assert page.words.count("in force") >= 1


def test_the_layers_name_their_files_and_rules(tmp_path: Path) -> None:
    path = own_policy(tmp_path / "home", DENIES_CRM)
    page = make_console(tmp_path / "home").get("/policy")
    assert str(path) in page.words
    assert "Denies the package is com.example.crm, bound to its publisher" in page.words
    assert page.words.index("no-crm Denies") < page.words.index("rest Allows")
    assert "always" in page.words
    # The editor begins with one's own text.
    assert 'packages = ["com.example.crm"]' in page.words


def test_a_layer_that_cannot_be_read_is_closed_and_says_why(tmp_path: Path) -> None:
    own_policy(tmp_path / "home", "mpp_policy = 1\nname = ")
    page = make_console(tmp_path / "home").get("/policy")
    assert "closed: it denies everything" in page.words
    assert "policy." in page.words


def test_a_privacy_table_is_put_in_words(tmp_path: Path) -> None:
    own_policy(tmp_path / "home", ASKS_ALL + '[privacy]\noff = ["ipv4"]\n')
    assert "Privacy filter, by all layers together" in make_console(tmp_path / "home").get("/policy").words


def test_what_would_be_otherwise_over_past_calls(busy: Console) -> None:
    page = busy.post("/policy", {"text": ASKS_ALL, "as": "user"})
    assert page.status == 200
    assert "It is a sound policy" in page.words
    # 6 calls were allowed, 6 asked and then asked again by an approved call, 3 denied.
    assert "decisions judged again, with this text as your policy" in page.words
    found = counts(page)
    assert found["deny to ask"] == "3"
    assert set(found) <= {"allow to ask", "deny to ask", "as before"}
    assert sum(map(int, found.values())) == int(re.search(r"(\d+) decisions judged", page.words)[1])
    link = re.search(r'href="/calls/([0-9a-f]{32})"', page.text)
    assert link is not None
    assert link[1] in {Story(number=number).invocation for number in (*range(-12, 0), *range(1, 13), *range(1000, 1003))}


def test_what_becomes_looser_is_marked(busy: Console) -> None:
    page = busy.post("/policy", {"text": ALLOWS_ALL, "as": "alone"})
    assert "by this text alone" in page.words
    assert '<span class="badge careful">allow</span>' in page.text
    assert "rule all allows everything, and no other rule asks or denies" in page.words


def test_the_figures_are_those_of_the_command(busy: Console) -> None:
    from mpp.host.policy_replay import replay
    from mpp.stages.policy import compile_policies

    told = replay(busy.desk.home.log.folder, compile_policies({"user": parse_policy(DENIES_CRM.encode(), where="x")}))
    found = counts(busy.post("/policy", {"text": DENIES_CRM, "as": "alone"}))
    assert found == {
        **{f"{before} to {after}": str(number) for (before, after), number in told.counts.items()}, "as before": str(told.same),
        **({"not certain": str(told.unsure)} if told.unsure else {}),
    }  # fmt: skip


def test_what_the_record_does_not_hold_is_not_certain(busy: Console) -> None:
    text = ALLOWS_ALL + '[[rules]]\nid = "not-bob"\neffect = "deny"\nusers = ["bob"]\n'
    page = busy.post("/policy", {"text": text, "as": "alone"})
    assert "not certain" in page.words
    assert "user rule not-bob looks at the user" in page.words


def test_only_so_many_decisions_are_judged_and_it_is_said(busy: Console, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(page_of_policy, "CALLS_JUDGED_MAX", 4)
    page = busy.post("/policy", {"text": ASKS_ALL})
    assert "4 decisions judged again" in page.words
    assert "older ones were left out" in page.words


def test_without_a_record_the_text_is_checked_all_the_same(console: Console) -> None:
    page = console.post("/policy", {"text": ASKS_ALL})
    assert "There is no record yet." in page.words
    assert "new rules: ask-all" in page.words
    assert "mpp policy use policy.toml" in page.words


def test_a_record_that_cannot_be_read_is_said(busy: Console) -> None:
    from mpp.host.audit.index import ask
    from mpp.host.audit.searching import find
    from mpp.stages.audit import Wanted

    ask(busy.desk.home.log, lambda connection: find(connection, Wanted(), 1))
    segment = next(path for path in Path(busy.desk.home.log.segments).iterdir() if path.suffix == ".jsonl")
    segment.write_bytes(segment.read_bytes().replace(b'"effect":"deny"', b'"effect":"hurt"'))
    assert "The record cannot be judged again" in busy.post("/policy", {"text": ASKS_ALL}).words


@pytest.mark.parametrize(
    "text", ["", "mpp_policy = 1", 'mpp_policy = 1\nname = "x"\n[[rules]]\nid = "a"\neffect = "perhaps"\n', "{", '{"envelope": 1}', "\x00", "[" * 3000]
)
def test_a_text_that_is_no_policy_says_what_is_wrong(busy: Console, text: str) -> None:
    page = busy.post("/policy", {"text": text})
    assert page.status == 200
    assert "This is no policy that could be used." in page.words
    assert "policy." in page.words


def test_a_slip_is_warned_of_as_by_the_command(console: Console) -> None:
    page = console.post("/policy", {"text": ASKS_ALL.replace('"ask"', '"deny"')})
    assert "no rule allows or asks, so the policy denies everything" in page.words


def test_the_editor_is_bounded(console: Console) -> None:
    assert "usage.text" in console.post("/policy", {"text": "#" * (TEXT_BYTES_MAX + 1)}).words


def test_nothing_is_put_in_force_and_nothing_written(busy: Console) -> None:
    before = files_of(busy.home)
    busy.post("/policy", {"text": ALLOWS_ALL})
    busy.post("/policy/save", {"text": ALLOWS_ALL})
    assert files_of(busy.home) == before
    assert "the preset developer" in busy.get("/policy").words


def test_the_text_can_be_saved_as_it_is(console: Console) -> None:
    page = console.post("/policy/save", {"text": ASKS_ALL})
    assert page.body == ASKS_ALL.encode()
    assert page.header("content-disposition") == 'attachment; filename="policy.toml"'
    assert page.header("content-type") == "text/plain; charset=utf-8"
    assert page.header("x-content-type-options") == "nosniff"
    assert console.post("/policy/save", {"text": ' {"mpp_policy": 1}'}).header("content-disposition").endswith('"policy.json"')


def test_a_console_that_only_shows_tries_all_the_same(tmp_path: Path) -> None:
    assert make_console(tmp_path / "home", read_only=True).post("/policy", {"text": ASKS_ALL}).status == 200


def test_hostile_words_in_a_text_are_words(console: Console) -> None:
    why = HOSTILE.replace("\\", "\\\\").replace('"', '\\"')
    text = f'mpp_policy = 1\nname = "x"\ndescription = "{why}"\n[[rules]]\nid = "a"\neffect = "ask"\nwhy = "{why[:150]}"\ntools = ["<img*"]\n'
    page = console.post("/policy", {"text": text})
    assert is_harmless(page)
    assert "</textarea><script>" not in console.post("/policy", {"text": "</textarea><script>alert(1)</script>"}).text
    assert is_harmless(console.post("/policy", {"text": f'mpp_policy = 1\nname = "x"\n["{why}"]\na = 1\n'}))


def test_hostile_words_in_a_policy_in_force_are_words(tmp_path: Path) -> None:
    why = HOSTILE.replace("\\", "\\\\").replace('"', '\\"')
    own_policy(tmp_path / "home", f'mpp_policy = 1\nname = "n"\ndescription = "{why}"\n[[rules]]\nid = "a"\neffect = "ask"\nwhy = "{why[:150]}"\n')
    assert is_harmless(make_console(tmp_path / "home").get("/policy"))


def test_hostile_words_in_the_record_are_words(tmp_path: Path) -> None:
    folder = tmp_path / "home"
    folder.mkdir()
    write(folder, [*runs(Story(package="com.example.x", tool="<img src=x onerror=alert(1)>")), *denied(Story(number=2))])
    with AuditLog(make_console(folder).desk.home, clock=TestClock(NOW + 9), random=TestRandom()) as log:
        log.record(Event(kind="other", at=NOW, tenant="local", invocation="", body={"effect": HOSTILE}))
    page = make_console(folder).post("/policy", {"text": ALLOWS_ALL + '[[rules]]\nid = "no"\neffect = "deny"\nrisk = { most = 12 }\n', "as": "alone"})
    assert is_harmless(page)


def test_limits_in_words() -> None:
    text = (
        'mpp_policy = 1\nname = "x"\n[[rules]]\nid = "a"\neffect = "ask"\n[rules.limits]\nhosts = ["api.example.com"]\nenv = []\nkv_max_bytes = 10\ntimeout_ms = 50\n'
        'calls_per_minute = 3\nprivacy_patterns = ["email"]\nstrength = "passphrase"\napprovers = 2\nanswer_seconds = 60\n'
    )
    (rule,) = parse_policy(text.encode(), where="x").rules
    assert limit_words(rule.limits) == [
        "of hosts only api.example.com", "no settings", "at most 3 calls a minute", "at most 50 ms for a call", "at most 10 bytes of its own data",
        "answers are searched for email", "whoever answers must use passphrase or better", "2 people must agree", "an answer must be used within 60 seconds",
    ]  # fmt: skip
    assert limit_words(None) == []


@pytest.mark.parametrize("name", sorted(PRESETS))
def test_a_preset_in_the_editor_is_the_preset(console: Console, name: str) -> None:
    page = console.post("/policy", {"text": PRESETS[name], "as": "alone"})
    assert "This is no policy" not in page.words
    if name == "developer":
        assert "nothing changes" in page.words
