"""Check 7, declarations: what a manifest may not ask for, or not in this way."""

from __future__ import annotations

from collections.abc import Iterator

from conformance.make.build import files, package
from conformance.make.case import Case, refuse
from mpp.model.jsontext import Json

# One case a line, however long.
# fmt: off

API = "api.example.com"

# Hosts as texts: name, words, host, code.
HOSTS: tuple[tuple[str, str, str, str], ...] = (
    ("ipv4", "an IPv4 address", "93.184.215.14", "host_private"),
    ("ipv4-loopback", "the loopback address", "127.0.0.1", "host_private"),
    ("ipv4-short", "a short form of the loopback address", "127.1", "host_private"),
    ("ipv4-decimal", "an address as one number", "2130706433", "host_private"),
    ("ipv4-hexadecimal", "an address in hexadecimal", "0x7f000001", "host_private"),
    ("ipv4-hexadecimal-part", "an address with a hexadecimal part", "0x7f.1", "host_private"),
    ("ipv4-port", "an IPv4 address with a port", "10.0.0.1:443", "host_private"),
    ("ipv4-metadata", "the address of cloud metadata", "169.254.169.254", "host_private"),
    ("ipv4-dot", "an IPv4 address with a dot at its end", "127.0.0.1.", "host_private"),
    ("ipv6", "an IPv6 address", "[2001:db8::1]", "host_private"),
    ("ipv6-loopback", "the IPv6 loopback address", "[::1]:443", "host_private"),
    ("ipv6-bare", "an IPv6 address without brackets", "::1", "host_private"),
    ("localhost", "localhost", "localhost", "host_private"),
    ("localhost-port", "localhost with a port", "localhost:8443", "host_private"),
    ("localhost-sub", "a name below localhost", "app.localhost", "host_private"),
    ("internal", "a name below .internal", "metadata.google.internal", "host_private"),
    ("local", "a name below .local", "printer.local", "host_private"),
    ("home-arpa", "a name below .arpa", "router.home.arpa", "host_private"),
    ("onion", "a name below .onion", "example.onion", "host_private"),
    ("single", "a name of one part", "intranet", "host_private"),
    ("svc", "a name of a service in a cluster", "kubernetes.default.svc", "host_private"),
    ("consul", "a name of a service directory", "vault.service.consul", "host_private"),
    ("docker", "a name of a container engine", "gateway.docker", "host_private"),
    ("cluster", "a name below .cluster", "db.cluster", "host_private"),
    ("localnet", "a name below .localnet", "foo.localnet", "host_private"),
    ("alt", "a name below .alt", "x.alt", "host_private"),
    ("numbers", "four numbers before a name", "127.0.0.1.example.com", "host_private"),
    ("numbers-inside", "four numbers inside of a name", "a.127.0.0.1.example.com", "host_private"),
    ("loopback-service", "a service that answers with the address in the name", "7f000001.nip.io", "host_private"),
    ("loopback-name", "a public name of the loopback address", "app.localtest.me", "host_private"),
    ("wildcard-all", "a star alone", "*", "host"),
    ("wildcard-tld", "a wildcard below a top-level domain", "*.com", "wildcard"),
    ("wildcard-second-level", "a wildcard below a shared second level", "*.co.uk", "wildcard"),
    ("wildcard-shared", "a wildcard below a hosting service", "*.github.io", "wildcard"),
    ("wildcard-shared-below", "a wildcard below a region of a hosting service", "*.s3.eu-west-1.amazonaws.com", "wildcard"),
    ("wildcard-shared-name", "a wildcard below a name of a hosting service", "*.mysite.github.io", "wildcard"),
    ("wildcard-shared-above", "a wildcard that reaches into a hosting service", "*.googleapis.com", "wildcard"),
    ("wildcard-dynamic", "a wildcard below a service of dynamic names", "*.duckdns.org", "wildcard"),
    ("wildcard-registry", "a wildcard below a registry", "*.ltd.uk", "wildcard"),
    ("wildcard-middle", "a star in the middle", "api.*.example.com", "host"),
    ("wildcard-part", "a star in a part of a name", "api*.example.com", "host"),
    ("wildcard-two", "two stars", "*.*.example.com", "host"),
    ("upper", "a host in upper case", "API.example.com", "host"),
    ("scheme", "a scheme", "https://api.example.com", "host"),
    ("path", "a path", "api.example.com/v1", "host"),
    ("user", "a user", "user@api.example.com", "host"),
    ("port-0", "port 0", "api.example.com:0", "host"),
    ("port-65536", "port 65,536", "api.example.com:65536", "host"),
    ("port-leading-zero", "a port with a leading zero", "api.example.com:0443", "host"),
    ("port-empty", "a colon without port", "api.example.com:", "host"),
    ("port-star", "a star as port", "api.example.com:*", "host"),
    ("port-word", "a word as port", "api.example.com:https", "host"),
    ("dot-end", "a dot at its end", "api.example.com.", "host"),
    ("dots", "two dots in a row", "api..example.com", "host"),
    ("dash-begin", "a label that begins with a dash", "-api.example.com", "host"),
    ("underscore", "an underscore", "my_api.example.com", "host"),
    ("not-ascii", "a letter outside ASCII", "api.ex\u00e4mple.com", "host"),
    ("look-alike", "a look-alike letter", "api.ex\u0430mple.com", "host"),
    ("space", "a space", "api.example.com ", "host"),
    ("line-feed", "a line feed", "api.example.com\nevil.example.org", "host"),
    ("percent", "percent encoding", "api%2eexample.com", "host"),
    ("label-long", "a label of 64 characters", "a" * 64 + ".example.com", "host"),
    ("long", "254 characters", ".".join(["a" * 50, *["a" * 49] * 4]) + ".com", "host"),
    ("empty", "no character", "", "host"),
)

