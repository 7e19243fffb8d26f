"""What a package asks of the world. The list is complete: what is not here does not exist for the tool.

Spec: spec/manifest.md section 5. A form judged here says only that a host may consider the request; the
host's policy, its own list of paths after resolving links, and a person decide the rest.
"""

from __future__ import annotations

import re

from mpp.errors import Fault
from mpp.model.fields import Faults, Fields
from mpp.model.hiddentext import WIDE_SPACES
from mpp.model.hosts import WEB_PORTS, WRITTEN_CHARS_MAX, covers, read_host
from mpp.model.jsontext import Json, shown
from mpp.model.limits import (
    ENV_NAME_MAX,
    ENV_VARS_MAX,
    HARDWARE_MAX,
    KV_BYTES_MAX,
    NAME_MAX,
    NETWORK_RULES_MAX,
    PATH_CHARS_MAX,
    PATHS_MAX,
    RULE_ITEMS_MAX,
    SECRET_FORMAT_MAX,
    SECRETS_MAX,
    URL_PATH_MAX,
)
from mpp.model.value import value
from mpp.model.versioned import VersionedFaults

METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")
MODES = ("r", "w", "rw")
PLACEHOLDER = "{secret}"

# Attack: these make a loader, a shell, an interpreter or a tool run other code, look elsewhere for its settings, trust other
# certificates or talk through another machine. Families first, because each program adds members to its own.
NEVER_ENV_PREFIXES = (
    "BASH_", "BUNDLE_", "CARGO_", "COMPLUS_", "COMPOSER_", "CORECLR_", "COR_", "CURL_", "DOCKER_", "DOTNET_", "DYLD_", "ERL_", "GCONV_", "GEM_", "GIT_", "GLIBC_",
    "GUILE_", "JAVA_", "JDK_", "JULIA_", "LD_", "LUA_", "MALLOC_", "MPP_", "NPM_", "OPENSSL_", "PERL5", "PERL_", "PHP_", "PIP_", "PYTHON", "RESOLV_", "RUBY", "RUSTC",
    "RUSTUP_", "SSH_", "SSL_", "UV_", "XDG_", "YARN_",
)  # fmt: skip
NEVER_ENV_SUFFIXES = (
    "_ASKPASS", "_CA_BUNDLE", "_CA_CERTS", "_CERT_DIR", "_CERT_FILE", "_JAVA_OPTIONS", "_LIBRARY_PATH", "_NO_VERIFY", "_PRELOAD", "_PROXY", "_STARTUP_HOOKS",
    "_TLS_REJECT_UNAUTHORIZED",
)  # fmt: skip
NEVER_ENV_NAMES = frozenset((
    "AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE", "BASHOPTS", "BROWSER", "CDPATH", "CLASSPATH", "EDITOR", "ENV", "FPATH", "GLOBIGNORE", "GODEBUG", "GOENV", "GOFLAGS",
    "GOINSECURE", "GOPATH", "GOPROXY", "GOROOT", "GOTOOLCHAIN", "GRADLE_OPTS", "HOME", "HOSTALIASES", "IFS", "INPUTRC", "KUBECONFIG", "LESS", "LESSCLOSE", "LESSOPEN",
    "LIBPATH", "LOCALDOMAIN", "LOCPATH", "MAKEFLAGS", "MANPAGER", "MAVEN_OPTS", "NLSPATH", "NODE_ICU_DATA", "NODE_OPTIONS", "NODE_PATH", "NODE_REPL_EXTERNAL_MODULE",
    "NODE_V8_COVERAGE", "PAGER", "PATH", "PHPRC", "PROMPT_COMMAND", "PS0", "PS1", "PS2", "PS3", "PS4", "RES_OPTIONS", "SHELL", "SHELLOPTS", "SHLIB_PATH", "SSLKEYLOGFILE",
    "TCLLIBPATH", "TERMCAP", "TERMINFO", "TERMINFO_DIRS", "TMPDIR", "TZDIR", "VISUAL", "ZDOTDIR",
))  # fmt: skip
# Attack: whoever sets these decides where the message ends or to whom it goes, not who sends it.
NEVER_HEADER = re.compile(
    r"host|content-.*|transfer-encoding|connection|keep-alive|te|trailer|upgrade|expect|via|forwarded|x-forwarded-.*|proxy-.*|sec-.*", re.IGNORECASE
)
# Attack: raw memory, disks, other people's terminals and open files.
NEVER_DEVICE = re.compile(
    r"(?:mem|kmem|port|kmsg|fd|std(?:in|out|err)|shm|pts|ptmx|console|mapper|disk|block|fuse|kvm|tty[0-9]*|vcs.*|"
    r"(?:sd|hd|vd|xvd)[a-z]+[0-9]*|(?:nvme|mmcblk|loop|dm-|md|zram|ram|nbd)[0-9].*)(?:/.*)?"
)
_ENV = re.compile(r"[A-Z_][A-Z0-9_]*")
_SECRET = re.compile(r"[A-Za-z][A-Za-z0-9_-]*")
_HEADER = re.compile(r"[A-Za-z0-9][A-Za-z0-9-]*")
_FORMAT = re.compile(r"[ -~]*\{secret\}[ -~]*")
_URL_PATH = re.compile(r"/|(?:/(?!\.{1,2}(?:/|$))[A-Za-z0-9._~!$&'()+,;=:@-]+)+")
_KIND = re.compile(r"[a-z][a-z0-9-]*")
_DEVICE = re.compile(r"/dev/[A-Za-z0-9][A-Za-z0-9._:-]*(?:/[A-Za-z0-9][A-Za-z0-9._:-]*)*")
# /private is where macOS keeps /etc and /var.
NEVER_PATHS = ("/proc", "/sys", "/dev", "/run", "/var/run", "/etc/mpp", "/private/var/run", "/private/etc/mpp")
"""Never granted, nor what is below or above them."""

