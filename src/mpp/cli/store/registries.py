"""The registries of this home, opened for one command: configuration, memory, logins. It joins the client with the home."""

from __future__ import annotations

import os
from collections.abc import Callable
from urllib.parse import urlsplit

from mpp.cli.first_use import confirm
from mpp.cli.options import home, is_fleet, quoted, read_passphrase
from mpp.cli.screen import note, safe
from mpp.crypto.ed25519 import fingerprint
from mpp.crypto.roots import read_chain, RootChain
from mpp.errors import Refused
from mpp.host.secret_entry import make_entry
from mpp.host.secret_store import open_secrets
from mpp.host.system import SystemClock, SystemRandom
from mpp.model.jsontext import shown
from mpp.protocol.addresses import is_here
from mpp.protocol.registry.documents import RegistryInfo
from mpp.remote.client import RegistryClient
from mpp.remote.address import check_base
from mpp.remote.config import Config, ConfigFile, NAME, Registry, with_registry
from mpp.remote.credentials import Credentials, Nobody, Signed, Token
from mpp.remote.limits import AGE_SECONDS_MAX
from mpp.remote.memory import MemoryFile
from mpp.remote.proofs import Terms

HOUR = 3600
NOT_INSTALLABLE = "legacy.mpp-registry"
"""Logins are kept for this package alone, which nobody can install: no tool is ever given one."""

LOGIN_PREFIX = "registry-"
LOGIN_DIGITS = 32
"""Digits of the registry id in the name of a login. Reason: as many as its log has in its name."""


def config_file() -> ConfigFile:
    return ConfigFile(home().registries)


def load_config() -> Config:
    return config_file().load()


def memory_of(registry_id: str) -> MemoryFile:
    return MemoryFile(os.path.join(home().path, "registries"), registry_id)


def client_of(registry: Registry, credentials: Credentials | None = None) -> RegistryClient:
    return RegistryClient(registry, credentials=credentials or (login_of(registry) if registry.private else Nobody()))


def terms_of(registry: Registry, *, now: int | None = None) -> Terms:
    moment = SystemClock().now() if now is None else now
    return Terms(now=moment, max_age=registry.max_age, witnesses=registry.keys, quorum=registry.quorum)


def cooldown_of(registry: Registry, hours: float | None) -> int:
    """Seconds; what the command says counts before what is configured, but not in a fleet."""
    if hours is None:
        return registry.cooldown
    if is_fleet() and hours * HOUR < registry.cooldown:
        raise Refused("consent.fleet", "this host does not take a shorter --min-age: its administrator decides", hint="ask its administrator")
    return min(int(hours * HOUR), AGE_SECONDS_MAX)


# -- logins


def _login_name(registry: Registry) -> str:
    return LOGIN_PREFIX + registry.registry_id[:LOGIN_DIGITS]


def login_of(registry: Registry, *, ask: bool = True) -> Credentials:
    """What the user logged in with; nobody where they did not. Only for the registry that it was given for."""
    entry = open_secrets(home()).load().get(_login_name(registry))
    if entry is None:
        return Nobody()
    kind, _, rest = entry.value.partition(":")
    return Token(rest) if kind == "token" else signed_by(rest, registry, None, ask=ask)


def put_login(registry: Registry, text: str) -> None:
    """``token:…`` or ``key:PATH``, sealed with the secrets of this home."""
    entry = make_entry(_login_name(registry), text, created=SystemClock().now(), packages=(NOT_INSTALLABLE,))
    open_secrets(home()).put(entry, replace=True)


def drop_login(registry: Registry) -> bool:
    store = open_secrets(home())
    if _login_name(registry) not in store.load():
        return False
    store.remove(_login_name(registry))
    return True


def signed_by(path: str, registry: Registry, passphrase_file: str | None, *, ask: bool = True) -> Credentials:
    """Requests signed with a release key."""
    from mpp.author.keys import key_is_sealed, load_signer  # noqa: PLC0415 - only publishers and members of private registries have keys

    is_sealed = key_is_sealed(path)
    if is_sealed and not ask and passphrase_file is None:
        return Nobody()
    passphrase = read_passphrase(passphrase_file, confirm=False, what=os.path.basename(path)) if is_sealed else None
    return Signed(load_signer(path, "release", passphrase), registry.registry_id, SystemClock(), SystemRandom())


# -- first use of a registry


def look_at(url: str) -> tuple[RegistryInfo, RootChain]:
    """What is at an address: a registry whose root documents hold in themselves. Nobody believes it yet."""
    probe = Registry(name="new", url=url, registry_id="0" * 64)
    info = RegistryClient(probe).info()
    chain = read_chain(info.roots, where=shown(url))
    if chain.publisher_id != info.registry_id:
        raise Refused("registry.identity", "the registry says another id than that of its root document", where=shown(url), hint="ask who runs the registry")
    return info, chain


def confirm_registry(url: str, info: RegistryInfo, chain: RootChain, expected: str, ask: Callable[[str], bool] = confirm) -> None:
    """Spec: store D-81. As a publisher: a person has seen the fingerprint, or gives it in full."""
    digits = expected.replace(" ", "").replace(":", "").lower()
    if expected and digits != chain.publisher_id:
        raise Refused("publisher.fingerprint", "the fingerprint is another one", where=shown(url), hint="stop: this is not the registry that you expect")
    if not expected and not ask(registry_question(url, info, chain)):
        hint = f"answer yes in a terminal, or run, with the fingerprint that its operator gave you: mpp registry add {url} --fingerprint HEX"
        raise Refused("publisher.unconfirmed", "nobody confirmed the registry's fingerprint", where=shown(url), hint=hint)


def registry_question(url: str, info: RegistryInfo, chain: RootChain) -> str:
    """The name comes last and quoted: the one text that the registry chose freely."""
    digits = fingerprint(chain.publisher_id)
    half = len(digits) // 2
    lines = [
        "",
        "This home does not know the registry yet.",
        f"  fingerprint  {digits[:half]}",
        f"               {digits[half + 1 :]}",
        f"  address      {url}",
        f"  calls itself {quoted(chain.newest.name)}" + ("" if info.name == chain.newest.name else f", its pages {quoted(info.name)}"),
        "Compare the fingerprint with one that you got another way: its operator's site,",
        "a colleague.",
        "Type yes to trust what its log proves: ",
    ]
    return "\n".join(safe(line) for line in lines)


def name_of(url: str) -> str:
    """How a registry is called where nobody says: the first part of its host."""
    host = urlsplit(url).hostname or ""
    first = host.split(".")[0]
    return "local" if is_here(host) else first if NAME.fullmatch(first) else ""


def known_name(wanted: str) -> str:
    """The name of the registry that ``--registry`` means. An address that is not known yet is asked about once, as by `mpp registry add`."""
    if not wanted.lower().startswith(("http://", "https://")):
        return wanted
    base, config = check_base(wanted), load_config()
    found = next((one.name for one in config.registries.values() if one.url == base), "")
    if found:
        return found
    info, chain = look_at(base)
    one = Registry(name=name_of(base), url=base, registry_id=chain.publisher_id)
    if NAME.fullmatch(one.name) is None:
        raise Refused("usage.registry", "the registry needs a name", where=base, hint=f"run: mpp registry add {base} --name NAME")
    with_registry(config, one, default=False)
    confirm_registry(base, info, chain, "")
    memory_of(chain.publisher_id).begin(chain)
    config_file().change(lambda latest: with_registry(latest, one, default=False))
    note(f"{base} is known as {one.name} from now on")
    return one.name