# Paths under filesystem.read.
PATHS: tuple[tuple[str, str, str, str], ...] = (
    ("proc", "/proc", "/proc", "path_never"),
    ("proc-self", "the environment of a process", "/proc/self/environ", "path_never"),
    ("sys", "/sys", "/sys/kernel", "path_never"),
    ("dev", "a device", "/dev/sda", "path_never"),
    ("dev-case", "/Dev on systems that ignore case", "/Dev/sda", "path_never"),
    ("policy", "the policy of the machine", "/etc/mpp/config.toml", "path_never"),
    ("home-mpp", "the home of a host", "/home/user/.mpp/keys", "path_never"),
    ("workspace-mpp", "the home of a host in the workspace", "${workspace}/.mpp", "path_never"),
    ("root", "the root", "/", "path_never"),
    ("etc", "the folder above the policy of the machine", "/etc", "path_never"),
    ("var", "the folder above the sockets of the machine", "/VAR", "path_never"),
    ("run", "the sockets of the machine", "/run", "path_never"),
    ("var-run", "the sockets of the machine by their older name", "/var/run/user", "path_never"),
    ("private", "the policy of the machine by its name on macOS", "/private/etc/mpp", "path_never"),
    ("private-above", "the folder above it on macOS", "/private", "path_never"),
    ("socket", "the socket of a container engine", "/srv/docker.sock", "path_never"),
    ("workspace-socket", "a socket in the workspace", "${workspace}/agent.Socket", "path_never"),
    ("no-break-space", "a no-break space", "/data\u00a0x", "path"),
    ("parent", "'..'", "/data/../etc", "path"),
    ("parent-end", "'..' at the end", "/data/..", "path"),
    ("workspace-parent", "'..' out of the workspace", "${workspace}/../secret", "path"),
    ("here", "'.'", "/data/./x", "path"),
    ("slashes", "two slashes in a row", "/data//x", "path"),
    ("slashes-begin", "two slashes at the beginning", "//data", "path"),
    ("slash-end", "a slash at the end", "/data/", "path"),
    ("relative", "a relative path", "data/x", "path"),
    ("tilde", "a home by tilde", "~/data", "path"),
    ("variable", "a variable", "$HOME/data", "path"),
    ("variable-other", "an unknown variable in braces", "${home}/data", "path"),
    ("variable-inside", "a variable inside", "/data/${workspace}", "path"),
    ("workspace-glued", "a text glued to the workspace", "${workspace}x", "path"),
    ("glob", "a star", "/data/*", "path"),
    ("glob-brackets", "brackets", "/data/[a-z]", "path"),
    ("question-mark", "a question mark", "/data/a?", "path"),
    ("backslash", "a backslash", "/data\\x", "path"),
    ("drive", "a drive", "C:\\data", "path"),
    ("address", "an address of a file", "file:///data", "path"),
)

