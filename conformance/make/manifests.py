"""Check 6, the manifest itself: its JSON, its keys, its names, its tools. Capabilities have their own table."""

from __future__ import annotations

import json
from collections.abc import Iterator

from conformance.make.build import GONE, files, manifest, package
from conformance.make.case import Case, refuse
from mpp.model.jsontext import Json

# One case a line, however long.
# fmt: off

TEXT = json.dumps(manifest()).encode()


def _swap(old: bytes, new: bytes) -> bytes:
    if old not in TEXT:
        raise ValueError(old)
    return TEXT.replace(old, new, 1)


def _deep(levels: int) -> Json:
    found: Json = 1
    for _ in range(levels):
        found = [found]
    return found


TOOL = "tool_definitions>0"
PARAMETERS = f"{TOOL}>parameters"
CUSTOM = "privacy_filters>custom_patterns"
LAYER: Json = {"id": "org.example.python", "version": "3.12.0", "sha256": "ab" * 32}

# The text as a whole.
TEXTS: tuple[tuple[str, str, bytes], ...] = (
    ("empty", "no byte", b""),
    ("not-json", "text that is no JSON", b"name: hello\n"),
    ("cut", "its last bytes missing", TEXT[:-5]),
    ("two-values", "a second value after it", TEXT + b"{}"),
    ("comment", "a comment", b"// hello\n" + TEXT),
    ("trailing-comma", "a comma too many", _swap(b'"patterns": ["email"', b'"patterns": ["email",')),
    ("single-quotes", "single quotation marks", _swap(b'"hello"', b"'hello'")),
    ("byte-order-mark", "a byte-order mark", b"\xef\xbb\xbf" + TEXT),
    ("utf16", "UTF-16", TEXT.decode().encode("utf-16")),
    ("not-utf8", "a byte that is not UTF-8", _swap(b"Greets by name", b"Gr\xfc\xdfe")),
    ("overlong", "an overlong UTF-8 sequence", _swap(b"Greets by name", b"Greets\xc0\xa0by name")),
    ("surrogate", "half of a surrogate pair", _swap(b"Greets by name", b"Greets \\ud83d")),
    ("surrogate-utf8", "a surrogate in UTF-8", _swap(b"Greets by name", b"Greets \xed\xa0\xbd")),
    ("raw-control", "a raw control character in a string", _swap(b"Greets by name", b"Greets\x01by name")),
    ("raw-line-feed", "a raw line feed in a string", _swap(b"Greets by name", b"Greets\nby name")),
    ("nan", "NaN as timeout", _swap(b"5000", b"NaN")),
    ("infinity", "Infinity as timeout", _swap(b"5000", b"Infinity")),
    ("overflow", "a number beyond all doubles", _swap(b"5000", b"1e400")),
    ("huge-integer", "an integer of 5,000 digits", _swap(b"5000", b"9" * 5000)),
    ("leading-zero", "a zero before a number", _swap(b"5000", b"05000")),
    ("hexadecimal", "a hexadecimal number", _swap(b"5000", b"0x1388")),
    ("key-twice", "a key that stands twice", _swap(b'"name": "hello"', b'"name": "hello",\n  "name": "hello"')),
    ("key-twice-differing", "a version that stands twice, with two values", _swap(b'"version": "0.1.0"', b'"version": "0.1.0",\n  "version": "9.9.9"')),
    ("key-twice-escaped", "a key that stands twice, once as an escape", _swap(b'"name": "hello"', b'"name": "hello",\n  "n\\u0061me": "other"')),
    ("key-twice-deep", "a network list that stands twice", _swap(b'"network": []', b'"network": [],\n    "network": ["evil.example.org"]')),
    ("key-twice-schema", "a key that stands twice inside a schema", _swap(b'"type": "string"', b'"type": "string", "type": "number"')),
    ("deep", "33 levels", json.dumps(manifest({f"{PARAMETERS}>properties>name>default": _deep(28)})).encode()),
    ("very-deep", "2,000 levels", _swap(b"5000", b"[" * 2000 + b"]" * 2000)),
)

