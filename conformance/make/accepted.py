"""What every host must accept: the sound package in many shapes, and limits from their inner side."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from conformance.make.build import EXAMPLE, NOW, Package, body, edit, files, find, manifest, package
from conformance.make.case import Case, accept
from conformance.make.deflate import zeros
from conformance.make.roots import ROOT, chain, roots_of, signed
from conformance.make.trust import HELLO, OTHER, TEAM, known, pinned, trust
from conformance.make.layers import SMALLEST
from conformance.make.wasm import PYTHON, SCRIPT
from mpp.crypto.ed25519 import key_id
from mpp.crypto.roots import read_chain
from mpp.model.jsontext import Json
from mpp.testing.keys import TestPublisher, publisher, rotated
from mpp.testing.wasm import component, module

# One case a line, however long.
# fmt: off

SOUND = package()
NEXT = rotated(EXAMPLE, "2")
MOVED = rotated(EXAMPLE, "2", new_root=True)
THIEF = rotated(EXAMPLE, "2", revoke=True)
TEAM_RELEASE = tuple(sorted(TEAM.release, key=lambda one: key_id(one.public_key)))
PREVIEW1 = "wasi_snapshot_preview1"
LONG = "a" * 100


def _deflated(name: str, packed: bytes, plain: bytes) -> Package:
    rows = body(files(extra={name: plain}))
    member = find(rows, name)
    member.method, member.packed = 8, packed
    return replace(SOUND, body=rows)


def _versions(count: int) -> TestPublisher:
    found = EXAMPLE
    for number in range(2, count + 1):
        found = rotated(found, str(number))
    return found


def _named(package_id: str, version: str = "0.1.0") -> Package:
    return package(files({"package_id": package_id, "version": version}), package_id=package_id, version=version)


def _shapes() -> Iterator[Case]:
    """Containers."""
    inner = SOUND.data
    names = {"A+b-c_d.e": b"1", "_x": b"2", "0": b"3", "a..b": b"4", "console.txt": b"5", "nul_": b"6", "com10": b"7"}
    rows: tuple[tuple[str, str, str, Package], ...] = (
        ("minimal", "The sound package: a manifest, a README and the smallest command", "A-1 G-2", SOUND),
        ("no-readme", "A manifest and an entrypoint alone", "A-1", package(files(extra={"README.md": None}))),
        ("member-deflated", "A deflated member beside stored ones", "A-21 A-41", _deflated("zeros.bin", zeros(1), bytes(1 + 258))),
        ("member-deflated-copies", "A deflated member with copies, which grows about 150 times", "A-26 A-28", _deflated("zeros.bin", zeros(200), bytes(1 + 258 * 200))),
        ("member-empty", "An empty member, stored", "A-22", package(files(extra={"empty": b""}))),
        ("ratio-floor", "20 packed bytes that grow to just within 200 times 64", "A-26", _deflated("zeros.bin", FLOOR, FLOOR_PLAIN)),
        ("member-is-package", "A member that is itself a package, end record and all", "A-2", package(files(extra={"inner.mpp": inner}))),
        ("member-holds-headers", "A member whose bytes look like ZIP headers", "A-2", package(files(extra={"data.bin": b"PK\3\4PK\1\2PK\5\6PK\7\x08" * 4}))),
        ("members-100", "100 members", "A-24", package(files(extra={f"f/{i:03}": b"%d" % i for i in range(97)}))),
        ("members-4096", "4,096 members, the most there may be", "A-24", package(files(extra={f"f/{i:04}": b"" for i in range(4091)}))),
        ("manifest-256-kib", "A manifest of exactly 256 KiB", "A-25 M-1", package(files(text=files()["manifest.json"].ljust(256 * 1024)))),
        ("name-240", "A name of 240 bytes with components of 100", "A-30 A-34", package(files(extra={f"{LONG}/{LONG}/{'a' * 38}": b"x"}))),
        ("name-depth-16", "A name of 16 components", "A-33", package(files(extra={"/".join("abcdefghijklmnop"): b"x"}))),
        ("names-odd", "Names with every allowed character, and names close to device names", "A-35 A-36", package(files(extra=names))),
        ("names-order", "Names whose order by bytes is not that of dictionaries", "A-17", package(files(extra=dict.fromkeys(("B", "Z", "_", "a-b", "a/b", "a0", "aC", "az/B", "az/a"), b"x")))),
        ("reserved", "The two optional members below _mpp/", "A-37 A-50 A-51", package(files(extra={"_mpp/provenance.json": b"{}", "_mpp/sbom.cdx.json": b"{}"}))),
    )
    for name, title, clauses, found in rows:
        yield accept(name, title, clauses, found)


FLOOR = zeros(4)
FLOOR_PLAIN = bytes(1 + 258 * 4)


def _team(count: int) -> Package:
    return package(by=TEAM, signers=TEAM_RELEASE[:count])


def _signers() -> Iterator[Case]:
    """Signers, rotation and trust."""
    many = publisher("Example Many", releases=31)
    content: Json = [SOUND.content_hash]
    future: dict[str, Json] = {"predicate>created": 4102444800}
    rows: tuple[tuple[str, str, str, Package, dict[str, Json] | str, int], ...] = (
        ("cosigned-2-of-3", "Two of three release keys, two needed", "K-28 K-43", _team(2), "team", NOW),
        ("cosigned-3-of-3", "All of three release keys, two needed", "K-28 K-43", _team(3), "team", NOW),
        ("cosigned-31", "31 signers, the most that one root document has room for beside its root key", "K-23", package(by=many), pinned(many), NOW),
        ("created-2100", "The latest time of signing", "K-27", package(statement=future), "standard", NOW),
        ("created-0", "The earliest time of signing", "K-27", package(statement={"predicate>created": 0}), "standard", NOW),
        ("now-early", "A host whose clock stands before the time of signing", "K-27", SOUND, "standard", 1_000_000_000),
        ("rotated-release", "A rotated release key; the host knows version 1", "K-34 K-42", package(by=NEXT), "standard", NOW),
        ("rotated-root", "A rotated root key; the host knows version 1", "K-34 K-42", package(by=MOVED), "standard", NOW),
        ("rotated-known", "A rotated release key; the host knows version 2", "K-42", package(by=NEXT), pinned(NEXT), NOW),
        ("rotated-revoking", "A rotation that revokes the old key", "K-37", package(by=THIEF), "standard", NOW),
        ("rotated-7", "Seven versions of the root", "K-33", package(by=_versions(7)), "standard", NOW),
        ("older-chain", "The package shows version 1, the host knows a version 2 with the same release key", "K-42", SOUND, pinned(_kept()), NOW),
        ("installed-rotated", "Installed content whose key was rotated out", "K-45", SOUND, pinned(NEXT, installed=content), NOW),
        ("installed-revoked", "Installed content whose key was revoked", "K-45", SOUND, pinned(THIEF, installed=content), NOW),
        ("own-key", "A publisher that is believed for any package", "K-56 K-59", SOUND, "own", NOW),
        ("prefix-pin", "A prefix of the package id belongs to the publisher", "K-56 K-58", SOUND, trust(known(EXAMPLE), prefixes={"com.example.": EXAMPLE.id}), NOW),
        ("prefix-longest", "The longer of two prefixes belongs to the publisher", "K-56", SOUND, trust(known(EXAMPLE), known(OTHER), prefixes={"com.": OTHER.id, "com.example.": EXAMPLE.id}), NOW),
        ("pin-over-prefix", "The prefix belongs to another publisher, the exact id to this one", "K-56", SOUND, trust(known(EXAMPLE), known(OTHER), pins={HELLO: EXAMPLE.id}, prefixes={"com.example.": OTHER.id}), NOW),
        ("fleet", "First use is off, and publisher and package are listed", "K-53 K-56", SOUND, pinned(EXAMPLE, first_use=False), NOW),
        ("until-last-second", "The last second of trust", "K-54", SOUND, trust(known(EXAMPLE, until=NOW), pins={HELLO: EXAMPLE.id}), NOW),
        ("others-revoked", "Another publisher and another content are revoked", "K-50 G-28", SOUND, pinned(EXAMPLE, revoked_publishers=[OTHER.id], revoked_content=["0" * 64]), NOW),
    )
    for name, title, clauses, found, who, now in rows:
        yield accept(name, title, clauses, found, trust=who, now=now)


def _kept() -> TestPublisher:
    """Version 2 that changes nothing but its number."""
    first = roots_of(EXAMPLE)[0]
    second = edit(first["signed"], {"version": 2}) if isinstance(first, dict) else None
    return replace(EXAMPLE, chain=read_chain(chain(first, signed(second, ROOT)), where="kept"))


TOOL = "tool_definitions>0"


def _manifests() -> Iterator[Case]:
    """Manifests."""
    every: dict[str, Json] = {
        "license": "Apache-2.0",
        "homepage": "https://example.com/hello?a=1#b",
        "repository": "https://example.com:8443/hello",
        "keywords": ["hello", "time-zone"],
        "publisher>url": "https://example.com",
        "runtime>deterministic": True,
        "trust": {"level": "experimental"},
        "$schema": "https://example.com/manifest.schema.json",
        f"{TOOL}>title": "Greet",
        f"{TOOL}>returns": {"type": "object"},
        "privacy_filters>custom_patterns": [{"id": "customer", "regex": "C[0-9]{4,8}", "description": "Customer numbers"}],
    }
    unicode: dict[str, Json] = {"description": "Gr\u00fc\u00dft \u4f60\u597d \u0633\u0644\u0627\u0645 \U0001f44b", f"{TOOL}>description": "Gr\u00fc\u00dft Menschen \u2764\ufe0f", "publisher>name": "\u00c9diteur"}
    limits: dict[str, Json] = {"runtime>memory_limit_mb": 4096, "runtime>timeout_ms": 600_000, "name": "a" * 64, "description": ("Says hello. " * 200)[:2000], f"{TOOL}>name": "a" * 64, f"{TOOL}>description": ("Says hello. " * 700)[:8192]}
    schema: dict[str, Json] = {"type": "object", "$defs": {"node": {"type": "object", "properties": {"next": {"$ref": "#/$defs/node"}}}}, "properties": {"first": {"$ref": "#/$defs/node"}, "n": {"type": "number", "minimum": 0.5, "x-unit": "m"}}}
    newer: dict[str, Json] = {"mpp_version": "1.1.0", "sponsor": "x", "optional_keys": ["/sponsor"]}
    tool = manifest()["tool_definitions"]
    tools: Json = [{**tool[0], "name": f"tool_{i}"} for i in range(128)] if isinstance(tool, list) and isinstance(tool[0], dict) else []
    key = "pub_" + EXAMPLE.release_ids[0][:16]
    rows: tuple[tuple[str, str, str, Package], ...] = (
        ("manifest-every-key", "Every optional key", "M-5", package(files(every))),
        ("manifest-unicode", "Texts outside ASCII, with an emoji and its selector", "M-6", package(files(unicode))),
        ("manifest-limits", "Numbers and texts at their limits", "M-5 M-22 M-23", package(files(limits))),
        ("manifest-tools-128", "128 tools, the most there may be", "M-30", package(files({"tool_definitions": tools}))),
        ("manifest-schema", "A schema with a recursive reference, decimals and an x- keyword", "M-90 M-92 M-93", package(files({f"{TOOL}>parameters": schema}))),
        ("manifest-newer-optional", "A key of a later minor version that is marked optional", "M-4", package(files(newer))),
        ("manifest-newer-patch", "A later patch of the format", "M-3", package(files({"mpp_version": "1.0.9"}))),
        ("manifest-key-id", "A manifest that names the key that signed", "G-36", package(files({"publisher>verified_key_id": key}))),
        ("manifest-alias", "The alias wasm32-wasi", "M-20", package(files({"runtime>type": "wasm32-wasi"}))),
        ("manifest-spaces", "A manifest with odd white space, which is no canonical document", "M-2", package(files(text=b"\n\t" + files()["manifest.json"] + b"\r\n"))),
    )
    for name, title, clauses, found in rows:
        yield accept(name, title, clauses, found)
    yield accept("version-pre-release", "A version with pre-release and build", "M-11", _named(HELLO, "1.0.0-rc.1+build.7"))
    yield accept("version-long", "A version of 64 characters", "M-11", _named(HELLO, "1.0.0-" + "a" * 58))
    yield accept("package-id-long", "A package id of 128 characters", "M-10", _named("com." + "a" * 124), trust="own")
    yield accept("package-id-digits", "A package id with digits and dashes", "M-10", _named("com.example-2.3d-hello"), trust="own")


def _capabilities() -> Iterator[Case]:
    """Declarations and code."""
    full: Json = {
        "network": ["api.example.com", "api.example.com:8443", "*.example.org", {"host": "xn--exmple-cua.com", "schemes": ["https", "http"], "ports": [443, 80, 65535], "methods": ["GET"], "paths": ["/v1"]}],
        "filesystem": {"read": ["/data", "${workspace}"], "write": ["${workspace}/out"]},
        "env_vars": ["API_REGION"],
        "secrets": [{"name": "CRM_TOKEN", "host": "api.example.com", "header": "Authorization", "format": "Bearer {secret}"}],
        "storage": {"kv": {"max_bytes": 1024**3}},
        "hardware": [{"device": "serial-port", "path": "/dev/ttyUSB0", "mode": "rw"}],
    }
    imports = [(PREVIEW1, "fd_write", "iiii:i"), (PREVIEW1, "proc_exit", "i:"), ("mpp_host", "call", "iiii:i"), ("env", "emscripten_notify_memory_growth", "i:")]
    parts = component(["wasi:cli/stdin@0.2.0", "mpp:tool/host@1.0.0"])
    component_type: dict[str, Json] = {"runtime>type": "wasi-component"}
    rows: tuple[tuple[str, str, str, Package], ...] = (
        ("capabilities-every", "Every kind of capability", "M-40 M-50 M-60 M-70 G-40", package(files({"capabilities": full}))),
        ("capabilities-none", "An empty list of capabilities", "G-40", package(files({"capabilities": {}}))),
        ("wasm-imports", "A module that imports from WASI, the host and the stand-ins", "W-32", package(files(code=module(imports)))),
        ("wasm-undeclared", "A module that imports file functions without declaring files", "W-40", package(files(code=module([(PREVIEW1, "path_open", "iiiiiIIii:i")])))),
        ("wasm-start", "A module with a start section and custom sections", "W-15", package(files(code=module(start=True, custom=[("name", b""), ("producers", b"\0")])))),
        ("wasm-memory-limit", "A memory that begins exactly at the limit of the manifest", "W-34", package(files(code=module(memory=(256, 65536))))),
        ("wasm-more-exports", "A module with more exports than it needs", "W-33", package(files(code=module(exports={"_start": ("function", 0), "memory": ("memory", 0), "main": ("function", 0), "": ("function", 0)})))),
        ("component", "A component", "W-30 W-36", package(files(component_type, code=component()))),
        ("component-imports", "A component that imports WASI 0.2 and the host", "W-35", package(files(component_type, code=parts))),
        ("python", "A Python tool with a layer", "M-25 G-42", package(files(PYTHON, extra=SCRIPT), entrypoint="main.py")),
        ("javascript", "A JavaScript tool with a layer", "M-25 G-42", package(files({**PYTHON, "runtime>type": "javascript"}, extra=SCRIPT), entrypoint="main.py")),
        ("layer", "A layer", "M-26 W-30", package(files({"runtime>type": "layer", "tool_definitions": []}, code=SMALLEST))),
        ("wasm-beside", "A module as a further member of a compiled tool", "G-42", package(files(extra={"lib/other.wasm": b"\0asm"}))),
    )
    for name, title, clauses, found in rows:
        yield accept(name, title, clauses, found)


def cases() -> Iterator[Case]:
    """All cases that must be accepted."""
    yield from _shapes()
    yield from _signers()
    yield from _manifests()
    yield from _capabilities()