ENVIRONMENT: tuple[tuple[str, str, str, str], ...] = (
    ("ld-preload", "LD_PRELOAD", "LD_PRELOAD", "env_never"),
    ("ld-library-path", "LD_LIBRARY_PATH", "LD_LIBRARY_PATH", "env_never"),
    ("dyld", "DYLD_INSERT_LIBRARIES", "DYLD_INSERT_LIBRARIES", "env_never"),
    ("pythonpath", "PYTHONPATH", "PYTHONPATH", "env_never"),
    ("node-options", "NODE_OPTIONS", "NODE_OPTIONS", "env_never"),
    ("bash-env", "BASH_ENV", "BASH_ENV", "env_never"),
    ("path", "PATH", "PATH", "env_never"),
    ("ifs", "IFS", "IFS", "env_never"),
    ("proxy", "HTTPS_PROXY", "HTTPS_PROXY", "env_never"),
    ("certificates", "SSL_CERT_FILE", "SSL_CERT_FILE", "env_never"),
    ("host", "MPP_HOME", "MPP_HOME", "env_never"),
    ("dotnet", "DOTNET_STARTUP_HOOKS", "DOTNET_STARTUP_HOOKS", "env_never"),
    ("lua", "LUA_INIT", "LUA_INIT", "env_never"),
    ("prompt", "PROMPT_COMMAND", "PROMPT_COMMAND", "env_never"),
    ("ca-bundle", "AWS_CA_BUNDLE", "AWS_CA_BUNDLE", "env_never"),
    ("cert-file", "NIX_SSL_CERT_FILE", "NIX_SSL_CERT_FILE", "env_never"),
    ("git", "GIT_SSL_NO_VERIFY", "GIT_SSL_NO_VERIFY", "env_never"),
    ("pip", "PIP_INDEX_URL", "PIP_INDEX_URL", "env_never"),
    ("npm", "NPM_CONFIG_REGISTRY", "NPM_CONFIG_REGISTRY", "env_never"),
    ("rustc", "RUSTC_WRAPPER", "RUSTC_WRAPPER", "env_never"),
    ("cargo", "CARGO_HOME", "CARGO_HOME", "env_never"),
    ("home", "HOME", "HOME", "env_never"),
    ("lessopen", "LESSOPEN", "LESSOPEN", "env_never"),
    ("perl", "PERL5DB", "PERL5DB", "env_never"),
    ("java", "JAVA_TOOL_OPTIONS", "JAVA_TOOL_OPTIONS", "env_never"),
    ("xdg", "XDG_CONFIG_HOME", "XDG_CONFIG_HOME", "env_never"),
    ("resolver", "HOSTALIASES", "HOSTALIASES", "env_never"),
    ("lower", "lower case", "api_key", "form"),
    ("digit-begin", "a digit at the beginning", "1KEY", "form"),
    ("equals", "a value in the name", "KEY=value", "form"),
    ("dash", "a dash", "API-KEY", "form"),
    ("star", "a star", "API_*", "form"),
    ("space", "a space", "API KEY", "form"),
    ("not-ascii", "a letter outside ASCII", "AP\u0130_KEY", "form"),
    ("long", "129 characters", "A" * 129, "length"),
    ("empty", "no character", "", "length"),
)

