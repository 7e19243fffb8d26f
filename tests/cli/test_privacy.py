"""``mpp privacy``: what is shown of the filter. Values that it finds are made up."""

from __future__ import annotations

from pathlib import Path

import pytest

from mpp.host.measuring import bench, peers
from mpp.host.home import Home
from mpp.host.trust_store import TrustStore, with_first_use
from mpp.testing import packages
from mpp.testing.keys import publisher
from mpp.testing.tools import greeting
from tests.cli.conftest import Mpp

MAIL = "ada@example.com"


@pytest.fixture
def answer(tmp_path: Path, home: Path) -> Path:
    path = tmp_path / "answer.json"
    path.write_text('{"to": "' + MAIL + '", "card": 4111111111111111, "n": 5}')
    return path


def test_a_message_is_shown_as_an_agent_sees_it(mpp: Mpp, answer: Path) -> None:
    found = mpp("privacy", "test", answer)
    assert found.code == 0
    assert MAIL not in found.out + found.err
    assert "[EMAIL-" in found.out
    assert "1 credit_card, 1 email" in found.err


def test_quiet_check_and_json(mpp: Mpp, answer: Path) -> None:
    found = mpp("privacy", "test", answer, "--quiet", "--check")
    assert (found.code, found.out) == (29, "")
    assert "privacy.found" in found.err
    told = mpp("privacy", "test", answer, "--json").json
    assert told["messages"][0]["counts"] == {"credit_card": 1, "email": 1}
    assert "message" not in mpp("privacy", "test", answer, "--json", "--quiet").json["messages"][0]
    assert mpp("privacy", "test", answer, "--json", "--check").code == 29


def test_a_text_is_one_message_and_what_cannot_be_searched_is_withheld(mpp: Mpp, answer: Path, tmp_path: Path) -> None:
    text = tmp_path / "log.txt"
    text.write_text(f"mail {MAIL}\u200b\nsecond line\n")
    found = mpp("privacy", "test", text)
    assert (found.code, "[EMAIL-" in found.out, MAIL in found.out) == (0, True, False)
    deep = tmp_path / "deep.json"
    deep.write_text("[" * 250 + "]" * 250)
    assert mpp("privacy", "test", deep).code == 29
    assert mpp("privacy", "test", deep, "--json").json["messages"][0]["withheld"] == "privacy.limit"
    assert mpp("privacy", "test", answer.parent / "absent.json").code == 2


def test_policy_lets_through_and_is_told(mpp: Mpp, answer: Path) -> None:
    policy = answer.parent / "policy.toml"
    policy.write_text(
        'mpp_policy = 1\nname = "all"\n[privacy]\noff = ["email"]\npatterns = [{id = "five", regex = "n[0-9]{5}"}]\n[[rules]]\nid = "all"\neffect = "allow"\n'
    )
    assert mpp("policy", "use", policy, "--yes").code == 0
    assert MAIL in mpp("privacy", "test", answer).out
    listed = mpp("privacy", "patterns")
    assert "five" in listed.out
    rows = {one["name"]: one["action"] for one in mpp("privacy", "patterns", "--json").json["patterns"]}
    assert (rows["email"], rows["phone"], rows["geo_location"]) == ("off", "pseudonym", "off")


def test_explain_says_where_and_why_and_masks(mpp: Mpp, answer: Path, tmp_path: Path) -> None:
    found = mpp("privacy", "explain", answer)
    assert (found.code, MAIL in found.out, "/to" in found.out, "ad****" in found.out) == (0, False, True, True)
    assert MAIL in mpp("privacy", "explain", answer, "--show-values").out
    told = mpp("privacy", "explain", answer, "--json").json["found"]
    assert [(one["type"], one["where"], one["reading"]) for one in told] == [("credit_card", "/card", "as written"), ("email", "/to", "as written")]
    plain = tmp_path / "plain.txt"
    plain.write_text("nothing here")
    assert mpp("privacy", "explain", plain).out == "Nothing was found.\n"
    many = tmp_path / "many.txt"
    many.write_text(" ".join(f"a{i}@example.com" for i in range(210)))
    assert "10 more" in mpp("privacy", "explain", many).err


def test_samples_of_a_package(mpp: Mpp, tmp_path: Path, home: Path) -> None:
    who = publisher()
    TrustStore(Home(path=str(home)).trust).change(lambda state: with_first_use(state, who.chain, packages.manifest()["package_id"]))
    path = tmp_path / "tool.mpp"
    path.write_bytes(packages.signed(who))
    found = mpp("privacy", "test", path)
    assert (found.code, "samples/" in found.err) == (2, True)
    path.write_bytes(packages.signed(who, {}, {packages.ENTRYPOINT: greeting("hi"), "samples/one.json": f'{{"to": "{MAIL}"}}'.encode()}))
    found = mpp("privacy", "test", path, "--quiet")
    assert (found.code, "samples/one.json: took out 1 email" in found.err) == (0, True)


def test_bench_prints_a_table(mpp: Mpp, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bench, "MESSAGES", (("tiny", 1500, 0.02),))
    monkeypatch.setattr(peers, "cpex", lambda _: None)
    monkeypatch.setattr(peers, "presidio", lambda: None)
    found = mpp("privacy", "bench", "--quick")
    assert found.code == 0
    assert "not installed" in found.err
    rows = mpp("privacy", "bench", "--quick", "--json").json["rows"]
    assert [one["filter"] for one in rows] == ["mpp", "re, one by one"]
    assert rows[0]["missed"] == 0
    assert rows[0]["planted"] > 0