# Required keys, by place.
REQUIRED = (
    "mpp_version", "package_id", "version", "name", "description", "publisher", "publisher>name", "runtime", "runtime>type", "runtime>entrypoint",
    "runtime>memory_limit_mb", "runtime>timeout_ms", "capabilities", "tool_definitions", f"{TOOL}>name", f"{TOOL}>description", f"{TOOL}>parameters", f"{TOOL}>security_level",
)

# A value of the wrong type for each key, required or not.
TYPES: tuple[tuple[str, Json], ...] = (
    ("mpp_version", 1),
    ("package_id", ["com.example.hello"]),
    ("version", 0.1),
    ("name", None),
    ("description", {"en": "Greets"}),
    ("publisher", "Example Publisher"),
    ("publisher>name", 1),
    ("publisher>url", 1),
    ("publisher>verified_key_id", None),
    ("license", ["Apache-2.0"]),
    ("homepage", 1),
    ("repository", {"url": "https://example.com"}),
    ("keywords", "hello"),
    ("runtime", "wasm32-wasip1"),
    ("runtime>type", 1),
    ("runtime>entrypoint", ["bin/main.wasm"]),
    ("runtime>memory_limit_mb", "16"),
    ("runtime>timeout_ms", 5000.0),
    ("runtime>deterministic", "yes"),
    ("tool_definitions", {}),
    (TOOL, "greet"),
    (f"{TOOL}>name", 1),
    (f"{TOOL}>description", None),
    (f"{TOOL}>title", 1),
    (f"{TOOL}>security_level", 1),
    ("privacy_filters", True),
    ("privacy_filters>enabled", "true"),
    ("privacy_filters>patterns", "email"),
    (CUSTOM, {}),
    ("trust", "experimental"),
    ("optional_keys", "x"),
)

