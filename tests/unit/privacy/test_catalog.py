"""The list of what is searched for: every pattern has words, and there is as much of it as the texts promise."""

from __future__ import annotations

import re

from mpp.stages.privacy import built_in, expand, group_of, GROUPS, known_types, OFF_BY_DEFAULT, words_for
from mpp.stages.privacy.catalog import national_types, secret_types
from mpp.stages.privacy.words import WORDS

MANIFEST_NAMES = frozenset(("email", "phone", "credit_card", "ssn", "api_key"))
"""Names that the format has had from its beginning."""

OF_NOBODY = frozenset((
    "access_code", "auth_header", "jwt", "password", "password_hash", "private_key", "recovery_phrase", "secret_value", "session_cookie", "age_key", "mpp_private_key",
))  # fmt: skip
"""Secrets that are not of one issuer."""

STATE = re.compile(r" (?:of|in) (?:the )?((?:[A-Z]\w+)(?: (?:of|and|the|[A-Z]\w+))*)")


def test_every_type_has_words_and_no_words_are_left_over() -> None:
    assert WORDS.keys() == known_types()
    assert list(WORDS) == sorted(WORDS)


def test_words_are_plain() -> None:
    assert [kind for kind, words in WORDS.items() if not 5 <= len(words) <= 90 or not words.isascii() or words.endswith(".") or "|" in words] == []
    assert len(set(WORDS.values())) == len(WORDS), "two types have the same words"


def test_there_is_as_much_as_is_promised() -> None:
    assert len(known_types()) >= 60
    assert len(secret_types() - OF_NOBODY) >= 25
    assert len({found[1] for kind in national_types() if (found := STATE.search(WORDS[kind]))}) >= 12
    assert secret_types().isdisjoint(national_types())


def test_the_names_of_the_manifest_are_there() -> None:
    assert known_types() | GROUPS.keys() >= MANIFEST_NAMES


def test_ids_are_ids() -> None:
    assert [kind for kind in known_types() if not re.fullmatch(r"[a-z][a-z0-9_]{1,63}", kind)] == []
    assert known_types().isdisjoint(GROUPS)
    assert known_types() >= OFF_BY_DEFAULT


def test_known_types_are_those_of_the_detectors() -> None:
    assert known_types() == {kind for detector in built_in() for kind in detector.types}


def test_a_type_knows_its_group() -> None:
    assert (group_of("github_token"), group_of("bsn"), group_of("email"), group_of("nobody_knows")) == ("api_key", "national_id", "email", "nobody_knows")


def test_a_group_stands_for_its_members() -> None:
    assert expand(("api_key",)) == secret_types()
    assert expand(frozenset(("national_id", "email"))) == national_types() | {"email"}
    assert expand(("of_the_package",)) == {"of_the_package"}
    assert expand(()) == frozenset()


def test_words_of_a_stranger_are_its_name() -> None:
    assert words_for("github_token") == "access token of GitHub"
    assert words_for("person_name") == "person name"