SECRET: dict[str, Json] = {"name": "CRM_TOKEN", "host": API, "header": "Authorization", "format": "Bearer {secret}"}
DEVICE: dict[str, Json] = {"device": "serial-port", "path": "/dev/ttyUSB0", "mode": "rw"}
BIG: list[Json] = [f"a{i}.example.com" for i in range(65)]

# Blocks: name, words, the whole of capabilities, code, clauses.
BLOCKS: tuple[tuple[str, str, Json, str, str], ...] = (
    ("is-list", "a list as capabilities", [], "type", "M-5"),
    ("is-null", "null as capabilities", None, "type", "M-5"),
    ("unknown-key", "an unknown capability", {"camera": True}, "unknown_key", "M-3"),
    ("unknown-key-case", "a capability in another case", {"Network": [API]}, "unknown_key", "M-3"),
    ("network-text", "a text as network", {"network": API}, "type", "M-5"),
    ("network-true", "true as network", {"network": True}, "type", "M-5"),
    ("network-number", "a number as network rule", {"network": [443]}, "type", "M-5"),
    ("network-65", "65 network rules", {"network": BIG}, "length", "M-40"),
    ("network-twice", "one network rule twice", {"network": [API, API]}, "duplicate", "M-40"),
    ("network-twice-forms", "one network rule twice, in two forms", {"network": [API, {"host": API, "ports": [443]}]}, "duplicate", "M-40"),
    ("rule-unknown-key", "an unknown key in a network rule", {"network": [{"host": API, "headers": []}]}, "unknown_key", "M-3"),
    ("rule-no-host", "a network rule without host", {"network": [{"ports": [443]}]}, "missing", "M-5"),
    ("rule-host-port", "a port in the host of a network rule", {"network": [{"host": f"{API}:443"}]}, "host", "M-40"),
    ("rule-port-0", "port 0 in a network rule", {"network": [{"host": API, "ports": [0]}]}, "range", "M-44"),
    ("rule-port-65536", "port 65,536 in a network rule", {"network": [{"host": API, "ports": [65536]}]}, "range", "M-44"),
    ("rule-port-text", "a text as port", {"network": [{"host": API, "ports": ["443"]}]}, "range", "M-44"),
    ("rule-ports-empty", "an empty list of ports", {"network": [{"host": API, "ports": []}]}, "length", "M-46"),
    ("rule-scheme", "an unknown scheme", {"network": [{"host": API, "schemes": ["ftp"]}]}, "form", "M-44"),
    ("rule-scheme-case", "a scheme in upper case", {"network": [{"host": API, "schemes": ["HTTPS"]}]}, "form", "M-44"),
    ("rule-method", "an unknown method", {"network": [{"host": API, "methods": ["CONNECT"]}]}, "form", "M-45"),
    ("rule-method-case", "a method in lower case", {"network": [{"host": API, "methods": ["get"]}]}, "form", "M-45"),
    ("rule-methods-empty", "an empty list of methods", {"network": [{"host": API, "methods": []}]}, "length", "M-46"),
    ("rule-path-relative", "a relative path in a network rule", {"network": [{"host": API, "paths": ["v1"]}]}, "form", "M-45"),
    ("rule-path-parent", "'..' in the path of a network rule", {"network": [{"host": API, "paths": ["/v1/../admin"]}]}, "form", "M-45"),
    ("rule-path-star", "a star in the path of a network rule", {"network": [{"host": API, "paths": ["/v1/*"]}]}, "form", "M-45"),
    ("rule-path-percent", "percent encoding in the path of a network rule", {"network": [{"host": API, "paths": ["/v1/%2e%2e"]}]}, "form", "M-45"),
    ("rule-path-query", "a query in the path of a network rule", {"network": [{"host": API, "paths": ["/v1?x=1"]}]}, "form", "M-45"),
    ("filesystem-list", "a list as filesystem", {"filesystem": ["/data"]}, "type", "M-5"),
    ("filesystem-unknown-key", "an unknown way of access", {"filesystem": {"execute": ["/data"]}}, "unknown_key", "M-3"),
    ("filesystem-number", "a number as path", {"filesystem": {"read": [1]}}, "type", "M-5"),
    ("filesystem-twice", "one path twice", {"filesystem": {"read": ["/data", "/data"]}}, "duplicate", "M-50"),
    ("filesystem-65", "65 paths", {"filesystem": {"read": [f"/data/{i}" for i in range(65)]}}, "length", "M-50"),
    ("filesystem-long", "a path of 513 characters", {"filesystem": {"read": ["/" + "a" * 512]}}, "length", "M-50"),
    ("filesystem-write-proc", "writing to /proc", {"filesystem": {"write": ["/proc/sys"]}}, "path_never", "M-53"),
    ("env-object", "an object as env_vars", {"env_vars": {"KEY": "value"}}, "type", "M-5"),
    ("env-twice", "one variable twice", {"env_vars": ["KEY", "KEY"]}, "duplicate", "M-54"),
    ("env-65", "65 variables", {"env_vars": [f"KEY_{i}" for i in range(65)]}, "length", "M-54"),
    ("secret-no-network", "a secret for a host that is not in network", {"secrets": [SECRET]}, "secret_host", "M-61"),
    ("secret-other-host", "a secret for another host than network names", {"network": ["www.example.com"], "secrets": [SECRET]}, "secret_host", "M-61"),
    ("secret-other-port", "a secret for a port that network does not name", {"network": [API], "secrets": [{**SECRET, "host": f"{API}:8443"}]}, "secret_host", "M-61"),
    ("secret-http", "a secret for a host that network names without TLS", {"network": [{"host": API, "schemes": ["http"]}], "secrets": [SECRET]}, "secret_host", "M-61"),
    ("secret-wildcard-parent", "a secret for the parent of a wildcard", {"network": ["*.example.com"], "secrets": [{**SECRET, "host": "example.com"}]}, "secret_host", "M-61"),
    ("secret-wildcard", "a secret for a wildcard", {"network": ["*.example.com"], "secrets": [{**SECRET, "host": "*.example.com"}]}, "wildcard", "M-60"),
    ("secret-no-name", "a secret without name", {"network": [API], "secrets": [{k: v for k, v in SECRET.items() if k != "name"}]}, "missing", "M-5"),
    ("secret-no-header", "a secret without header", {"network": [API], "secrets": [{k: v for k, v in SECRET.items() if k != "header"}]}, "missing", "M-5"),
    ("secret-value", "a secret with its value", {"network": [API], "secrets": [{**SECRET, "value": "x"}]}, "unknown_key", "M-3"),
    ("secret-header-host", "a secret in the header Host", {"network": [API], "secrets": [{**SECRET, "header": "Host"}]}, "header_never", "M-62"),
    ("secret-header-length", "a secret in the header Content-Length", {"network": [API], "secrets": [{**SECRET, "header": "content-length"}]}, "header_never", "M-62"),
    ("secret-header-lines", "a secret in a header of two lines", {"network": [API], "secrets": [{**SECRET, "header": "X-A\nX-B"}]}, "form", "M-62"),
    ("secret-format-none", "a secret whose format has no place for it", {"network": [API], "secrets": [{**SECRET, "format": "Bearer"}]}, "form", "M-63"),
    ("secret-format-twice", "a secret whose format has two places for it", {"network": [API], "secrets": [{**SECRET, "format": "{secret}{secret}"}]}, "form", "M-63"),
    ("secret-format-lines", "a secret whose format has a line end", {"network": [API], "secrets": [{**SECRET, "format": "{secret}\nX: y"}]}, "form", "M-63"),
    ("secret-twice", "two secrets in one header of one host", {"network": [API], "secrets": [SECRET, {**SECRET, "name": "OTHER", "header": "authorization"}]}, "duplicate", "M-62"),
    ("kv-0", "storage of 0 bytes", {"storage": {"kv": {"max_bytes": 0}}}, "range", "M-65"),
    ("kv-large", "storage of 1 GiB and a byte", {"storage": {"kv": {"max_bytes": 1024**3 + 1}}}, "range", "M-65"),
    ("kv-text", "storage in words", {"storage": {"kv": {"max_bytes": "1 MB"}}}, "type", "M-5"),
    ("kv-missing", "storage without size", {"storage": {"kv": {}}}, "missing", "M-5"),
    ("storage-empty", "storage without kind", {"storage": {}}, "missing", "M-5"),
    ("storage-unknown", "storage of an unknown kind", {"storage": {"kv": {"max_bytes": 1}, "sql": {}}}, "unknown_key", "M-3"),
    ("hardware-outside", "hardware outside of /dev", {"hardware": [{**DEVICE, "path": "/etc/shadow"}]}, "form", "M-70"),
    ("hardware-dev", "all of /dev as hardware", {"hardware": [{**DEVICE, "path": "/dev"}]}, "form", "M-70"),
    ("hardware-parent", "'..' in a device", {"hardware": [{**DEVICE, "path": "/dev/../etc/shadow"}]}, "form", "M-70"),
    ("hardware-star", "a star in a device", {"hardware": [{**DEVICE, "path": "/dev/ttyUSB*"}]}, "form", "M-70"),
    ("hardware-memory", "memory as hardware", {"hardware": [{**DEVICE, "path": "/dev/mem"}]}, "device_never", "M-71"),
    ("hardware-disk", "a disk as hardware", {"hardware": [{**DEVICE, "path": "/dev/sda1"}]}, "device_never", "M-71"),
    ("hardware-terminal", "a terminal as hardware", {"hardware": [{**DEVICE, "path": "/dev/tty"}]}, "device_never", "M-71"),
    ("hardware-files", "the open files of a process as hardware", {"hardware": [{**DEVICE, "path": "/dev/fd/3"}]}, "device_never", "M-71"),
    ("hardware-mode", "an unknown mode", {"hardware": [{**DEVICE, "mode": "rwx"}]}, "choice", "M-70"),
    ("hardware-no-mode", "hardware without mode", {"hardware": [{"device": "serial-port", "path": "/dev/ttyUSB0"}]}, "missing", "M-5"),
    ("hardware-kind", "a kind of device in upper case", {"hardware": [{**DEVICE, "device": "Serial"}]}, "form", "M-70"),
    ("hardware-twice", "one device twice", {"hardware": [DEVICE, {**DEVICE, "mode": "r"}]}, "duplicate", "M-70"),
)



