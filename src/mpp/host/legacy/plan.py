"""From what the owner wrote to what a starter is told: the program found, its runtime shown, and nothing that is never granted. Spec: legacy V-10 to V-27."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Mapping

from mpp.errors import Refused
from mpp.host.legacy.launch_plan import LaunchPlan, Shown
from mpp.host.legacy.limits import COMMAND_WORDS_MAX, HEADERS_MAX, WORD_BYTES_MAX
from mpp.host.legacy.types import Header, HostRule, Server
from mpp.host.legacy.values import filled
from mpp.host.secret_entry import check_header, check_name
from mpp.model.capabilities import NEVER_PATHS, is_never_env
from mpp.model.fields import Faults
from mpp.model.hosts import WEB_PORTS, read_host
from mpp.model.jsontext import shown
from mpp.model.limits import ENV_NAME_MAX
from mpp.model.names import PACKAGE_ID
from mpp.model.scope import path_covered

HOME_INSIDE = "/home/mcp"
"""The home folder of a server, as it sees it."""

PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
LANGUAGE = "C.UTF-8"

_SYSTEM = ("/bin", "/lib", "/lib32", "/lib64", "/libx32", "/nix/store", "/sbin", "/usr")
_SETTINGS = (
    "alternatives", "ca-certificates", "crypto-policies", "fonts", "ld.so.cache", "ld.so.conf", "ld.so.conf.d", "localtime", "mime.types", "nsswitch.conf",
    "os-release", "pki/tls/certs", "pki/ca-trust/extracted", "protocols", "services", "ssl/certs", "ssl/openssl.cnf",
)  # fmt: skip
_DEVICES = ("/dev/full", "/dev/null", "/dev/random", "/dev/urandom", "/dev/zero")

OWN_HEADERS = frozenset(("accept", "accept-encoding", "user-agent", "mcp-protocol-version", "mcp-session-id", "last-event-id"))
"""Headers of the protocol itself, in lower case."""

_ENV = re.compile(rf"[A-Za-z_][A-Za-z0-9_]{{0,{ENV_NAME_MAX - 1}}}")
_UNSOUND = re.compile(r"[\x00-\x08\x0b-\x1f\x7f\ud800-\udfff]")
_PRIVATE_HOST = re.compile(r"[a-z0-9](?:[a-z0-9.-]{0,251}[a-z0-9])?")
_PORT = re.compile(r"[1-9][0-9]{0,4}")
_FETCHERS = {"npx": re.compile(r"(?:@[a-z0-9._-]+/)?[a-z0-9._-]+@[0-9][0-9A-Za-z.+-]*"), "uvx": re.compile(r"[A-Za-z0-9._-]+(?:@|==)[0-9][0-9A-Za-z.+!-]*")}
_VALUED = frozenset(("--package", "-p", "--from", "--with", "--python", "--index-url", "--registry"))


def plan_of(
    server: Server, env: Mapping[str, str], *, environment: Mapping[str, str], mpp_home: str, namespaces: bool = True, landlock: int = -1
) -> LaunchPlan:
    """What to start now. ``env``: the server's own variables with their values."""
    program = find_program(server.command[0], environment)
    for path in (*server.read, *server.write, *((server.folder,) if server.folder else ())):
        _check_same(path, mpp_home)
    # Attack: a value in the place of the program. The first word is taken as it stands.
    words = (program, *(filled(one, env) for one in server.command[1:]))
    if not server.sandboxed:
        kept = {name: text for name, text in environment.items() if name in {"HOME", "LANG", "PATH", "TMPDIR", "USER"}}
        home = kept.get("HOME", "/")
        return LaunchPlan(command=words, env=(*kept.items(), *env.items()), home=home, folder=server.folder, sandboxed=False)
    runtime = runtime_of(program, environment, mpp_home)
    paths = ":".join(dict.fromkeys((os.path.dirname(program), *PATH.split(":"))))
    own = {"HOME": HOME_INSIDE, "LANG": LANGUAGE, "PATH": paths, "TMPDIR": "/tmp"}  # noqa: S108 - its own, empty
    granted = (*(Shown(one) for one in (*runtime, *server.read)), *(Shown(one, write=True) for one in server.write))
    return LaunchPlan(
        command=words,
        env=(*own.items(), *env.items()),
        home=HOME_INSIDE,
        folder=server.folder,
        shown=tuple(dict.fromkeys(granted)),
        system=(*_SYSTEM, *(f"/etc/{one}" for one in _SETTINGS)),
        devices=_DEVICES,
        namespaces=namespaces,
        landlock=landlock,
        proxied=bool(server.hosts),
    )