# One wrong value each: name, words, changes, code, clauses.
VALUES: tuple[tuple[str, str, dict[str, Json], str, str], ...] = (
    ("mpp-version-form", "an mpp_version of two numbers", {"mpp_version": "1.0"}, "form", "M-3"),
    ("mpp-version-zero", "an mpp_version with a leading zero", {"mpp_version": "01.0.0"}, "form", "M-3"),
    ("mpp-version-2", "a manifest for version 2 of the format", {"mpp_version": "2.0.0"}, "mpp_version", "M-3"),
    ("mpp-version-0", "a manifest for version 0 of the format", {"mpp_version": "0.9.0"}, "mpp_version", "M-3"),
    ("newer-key", "a key of a later minor version", {"mpp_version": "1.1.0", "sponsor": "x"}, "needs_newer_host", "M-4"),
    ("newer-key-runtime", "a key of a later minor version in the runtime", {"mpp_version": "1.7.0", "runtime>gpu": True}, "needs_newer_host", "M-4"),
    ("newer-key-other-optional", "a key of a later minor version, and another one marked optional", {"mpp_version": "1.1.0", "sponsor": "x", "optional_keys": ["/other"]}, "needs_newer_host", "M-4"),
    ("optional-key-now", "an unknown key marked optional in a manifest of this version", {"sponsor": "x", "optional_keys": ["/sponsor"]}, "unknown_key", "M-4"),
    ("optional-keys-form", "an optional key that is no pointer", {"optional_keys": ["sponsor"]}, "form", "M-4"),
    ("unknown-key", "an unknown key", {"author": "x"}, "unknown_key", "M-3"),
    ("unknown-key-case", "a key in another case", {"License": "MIT"}, "unknown_key", "M-3"),
    ("unknown-key-publisher", "an unknown key in the publisher", {"publisher>email": "x@example.com"}, "unknown_key", "M-3"),
    ("unknown-key-runtime", "an unknown key in the runtime", {"runtime>args": []}, "unknown_key", "M-3"),
    ("unknown-key-tool", "an unknown key in a tool", {f"{TOOL}>dangerous": True}, "unknown_key", "M-3"),
    ("unknown-key-privacy", "an unknown key in the privacy filters", {"privacy_filters>disabled": True}, "unknown_key", "M-3"),
    ("unknown-key-signature", "a signature inside the manifest", {"signature": "x"}, "unknown_key", "M-3"),
    ("hidden-direction", "a mark that turns the direction of reading in the description", {"description": "Greets \u202eeman yb"}, "hidden_text", "M-6"),
    ("hidden-isolate", "an isolate of direction in a tool's description", {f"{TOOL}>description": "Greets \u2066a person\u2069"}, "hidden_text", "M-6"),
    ("hidden-zero-width", "a character without width in a tool's description", {f"{TOOL}>description": "Greets a\u200bperson"}, "hidden_text", "M-6"),
    ("hidden-tags", "instructions in tag characters in a tool's description", {f"{TOOL}>description": "Greets\U000e0049\U000e0047"}, "hidden_text", "M-6"),
    ("hidden-soft-hyphen", "a soft hyphen in the publisher's name", {"publisher>name": "Exam\xadple"}, "hidden_text", "M-6"),
    ("hidden-private", "a private character in the description", {"description": "Greets \ue000"}, "hidden_text", "M-6"),
    ("hidden-selector", "a variation selector after a letter", {"description": "Greets\ufe0f"}, "hidden_text", "M-6"),
    ("hidden-escape", "an escape character in the description", {"description": "Greets \x1b[31mred"}, "hidden_text", "M-6"),
    ("hidden-delete", "a delete character in the description", {"description": "Greets \x7f"}, "hidden_text", "M-6"),
    ("hidden-nul", "a NUL in the description", {"description": "Greets \x00"}, "hidden_text", "M-6"),
    ("hidden-byte-order-mark", "a byte-order mark in a tool's title", {f"{TOOL}>title": "\ufeffGreet"}, "hidden_text", "M-6"),
    ("hidden-hieroglyph", "a format control of hieroglyphs in the description", {"description": "Greets\U00013430"}, "hidden_text", "M-6"),
    ("hidden-syriac", "a format control of Syriac in the description", {"description": "Greets\u070f"}, "hidden_text", "M-6"),
    ("hidden-joiner", "a joiner without a shape in the description", {"description": "Greets\U0001107f"}, "hidden_text", "M-6"),
    ("hidden-note", "a musical note without a head in the description", {"description": "Greets\U0001d159"}, "hidden_text", "M-6"),
    ("hidden-object", "a place of an object in the description", {"description": "Greets\ufffc"}, "hidden_text", "M-6"),
    ("hidden-braille", "a blank of Braille in the description", {"description": "Greets\u2800"}, "hidden_text", "M-6"),
    ("hidden-space", "a space of an em in the description", {"description": "Greets\u2003all"}, "hidden_text", "M-6"),
    ("hidden-space-key", "a no-break space in the name of a parameter", {f"{PARAMETERS}>properties>na\u00a0me": {}}, "hidden_text", "M-6"),
    ("hidden-marks", "nine marks on one letter in the description", {"description": "Gre" + "\u0301" * 9}, "hidden_text", "M-6"),
    ("publisher-name-no-break-space", "a no-break space in the publisher's name", {"publisher>name": "Example\u00a0Publisher"}, "form", "M-5"),
    ("tool-title-wide-space", "a wide space in a tool's title", {f"{TOOL}>title": "Greet\u3000all"}, "form", "M-30"),
    ("hidden-schema", "a character without width in the description of a parameter", {f"{PARAMETERS}>properties>name>description": "a\u200bname"}, "hidden_text", "M-6"),
    ("hidden-schema-key", "a character without width in the name of a parameter", {f"{PARAMETERS}>properties>na\u200bme": {}}, "hidden_text", "M-6"),
    ("package-id-upper", "a package id in upper case", {"package_id": "com.Example.hello"}, "form", "M-10"),
    ("package-id-one-part", "a package id of one part", {"package_id": "hello"}, "form", "M-10"),
    ("package-id-underscore", "a package id with an underscore", {"package_id": "com.example.hello_world"}, "form", "M-10"),
    ("package-id-dashes", "a package id with two dashes in a row", {"package_id": "com.example.hello--world"}, "form", "M-10"),
    ("package-id-dot-end", "a package id that ends with a dot", {"package_id": "com.example."}, "form", "M-10"),
    ("package-id-dots", "a package id with two dots in a row", {"package_id": "com..hello"}, "form", "M-10"),
    ("package-id-slash", "a package id with a slash", {"package_id": "com.example/hello"}, "form", "M-10"),
    ("package-id-parent", "a package id that climbs", {"package_id": "../../hello"}, "form", "M-10"),
    ("package-id-device", "a package id that begins with a device name", {"package_id": "con.example.hello"}, "form", "M-10"),
    ("package-id-digit", "a package id that begins with a digit", {"package_id": "1com.example"}, "form", "M-10"),
    ("package-id-not-ascii", "a package id outside ASCII", {"package_id": "com.example.h\u0435llo"}, "form", "M-10"),
    ("package-id-line-feed", "a package id with a line feed at its end", {"package_id": "com.example.hello\n"}, "form", "M-10"),
    ("package-id-long", "a package id of 129 characters", {"package_id": "com." + "a" * 125}, "length", "M-10"),
    ("package-id-empty", "an empty package id", {"package_id": ""}, "length", "M-10"),
    ("version-two-numbers", "a version of two numbers", {"version": "1.0"}, "form", "M-11"),
    ("version-v", "a version that begins with v", {"version": "v1.0.0"}, "form", "M-11"),
    ("version-leading-zero", "a version with a leading zero", {"version": "1.02.0"}, "form", "M-11"),
    ("version-range", "a range as version", {"version": "^1.0.0"}, "form", "M-11"),
    ("version-latest", "a word as version", {"version": "latest"}, "form", "M-11"),
    ("version-pre-empty", "a version with an empty pre-release", {"version": "1.0.0-"}, "form", "M-11"),
    ("version-pre-zero", "a pre-release number with a leading zero", {"version": "1.0.0-rc.01"}, "form", "M-11"),
    ("version-slash", "a version with a slash", {"version": "1.0.0+../x"}, "form", "M-11"),
    ("version-digits", "a version in digits outside ASCII", {"version": "\u0661.0.0"}, "form", "M-11"),
    ("version-long", "a version of 65 characters", {"version": "1.0.0-" + "a" * 59}, "length", "M-11"),
    ("name-upper", "a name in upper case", {"name": "Hello"}, "form", "M-12"),
    ("name-space", "a name with a space", {"name": "hello world"}, "form", "M-12"),
    ("name-device", "a device name as name", {"name": "nul"}, "form", "M-12"),
    ("name-slash", "a name with a slash", {"name": "a/b"}, "form", "M-12"),
    ("name-dash-begin", "a name that begins with a dash", {"name": "-rf"}, "form", "M-12"),
    ("name-long", "a name of 65 characters", {"name": "a" * 65}, "length", "M-12"),
    ("description-empty", "an empty description", {"description": ""}, "length", "M-5"),
    ("description-long", "a description of 2,001 characters", {"description": "a" * 2001}, "length", "M-5"),
    ("publisher-name-long", "a publisher's name of 101 characters", {"publisher>name": "a" * 101}, "length", "M-5"),
    ("publisher-name-lines", "a publisher's name of two lines", {"publisher>name": "Example\nPublisher"}, "form", "M-5"),
    ("publisher-name-spaces", "a publisher's name with a space before it", {"publisher>name": " Example"}, "form", "M-5"),
    ("publisher-url-http", "an address without TLS", {"publisher>url": "http://example.com"}, "form", "M-5"),
    ("publisher-url-script", "a script as address", {"publisher>url": "javascript:alert(1)"}, "form", "M-5"),
    ("homepage-user", "an address with a user name", {"homepage": "https://example.com@evil.example.org"}, "form", "M-5"),
    ("homepage-space", "an address with a space", {"homepage": "https://example.com/a b"}, "form", "M-5"),
    ("homepage-long", "an address of 201 characters", {"homepage": "https://example.com/" + "a" * 181}, "length", "M-5"),
    ("key-id-form", "a verified_key_id without its prefix", {"publisher>verified_key_id": "0123456789abcdef"}, "form", "M-5"),
    ("key-id-upper", "a verified_key_id in upper case", {"publisher>verified_key_id": "pub_0123456789ABCDEF"}, "form", "M-5"),
    ("license-lines", "a license of two lines", {"license": "Apache-2.0\nMIT"}, "form", "M-5"),
    ("keyword-upper", "a keyword in upper case", {"keywords": ["Hello"]}, "form", "M-5"),
    ("keyword-twice", "a keyword that stands twice", {"keywords": ["hello", "hello"]}, "duplicate", "M-5"),
    ("keywords-21", "21 keywords", {"keywords": [f"k{i}" for i in range(21)]}, "length", "M-5"),
    ("runtime-type", "an unknown runtime type", {"runtime>type": "native"}, "choice", "M-20"),
    ("runtime-type-case", "a runtime type in another case", {"runtime>type": "WASM32-wasip1"}, "choice", "M-20"),
    ("runtime-type-p3", "a runtime type of a later interface", {"runtime>type": "wasm32-wasip3"}, "choice", "M-20"),
    ("entrypoint-parent", "an entrypoint that climbs", {"runtime>entrypoint": "../main.wasm"}, "form", "M-21"),
    ("entrypoint-absolute", "an absolute entrypoint", {"runtime>entrypoint": "/bin/sh"}, "form", "M-21"),
    ("entrypoint-manifest", "the manifest as entrypoint", {"runtime>entrypoint": "manifest.json"}, "form", "M-21"),
    ("entrypoint-seal", "the signature as entrypoint", {"runtime>entrypoint": "_mpp/signature.dsse.json"}, "form", "M-21"),
    ("entrypoint-empty", "an empty entrypoint", {"runtime>entrypoint": ""}, "length", "M-21"),
    ("memory-0", "no memory", {"runtime>memory_limit_mb": 0}, "range", "M-22"),
    ("memory-negative", "negative memory", {"runtime>memory_limit_mb": -1}, "range", "M-22"),
    ("memory-4097", "4,097 MiB of memory", {"runtime>memory_limit_mb": 4097}, "range", "M-22"),
    ("memory-true", "true as memory", {"runtime>memory_limit_mb": True}, "type", "M-22"),
    ("timeout-0", "no time", {"runtime>timeout_ms": 0}, "range", "M-23"),
    ("timeout-long", "ten minutes and a millisecond", {"runtime>timeout_ms": 600001}, "range", "M-23"),
    ("layer-missing", "a Python tool without a layer", {"runtime>type": "python"}, "layer", "M-25"),
    ("layer-missing-javascript", "a JavaScript tool without a layer", {"runtime>type": "javascript"}, "layer", "M-25"),
    ("layer-unneeded", "a compiled tool with a layer", {"runtime>layer": LAYER}, "layer", "M-25"),
    ("layer-digest", "a layer with a digest of 63 digits", {"runtime>type": "python", "runtime>layer": {"id": "org.example.python", "version": "3.12.0", "sha256": "a" * 63}}, "form", "M-25"),
    ("layer-no-digest", "a layer without digest", {"runtime>type": "python", "runtime>layer": {"id": "org.example.python", "version": "3.12.0"}}, "missing", "M-25"),
    ("layer-range", "a layer with a range of versions", {"runtime>type": "python", "runtime>layer": {"id": "org.example.python", "version": ">=3.12", "sha256": "ab" * 32}}, "form", "M-25"),
    ("layer-id", "a layer with a bad package id", {"runtime>type": "python", "runtime>layer": {"id": "Python", "version": "3.12.0", "sha256": "ab" * 32}}, "form", "M-25"),
    ("layer-unknown-key", "a layer with an address", {"runtime>type": "python", "runtime>layer": {"id": "org.example.python", "version": "3.12.0", "sha256": "ab" * 32, "url": "https://example.com"}}, "unknown_key", "M-3"),
    ("layer-with-tools", "a layer with a tool", {"runtime>type": "layer"}, "layer", "M-26"),
    ("tools-none", "no tool", {"tool_definitions": []}, "length", "M-30"),
    ("tools-twice", "two tools of one name", {"tool_definitions": [manifest()["tool_definitions"][0]] * 2}, "duplicate", "M-31"),  # type: ignore[index]
    ("tool-name-space", "a tool name with a space", {f"{TOOL}>name": "greet person"}, "form", "M-13"),
    ("tool-name-empty", "an empty tool name", {f"{TOOL}>name": ""}, "length", "M-13"),
    ("tool-name-long", "a tool name of 65 characters", {f"{TOOL}>name": "a" * 65}, "length", "M-13"),
    ("tool-name-not-ascii", "a tool name with a look-alike letter", {f"{TOOL}>name": "gr\u0435et"}, "form", "M-13"),
    ("tool-description-empty", "a tool without description", {f"{TOOL}>description": ""}, "length", "M-30"),
    ("tool-description-long", "a tool's description of 8,193 characters", {f"{TOOL}>description": "a" * 8193}, "length", "M-30"),
    ("tool-title-lines", "a tool's title of two lines", {f"{TOOL}>title": "Greet\nall"}, "form", "M-30"),
    ("tool-level", "an unknown security level", {f"{TOOL}>security_level": "none"}, "choice", "M-32"),
    ("tool-level-case", "a security level in upper case", {f"{TOOL}>security_level": "LOW"}, "choice", "M-32"),
    ("schema-text", "a text as parameters", {PARAMETERS: "object"}, "schema", "M-33"),
    ("schema-true", "true as parameters", {PARAMETERS: True}, "schema", "M-33"),
    ("schema-array", "parameters that are an array", {PARAMETERS: {"type": "array"}}, "schema", "M-33"),
    ("schema-no-type", "parameters without type", {PARAMETERS: {"properties": {}}}, "schema", "M-33"),
    ("schema-type", "an unknown type in a schema", {f"{PARAMETERS}>properties>name>type": "text"}, "schema", "M-95"),
    ("schema-dialect", "an unknown dialect of schemas", {f"{PARAMETERS}>$schema": "https://example.com/schema"}, "schema", "M-91"),
    ("schema-required-text", "a text as required", {f"{PARAMETERS}>required": "name"}, "schema", "M-95"),
    ("schema-required-twice", "a required parameter that stands twice", {f"{PARAMETERS}>required": ["name", "name"]}, "schema", "M-95"),
    ("schema-minimum-text", "a text as minimum", {f"{PARAMETERS}>properties>name": {"type": "integer", "minimum": "1"}}, "schema", "M-95"),
    ("schema-length-negative", "a negative length", {f"{PARAMETERS}>properties>name>minLength": -1}, "schema", "M-95"),
    ("schema-enum-empty", "an empty enum", {f"{PARAMETERS}>properties>name>enum": []}, "schema", "M-95"),
    ("schema-properties-list", "a list as properties", {f"{PARAMETERS}>properties": []}, "schema", "M-95"),
    ("schema-any-of-empty", "an anyOf of nothing", {f"{PARAMETERS}>properties>name>anyOf": []}, "schema", "M-95"),
    ("schema-pattern", "a pattern with a back-reference", {f"{PARAMETERS}>properties>name>pattern": "(a)\\1"}, "schema", "M-95 M-100"),
    ("schema-pattern-lookahead", "a pattern with a lookahead", {f"{PARAMETERS}>properties>name>pattern": "(?=a)b"}, "schema", "M-95 M-100"),
    ("schema-returns", "a bad schema of the result", {f"{TOOL}>returns": {"type": "json"}}, "schema", "M-95"),
    ("schema-keyword", "an unknown keyword", {f"{PARAMETERS}>properties>name>maxlength": 5}, "schema_keyword", "M-90"),
    ("schema-keyword-id", "an $id", {f"{PARAMETERS}>$id": "https://example.com/a"}, "schema_keyword", "M-90"),
    ("schema-keyword-anchor", "an $anchor", {f"{PARAMETERS}>properties>name>$anchor": "a"}, "schema_keyword", "M-90"),
    ("schema-keyword-dynamic", "a $dynamicRef", {f"{PARAMETERS}>properties>name": {"$dynamicRef": "#a"}}, "schema_keyword", "M-90"),
    ("schema-keyword-nullable", "the keyword nullable of another dialect", {f"{PARAMETERS}>properties>name>nullable": True}, "schema_keyword", "M-90"),
    ("schema-ref-remote", "a $ref to an address", {f"{PARAMETERS}>properties>name": {"$ref": "https://example.com/schema.json"}}, "schema_ref", "M-92"),
    ("schema-ref-file", "a $ref to a file", {f"{PARAMETERS}>properties>name": {"$ref": "file:///etc/passwd"}}, "schema_ref", "M-92"),
    ("schema-ref-relative", "a $ref to a neighbour", {f"{PARAMETERS}>properties>name": {"$ref": "other.json#/a"}}, "schema_ref", "M-92"),
    ("schema-ref-nowhere", "a $ref to nothing", {f"{PARAMETERS}>properties>name": {"$ref": "#/$defs/name"}}, "schema_ref", "M-92"),
    ("schema-ref-nowhere-three", "three $ref to nothing", {f"{PARAMETERS}>properties": {name: {"$ref": f"#/$defs/{name}"} for name in ("name", "to", "by")}}, "schema_ref", "M-92"),
    ("schema-ref-loop", "a $ref to itself", {PARAMETERS: {"type": "object", "$defs": {"a": {"$ref": "#/$defs/a"}}, "properties": {"name": {"$ref": "#/$defs/a"}}}}, "schema_ref", "M-93"),
    ("schema-ref-loop-two", "two $ref that lead to each other", {PARAMETERS: {"type": "object", "$defs": {"a": {"$ref": "#/$defs/b"}, "b": {"$ref": "#/$defs/a"}}, "properties": {}}}, "schema_ref", "M-93"),
    ("privacy-pattern", "a pattern id in upper case", {"privacy_filters>patterns": ["Email"]}, "form", "M-81"),
    ("privacy-pattern-twice", "a pattern that stands twice", {"privacy_filters>patterns": ["email", "email"]}, "duplicate", "M-81"),
    ("privacy-regex", "a custom pattern that does not compile", {CUSTOM: [{"id": "customer", "regex": "C[0-9"}]}, "regex", "M-83 M-100"),
    ("privacy-regex-empty", "a custom pattern that matches the empty text", {CUSTOM: [{"id": "customer", "regex": "C*"}]}, "regex", "M-83 M-100"),
    ("privacy-regex-lookbehind", "a custom pattern with a lookbehind", {CUSTOM: [{"id": "customer", "regex": "(?<=C)[0-9]+"}]}, "regex", "M-83 M-100"),
    ("privacy-regex-flags", "a custom pattern with flags", {CUSTOM: [{"id": "customer", "regex": "(?i)c[0-9]+"}]}, "regex", "M-83 M-100"),
    ("privacy-regex-repeat", "a custom pattern that repeats 1,001 times", {CUSTOM: [{"id": "customer", "regex": "C{1001}"}]}, "regex", "M-83 M-100"),
    ("privacy-regex-missing", "a custom pattern without regex", {CUSTOM: [{"id": "customer"}]}, "missing", "M-82"),
    ("privacy-id-twice", "two custom patterns of one id", {CUSTOM: [{"id": "customer", "regex": "C[0-9]"}, {"id": "customer", "regex": "D[0-9]"}]}, "duplicate", "M-82"),
    ("privacy-id-named", "a custom pattern with the id of a named one", {CUSTOM: [{"id": "email", "regex": "nothing"}]}, "duplicate", "M-82"),
    ("privacy-exempt", "an exemption", {"privacy_filters>exempt": ["email"]}, "unknown_key", "M-3"),
    ("trust-level", "a trust level of two words", {"trust": {"level": "very high"}}, "form", "M-5"),
)


