"""Vectors of the privacy filter: there are enough, none is right by accident, and our own adapter answers each as it must."""

from __future__ import annotations

import json
import re
from collections import Counter
from pathlib import Path

import pytest

from conformance.make.__main__ import all_messages
from conformance.make.privacy import Message, write_message_case
from conformance.suite.documents import OwnDocuments, own_adapter
from conformance.suite.hosts import Outcome
from conformance.suite.privacy import SECONDS_MAX, PrivacyCase, judge_all_privacy, judge_privacy, load_privacy, read_privacy_case, wrong_filtering

CASES = load_privacy()
GROUPS = {"readings": 70, "alike": 18, "rules": 25, "withheld": 6}
"""The fewest vectors of each group."""

CLAUSE = re.compile(r"^(?:\| \**|\*\*)([A-Z]-[0-9]+)\b", re.MULTILINE)
HIDDEN = re.compile(r"ghp_[0-9A-Za-z]{30}|BEGIN RSA PRIVATE|S3cr3tPw9@")


def answering(message: object, counts: object = None, withheld: str = "") -> Outcome:
    return Outcome(exit=0, out=json.dumps({"ok": True, "error": None, "result": {"message": message, "counts": counts or {}, "withheld": withheld}}).encode())


def test_there_are_enough_of_each_group() -> None:
    found = Counter(case.id.split("/")[1] for case in CASES)
    assert found.keys() == GROUPS.keys()
    assert {group: found[group] for group, most in GROUPS.items() if found[group] < most} == {}


def test_no_id_stands_twice() -> None:
    assert [name for name, count in Counter(one.id for one in all_messages()).items() if count > 1] == []
    assert {one.id for one in all_messages()} == {case.id for case in CASES}


def test_each_clause_is_one_of_the_specification(root: Path) -> None:
    known = {clause for path in (root / "spec").glob("*.md") for clause in CLAUSE.findall(path.read_text(encoding="utf-8"))}
    assert {clause: case.id for case in CASES for clause in case.clauses if clause not in known} == {}


def test_each_case_wants_something() -> None:
    assert [case.id for case in CASES if not (case.gone or case.same or case.withheld or case.form is not None)] == []


def test_no_made_up_secret_stands_on_the_disk() -> None:
    assert [case.id for case in CASES for path in case.folder.iterdir() if HIDDEN.search(path.read_text(encoding="utf-8"))] == []
    token = next(case for case in CASES if case.id == "privacy/readings/token")
    assert HIDDEN.search(json.dumps(token.message)), "JSON gives it back"


def test_our_adapter_passes() -> None:
    found = judge_all_privacy(CASES, OwnDocuments(), 1)
    assert {verdict.case.id: verdict.wrong for verdict in found if not verdict.passed} == {}


def test_our_executable_passes() -> None:
    assert judge_privacy(next(case for case in CASES if case.id == "privacy/rules/redact"), own_adapter(SECONDS_MAX)).wrong == ()


def test_a_host_that_filters_nothing_passes_only_what_stays() -> None:
    passed = {case.id for case in CASES if not wrong_filtering(case, answering(case.message))}
    assert {name.split("/")[1] for name in passed} == {"alike", "rules"}
    assert sorted(name for name in passed if name.startswith("privacy/rules/")) == ["privacy/rules/disabled", "privacy/rules/invisible-wanted"]


@pytest.mark.parametrize(
    "outcome", [answering(None, withheld="privacy.limit"), answering(None), answering({}), answering("[TEXT]")], ids=["withholds", "null", "empty", "word"]
)
def test_a_host_that_shows_nothing_passes_next_to_nothing(outcome: Outcome) -> None:
    passed = [case for case in CASES if not wrong_filtering(case, outcome)]
    assert len([case for case in passed if case.id.startswith("privacy/readings/")]) < len(CASES) / 4
    assert [case.id for case in passed if case.id.split("/")[1] in {"rules", "withheld"}] in ([], ["privacy/withheld/bomb", "privacy/withheld/half"])


def test_a_withheld_message_must_not_be_shown() -> None:
    case = next(case for case in CASES if case.withheld == "privacy.blocked")
    assert wrong_filtering(case, answering(None, withheld=case.withheld)) == []
    assert wrong_filtering(case, answering(case.message, withheld=case.withheld)) == ["a withheld message is shown"]
    assert wrong_filtering(case, answering(None, withheld="privacy.other"))


def test_counts_are_compared_where_a_vector_has_them() -> None:
    case = next(case for case in CASES if case.id == "privacy/rules/redact")
    assert wrong_filtering(case, answering(case.form, {"email": 2})) == []
    assert wrong_filtering(case, answering(case.form, {"email": 1}))
    assert wrong_filtering(case, answering(case.form, {"email": 2, "phone": 1}))


BAD = [
    b"",
    b"[]",
    b"{}",
    b'{"ok": true, "error": null, "result": null}',
    b'{"ok": false, "error": {"code": "x"}, "result": null}',
    b'{"ok": true, "error": null, "result": {"message": 1}}',
]


@pytest.mark.parametrize("out", BAD)
def test_what_is_no_answer_is_none(out: bytes) -> None:
    assert all(wrong_filtering(case, Outcome(exit=0, out=out)) for case in CASES)


def test_a_case_is_written_as_it_is_read(tmp_path: Path) -> None:
    made = Message(
        group="readings", name="odd", title='A "quoted" title', clauses="F-1 F-2", message={"a": "se§cret \U0001f44b"}, gone=("\U0001f44b", "\\u0041", "\u202e"), stays=('"',), counts="email=1",
    )  # fmt: skip
    write_message_case(made, tmp_path)
    case = read_privacy_case(tmp_path / made.id)
    assert (case.title, case.gone, case.stays, case.counts, case.message) == (made.title, made.gone, made.stays, ("email=1",), {"a": "secret \U0001f44b"})
    assert isinstance(case, PrivacyCase)
