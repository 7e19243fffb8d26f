from __future__ import annotations

from dataclasses import replace

import pytest

from mpp.errors import Refused
from mpp.model.jsontext import Json
from mpp.model.manifest import Manifest, parse_manifest
from mpp.stages.approval import Consent, Kept, consent_of, definitions_digest, keeps
from mpp.stages.approval.consent import changed_words
from mpp.stages.approval.limits import CHANGES_MAX, CONSENT_BYTES_MAX
from mpp.testing.packages import NOW, files, manifest

PUBLISHER = "ab" * 32
TOOLS = manifest()["tool_definitions"]
assert isinstance(TOOLS, list)
assert isinstance(TOOLS[0], dict)
SECOND: Json = {**TOOLS[0], "name": "other"}
LAYER: Json = {"id": "org.python.base", "version": "3.14.0", "sha256": "cd" * 32}


def data(changes: dict[str, Json] | None = None) -> bytes:
    return files(changes)["manifest.json"]


def package(changes: dict[str, Json] | None = None) -> Manifest:
    return parse_manifest(data(changes))


def consent(changes: dict[str, Json] | None = None) -> Consent:
    return consent_of(package(changes), data(changes), tenant="local", publisher_id=PUBLISHER, by="user:ada", amr="tty", now=NOW)


def kept(new: dict[str, Json] | None = None, old: dict[str, Json] | None = None, *, tenant: str = "local", publisher: str = PUBLISHER) -> Kept:
    return keeps(consent(old), package(new), tenant=tenant, publisher_id=publisher)


def test_what_a_consent_holds() -> None:
    found = consent()
    assert (found.package_id, found.version, found.by, found.amr, found.at, found.layer) == ("com.example.hello", "0.1.0", "user:ada", "tty", NOW, "")
    assert found.definitions == definitions_digest(package())
    python: dict[str, Json] = {"runtime/type": "python", "runtime/layer": LAYER, "runtime/entrypoint": "main.py"}
    assert consent(python).layer == "cd" * 32


def test_a_manifest_that_is_too_large_is_not_kept() -> None:
    with pytest.raises(Refused) as caught:
        consent_of(package(), b" " * (CONSENT_BYTES_MAX + 1), tenant="local", publisher_id=PUBLISHER, by="", amr="", now=NOW)
    assert caught.value.code == "consent.size"


KEEPS: list[tuple[str, dict[str, Json], dict[str, Json]]] = [
    ("the same", {}, {}),
    ("another version", {"version": "9.0.0"}, {}),
    ("other words about the package", {"description": "Greets everybody"}, {}),
    ("less network", {}, {"capabilities/network": ["api.example.com"]}),
    ("a narrower folder", {"capabilities/filesystem/read": ["/data/in"]}, {"capabilities/filesystem/read": ["/data"]}),
    ("less memory and time", {"runtime/memory_limit_mb": 8, "runtime/timeout_ms": 100}, {}),
    ("tools in another order", {"tool_definitions": [SECOND, TOOLS[0]]}, {"tool_definitions": [TOOLS[0], SECOND]}),
    ("more that is hidden", {"privacy_filters/patterns": ["email", "ssn"]}, {}),
]


@pytest.mark.parametrize(("new", "old"), [row[1:] for row in KEEPS], ids=[row[0] for row in KEEPS])
def test_an_update_that_grows_in_nothing_keeps_it(new: dict[str, Json], old: dict[str, Json]) -> None:
    assert kept(new, old) == Kept(kept=True)