_SOCKET = (".sock", ".socket")


@value
class NetworkRule:
    """Requests that may leave: to ``host``, or with ``wildcard`` to its sub-domains only. Empty methods or paths mean any."""

    host: str
    wildcard: bool
    schemes: tuple[str, ...]
    ports: tuple[int, ...]
    methods: tuple[str, ...]
    paths: tuple[str, ...]
    """Each allows itself and what follows it after a slash."""


@value
class Secret:
    """A value the host puts into ``header`` of requests to ``host``; the tool never sees it. ``format`` holds ``{secret}`` once."""

    name: str
    host: str
    """``host``, or ``host:port`` where the port is not 443."""
    header: str
    format: str


@value
class Hardware:
    device: str
    """The kind, in a word."""
    path: str
    mode: str


@value
class Capabilities:
    network: tuple[NetworkRule, ...]
    read: tuple[str, ...]
    write: tuple[str, ...]
    env_vars: tuple[str, ...]
    secrets: tuple[Secret, ...]
    kv_max_bytes: int
    hardware: tuple[Hardware, ...]


NO_CAPABILITIES = Capabilities(network=(), read=(), write=(), env_vars=(), secrets=(), kv_max_bytes=0, hardware=())


def read_capabilities(found: Json, where: str, *, newer: bool, optional: frozenset[str]) -> tuple[Capabilities, tuple[Fault, ...]]:
    """The block, and its faults. With faults the value is not to be used."""
    faults = VersionedFaults(family="capability", newer=newer, optional=optional)
    fields = Fields(found, where, faults)
    network = fields.each("network", lambda item, place: read_rule(item, place, faults), most=NETWORK_RULES_MAX)
    _no_twins([(rule, f"{where}/network/{i}") for i, rule in enumerate(network) if rule.host], faults)
    read, write = _read_filesystem(fields)
    env_vars = fields.texts(
        "env_vars", most=ENV_VARS_MAX, each_most=ENV_NAME_MAX, pattern=_ENV, form="an environment variable such as API_KEY (upper case, digits, '_')"
    )
    for place, name in _strings(fields, "env_vars"):
        if is_never_env(name):
            faults.add("env_never", place, f"{shown(name)} steers programs, proxies or certificates and is never granted", "remove it, or take another name")
    secrets = fields.each("secrets", lambda item, place: _read_secret(item, place, network, faults), most=SECRETS_MAX)
    _no_twins([((secret.host, secret.header.lower()), f"{where}/secrets/{i}") for i, secret in enumerate(secrets) if secret.host], faults)
    hardware = fields.each("hardware", lambda item, place: read_hardware(item, place, faults), most=HARDWARE_MAX)
    _no_twins([(one.path, f"{where}/hardware/{i}") for i, one in enumerate(hardware)], faults)
    kv_max_bytes = _read_storage(fields)
    fields.end()
    out = Capabilities(network=network, read=read, write=write, env_vars=env_vars, secrets=secrets, kv_max_bytes=kv_max_bytes, hardware=hardware)
    return out, tuple(faults.found)


