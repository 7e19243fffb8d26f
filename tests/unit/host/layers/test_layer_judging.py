"""Which layer holds: the hash decides, whoever signed it, unless somebody revoked it. Spec: layers section 3."""

from __future__ import annotations

from dataclasses import replace
from hashlib import sha256
from pathlib import Path

import pytest

from mpp.crypto.ed25519 import short_id
from mpp.errors import MppError
from mpp.host.layers import judge_file, judge_named, judging as module, JudgedLayer
from mpp.host.layers.judging import is_revoked, vouched
from mpp.model.manifest import LayerRef
from mpp.stages.gatekeeper import NO_TRUST, TrustState, TrustedPublisher
from mpp.stages.sandbox import ImageCache
from mpp.testing import packages
from mpp.testing.keys import publisher, rotated
from tests import layered

WHO = publisher()
DATA = layered.layer()
REF = LayerRef(id="com.example.interpreter", version="1.0.0", sha256=sha256(layered.layer_body()).hexdigest())


@pytest.fixture
def cache(tmp_path: Path) -> ImageCache:
    return ImageCache(str(tmp_path / "cache"))


def judge(data: bytes = DATA, named: LayerRef = REF, trust: TrustState = NO_TRUST, cache: ImageCache | None = None) -> JudgedLayer:
    return judge_named(data, named, trust, packages.NOW, cache)


def code(**more: object) -> str:
    with pytest.raises(MppError) as found:
        judge(**more)  # type: ignore[arg-type]
    assert found.value.hint
    return found.value.code


def test_an_unknown_publisher_counts_for_a_layer_that_is_named_by_its_hash() -> None:
    found = judge()
    assert (found.ref, found.publisher_id, found.entrypoint) == (REF, WHO.id, "layer.wasm")
    assert found.wasm_sha256 == sha256(layered.wasm()).hexdigest()
    assert found.code() == layered.wasm()
    assert found.signers == tuple(map(short_id, WHO.release_ids))
    assert judge(trust=replace(NO_TRUST, first_use=False)).ref == REF


def test_a_pin_to_somebody_else_does_not_matter_where_the_hash_decides() -> None:
    assert judge(trust=replace(NO_TRUST, pins={REF.id: "f" * 64}, prefixes={"com.": "e" * 64})).ref == REF


@pytest.mark.parametrize("kept", [False, True])
def test_what_was_revoked_is_refused_also_where_a_verdict_is_kept(kept: bool, cache: ImageCache) -> None:
    if kept:
        judge(cache=cache)
    assert code(trust=replace(NO_TRUST, revoked_content=frozenset((REF.sha256,))), cache=cache) == "publisher.content_revoked"
    assert code(trust=replace(NO_TRUST, revoked_publishers=frozenset((WHO.id,))), cache=cache) == "publisher.revoked"


@pytest.mark.parametrize("kept", [False, True])
def test_only_the_named_content_is_taken(kept: bool, cache: ImageCache) -> None:
    if kept:
        judge(cache=cache)
    assert code(data=layered.layer(code=layered.sound()), cache=cache) == "layer.changed"
    assert code(named=replace(REF, version="1.0.1"), cache=cache) == "layer.named"
    assert code(named=replace(REF, id="com.example.python"), cache=cache) == "layer.named"
    assert code(data=layered.layer_body(), cache=cache) == "signature.unsigned"
    changed = bytearray(DATA)
    changed[-400] ^= 1
    assert code(data=bytes(changed), cache=cache).partition(".")[0] in {"archive", "signature", "content"}


def test_a_tool_is_no_layer() -> None:
    named = replace(REF, id="com.example.hello", version="0.1.0", sha256=sha256(packages.unsigned()).hexdigest())
    assert code(data=packages.signed(), named=named) == "layer.type"


def test_the_inside_is_read_once_on_a_machine(cache: ImageCache, monkeypatch: pytest.MonkeyPatch) -> None:
    first = judge(cache=cache)
    monkeypatch.setattr(module, "verify", lambda *_: pytest.fail("all seven checks ran again"))
    second = judge(cache=cache)
    assert replace(second, archive=first.archive) == first
    assert second.code() == layered.wasm()
    monkeypatch.undo()
    monkeypatch.setattr(module, "GATEKEEPER_VERSION", 99)
    ran: list[object] = []
    real = module.verify
    monkeypatch.setattr(module, "verify", lambda *given: ran.append(given) or real(*given))
    judge(cache=cache)
    assert len(ran) == 1


@pytest.mark.parametrize("row", [{}, {"content": "f" * 64, "gatekeeper": 2, "wasm": "0" * 64}, {"content": REF.sha256, "gatekeeper": 1, "wasm": "0" * 64}])
def test_a_verdict_on_something_else_counts_for_nothing(row: dict[str, object], cache: ImageCache) -> None:
    cache.keep_verdict(REF.sha256, row)  # type: ignore[arg-type]
    assert judge(cache=cache).wasm_sha256 == sha256(layered.wasm()).hexdigest()


def test_a_signer_that_was_rotated_out_still_counts_and_a_fork_does_not() -> None:
    newer = rotated(WHO, "second", revoke=True)
    known = replace(NO_TRUST, publishers={WHO.id: TrustedPublisher(chain=newer.chain)})
    assert judge(trust=known).ref == REF
    forked = replace(NO_TRUST, publishers={WHO.id: TrustedPublisher(chain=rotated(WHO, "other").chain)})
    assert code(data=layered.layer(newer), trust=forked) == "publisher.fork"


def test_a_file_is_judged_under_the_trust_of_the_host() -> None:
    with pytest.raises(MppError) as found:
        judge_file(DATA, NO_TRUST, packages.NOW)
    assert found.value.code == "publisher.unknown"
    assert judge_file(DATA, vouched(NO_TRUST, DATA), packages.NOW).ref == REF


def test_a_revocation_is_seen_without_judging_again() -> None:
    found = judge()
    assert not is_revoked(found, NO_TRUST)
    assert is_revoked(found, replace(NO_TRUST, revoked_content=frozenset((REF.sha256,))))
    assert is_revoked(found, replace(NO_TRUST, revoked_publishers=frozenset((WHO.id,))))
