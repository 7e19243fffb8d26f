"""Signing policies: nothing is signed that no host would take."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from mpp.author import policy_sign as module
from mpp.author.policy_sign import SignedPolicy, cosign_policy, next_version, sign_policy
from mpp.errors import MppError
from mpp.stages.policy import BUNDLE_VERSION_MAX, BundleBody, Remembered, read_bundle, verify_bundle
from mpp.testing.keys import fixed_signer, publisher
from mpp.testing.packages import NOW
from mpp.testing.policies import DAY, body, bundle

ORG, PAIR = publisher("Example Org"), publisher("Pair", releases=3, release_threshold=2)


def code_of(call: Callable[[], object]) -> str:
    with pytest.raises(MppError) as caught:
        call()
    assert caught.value.hint
    return caught.value.code


def signed(of: BundleBody, *, signers: int = 2) -> SignedPolicy:
    return sign_policy(of, PAIR.chain, PAIR.release[:signers], NOW)


def test_what_is_signed_is_what_a_host_takes() -> None:
    made = sign_policy(body(7), ORG.chain, ORG.release, NOW)
    found = verify_bundle(made.data, Remembered(chain=ORG.chain), NOW, layer="fleet")
    assert (found.body, found.digest, found.signers) == (body(7), made.digest, made.signers)
    assert made.missing == 0
    assert made.data.endswith(b"\n")


def test_one_key_counts_once() -> None:
    assert sign_policy(body(), PAIR.chain, (PAIR.release[0], PAIR.release[0]), NOW).missing == 1


def test_signatures_are_added_until_there_are_enough() -> None:
    first = signed(body(), signers=1)
    assert first.missing == 1
    assert code_of(lambda: verify_bundle(first.data, Remembered(chain=PAIR.chain), NOW, layer="fleet")) == "policy.threshold"
    second = cosign_policy(first.data, PAIR.release[1:2], NOW, where="b")
    assert (second.missing, second.digest) == (0, first.digest)
    assert cosign_policy(second.data, PAIR.release[2:], NOW, where="b").missing == 0


REFUSED: dict[str, tuple[Callable[[], object], str]] = {
    "an end that has passed": (lambda: signed(body(expires=NOW)), "policy.range"),
    "an end beyond all time": (lambda: signed(body(expires=4102444801)), "policy.range"),
    "a grace without end": (lambda: signed(body(grace_seconds=91 * DAY)), "policy.range"),
    "a key of nobody": (lambda: sign_policy(body(), ORG.chain, (fixed_signer("thief"),), NOW), "key.not_release"),
    "the root key": (lambda: sign_policy(body(), ORG.chain, ORG.root, NOW), "key.not_release"),
    "the same signature again": (lambda: cosign_policy(signed(body(), signers=1).data, PAIR.release[:1], NOW, where="b"), "key.signed"),
    "a key of nobody beside another": (lambda: cosign_policy(signed(body(), signers=1).data, ORG.release, NOW, where="b"), "key.not_release"),
    "a layer that is none": (lambda: signed(replace(body(), layer="company")), "policy.choice"),
    "a name that deceives": (lambda: signed(replace(body(), name="or  g")), "policy.form"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_no_host_would_take_is_not_signed(name: str) -> None:
    call, code = REFUSED[name]
    assert code_of(call) == code


def test_what_is_too_large_is_not_signed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "BUNDLE_POLICY_BYTES_MAX", 100)
    assert code_of(lambda: signed(body())) == "policy.length"


def test_versions_follow_each_other() -> None:
    before = read_bundle(bundle(ORG, body(7)), where="b")
    assert next_version(None, ORG.chain, body(), where="b") == 1
    assert next_version(before, ORG.chain, body(), where="b") == 8
    for other in (replace(body(), name="x"), replace(body(), layer="user")):
        assert code_of(lambda of=other: next_version(before, ORG.chain, of, where="b")) == "policy.name"  # type: ignore[misc]
    assert code_of(lambda: next_version(before, PAIR.chain, body(), where="b")) == "policy.name"
    last = read_bundle(bundle(ORG, body(BUNDLE_VERSION_MAX)), where="b")
    assert code_of(lambda: next_version(last, ORG.chain, body(), where="b")) == "policy.range"