def _strings(fields: Fields, key: str) -> list[tuple[str, str]]:
    """The strings of a list with their places, whatever else stands between them."""
    found = fields.raw(key, required=False)
    return [(f"{fields.path(key)}/{i}", item) for i, item in enumerate(found) if isinstance(item, str)] if isinstance(found, list) else []


def is_never_env(name: str) -> bool:
    """Spec: spec/manifest.md M-55."""
    return name in NEVER_ENV_NAMES or name.startswith(NEVER_ENV_PREFIXES) or name.endswith(NEVER_ENV_SUFFIXES)


def _no_twins(found: list[tuple[object, str]], faults: Faults) -> None:
    seen: list[object] = []
    for item, where in found:
        if item in seen:
            faults.add("duplicate", where, "stands twice", "keep one of them")
        seen.append(item)


def read_rule(found: Json, where: str, faults: Faults) -> NetworkRule:
    """Spec: spec/manifest.md M-40 to M-46."""
    if isinstance(found, str):
        host, port = read_host(found, where, faults, wildcard=True, port=True)
        wildcard = host.startswith("*.")
        return NetworkRule(host=host.removeprefix("*."), wildcard=wildcard, schemes=("https",), ports=(port or WEB_PORTS["https"],), methods=(), paths=())
    fields = Fields(found, where, faults)
    written = fields.text("host", most=WRITTEN_CHARS_MAX)
    host, _ = read_host(written, fields.path("host"), faults, wildcard=True, port=False) if written else ("", 0)
    schemes = _choices(fields, "schemes", tuple(WEB_PORTS)) or ("https",)
    ports = tuple(_read_port(item, place, faults) for place, item in _listed(fields, "ports")) or tuple(WEB_PORTS[scheme] for scheme in schemes)
    methods = _choices(fields, "methods", METHODS)
    paths = _texts(
        fields, "paths", URL_PATH_MAX, _URL_PATH, "a path such as /v1/items (no '..', '//', '?', '#', '%' or '*'; what follows after a slash is allowed too)"
    )
    fields.end()
    wildcard = host.startswith("*.")
    _no_twins([(port, f"{where}/ports/{i}") for i, port in enumerate(ports)], faults)
    return NetworkRule(host=host.removeprefix("*."), wildcard=wildcard, schemes=schemes, ports=ports, methods=methods, paths=paths)


def _listed(fields: Fields, key: str) -> list[tuple[str, Json]]:
    """The items of a list with their places. A list that is there is not empty: empty could be read as all or as none."""
    least = 1 if fields.has(key) else 0
    return [(f"{fields.path(key)}/{i}", item) for i, item in enumerate(fields.items(key, most=RULE_ITEMS_MAX, least=least))]


def _texts(fields: Fields, key: str, each_most: int, pattern: re.Pattern[str], form: str) -> tuple[str, ...]:
    return fields.texts(key, most=RULE_ITEMS_MAX, each_most=each_most, least=1 if fields.has(key) else 0, pattern=pattern, form=form)


def _choices(fields: Fields, key: str, allowed: tuple[str, ...]) -> tuple[str, ...]:
    """Distinct words of a closed list, in the order of that list: two orders of one rule are one rule."""
    found = _texts(fields, key, NAME_MAX, re.compile("|".join(allowed)), f"one of {', '.join(allowed)}")
    return tuple(word for word in allowed if word in found)


def _read_port(item: Json, where: str, faults: Faults) -> int:
    if isinstance(item, int) and not isinstance(item, bool) and 1 <= item <= 65535:
        return item
    faults.add("range", where, "must be a port, an integer from 1 to 65535", "write the number of the port")
    return 0


def _read_filesystem(fields: Fields) -> tuple[tuple[str, ...], tuple[str, ...]]:
    block = fields.object("filesystem", required=False)
    if block is None:
        return (), ()
    found = []
    for key in ("read", "write"):
        paths = block.texts(key, most=PATHS_MAX, each_most=PATH_CHARS_MAX)
        found.append(paths)
        for place, path in _strings(block, key):
            _check_path(path, place, block.faults)
    block.end()
    return found[0], found[1]


