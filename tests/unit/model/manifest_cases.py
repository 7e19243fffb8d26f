"""One table of sound and broken manifests, for the reader and for the JSON Schema."""

from __future__ import annotations

import copy
from typing import Any, NamedTuple

GONE: Any = object()
BASE: dict[str, Any] = {
    "mpp_version": "1.0.0",
    "package_id": "com.example.hello",
    "version": "0.1.0",
    "name": "hello",
    "description": "Greets a person",
    "publisher": {"name": "Example"},
    "runtime": {"type": "wasm32-wasip1", "entrypoint": "bin/main.wasm", "memory_limit_mb": 16, "timeout_ms": 5000},
    "capabilities": {},
    "tool_definitions": [{"name": "greet", "description": "Greets", "parameters": {"type": "object"}, "security_level": "low"}],
}
LAYER = {"id": "org.example.cpython", "version": "3.13.1", "sha256": "ab" * 32}
NET, FS, ENV = "capabilities/network", "capabilities/filesystem", "capabilities/env_vars"
SECRET = {"name": "TOKEN", "host": "api.example.com", "header": "Authorization", "format": "Bearer {secret}"}
SECRETS = {"network": ["api.example.com"], "secrets": [SECRET]}
DEVICE = {"device": "serial-port", "path": "/dev/ttyUSB0", "mode": "rw"}
TOOL = BASE["tool_definitions"][0]
A_LAYER: dict[str, Any] = {"runtime/type": "layer", "tool_definitions": GONE}


def changed(changes: dict[str, Any]) -> dict[str, Any]:
    """BASE with the values at some paths replaced, added or (GONE) removed."""
    found = copy.deepcopy(BASE)
    for path, item in changes.items():
        *steps, last = path.split("/")
        at: Any = found
        for step in steps:
            at = at[int(step)] if isinstance(at, list) else at.setdefault(step, {})
        if item is GONE:
            del at[last]
        else:
            at[int(last) if isinstance(at, list) else last] = copy.deepcopy(item)
    return found


class Bad(NamedTuple):
    changes: dict[str, Any]
    faults: list[str]
    """Each as ``code where``."""
    schema: bool = True
    """Whether a JSON Schema can say it."""