def _slug(place: str) -> str:
    return place.replace("tool_definitions>0", "tool").replace(">", "-").replace("_", "-")


def cases() -> Iterator[Case]:
    """All cases about the manifest."""
    for name, words, text in TEXTS:
        yield refuse(f"manifest/json-{name}", f"A manifest with {words}", "M-2 G-33", "manifest.json", package(files(text=text)))
    for name, text in (("list", b"[]"), ("null", b"null"), ("text", b'"manifest"'), ("number", b"1")):
        yield refuse(f"manifest/is-{name}", f"A manifest that is a {name}", "M-2", "manifest.type", package(files(text=text)))
    for place in REQUIRED:
        yield refuse(f"manifest/no-{_slug(place)}", f"A manifest without {place.replace('>', '/')}", "M-5", "manifest.missing", package(files({place: GONE})))
    for place, item in TYPES:
        yield refuse(f"manifest/type-{_slug(place)}", f"A manifest with a value of the wrong type as {place.replace('>', '/')}", "M-5", "manifest.type", package(files({place: item})))
    for name, words, changes, code, clauses in VALUES:
        yield refuse(f"manifest/{name}", f"A manifest with {words}" if not words.startswith("a manifest") else f"A{words[1:]}", clauses, f"manifest.{code}", package(files(changes)))