def _check_path(path: str, where: str, faults: Faults) -> None:
    """Spec: spec/manifest.md M-50 to M-53. Attack: two spellings of one path, of which policy sees only one."""
    rest = path.removeprefix("${workspace}")
    in_workspace = rest != path
    if "$" in rest or rest.startswith("~") or (not rest.startswith("/") and not (in_workspace and not rest)):
        hint = "write /absolute/path, ${workspace} or ${workspace}/path; no other variable and no '~' is known"
        faults.add("path", where, f"{shown(path)!r} is neither absolute nor in the workspace", hint)
        return
    parts = rest.split("/")[1:]
    if any(part in {"", ".", ".."} for part in parts) and path != "/":
        faults.add("path", where, f"{shown(path)!r} is not in its shortest form", "remove '.', '..', doubled slashes and a slash at the end")
    elif set(path) & set("\\*?[]\n\t" + WIDE_SPACES):
        message = f"{shown(path)!r} holds one of \\ * ? [ ], a tab, a line end or an unusual space"
        faults.add("path", where, message, "name the folder itself: what is in it is included")
    else:
        wrong = _never_path([part.lower() for part in parts], in_workspace=in_workspace)
        if wrong:
            faults.add("path_never", where, f"{shown(path)!r} {wrong}", "name the folder with the tool's own data; devices are declared under hardware")


def _never_path(parts: list[str], *, in_workspace: bool) -> str:
    """Why no policy may grant the path, or nothing. Spec: spec/manifest.md M-53."""
    path = "".join(f"/{part}" for part in parts if part) + "/"
    if not in_workspace and any(path.startswith(f"{never}/") for never in NEVER_PATHS):
        return "is never granted"
    if not in_workspace and any(never.startswith(path) for never in NEVER_PATHS):
        return "holds a folder that is never granted"
    if ".mpp" in parts:
        return "is in the home of a host, which is never granted"
    # Attack: who speaks to the socket of a container engine or of an agent for keys has the machine.
    return "is named as a socket of a program, which is never granted" if parts and parts[-1].endswith(_SOCKET) else ""


def _read_secret(found: Json, where: str, network: tuple[NetworkRule, ...], faults: Faults) -> Secret:
    """Spec: spec/manifest.md M-60 to M-63."""
    fields = Fields(found, where, faults)
    name = fields.text("name", most=NAME_MAX, pattern=_SECRET, form="a name such as CRM_TOKEN (letters, digits, '_', '-')")
    written = fields.text("host", most=WRITTEN_CHARS_MAX)
    host, port = read_host(written, fields.path("host"), faults, wildcard=False, port=True) if written else ("", 0)
    port = port or WEB_PORTS["https"]
    # Attack: a secret sent in clear text, or to a host that nobody was shown.
    if host and not any("https" in rule.schemes and port in rule.ports and covers(rule.host, host, wildcard=rule.wildcard) for rule in network):
        faults.add("secret_host", fields.path("host"), f"no https rule under network covers {shown(written)}", "add the host to network")
    header = fields.text("header", most=NAME_MAX, pattern=_HEADER, form="a header name such as Authorization")
    if NEVER_HEADER.fullmatch(header):
        faults.add("header_never", fields.path("header"), f"the header {header} belongs to the transport", "use Authorization or a header of the service's own")
    form = f"printable ASCII with {PLACEHOLDER} in it"
    layout = fields.text("format", most=SECRET_FORMAT_MAX, default=PLACEHOLDER, pattern=_FORMAT, form=form)
    if layout.count(PLACEHOLDER) > 1:
        faults.add("form", fields.path("format"), f"holds {PLACEHOLDER} more than once", f"write {PLACEHOLDER} once")
    fields.end()
    return Secret(name=name, host=host if port == WEB_PORTS["https"] else f"{host}:{port}", header=header, format=layout)


def read_hardware(found: Json, where: str, faults: Faults) -> Hardware:
    """Spec: spec/manifest.md M-70, M-71."""
    fields = Fields(found, where, faults)
    device = fields.text("device", most=NAME_MAX, pattern=_KIND, form="a kind of device in lower case such as serial-port")
    path = fields.text("path", most=PATH_CHARS_MAX, pattern=_DEVICE, form="a path of one device such as /dev/ttyUSB0")
    if NEVER_DEVICE.fullmatch(path.removeprefix("/dev/")):
        faults.add(
            "device_never", fields.path("path"), f"{shown(path)} gives memory, disks or terminals and is never granted", "name the device that the tool needs"
        )
    mode = fields.one_of("mode", MODES)
    fields.end()
    return Hardware(device=device, path=path, mode=mode)


def _read_storage(fields: Fields) -> int:
    block = fields.object("storage", required=False)
    kv = block.object("kv") if block is not None else None
    if block is None or kv is None:
        if block is not None:
            block.end()
        return 0
    size = kv.number("max_bytes", least=1, most=KV_BYTES_MAX)
    kv.end()
    block.end()
    return size