GOOD: list[dict[str, Any]] = [
    {},
    {"$schema": "urn:mpp:schema:manifest:1.0", "license": "MIT", "homepage": "https://example.com", "repository": "https://example.com/a/b.git?x=1#y"},
    {"keywords": ["greeting", "time-zone", "h2o"], "trust": {"level": "experimental"}, "optional_keys": ["/a/b_c.d"]},
    {"publisher": {"name": "My Company (Ltd.)", "url": "https://mycompany.com:8443/", "verified_key_id": "pub_a1b2c3d4e5f67890"}},
    {"version": "1.0.0-beta.11+exp.sha-5", "package_id": "com.3m.tool-2.x", "name": "a_b.c-d", "mpp_version": "1.0.77"},
    {"description": "Caf\xe9 \u2764\ufe0f 1\ufe0f\u20e3 \u26a0\ufe0f\n\tsecond line \u0645\u0631\u062d\u0628\u0627 \u4f60\u597d\u3000a\xa0! e" + "\u0301" * 8},
    {"runtime/type": "wasm32-wasi"},
    {"runtime/type": "wasi-component", "runtime/deterministic": True, "runtime/memory_limit_mb": 4096, "runtime/timeout_ms": 600000},
    {"runtime/type": "python", "runtime/layer": LAYER, "runtime/entrypoint": "src/__main__.py"},
    {"runtime/type": "javascript", "runtime/layer": LAYER, "runtime/entrypoint": "a/" * 15 + "main+1.js"},
    A_LAYER,
    A_LAYER | {"tool_definitions": [], "capabilities": {"network": [], "filesystem": {"read": []}}},
    {NET: ["api.github.com", "api.example.com:8443", "*.example.com", "xn--bcher-kva.example", "a.b.c.xn--p1ai", "example.com:65535"]},
    {
        NET: [
            {"host": "api.example.com"},
            {"host": "*.example.com", "schemes": ["http", "https"], "ports": [80, 443], "methods": ["GET"], "paths": ["/", "/v1/a~b"]},
        ]
    },
    {
        NET: [
            "*.example.co.uk",
            "*.example.ltd.uk",
            "mysite.github.io",
            "a.storage.googleapis.com",
            "v1.2.3.example.com",
            "cluster.example.com",
            "unip.io",
            "home.example.com",
            "localhost.example.com",
            "1.example.com",
        ]
    },
    {
        FS: {
            "read": [
                "/data",
                "/a b/c",
                "${workspace}",
                "${workspace}/in",
                "/devices",
                "/processes/x",
                "/etc/mppx",
                "/etc/ssl",
                "/root",
                "/var/lib/x",
                "/runs",
                "/private/tmp",
                "/a.sock/b",
                "/sock",
                "${workspace}/run",
            ],
            "write": ["${workspace}/out"],
        }
    },
    {FS: {}},
    {ENV: ["CRM_API_KEY", "_X", "PATHS", "GITHUB_TOKEN", "NODE_ENV", "ENVIRONMENT", "LDAP_URL", "PROXY", "HOMEPAGE", "LESS_IS_MORE", "API_PATH", "R_X"]},
    {"capabilities": SECRETS},
    {"capabilities": SECRETS | {"network": ["*.example.com:8443"], "secrets": [{"name": "T", "host": "a.example.com:8443", "header": "X-Api-Key"}]}},
    {"capabilities/storage": {"kv": {"max_bytes": 1048576}}},
    {
        "capabilities/hardware": [
            DEVICE,
            {"device": "camera", "path": "/dev/video0", "mode": "r"},
            {"device": "gpu", "path": "/dev/dri/renderD128", "mode": "w"},
        ]
    },
    {"tool_definitions/0/returns": True},
    {"tool_definitions/0/title": "Greet someone", "tool_definitions/0/returns": {"type": "object", "properties": {"a": {"$ref": "#"}}}},
    {"tool_definitions": [TOOL, TOOL | {"name": "Other.tool_1-x", "security_level": "critical"}]},
    {"privacy_filters": {}},
    {"privacy_filters": {"enabled": False, "patterns": ["email"], "custom_patterns": [{"id": "customer_id", "regex": "CUST-\\d{8}"}]}},
]


STEERING = (
    "DOTNET_STARTUP_HOOKS", "LUA_INIT", "PROMPT_COMMAND", "AWS_CA_BUNDLE", "NIX_SSL_CERT_FILE", "GIT_SSL_NO_VERIFY", "GIT_DIR", "PIP_INDEX_URL", "NPM_CONFIG_REGISTRY",
    "RUSTC_WRAPPER", "CARGO_HOME", "HOME", "LESSOPEN", "PERL5DB", "RUBYOPT", "JAVA_TOOL_OPTIONS", "_JAVA_OPTIONS", "ENV", "SSH_ASKPASS", "SSL_CERT_DIR", "GOFLAGS",
    "NODE_EXTRA_CA_CERTS", "NODE_TLS_REJECT_UNAUTHORIZED", "SSLKEYLOGFILE", "XDG_CONFIG_HOME", "LIBPATH", "OPENSSL_MODULES", "CURL_CA_BUNDLE", "HOSTALIASES",
)  # fmt: skip


def _texts(where: str, code: str, pointer: str, *texts: Any, schema: bool = True) -> list[Bad]:
    return [Bad({where: text}, [f"{code} {pointer}"], schema) for text in texts]


def _hosts(code: str, *hosts: Any) -> list[Bad]:
    """The same host as a string and in an object."""
    out = [Bad({NET: [host]}, [f"capability.{code} /capabilities/network/0"]) for host in hosts]
    return out + [Bad({NET: [{"host": host}]}, [f"capability.{code} /capabilities/network/0/host"]) for host in hosts if host]


def _paths(code: str, *paths: str) -> list[Bad]:
    return [Bad({FS: {"read": ["/ok"], "write": [path]}}, [f"capability.{code} /capabilities/filesystem/write/0"]) for path in paths]


def _secret(key: str, item: Any, code: str, *, schema: bool = True) -> Bad:
    return Bad({"capabilities": SECRETS | {"secrets": [SECRET | {key: item}]}}, [f"capability.{code} /capabilities/secrets/0/{key}"], schema)