def _lists() -> Iterator[tuple[str, str, Json, str, str]]:
    for name, words, host, code in HOSTS:
        yield f"host-{name}", f"a network host with {words}", {"network": [host]}, code, {"host": "M-41", "host_private": "M-42", "wildcard": "M-43"}[code]
    for name, words, path, code in PATHS:
        yield f"path-{name}", f"a path with {words}", {"filesystem": {"read": [path]}}, code, "M-53" if code == "path_never" else "M-50 M-51 M-52"
    for name, words, variable, code in ENVIRONMENT:
        yield f"env-{name}", f"an environment variable with {words}", {"env_vars": [variable]}, code, "M-55" if code == "env_never" else "M-54"


def cases() -> Iterator[Case]:
    """All cases about declared capabilities."""
    for name, words, block, code, clauses in (*_lists(), *BLOCKS):
        yield refuse(f"capabilities/{name}", f"A manifest that declares {words}", f"{clauses} G-40", f"capability.{code}", package(files({"capabilities": block})))
    layer = files({"runtime>type": "layer", "tool_definitions": [], "capabilities": {"network": [API]}})
    yield refuse("capabilities/layer", "A layer with capabilities of its own", "M-26 G-40", "capability.layer", package(layer))
    newer = files({"mpp_version": "1.1.0", "capabilities": {"camera": True}})
    yield refuse("capabilities/newer-key", "A capability of a later minor version", "M-4", "manifest.needs_newer_host", package(newer))
