"""Signed bundles: what is read, what is believed, and what is remembered."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from hashlib import sha256
from pathlib import Path

import jsonschema_rs
import pytest

from mpp.crypto.envelope import Envelope, sign
from mpp.crypto.roots import RootChain
from mpp.errors import Refused
from mpp.model.events import read_event, write_event
from mpp.model.jsontext import Json, canonical
from mpp.stages.policy.bundle import (
    EXPIRED,
    IN_FORCE,
    IN_GRACE,
    POLICY_TYPE,
    BundleBody,
    PolicyBundle,
    Remembered,
    policy_event,
    read_bundle,
    remember,
    verify_bundle,
    write_body,
    write_bundle,
)
from mpp.stages.policy.bundle_limits import BUNDLE_BYTES_MAX, CLOCK_SKEW_SECONDS_MAX, EVENT_TEXT_MAX
from mpp.stages.policy.reading import read_policy
from mpp.testing.keys import TestPublisher, publisher, rotated
from mpp.testing.packages import NOW
from tests.records import NO_SALT, as_written

ORG = publisher("Example Org")
LATER = rotated(ORG, "2")
PAIR = publisher("Pair", releases=3, release_threshold=2)
STRANGER = publisher("Stranger")
DAY = 86400
DOCUMENT: Json = {"mpp_policy": 1, "name": "org", "rules": [{"id": "all", "effect": "ask"}]}
BODY = BundleBody(name="org", layer="fleet", version=5, issued=NOW, expires=NOW + 10 * DAY, grace_seconds=DAY, policy=read_policy(DOCUMENT, "p"))


def sealed(by: TestPublisher, payload: bytes, *, kind: str = POLICY_TYPE, signers: int | None = None, chain: RootChain | None = None) -> bytes:
    """``payload`` signed as it stands."""
    signatures = sign(kind, payload, by.release[:signers])
    return write_bundle(chain or by.chain, Envelope(payload_type=kind, payload=payload, signatures=signatures))


def bundle(by: TestPublisher = ORG, body: BundleBody = BODY, *, signers: int | None = None, chain: RootChain | None = None) -> bytes:
    return sealed(by, write_body(body), signers=signers, chain=chain)


def verified(data: bytes, by: TestPublisher = ORG, *, now: int = NOW, layer: str = "fleet") -> PolicyBundle:
    return verify_bundle(data, Remembered(chain=by.chain), now, layer=layer)


def code_of(call: Callable[[], object]) -> str:
    with pytest.raises(Refused) as caught:
        call()
    fault = caught.value.faults[0]
    assert fault.where
    assert fault.hint
    return fault.code


def test_a_sound_bundle_comes_back() -> None:
    found = verified(bundle())
    assert found.body == BODY
    assert found.signers == ORG.release_ids
    assert found.chain.publisher_id == ORG.id
    assert found.digest == read_bundle(bundle(), where="b").digest


def test_a_file_ends_with_a_line_end_or_without() -> None:
    assert verified(bundle() + b"\n") == verified(bundle())
    assert code_of(lambda: verified(bundle() + b"\n\n")) == "policy.json"


def test_a_threshold_of_signatures_is_enough() -> None:
    assert len(verified(bundle(PAIR, signers=2), PAIR).signers) == 2


def test_a_newer_root_of_the_same_publisher_is_taken_and_remembered() -> None:
    found = verify_bundle(bundle(LATER), Remembered(chain=ORG.chain), NOW, layer="fleet")
    assert len(remember(Remembered(chain=ORG.chain), found).chain.roots) == 2


def body_json(**changes: Json) -> dict[str, Json]:
    """The signed part as JSON; a change to ``...`` is one that leaves the key out."""
    document = json.loads(write_body(BODY))
    document.update(changes)
    return {key: item for key, item in document.items() if item != "(absent)"}


WRONG_BODIES: dict[str, tuple[dict[str, Json], str]] = {
    "another version of the form": ({"mpp_policy_bundle": 2}, "policy.range"),
    "no name": ({"name": "(absent)"}, "policy.missing"),
    "an empty name": ({"name": ""}, "policy.length"),
    "a name with a hidden character": ({"name": "or\u200bg"}, "policy.form"),
    "a name of two columns": ({"name": "org  x"}, "policy.form"),
    "no such layer": ({"layer": "company"}, "policy.choice"),
    "version nought": ({"version": 0}, "policy.range"),
    "a version as a text": ({"version": "5"}, "policy.type"),
    "an endless version": ({"version": 2**31}, "policy.range"),
    "an end before its beginning": ({"expires": NOW - 1}, "policy.range"),
    "an end beyond the century": ({"expires": 4102444801}, "policy.range"),
    "an endless grace": ({"grace_seconds": 91 * DAY}, "policy.range"),
    "a key that is not known": ({"comment": "x"}, "policy.unknown_key"),
    "no policy": ({"policy": "(absent)"}, "policy.missing"),
    "a policy that is not sound": ({"policy": {"mpp_policy": 1, "name": "org", "rules": [{"id": "x", "effect": "permit"}]}}, "policy.choice"),
}


@pytest.mark.parametrize("name", WRONG_BODIES)
def test_a_body_is_read_strictly(name: str) -> None:
    changes, code = WRONG_BODIES[name]
    assert code_of(lambda: verified(sealed(ORG, canonical(body_json(**changes))))) == code


def other_file(**changes: Json) -> bytes:
    return canonical({**json.loads(bundle()), **changes})


ENVELOPE = json.loads(bundle())["envelope"]

WRONG_FILES: dict[str, tuple[bytes, str]] = {
    "nothing": (b"", "policy.json"),
    "half": (bundle()[: len(bundle()) // 2], "policy.json"),
    "white space in it": (json.dumps(json.loads(bundle())).encode(), "policy.json"),
    "a list": (b"[]", "policy.type"),
    "no envelope": (canonical({"roots": json.loads(bundle())["roots"]}), "policy.missing"),
    "a key more": (other_file(note="x"), "policy.unknown_key"),
    "no root documents": (other_file(roots=[]), "policy.bundle"),
    "root documents of another form": (other_file(roots="x"), "policy.bundle"),
    "an envelope of another form": (other_file(envelope="x"), "policy.bundle"),
    "no signatures": (other_file(envelope={**ENVELOPE, "signatures": "x"}), "policy.bundle"),
    "a payload that is no base64": (other_file(envelope={**ENVELOPE, "payload": "?"}), "policy.bundle"),
    "a payload that is not canonical": (sealed(ORG, b" " + write_body(BODY)), "policy.json"),
    "another type of document": (sealed(ORG, write_body(BODY), kind="application/vnd.in-toto+json"), "policy.bundle"),
    "too large": (b"{" + b" " * BUNDLE_BYTES_MAX, "policy.length"),
}


@pytest.mark.parametrize("name", WRONG_FILES)
def test_a_file_is_read_strictly(name: str) -> None:
    data, code = WRONG_FILES[name]
    assert code_of(lambda: verified(data)) == code


def test_a_fork_of_the_root_documents_is_refused() -> None:
    one, other = rotated(ORG, "2"), rotated(ORG, "3")
    assert code_of(lambda: verified(bundle(other), one)) == "policy.roots_fork"


def swapped_signature() -> bytes:
    other = json.loads(bundle(body=replace(BODY, version=6)))["envelope"]["signatures"]
    return other_file(envelope={**ENVELOPE, "signatures": other})


WRONG_TRUST: dict[str, tuple[Callable[[], object], str]] = {
    "another publisher": (lambda: verified(bundle(STRANGER)), "policy.publisher"),
    "fewer root versions than are known": (lambda: verified(bundle(), LATER), "policy.roots_behind"),
    "a key that was rotated out": (lambda: verified(bundle(ORG, chain=LATER.chain)), "policy.signer"),
    "nobody signed": (lambda: verified(bundle(signers=0)), "policy.threshold"),
    "one of two signatures": (lambda: verified(bundle(PAIR, signers=1), PAIR), "policy.threshold"),
    "the signature of another bundle": (lambda: verified(swapped_signature()), "policy.signature"),
    "for another layer": (lambda: verified(bundle(), layer="user"), "policy.layer"),
    "not yet issued": (lambda: verified(bundle(), now=NOW - CLOCK_SKEW_SECONDS_MAX - 1), "policy.future"),
    "past its grace": (lambda: verified(bundle(), now=NOW + 11 * DAY + 1), "policy.expired"),
}


@pytest.mark.parametrize("name", WRONG_TRUST)
def test_what_is_not_to_be_believed_is_refused(name: str) -> None:
    call, code = WRONG_TRUST[name]
    assert code_of(call) == code


TIMES = [(-CLOCK_SKEW_SECONDS_MAX, IN_FORCE), (0, IN_FORCE), (10 * DAY, IN_FORCE), (10 * DAY + 1, IN_GRACE), (11 * DAY, IN_GRACE)]


@pytest.mark.parametrize(("after", "state"), TIMES)
def test_a_bundle_holds_to_the_end_of_its_grace(after: int, state: str) -> None:
    assert verified(bundle(), now=NOW + after).body.state(NOW + after) == state


def test_past_its_grace_it_has_ended() -> None:
    assert BODY.state(NOW + 11 * DAY + 1) == EXPIRED
    assert BODY.ends == NOW + 11 * DAY


KNOWN = remember(Remembered(chain=ORG.chain), verified(bundle()))
ORDER: dict[str, tuple[BundleBody, str]] = {
    "the same again": (BODY, ""),
    "the next": (replace(BODY, version=6), ""),
    "a much later one": (replace(BODY, version=2**31 - 1), ""),
    "the one before": (replace(BODY, version=4), "policy.rollback"),
    "other content under the same version": (replace(BODY, expires=NOW + 9 * DAY), "policy.fork"),
    "another name": (replace(BODY, name="test", version=9), "policy.name"),
}


@pytest.mark.parametrize("name", ORDER)
def test_versions_only_rise(name: str) -> None:
    body, code = ORDER[name]
    if code:
        assert code_of(lambda: verify_bundle(bundle(body=body), KNOWN, NOW, layer="fleet")) == code
    else:
        assert verify_bundle(bundle(body=body), KNOWN, NOW, layer="fleet").body == body


def test_an_enrolled_name_is_asked_for_from_the_first_bundle_on() -> None:
    known = Remembered(chain=ORG.chain, name="prod")
    assert code_of(lambda: verify_bundle(bundle(), known, NOW, layer="fleet")) == "policy.name"


def test_what_is_remembered() -> None:
    assert (KNOWN.name, KNOWN.version, KNOWN.digest) == ("org", 5, verified(bundle()).digest)
    assert remember(KNOWN, verified(bundle())) is KNOWN
    later = verify_bundle(bundle(body=replace(BODY, version=6)), KNOWN, NOW, layer="fleet")
    assert remember(KNOWN, later).version == 6


def test_an_event_holds_what_is_known_and_no_more() -> None:
    event = policy_event("loaded", "fleet", at=NOW, name="org", version=5, why="x" * 1000)
    assert read_event(write_event(event, NO_SALT), where="e") == as_written(event)
    assert event.body == {"what": "loaded", "layer": "fleet", "name": "org", "version": 5, "why": "x" * (EVENT_TEXT_MAX - 3) + "..."}
    assert policy_event("removed", "user", at=NOW).body == {"what": "removed", "layer": "user"}


# The text and the schema say the same as the code.

SPEC = Path(__file__).resolve().parents[3] / "spec"
EXAMPLE = replace(
    BODY, name="example-fleet", version=7, issued=NOW, expires=NOW + 90 * DAY, grace_seconds=7 * DAY,
    policy=read_policy({"mpp_policy": 1, "name": "example-fleet", "rules": [{"id": "notes", "effect": "allow", "packages": ["com.example.*"]}]}, "p"),
)  # fmt: skip


def test_the_example_of_the_text_is_exact() -> None:
    text = (SPEC / "policy-bundle.md").read_text(encoding="utf-8")
    payload, file = write_body(EXAMPLE), bundle(publisher(), EXAMPLE)
    shown = text.partition("```json\n")[2].partition("```")[0]
    assert canonical(json.loads(shown)) == payload
    assert f"has {len(payload)} bytes" in text
    assert f"`{sha256(payload).hexdigest()}`: the **digest**" in text
    assert json.loads(file)["envelope"]["signatures"][0]["sig"] in text
    assert f"has {len(file):,} bytes" in text
    assert f"`{sha256(file).hexdigest()}`" in text
    assert f"{BUNDLE_BYTES_MAX:,} bytes" in text


def schema(part: str = "") -> jsonschema_rs.Draft202012Validator:
    found = json.loads((SPEC / "schema" / "policy-bundle.schema.json").read_text(encoding="utf-8"))
    return jsonschema_rs.Draft202012Validator({"$ref": f"#/$defs/{part}", "$defs": found["$defs"]} if part else found)


def test_the_schema_fits_what_is_written() -> None:
    file, payload = json.loads(bundle(LATER)), json.loads(write_body(EXAMPLE))
    schema().validate(file)
    schema("payload").validate(payload)
    for key in file:
        assert not schema().is_valid({**file, "x": 1})
        assert not schema().is_valid({one: item for one, item in file.items() if one != key})
    for key in payload:
        assert not schema("payload").is_valid({one: item for one, item in payload.items() if one != key})


@pytest.mark.parametrize(("key", "item"), [("version", 0), ("layer", "company"), ("grace_seconds", -1), ("name", ""), ("mpp_policy_bundle", 2), ("x", 1)])
def test_the_schema_refuses_what_the_reader_does(key: str, item: Json) -> None:
    assert not schema("payload").is_valid({**json.loads(write_body(EXAMPLE)), key: item})