BAD: list[Bad] = [
    *(Bad({key: GONE}, [f"manifest.missing /{key}"]) for key in BASE),
    *(Bad({f"runtime/{key}": GONE}, [f"manifest.missing /runtime/{key}"]) for key in BASE["runtime"]),
    *(Bad({f"tool_definitions/0/{key}": GONE}, [f"manifest.missing /tool_definitions/0/{key}"]) for key in TOOL),
    *(Bad({key: 1.5}, [f"manifest.type /{key}"]) for key in (*BASE, "license", "keywords", "trust", "privacy_filters", "$schema") if key != "capabilities"),
    Bad({"capabilities": 7}, ["capability.type /capabilities"]),
    Bad({"capabilites": {}}, ["manifest.unknown_key /capabilites"]),
    Bad({"k" * 100: {}}, [f"manifest.unknown_key /{'k' * 77}..."]),
    Bad({"publisher/nmae": ""}, ["manifest.unknown_key /publisher/nmae"]),
    *_texts("mpp_version", "manifest.form", "/mpp_version", "1.0", "1.0.0-a", "01.0.0", "1.0.0\n"),
    *_texts("mpp_version", "manifest.mpp_version", "/mpp_version", "2.0.0", "0.9.0"),
    *_texts(
        "package_id",
        "manifest.form",
        "/package_id",
        "hello",
        "Com.example",
        "com..x",
        "com.example.",
        "com.a--b",
        "1com.x",
        "com.ex_a",
        "aux.tool",
        "com1.tool",
        "com.\xe9",
    ),
    Bad({"package_id": "com." + "a" * 125}, ["manifest.length /package_id"]),
    *_texts("version", "manifest.form", "/version", "1.0", "v1.0.0", "1.0.0-", "1.0.0-01", "01.0.0", "1.0.0+", "1.0.0 "),
    *_texts("name", "manifest.form", "/name", "Hello", "my tool", "-a", "a-", "a..b", "aux", "com1.x", "nul-", "a/b", "../a"),
    *_texts("license", "manifest.form", "/license", " MIT", "MIT\nGPL", "MIT "),
    *_texts(
        "homepage", "manifest.form", "/homepage", "http://example.com", "https://", "https://u@h", "https://e.com/ x", 'https://e.com/"', "javascript:alert(1)"
    ),
    Bad({"publisher/url": ""}, ["manifest.length /publisher/url"]),
    *_texts("publisher/verified_key_id", "manifest.form", "/publisher/verified_key_id", "pub_A1b2c3d4e5f67890", "pub_a1b2", "a1b2c3d4e5f67890abcd"),
    *_texts("keywords", "manifest.form", "/keywords/0", ["A"], ["a b"]),
    Bad({"keywords": ["a", "a"]}, ["manifest.duplicate /keywords/1"]),
    Bad({"optional_keys": ["runtime"]}, ["manifest.form /optional_keys/0"]),
    Bad({"trust": {}}, ["manifest.missing /trust/level"]),
    *(
        Bad({"description": f"a{c}b"}, ["manifest.hidden_text /description"])
        for c in "\u200b\u202e\u2066\u00ad\ufeff\U000e0041\ue000\u3164\u0085\ufe00\ufe0f\u2028\U00013430\U0001107f\U00016fe4\U0001d159\u070f\ufffc\u2800\u2003\u202f\u205f\u1680"
    ),
    Bad({"description": "e" + "\u0301" * 9}, ["manifest.hidden_text /description"]),
    Bad({"description": "\n\u0e01" + "\u0e47" * 9}, ["manifest.hidden_text /description"]),
    *(_texts("publisher/name", "manifest.form", "/publisher/name", "My\xa0Company", "My\u3000Company")),
    *(_texts("tool_definitions/0/title", "manifest.form", "/tool_definitions/0/title", "a\u3000b")),
    Bad({"tool_definitions/0/parameters": {"type": "object", "x-a": {"a\xa0b": 1}}}, ["manifest.hidden_text /tool_definitions/0/parameters/x-a"], schema=False),
    Bad({"description": "\u2764\ufe0f\ufe0f"}, ["manifest.hidden_text /description"]),
    Bad({"description": "a\x07"}, ["manifest.hidden_text /description", "manifest.form /description"]),
    Bad({"description": "a\r\n"}, ["manifest.hidden_text /description", "manifest.form /description"]),
    Bad({"description": "\x7f"}, ["manifest.hidden_text /description", "manifest.form /description"]),
    Bad(
        {"tool_definitions/0/parameters": {"type": "object", "properties": {"a\u200b": True}}},
        ["manifest.hidden_text /tool_definitions/0/parameters/properties"],
        schema=False,
    ),
    Bad({"tool_definitions/0/parameters": {"type": "object", "x-a": ["\u200b"]}}, ["manifest.hidden_text /tool_definitions/0/parameters/x-a/0"], schema=False),
    # runtime
    *_texts("runtime/type", "manifest.choice", "/runtime/type", "wasm", "WASM32-WASI", "container"),
    *_texts("runtime/memory_limit_mb", "manifest.range", "/runtime/memory_limit_mb", 0, 4097, -1),
    *_texts("runtime/memory_limit_mb", "manifest.type", "/runtime/memory_limit_mb", "64", True, None),
    *_texts("runtime/timeout_ms", "manifest.range", "/runtime/timeout_ms", 0, 600001),
    *_texts("runtime/deterministic", "manifest.type", "/runtime/deterministic", 1, "yes"),
    *_texts(
        "runtime/entrypoint",
        "manifest.form",
        "/runtime/entrypoint",
        "/bin/a",
        "../a",
        "a/../b",
        "a//b",
        "./a",
        "a\\b",
        ".hidden",
        "a.",
        "aux.wasm",
        "C:a",
        "a b",
        "a/" * 16 + "b",
    ),
    *_texts("runtime/entrypoint", "manifest.form", "/runtime/entrypoint", "manifest.json", "_mpp/x", "_MPP/x", "a" * 101),
    Bad({"runtime/entrypoint": "a/" * 120 + "b"}, ["manifest.length /runtime/entrypoint", "manifest.form /runtime/entrypoint"]),
    Bad({"runtime/layer": LAYER}, ["manifest.layer /runtime/layer"]),
    Bad(A_LAYER | {"runtime/layer": LAYER}, ["manifest.layer /runtime/layer"]),
    Bad({"runtime/type": "python"}, ["manifest.layer /runtime/layer"]),
    Bad({"runtime/type": "rust", "runtime/layer": LAYER}, ["manifest.choice /runtime/type"]),
    Bad(
        {"runtime/type": "python", "runtime/layer": {"id": "x", "version": "1", "sha256": "AB" * 32}},
        [f"manifest.form /runtime/layer/{key}" for key in ("id", "version", "sha256")],
    ),
    Bad({"runtime/type": "layer"}, ["manifest.layer /tool_definitions"]),
    Bad(A_LAYER | {ENV: ["A"]}, ["capability.layer /capabilities"]),
    # tools
    Bad({"tool_definitions": []}, ["manifest.length /tool_definitions"]),
    Bad({"tool_definitions": [TOOL | {"name": f"t{i}"} for i in range(129)]}, ["manifest.length /tool_definitions"]),
    Bad({"tool_definitions": [TOOL, TOOL]}, ["manifest.duplicate /tool_definitions/1/name"], schema=False),
    Bad({"tool_definitions": [TOOL, TOOL | {"name": "GREET"}]}, ["manifest.duplicate /tool_definitions/1/name"], schema=False),
    *_texts("tool_definitions/0/name", "manifest.form", "/tool_definitions/0/name", "a b", "a/b", "\xe9", "a\n"),
    Bad({"tool_definitions/0/name": "a" * 65}, ["manifest.length /tool_definitions/0/name"]),
    Bad({"tool_definitions/0/description": ""}, ["manifest.length /tool_definitions/0/description"]),
    Bad({"tool_definitions/0/security_level": "Low"}, ["manifest.choice /tool_definitions/0/security_level"]),
    Bad({"tool_definitions/0/title": " x"}, ["manifest.form /tool_definitions/0/title"]),
    *(
        Bad({"tool_definitions/0/parameters": item}, ["manifest.schema /tool_definitions/0/parameters/type"])
        for item in (True, {}, {"type": ["object"]}, {"type": "string"})
    ),
    Bad({"tool_definitions/0/returns": {"type": "strin"}}, ["manifest.schema /tool_definitions/0/returns/type"]),
    Bad({"tool_definitions/0/returns": {"propertys": {}}}, ["manifest.schema_keyword /tool_definitions/0/returns/propertys"], schema=False),
    Bad({"tool_definitions": [7]}, ["manifest.type /tool_definitions/0"]),
    # privacy
    *_texts("privacy_filters", "manifest.form", "/privacy_filters/patterns/0", {"patterns": ["Email"]}),
    *(
        Bad({"privacy_filters": {"custom_patterns": [{"id": "a", "regex": regex}]}}, ["manifest.regex /privacy_filters/custom_patterns/0/regex"], schema=False)
        for regex in ("a*", "(?=a)")
    ),
    *(
        Bad({"privacy_filters": {"custom_patterns": [{"id": "a", "regex": regex}]}}, ["manifest.regex /privacy_filters/custom_patterns/0/regex"])
        for regex in (3, "", "a" * 513, "(")
    ),
    Bad({"privacy_filters": {"custom_patterns": [{"id": "a"}]}}, ["manifest.missing /privacy_filters/custom_patterns/0/regex"]),
    *(
        Bad(
            {"privacy_filters": {"patterns": names, "custom_patterns": [{"id": "a", "regex": "x"}] * count}},
            [f"manifest.duplicate /privacy_filters/custom_patterns/{count - 1}/id"],
            schema=False,
        )
        for names, count in ((["a"], 1), ([], 2))
    ),
    # network
    *_hosts(
        "host",
        "https://api.example.com",
        "api.example.com/v1",
        "API.example.com",
        "b\xfccher.example",
        "a_b.example.com",
        "-a.example.com",
        "a-.example.com",
        "a..example.com",
    ),
    *_hosts(
        "host",
        "example.com.",
        "ab--c.example.com",
        "a.*.com",
        "*",
        "*.",
        "*a.example.com",
        "api.example.c0m",
        "a b.example.com",
        "a" * 64 + ".com",
        "user@example.com",
        ".com",
    ),
    *_hosts("host", "api.example.com:x", "api.example.com:", "api.example.com:65536", "api.example.com:0", ".".join(["a" * 60] * 4) + ".abcdefghijklmn"),
    Bad({NET: [""]}, ["capability.host /capabilities/network/0"]),
    Bad({NET: ["a" * 300]}, ["capability.host /capabilities/network/0"]),
    Bad({NET: [{"host": "a" * 300}]}, ["capability.length /capabilities/network/0/host", "capability.host /capabilities/network/0/host"]),
    Bad({NET: [{"host": ""}]}, ["capability.length /capabilities/network/0/host"]),
    Bad({NET: [{}]}, ["capability.missing /capabilities/network/0/host"]),
    Bad({NET: [{"host": "example.com:443"}]}, ["capability.host /capabilities/network/0/host"]),
    *_hosts("host_private", "127.0.0.1", "10.0.0.1", "127.1", "0x7f.1", "2130706433", "[::1]", "::1", "fe80::1", "8.8.8.8", "1.1.1.1.", "169.254.169.254"),
    *_hosts("host_private", "localhost", "db", "*.localhost", "db.internal", "printer.local", "a.home.arpa", "x.corp", "metadata.google.internal", "*.lan"),
    Bad({NET: ["127.0.0.1:80", "localhost:80", "[::1]:80"]}, [f"capability.host_private /capabilities/network/{i}" for i in range(3)]),
    *_hosts("wildcard", "*.co.uk", "*.com.au", "*.github.io", "*.workers.dev", "*.amazonaws.com"),
    *_hosts("wildcard", "*.com", "*.io"),
    *_hosts(
        "wildcard",
        "*.s3.eu-west-1.amazonaws.com",
        "*.execute-api.us-east-1.amazonaws.com",
        "*.mysite.github.io",
        "*.blob.core.windows.net",
        "*.web.core.windows.net",
    ),
    *_hosts("wildcard", "*.googleapis.com", "*.azure.com", "*.duckdns.org", "*.ngrok.dev", "*.azurefd.net", "*.azurewebsites.net", "*.ltd.uk", "*.uk.com"),
    *_hosts("host_private", "kubernetes.default.svc", "vault.service.consul", "gateway.docker", "db.cluster", "foo.localnet", "x.alt", "*.svc", "a.mail"),
    *_hosts(
        "host_private",
        "127.0.0.1.nip.io",
        "7f000001.nip.io",
        "*.sslip.io",
        "xip.io",
        "app.localtest.me",
        "lvh.me",
        "10.0.0.1.example.com",
        "a.10.0.0.1.example.com",
    ),
    Bad({NET: ["*.10.0.0.1.example.com", "lvh.me:8443"]}, [f"capability.host_private /capabilities/network/{i}" for i in range(2)]),
    Bad({NET: [f"a{i}.example.com" for i in range(64)] + ["localhost"]}, ["capability.length /capabilities/network"]),
    Bad(
        {NET: ["localhost", *(f"a{i}.example.com" for i in range(64))]},
        ["capability.length /capabilities/network", "capability.host_private /capabilities/network/0"],
    ),
    Bad(
        {NET: [{"host": "a.example", "methods": ["get", *["GET"] * 16]}]},
        [
            "capability.length /capabilities/network/0/methods",
            "capability.form /capabilities/network/0/methods/0",
            *(f"capability.duplicate /capabilities/network/0/methods/{i}" for i in range(2, 16)),
        ],
    ),
    Bad({NET: ["a.example", "a.example"]}, ["capability.duplicate /capabilities/network/1"]),
    Bad({NET: ["a.example", {"host": "a.example", "ports": [443]}]}, ["capability.duplicate /capabilities/network/1"], schema=False),
    *(Bad({NET: [{"host": "a.example", key: []}]}, [f"capability.length /capabilities/network/0/{key}"]) for key in ("schemes", "ports", "methods", "paths")),
    *(Bad({NET: [{"host": "a.example", "ports": [port]}]}, ["capability.range /capabilities/network/0/ports/0"]) for port in (0, 65536, "80", True, 1.5)),
    Bad({NET: [{"host": "a.example", "ports": [1, 1]}]}, ["capability.duplicate /capabilities/network/0/ports/1"]),
    Bad(
        {NET: [{"host": "a.example", "schemes": ["ftp"], "methods": ["get"]}]},
        ["capability.form /capabilities/network/0/schemes/0", "capability.form /capabilities/network/0/methods/0"],
    ),
    *(
        Bad({NET: [{"host": "a.example", "paths": [path]}]}, ["capability.form /capabilities/network/0/paths/0"])
        for path in ("v1", "/v1/", "/a/../b", "/.", "//", "/a?b", "/a%2f", "/*", "/a\\b")
    ),
    Bad({NET: [{"host": "a.example", "path": "/"}]}, ["capability.unknown_key /capabilities/network/0/path"]),
    Bad({NET: [7]}, ["capability.type /capabilities/network/0"]),
    Bad({"capabilities/netwrok": []}, ["capability.unknown_key /capabilities/netwrok"]),
    # files
    *_paths("path", "data", "./data", "~/data", "$HOME/x", "$MPP_HOME", "${workspace}x", "${home}/x", "a${workspace}", "/a/$b", "C:\\x"),
    *_paths("path", "/a/", "/a//b", "//a", "/a/./b", "/a/..", "${workspace}/", "${workspace}/../x", "/a*", "/a\\b", "/a?", "/a[b]", "/a\nb"),
    *_paths(
        "path_never",
        "/",
        "/proc",
        "/proc/self/mem",
        "/sys/x",
        "/dev",
        "/dev/sda",
        "/DEV/x",
        "/etc/mpp",
        "/etc/mpp/config.toml",
        "/home/a/.mpp",
        "/home/a/.MPP/keys",
        "${workspace}/.mpp",
    ),
    *_paths(
        "path_never", "/etc", "/ETC", "/var", "/private", "/private/etc", "/private/var", "/private/etc/mpp/x", "/private/var/run/x", "/run", "/run/user/1000"
    ),
    *_paths("path_never", "/var/run", "/var/run/docker.sock", "/run/docker.sock", "/home/a/agent.sock", "/tmp/x.SOCKET", "${workspace}/app.sock"),
    *_paths("path", "/a\xa0b", "${workspace}/a\u3000b"),
    Bad({FS: {"read": ["/a\x00"]}}, ["manifest.hidden_text /capabilities/filesystem/read/0", "capability.form /capabilities/filesystem/read/0"]),
    Bad({FS: {"read": [7, "/proc"]}}, ["capability.type /capabilities/filesystem/read/0", "capability.path_never /capabilities/filesystem/read/1"]),
    Bad({FS: {"read": ["/a", "/a"]}}, ["capability.duplicate /capabilities/filesystem/read/1"]),
    Bad({FS: {"read": "/a", "exec": []}}, ["capability.type /capabilities/filesystem/read", "capability.unknown_key /capabilities/filesystem/exec"]),
    # environment
    *_texts(ENV, "capability.form", "/capabilities/env_vars/0", ["lower"], ["1A"], ["A-B"], ["A=B"]),
    *_texts(
        ENV,
        "capability.env_never",
        "/capabilities/env_vars/0",
        ["LD_PRELOAD"],
        ["DYLD_X"],
        ["PYTHONPATH"],
        ["HTTPS_PROXY"],
        ["NODE_OPTIONS"],
        ["MPP_HOME"],
        ["PATH"],
        ["BASH_ENV"],
    ),
    *_texts(ENV, "capability.env_never", "/capabilities/env_vars/0", *([name] for name in STEERING)),
    Bad({ENV: [7, "PATH"]}, ["capability.type /capabilities/env_vars/0", "capability.env_never /capabilities/env_vars/1"]),
    # secrets
    _secret("name", "1a", "form"),
    _secret("host", "*.example.com", "wildcard"),
    _secret("host", "127.0.0.1", "host_private"),
    _secret("host", "", "length"),
    _secret("host", "other.example.com", "secret_host", schema=False),
    _secret("host", "api.example.com:444", "secret_host", schema=False),
    _secret("header", "A:b", "form"),
    *(_secret("header", header, "header_never") for header in ("Host", "content-length", "Transfer-Encoding", "X-Forwarded-For", "TE", "Proxy-Authorization")),
    *(_secret("format", text, "form") for text in ("Bearer", "{secret}\n", "{secret}{secret}", "{Secret}", "\xe9{secret}")),
    _secret("value", "x", "unknown_key"),
    Bad(
        {"capabilities": {"network": [{"host": "api.example.com", "schemes": ["http"], "ports": [443]}], "secrets": [SECRET]}},
        ["capability.secret_host /capabilities/secrets/0/host"],
        schema=False,
    ),
    Bad(
        {"capabilities": SECRETS | {"secrets": [SECRET, SECRET | {"header": "AUTHORIZATION"}]}}, ["capability.duplicate /capabilities/secrets/1"], schema=False
    ),
    Bad({"capabilities/secrets": [1]}, ["capability.type /capabilities/secrets/0"]),
    # storage and hardware
    *(Bad({"capabilities/storage": {"kv": {"max_bytes": size}}}, ["capability.range /capabilities/storage/kv/max_bytes"]) for size in (0, -1, 2**30 + 1)),
    Bad({"capabilities/storage": {}}, ["capability.missing /capabilities/storage/kv"]),
    Bad({"capabilities/storage": {"kv": {}}}, ["capability.missing /capabilities/storage/kv/max_bytes"]),
    Bad({"capabilities/storage": {"kv": {"max_bytes": 1}, "sql": 1}}, ["capability.unknown_key /capabilities/storage/sql"]),
    *(
        Bad({"capabilities/hardware": [DEVICE | {"path": path}]}, ["capability.form /capabilities/hardware/0/path"])
        for path in ("/etc/x", "/dev/", "/dev/../etc", "/dev/a//b", "ttyUSB0", "/dev/.x")
    ),
    *(
        Bad({"capabilities/hardware": [DEVICE | {"path": f"/dev/{path}"}]}, ["capability.device_never /capabilities/hardware/0/path"])
        for path in ("mem", "sda", "sda1", "nvme0n1", "fd/3", "tty", "tty1", "shm/x")
    ),
    Bad({"capabilities/hardware": [DEVICE | {"mode": "x"}]}, ["capability.choice /capabilities/hardware/0/mode"]),
    Bad({"capabilities/hardware": [DEVICE | {"device": "Serial"}]}, ["capability.form /capabilities/hardware/0/device"]),
    Bad({"capabilities/hardware": [DEVICE, DEVICE | {"mode": "r"}]}, ["capability.duplicate /capabilities/hardware/1"], schema=False),
]