def find_program(word: str, environment: Mapping[str, str]) -> str:
    """The whole path of a program."""
    found = shutil.which(word, path=environment.get("PATH", PATH))
    if found is None:
        raise Refused("usage.legacy", f"there is no program {shown(word)!r} here", where="command", hint="install it, or give its whole path")
    return os.path.abspath(found)


def runtime_of(program: str, environment: Mapping[str, str], mpp_home: str) -> tuple[str, ...]:
    """What a program needs beside the system's own folders: the installation that it lies in, or itself alone."""
    found: list[str] = []
    hidden = _hidden(environment, mpp_home)
    for path in _chain(program):
        prefix = os.path.dirname(os.path.dirname(path))
        # Attack: a program in ~/bin or ~/.local/bin, whose installation would be the whole home.
        whole = os.path.basename(os.path.dirname(path)) == "bin" and prefix != "/" and not any(path_covered(one, (prefix,)) for one in hidden)
        one = os.path.realpath(prefix) if whole else os.path.realpath(path)
        if not path_covered(one, _SYSTEM):
            found.append(one)
            if whole and one != prefix and not path_covered(prefix, _SYSTEM):
                found.append(prefix)
    return tuple(dict.fromkeys(found))


def _chain(program: str) -> list[str]:
    """The program and where its links lead, step by step: an environment of Python is a link into an installation."""
    chain = [program]
    while os.path.islink(chain[-1]) and len(chain) < 16:
        chain.append(os.path.normpath(os.path.join(os.path.dirname(chain[-1]), os.readlink(chain[-1]))))
    return chain


def _hidden(environment: Mapping[str, str], mpp_home: str) -> tuple[str, ...]:
    """What no installation may hold."""
    home = environment.get("HOME") or os.path.expanduser("~")
    return (os.path.realpath(home), os.path.join(os.path.realpath(home), ".local"), os.path.realpath(mpp_home))


def judge_path(written: str, mpp_home: str, *, here: str) -> str:
    """The whole path of a file or folder that a server may be shown; links are followed once, now."""
    path = os.path.realpath(os.path.join(here, os.path.expanduser(written)))
    if len(os.fsencode(path)) > WORD_BYTES_MAX or not os.path.exists(path):
        raise Refused("usage.legacy", f"{shown(written)!r} is not there", where="path", hint="name a folder or a file that exists")
    if not _is_sound(path):
        raise Refused("usage.legacy", f"{shown(path)!r} holds characters that cannot be kept", where="path", hint="give it another name")
    _never(path, mpp_home)
    return path


def judge_folder(written: str, mpp_home: str, *, here: str) -> str:
    """Where a server is started."""
    path = judge_path(written, mpp_home, here=here)
    if not os.path.isdir(path):
        raise Refused("usage.legacy", f"{shown(written)!r} is no folder", where="folder", hint="name the folder to start it in")
    return path


def _never(path: str, mpp_home: str) -> None:
    """Attack: a folder that holds the keys of this host, or the sockets of its services."""
    home, person = os.path.realpath(mpp_home), os.path.realpath(os.path.expanduser("~"))
    if path_covered(person, (path,)):
        raise Refused("usage.legacy", f"{shown(path)!r} is the whole home of a person", where="path", hint="name a narrower folder")
    if path == "/" or path_covered(home, (path,)) or path_covered(path, (home,)):
        raise Refused("usage.legacy", f"{shown(path)!r} holds the home of MPP, or lies in it", where="path", hint="name a narrower folder")
    if any(path_covered(path, (one,)) for one in NEVER_PATHS) or path.endswith((".sock", ".socket")):
        raise Refused("usage.legacy", f"{shown(path)!r} is never shown to a server", where="path", hint="name a folder with the server's own data")