ENDS: list[tuple[str, dict[str, Json], dict[str, Json], str]] = [
    ("more network", {"capabilities/network": ["api.example.com"]}, {}, "May send requests to api.example.com"),
    ("a wider folder", {"capabilities/filesystem/read": ["/data"]}, {"capabilities/filesystem/read": ["/data/in"]}, "May read /data, "),
    ("the folder beside", {"capabilities/filesystem/read": ["/database"]}, {"capabilities/filesystem/read": ["/data"]}, "May read /database, "),
    ("a variable", {"capabilities/env_vars": ["HOME_TOWN"]}, {}, "HOME_TOWN"),
    ("more memory", {"runtime/memory_limit_mb": 32}, {}, "May use 32 MiB of memory instead of 16."),
    ("more time", {"runtime/timeout_ms": 6000}, {}, "May run for 6000 ms instead of 5000."),
    ("another layer", {"runtime/type": "python", "runtime/layer": LAYER, "runtime/entrypoint": "main.py"}, {}, "Runs on the layer org.python.base"),
    ("a new tool", {"tool_definitions": [TOOLS[0], SECOND]}, {}, "Brings the new tool other (security level low)."),
    ("a tool that is gone", {"tool_definitions": [TOOLS[0]]}, {"tool_definitions": [TOOLS[0], SECOND]}, "The tool other is gone."),
    ("another level", {"tool_definitions/0/security_level": "medium"}, {}, "Rates the tool greet medium instead of low."),
    ("other words", {"tool_definitions/0/description": "Greets a person and reports it"}, {}, 'The description of the tool greet said nothing there and now says "and reports it".'),
    ("fewer words", {"tool_definitions/0/description": "Greets person"}, {}, 'The description of the tool greet said "a" and now says nothing there.'),
    ("a title", {"tool_definitions/0/title": "Greeter"}, {}, 'The title of the tool greet said nothing there and now says "Greeter".'),
    ("other parameters", {"tool_definitions/0/parameters": {"type": "object"}}, {}, "The parameters of the tool greet are others."),
    ("other answers", {"tool_definitions/0/returns": {"type": "string"}}, {}, "What the tool greet returns has another form."),
    ("less that is hidden", {"privacy_filters/patterns": []}, {}, "No longer asks that these are hidden in its answers: email."),
]  # fmt: skip


@pytest.mark.parametrize(("new", "old", "words"), [row[1:] for row in ENDS], ids=[row[0] for row in ENDS])
def test_an_update_that_grows_or_differs_ends_it_and_says_how(new: dict[str, Json], old: dict[str, Json], words: str) -> None:
    found = kept(new, old)
    assert not found.kept
    assert words in " ".join(found.lines)


def test_a_consent_is_of_one_package_of_one_publisher_for_one_tenant() -> None:
    for found in (kept(publisher="cd" * 32), kept(tenant="other"), kept({"package_id": "com.example.other"})):
        assert found == Kept(kept=False, lines=("Nobody agreed to this package of this publisher.",))


def test_a_consent_that_cannot_be_read_holds_nothing() -> None:
    found = keeps(replace(consent(), manifest=b"{}"), package(), tenant="local", publisher_id=PUBLISHER)
    assert found == Kept(kept=False, lines=("What was agreed to before can no longer be read.",))


def test_the_digest_decides_where_no_word_differs() -> None:
    found = keeps(replace(consent(), definitions="cd" * 32), package(), tenant="local", publisher_id=PUBLISHER)
    assert found == Kept(kept=False, lines=("The tools are described in another way.",))


def test_many_differences_are_counted() -> None:
    many: list[Json] = [{**TOOLS[0], "name": f"tool_{i}"} for i in range(120)]
    found = kept({"tool_definitions": many})
    assert len(found.lines) == CHANGES_MAX + 1
    assert found.lines[-1] == "and 21 more differences"


WORDS = [
    ("", "", ("", "")),
    ("a b c", "a b c", ("", "")),
    ("a b c", "a x c", ("b", "x")),
    ("a b", "a b c", ("", "c")),
    ("a b c", "b c", ("a", "")),
    ("a a a", "a a", ("a", "")),
    ("a", "b", ("a", "b")),
    ("a  b\nc", "a b c", ("", "")),
    ("x y", "", ("x y", "")),
]


@pytest.mark.parametrize(("old", "new", "changed"), WORDS)
def test_the_words_between_what_is_shared(old: str, new: str, changed: tuple[str, str]) -> None:
    assert changed_words(old, new) == changed


def test_a_difference_of_blanks_alone_is_said_too() -> None:
    found = kept({"tool_definitions/0/description": "Greets  a person"})
    assert found.lines == ("The description of the tool greet has other spaces or line ends.",)


def test_long_descriptions_are_compared_in_a_moment() -> None:
    old, new = "a b " * 2000, "b a " * 2000
    assert len(changed_words(old, new)[0]) > 7000
