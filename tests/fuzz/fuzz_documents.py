"""Fuzz the readers of documents one by one: statement, envelope, root chain, trust, key file, manifest, wasm.

    python tests/fuzz/fuzz_documents.py --runs 1000000 --seed 7 -j 2 [--only manifest]

What must hold: only ``Refused`` is raised; a document that is accepted and has one form is written back as the same
bytes; others read the same when written and read again.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from random import Random
from typing import NamedTuple

from loop import BrokenError, Case, drive
from mutate import compact, mutate_document, mutate_wasm
from sealed import CHAIN_V1, FILES, PUBLISHER, RIGHTS, TRUST, WASM, envelope_of, mutate_chain, statement_bytes, statement_of

from mpp.crypto.envelope import read_envelope, write_envelope
from mpp.crypto.keyfile import open_key, read_key, write_key
from mpp.crypto.roots import read_chain
from mpp.errors import Refused
from mpp.host.trust_store import read_trust, with_pin, write_trust
from mpp.model.manifest import parse_manifest, read_manifest
from mpp.stages.gatekeeper import PAYLOAD_TYPE, RULES, read_wasm, write_statement
from mpp.stages.gatekeeper.limits import STATEMENT_BYTES_MAX
from mpp.stages.gatekeeper.statement import read_statement
from mpp.stages.gatekeeper.wasm_rules import imported_powers, judge_wasm
from mpp.testing.keys import fixed_seed
from mpp.testing.packages import TestRandom, manifest

RELEASE = ("Example Publisher release two 0",)


def _statement(data: bytes) -> None:
    if write_statement(read_statement(data, where="statement")) != data:
        raise BrokenError("a statement is not written back as it was read")


def _envelope(data: bytes) -> None:
    found = read_envelope(data, where="envelope", payload_type=PAYLOAD_TYPE, payload_most=STATEMENT_BYTES_MAX)
    if write_envelope(found) != data:
        raise BrokenError("an envelope is not written back as it was read")


def _chain(data: bytes) -> None:
    found = read_chain(data, where="chain")
    if found.data != data or not found.begins_with(found):
        raise BrokenError("a chain is not what was read")


def _trust(data: bytes) -> None:
    state = read_trust(data, where="trust")
    again = read_trust(write_trust(state), where="trust")
    if (again, again.digest) != (state, state.digest):
        raise BrokenError("a trust document changes when it is written and read")


def _key(data: bytes) -> None:
    found = read_key(data, where="key")
    # A sealed key is not opened: each try costs what guessing costs.
    if not found.sealed:
        open_key(found, None, where="key")


def _manifest(data: bytes) -> None:
    reading = read_manifest(data)
    if reading.manifest is None and not reading.faults:
        raise BrokenError("neither a manifest nor a fault")
    if reading.manifest is not None and read_manifest(data) != reading:
        raise BrokenError("a manifest reads in two ways")
    found = parse_manifest(data)
    for tool in found.tool_definitions:
        json.loads(tool.parameters)


def _wasm(data: bytes) -> None:
    shape = read_wasm(data)
    refused: list[Refused] = []
    for name in RULES:
        try:
            judge_wasm(shape, name, 64)
        except Refused as fault:
            refused.append(fault)
    imported_powers(shape)
    if len(refused) == len(RULES):
        raise refused[0]


def _keys() -> tuple[bytes, ...]:
    plain = write_key(fixed_seed("fuzz"), "release", None, TestRandom())
    # Not made by write_key, which would run argon2id at start: the reader looks at form alone.
    document = json.loads(plain)
    del document["seed"]
    document["sealed"] = {
        "kdf": "argon2id",
        "ops": 3,
        "memory_bytes": 2**28,
        "salt": "A" * 21 + "Q==",
        "cipher": "xchacha20poly1305",
        "nonce": "A" * 32,
        "box": "A" * 64,
    }
    return plain, compact(document) + b"\n"


def _statements() -> tuple[bytes, ...]:
    return tuple(statement_bytes(statement_of(inside, b"content", PUBLISHER.chain.data)) for inside in FILES)


RICH = manifest(
    {
        **RIGHTS,
        "publisher/url": "https://example.com",
        "publisher/verified_key_id": "pub_" + "0" * 16,
        "capabilities/secrets": [{"name": "API", "host": "api.example.com", "header": "Authorization", "format": "Bearer {secret}"}],
        "capabilities/storage": {"kv": {"max_bytes": 65536}},
        "capabilities/hardware": [{"device": "gpu", "path": "/dev/dri/renderD128", "mode": "rw"}],
        "privacy_filters/custom_patterns": [{"id": "badge", "regex": "B-[0-9]{6}", "description": "a badge number"}],
        "tool_definitions/0/returns": {
            "type": "object",
            "properties": {"text": {"type": "string", "maxLength": 10}, "n": {"enum": [1, 2.5, None]}},
            "required": ["text"],
        },
        "runtime/deterministic": True,
    }
)
MANIFESTS = (*(inside["manifest.json"] for inside in FILES), json.dumps(RICH).encode())
TRUSTS = (write_trust(TRUST), write_trust(with_pin(with_pin(TRUST, "com.example.hello", PUBLISHER.id), "com.example.", PUBLISHER.id)))
ENVELOPES = tuple(compact(envelope_of(one, RELEASE)) for one in _statements())


class Target(NamedTuple):
    """A reader, where its cases begin, and how they change."""

    read: Callable[[bytes], None]
    seeds: tuple[bytes, ...]
    change: Callable[[Random, bytes, bytes], bytes] = mutate_document


def _changed_chain(rng: Random, data: bytes, other: bytes) -> bytes:
    return mutate_chain(rng) if rng.randrange(2) else mutate_document(rng, data, other)


TARGETS: dict[str, Target] = {
    "statement": Target(_statement, _statements()),
    "envelope": Target(_envelope, ENVELOPES),
    "chain": Target(_chain, (PUBLISHER.chain.data, CHAIN_V1), _changed_chain),
    "trust": Target(_trust, TRUSTS),
    "key": Target(_key, _keys()),
    "manifest": Target(_manifest, MANIFESTS),
    "wasm": Target(_wasm, WASM, mutate_wasm),
}
WEIGHTED = ("manifest", "manifest", "manifest", "wasm", "wasm", "wasm", "statement", "envelope", "chain", "trust", "key")


def make(rng: Random, names: tuple[str, ...] = WEIGHTED) -> Case:
    name = rng.choice(names)
    target = TARGETS[name]
    return Case(name, target.change(rng, rng.choice(target.seeds), rng.choice(target.seeds)), target.read)


def main(arguments: list[str]) -> int:
    # Cases begin at sound documents; one that is refused would make all its cases shallow.
    for target in TARGETS.values():
        for seed in target.seeds:
            target.read(seed)
    if "--only" in arguments:
        at = arguments.index("--only")
        name = arguments[at + 1]
        return drive(lambda rng: make(rng, (name,)), arguments[:at] + arguments[at + 2 :])
    return drive(make, arguments)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