def _check_same(path: str, mpp_home: str) -> None:
    """Attack: a folder that was swapped for a link since somebody agreed to it."""
    if os.path.realpath(path) != path:
        raise Refused("usage.legacy", f"{shown(path)!r} leads elsewhere since it was agreed to", where="path", hint="remove the server and add it again")
    if not os.path.exists(path):
        raise Refused("usage.legacy", f"{shown(path)!r} is not there any more", where="path", hint="make it again, or add the server without it")
    _never(path, mpp_home)


def judge_host(written: str) -> HostRule:
    """``name:port``, the port 443 if left out. A name that is not public is let through only where a policy of this host names it, too."""
    faults = Faults("usage")
    host, port = read_host(written, "--allow-host", faults, wildcard=True, port=True)
    if host:
        return HostRule(host=host.removeprefix("*."), port=port or WEB_PORTS["https"], wildcard=host.startswith("*."))
    name, _, number = written.rpartition(":")
    if _PRIVATE_HOST.fullmatch(name) and _PORT.fullmatch(number) and int(number) < 65536:
        return HostRule(host=name, port=int(number))
    raise Refused("usage.legacy", faults.found[0].message, where="--allow-host", hint="write it as api.example.com:443")


def judge_variable(name: str) -> str:
    if _ENV.fullmatch(name) is None or is_never_env(name.upper()):
        message = f"{shown(name)!r} is no name of a variable, or steers programs and is never given"
        raise Refused("usage.legacy", message, where="--env", hint="name a variable such as API_KEY; its value is stored with `mpp secret set`")
    return name


def judge_headers(pairs: tuple[tuple[str, str], ...]) -> tuple[Header, ...]:
    """Headers with the names of their secrets."""
    for name, secret in pairs:
        check_name(secret)
        check_header(name, secret)
    if len(pairs) > HEADERS_MAX or len({name.lower() for name, _ in pairs}) < len(pairs) or OWN_HEADERS & {name.lower() for name, _ in pairs}:
        message = f"at most {HEADERS_MAX} headers, each once, and none that MPP sends itself"
        raise Refused("usage.legacy", message, where="--header", hint="name the headers that carry a secret")
    return tuple(Header(name=name, secret=secret) for name, secret in pairs)


def judge_name(name: str) -> str:
    if "." in name or PACKAGE_ID.fullmatch(f"legacy.{name}") is None:
        raise Refused(
            "usage.legacy", f"{shown(name)!r} is no name for a server", where="name", hint="write lower-case letters, digits and single dashes: my-files"
        )
    return name


def judge_command(words: tuple[str, ...]) -> tuple[str, ...]:
    if len(words) > COMMAND_WORDS_MAX or any(len(os.fsencode(one)) > WORD_BYTES_MAX for one in words):
        raise Refused("usage.legacy", f"a command has at most {COMMAND_WORDS_MAX} words of {WORD_BYTES_MAX} bytes", where="command", hint="start a script")
    if not all(map(_is_sound, words)):
        raise Refused("usage.legacy", "a word of the command holds characters that cannot be kept", where="command", hint="start a script")
    return words


def _is_sound(text: str) -> bool:
    """Does it come back from the document as it was? Control characters do not, nor bytes that are no text."""
    return _UNSOUND.search(text) is None


def files_among(words: tuple[str, ...], mpp_home: str, *, here: str) -> tuple[str, ...]:
    """Words of a command that are files: the program of an interpreter. They are shown to it, and to the person who agrees."""
    found = (os.path.join(here, os.path.expanduser(one)) for one in words[1:] if os.sep in one or one.endswith((".py", ".js", ".mjs", ".cjs", ".jar")))
    return tuple(dict.fromkeys(judge_path(one, mpp_home, here=here) for one in found if os.path.isfile(one)))


def is_code_pinned(words: tuple[str, ...]) -> bool:
    """Does the command run one version of its code? What is fetched by name alone may be another one at each start."""
    form = _FETCHERS.get(os.path.basename(words[0]))
    if form is None:
        # A program of this machine is what it is until somebody changes it. What other fetchers load is not known.
        return os.path.basename(words[0]) not in {"bunx", "pnpm", "yarn", "pipx", "uv", "bun", "deno", "docker", "podman"}
    rest = list(words[1:])
    while rest:
        one = rest.pop(0)
        if one in _VALUED and rest:
            # The package is the value of the option where there is one.
            return form.fullmatch(rest.pop(0)) is not None
        if not one.startswith("-"):
            return form.fullmatch(one) is not None
    return False
