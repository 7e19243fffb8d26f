"""What the administrator of this machine has fixed: ``/etc/mpp/config.toml``. Spec: policy-bundle B-40 to B-44.

Whoever runs agents under their own user id cannot keep them out of their own files. What root wrote here holds all the same. The
place is fixed: neither a variable of the environment nor an option names another, because an agent could set either.
"""

from __future__ import annotations

import os
import tomllib

from mpp.crypto.roots import RootChain, named_by_hand, read_chain
from mpp.errors import HostFailed, Refused
from mpp.host.policy_files import check_folder, read_owned
from mpp.limits import KIB
from mpp.model.fields import Faults, Fields
from mpp.model.jsontext import Json
from mpp.model.value import value
from mpp.stages.archive.limits import PUBLISHER_BYTES_MAX
from mpp.stages.policy import BUNDLE_NAME_MAX
from mpp.stages.policy.types import STRENGTHS

CONFIG_FILE = "config.toml"
CONFIG_BYTES_MAX = 64 * KIB
"""Bytes of the settings of a machine. Reason: a handful of lines, with room for comments."""

SETTING_CHARS_MAX = 1000
"""Characters of a path or an address in the settings. Reason: paths are shorter; bounds what a message quotes."""

MODES = ("personal", "fleet")


@value
class System:
    """Where the administrator's files are, and whose they must be. Tests name another folder; nothing else does."""

    folder: str = "/etc/mpp"
    owner: int = 0

    def path(self, name: str) -> str:
        return os.path.join(self.folder, name)


SYSTEM = System()


@value
class FleetSettings:
    """What the machine's settings say; empty texts: nothing."""

    is_fleet: bool = False
    """Only known publishers, no ``--yes``, and settings of users may only tighten."""
    home: str = ""
    """The home folder that holds for every user, whatever ``MPP_HOME`` says."""
    approval_strength: str = ""
    """The least strength of any approval on this machine."""
    policy_root: str = ""
    """The whole path of the root documents of whoever signs this fleet's policy."""
    policy_url: str = ""
    policy_name: str = ""
    """The name that the fleet's bundles must have."""


PERSONAL = FleetSettings()
"""A machine without settings."""


def fleet_settings(system: System | None = None) -> FleetSettings:
    """The settings of this machine. Settings that cannot be believed are refused, never passed over."""
    system = SYSTEM if system is None else system
    if not check_folder(system.folder, (system.owner,)):
        return PERSONAL
    path = system.path(CONFIG_FILE)
    data = read_owned(path, CONFIG_BYTES_MAX, (system.owner,))
    return PERSONAL if data is None else read_config(data, system.folder, where=path)


def read_config(data: bytes, folder: str, *, where: str) -> FleetSettings:
    """Parse ``config.toml``."""
    faults = Faults("policy")
    fields = Fields(_toml(data, where), where, faults)
    settings = FleetSettings(
        is_fleet=fields.one_of("mode", MODES) == "fleet",
        home=_home(fields),
        approval_strength=fields.one_of("approval_strength", STRENGTHS, default="") if fields.has("approval_strength") else "",
        policy_root=_root_path(fields, folder),
        policy_url=_text(fields, "policy_url", SETTING_CHARS_MAX),
        policy_name=_text(fields, "policy_name", BUNDLE_NAME_MAX),
    )
    fields.end()
    faults.stop()
    return settings


def _toml(data: bytes, where: str) -> Json:
    try:
        found: Json = tomllib.loads(data.decode("utf-8"))
    except (ValueError, RecursionError) as fault:
        raise Refused("policy.toml", f"not TOML: {str(fault)[:200]}", where=where, hint="mend the syntax at that place") from None
    return found


def _text(fields: Fields, key: str, most: int) -> str:
    return fields.text(key, most=most) if fields.has(key) else ""


def _home(fields: Fields) -> str:
    path = _text(fields, "home", SETTING_CHARS_MAX)
    if path and not path.startswith(("/", "~/")):
        fields.faults.add("form", fields.path("home"), "must be an absolute path, or one that begins with ~/", "write for example ~/.mpp")
    return path


def _root_path(fields: Fields, folder: str) -> str:
    """The enrolled root documents lie in the administrator's own folder: elsewhere others may be able to write."""
    name = _text(fields, "policy_root", SETTING_CHARS_MAX)
    if name and os.path.dirname(os.path.join(folder, name)) != folder:
        fields.faults.add("form", fields.path("policy_root"), f"must be a file in {folder}", "write for example policy-root.json")
    return os.path.join(folder, name) if name else ""


def home_of(settings: FleetSettings) -> str:
    """The folder that stands for ``MPP_HOME`` here; empty where the settings name none.

    Attack: ``~`` by the variable HOME would be wherever an agent says. The list of users knows better.
    """
    if not settings.home.startswith("~/"):
        return settings.home
    import pwd  # noqa: PLC0415 - not everywhere

    try:
        return os.path.join(pwd.getpwuid(os.getuid()).pw_dir, settings.home[2:])
    except KeyError:
        raise HostFailed("host.home", "this user has no home folder", hint="write an absolute path as 'home' in /etc/mpp/config.toml") from None


def enrolled_root(settings: FleetSettings, system: System | None = None) -> RootChain | None:
    """The root documents by which this machine was enrolled; None where it was not.

    There is no first use: who may rule a fleet is never asked of a user.
    """
    if not settings.policy_root:
        return None
    system = SYSTEM if system is None else system
    data = read_owned(settings.policy_root, PUBLISHER_BYTES_MAX + 1, (system.owner,))
    if data is None:
        raise Refused("policy.roots", "the enrolled root documents are not there", where=settings.policy_root, hint="enrol this machine anew")
    with named_by_hand():
        return read_chain(data.removesuffix(b"\n"), where=settings.policy_root)


def refuse_in_fleet(settings: FleetSettings, what: str) -> None:
    """Refuse what would loosen a machine whose rules its administrator makes."""
    if settings.is_fleet:
        raise Refused("policy.fleet", f"{what} is not taken on this machine: its administrator decides", where=CONFIG_FILE, hint="ask its administrator")
