"""From declared capabilities to rights: where each path is on this machine, and what no policy can grant.

The descriptors are opened here, once, after somebody said yes; from then on a path is only a name for people.
Spec: 5-sandbox S-60 to S-66, spec/manifest.md M-53.
"""

from __future__ import annotations

from contextlib import ExitStack
import os
import stat
from collections.abc import Mapping
from typing import NamedTuple

from mpp.errors import Fault, HostFailed, Refused
from mpp.model.capabilities import NEVER_DEVICE, NEVER_PATHS, NetworkRule
from mpp.model.hosts import covers
from mpp.model.jsontext import shown
from mpp.model.manifest import Manifest
from mpp.model.rights import Device, Folder, Rights
from mpp.model.scope import WORKSPACE, Scope, meet, path_covered, scope_of
from mpp.model.value import value

GUEST_WORKSPACE = "/workspace"
"""Where the guest finds the workspace, wherever it is here."""

CONFIG_FOLDER = "/etc/mpp"
HOME_NAME = ".mpp"
_ACCESS = {"r": os.O_RDONLY, "w": os.O_WRONLY, "rw": os.O_RDWR}


@value
class Places:
    """Where this host puts what a package names."""

    home: str
    """``$MPP_HOME``: never granted, nor anything above or below it."""
    workspace: str = ""
    """The folder that ``${workspace}`` stands for; only the host's owner names it. Empty: there is none."""
    mappings: Mapping[str, str]
    """Declared path to the path that is given in its place."""


@value
class Opened:
    """Rights with the descriptors that hold them. Whoever has it closes it."""

    rights: Rights
    folder_fds: tuple[int, ...]
    """In the order of ``rights.folders``."""
    device_fds: tuple[int, ...]

    def fds(self) -> tuple[int, ...]:
        return (*self.folder_fds, *self.device_fds)

    def close(self) -> None:
        for fd in self.fds():
            os.close(fd)


def rights_for(
    manifest: Manifest, *, tenant: str, publisher_id: str, content_hash: str, places: Places, scope: Scope | None = None, private_hosts: tuple[str, ...] = ()
) -> Rights:
    """All that the manifest declares, or the part of it that ``scope`` allows, as rights on this machine. All paths that cannot be given are named at once.

    ``private_hosts`` are ``host:port`` that the policy of this host lets lead to addresses that are not public.
    """
    declared = scope_of(manifest)
    opened = declared if scope is None else meet(declared, scope)
    faults: list[Fault] = []
    wanted = dict.fromkeys(opened.write, True)
    for path in opened.read:
        wanted.setdefault(path, False)
    folders = [_folder(_Wanted(path, _declared_above(path, write, declared), write), places, faults) for path, write in sorted(wanted.items())]
    devices = [Device(guest=one.path, host=_device(one.path, places, faults), mode=one.mode) for one in opened.devices]
    known = {*wanted, *declared.read, *declared.write, *(one.path for one in declared.devices)}
    faults += [
        Fault("call.map", shown(path), "the package declares no such path", "spell it as in the manifest, such as /data or ${workspace}/out")
        for path in places.mappings
        if path not in known
    ]
    if faults:
        raise Refused.of(tuple(faults))
    return Rights(
        tenant=tenant,
        publisher_id=publisher_id,
        package_id=manifest.package_id,
        content_hash=content_hash,
        folders=tuple(one for one in folders if one is not None),
        devices=tuple(devices),
        network=opened.network,
        private_hosts=tuple(place for place in private_hosts if any(_leads_to(rule, place) for rule in opened.network)),
        env=opened.env,
        secrets=opened.secrets,
        kv_max_bytes=opened.kv_max_bytes,
    )


class _Wanted(NamedTuple):
    """One path to be given, and the declared one that it is, or below which it lies."""

    path: str
    declared: str
    write: bool

    def placed(self, mappings: Mapping[str, str]) -> tuple[str, str]:
        """The folder here that it is, or lies in, and the way from there to it, if any."""
        if self.path in mappings or self.path == self.declared:
            return mappings.get(self.path, self.path), ""
        return mappings.get(self.declared, self.declared), "/" + self.path.removeprefix(self.declared).strip("/")


def elsewhere(paths: tuple[str, ...], mappings: Mapping[str, str]) -> tuple[str, ...]:
    """Where declared paths really lie, if a link leads there and nobody placed them. Of a workspace, nothing leads out: see ``_folder``."""
    plain = [path for path in paths if path not in mappings and not path.startswith(WORKSPACE)]
    found = ((path, os.path.realpath(path)) for path in plain)
    return tuple(sorted({real for path, real in found if real != path.rstrip("/") and real != path and _is_utf8(real)}))


def _is_utf8(text: str) -> bool:
    """A path that is not is refused when it is granted."""
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True


def _declared_above(path: str, write: bool, declared: Scope) -> str:
    """Attack: a path to write, placed below another that was declared for reading and lies elsewhere."""
    paths = declared.write if write else (*declared.read, *declared.write)
    return max((one for one in paths if path_covered(path, (one,))), key=len)


def _leads_to(rule: NetworkRule, place: str) -> bool:
    host, _, port = place.rpartition(":")
    return port in map(str, rule.ports) and covers(rule.host, host, wildcard=rule.wildcard)


def guest_path(path: str) -> str:
    """Where the guest finds a declared path."""
    return GUEST_WORKSPACE + path.removeprefix(WORKSPACE) if path.startswith(WORKSPACE) else path


def _folder(wanted: _Wanted, places: Places, faults: list[Fault]) -> Folder | None:
    path = wanted.path
    given, way = wanted.placed(places.mappings)
    in_workspace = given.startswith(WORKSPACE)
    if in_workspace:
        if not places.workspace:
            faults.append(Fault("call.workspace", shown(path), "the package works in a workspace, and this host names none", "give one: --workspace FOLDER"))
            return None
        given = places.workspace + given.removeprefix(WORKSPACE)
    found = _real(given.rstrip("/") + way if way else given, path, faults)
    if found and in_workspace and not _is_below(found, os.path.realpath(places.workspace)):
        # Attack: a project from elsewhere with a link to the keys of whoever works in it.
        message = f"{shown(given + way)} leads out of the workspace, to {shown(found)}"
        faults.append(Fault("call.workspace", shown(path), message, "if that is what you want, place it with --map GUEST=HOST"))
    elif found and way and found != os.path.realpath(given).rstrip("/") + way:
        # Attack: a link that a tool left in its folder, so that a narrower right to a path opens another place than the one it names.
        message = f"{shown(given + way)} is a link, or lies behind one, and leads to {shown(found)}"
        faults.append(Fault("call.path_link", shown(path), message, "take the link away, or place the path by itself with --map GUEST=HOST"))
    elif found and _is_never(found, places.home):
        message = f"{shown(found)} is never granted to a tool: it is, holds or lies in a place of mpp's own or of the system"
        faults.append(Fault("call.path_never", shown(path), message, "map the path to a folder with the tool's own data"))
    elif found and not _is_plain(found):
        faults.append(Fault("call.path_kind", shown(path), f"{shown(found)} is neither a folder nor a regular file", "map the path to a folder or a file"))
    return Folder(guest=guest_path(path), host=found, write=wanted.write)


def _is_below(path: str, folder: str) -> bool:
    return path == folder or path.startswith(folder.rstrip("/") + "/")


def _device(path: str, places: Places, faults: list[Fault]) -> str:
    found = _real(places.mappings.get(path, path), path, faults)
    if not found:
        return ""
    # Attack: a link in /dev, or a mapping, that leads to a disk or to memory.
    if not stat.S_ISCHR(_mode(found)) or not found.startswith("/dev/") or _never_device(found):
        faults.append(
            Fault("call.device", shown(path), f"{shown(found)} is no character device that may be granted", "connect the device, or map the path to it")
        )
    return found


def _never_device(path: str) -> bool:
    return NEVER_DEVICE.fullmatch(path.removeprefix("/dev/")) is not None


def _real(given: str, declared: str, faults: list[Fault]) -> str:
    """The path with all links resolved; nothing when it is not there."""
    if not given.startswith("/"):
        faults.append(Fault("call.map", shown(declared), f"{shown(given)} is not absolute", "write --map GUEST=/absolute/path"))
        return ""
    try:
        found = os.path.realpath(given, strict=True)
        found.encode("utf-8")
    except UnicodeEncodeError:
        # It stands in digests, questions and the record, which are UTF-8.
        faults.append(Fault("call.path_kind", shown(declared), f"{shown(given)} is not UTF-8 text", "rename it, or map the path to another folder"))
        return ""
    except OSError as fault:
        words = fault.strerror or "cannot be reached"
        faults.append(Fault("call.path_missing", shown(declared), f"{shown(given)}: {words}", "make it, or place it elsewhere with --map GUEST=HOST"))
        return ""
    return found


def _is_plain(path: str) -> bool:
    mode = _mode(path)
    return stat.S_ISDIR(mode) or stat.S_ISREG(mode)


def _mode(path: str) -> int:
    """What the path is; nothing when it went meanwhile."""
    try:
        return os.stat(path).st_mode
    except OSError:
        return 0


def _is_never(path: str, home: str) -> bool:
    """Spec: S-62. Attack: a mapping or a link that leads to keys, to the kernel or to the policy, whatever the name says."""
    # The home of another user, or the usual one while MPP_HOME names a third.
    if HOME_NAME in path.split("/"):
        return True
    usual = os.path.realpath(os.path.join(os.path.expanduser("~"), HOME_NAME))
    places = (*NEVER_PATHS, *map(os.path.realpath, (*NEVER_PATHS, home, CONFIG_FOLDER)), usual)
    # Attack: another name for the same folder, which a mount gives. So what the kernel finds there is compared, too.
    above = [found for one in _upwards(path) if (found := _identity(one))]
    for never in places:
        if path == never or path.startswith(never.rstrip("/") + "/") or never.startswith(path.rstrip("/") + "/"):
            return True
        if above and (_identity(never) in above or above[0] in map(_identity, _upwards(never))):
            return True
    return False


def _upwards(path: str) -> list[str]:
    """The path and all above it."""
    found = [path]
    while (above := os.path.dirname(found[-1])) != found[-1]:
        found.append(above)
    return found


def _identity(path: str) -> tuple[int, int] | None:
    try:
        found = os.stat(path)
    except OSError:
        return None
    return found.st_dev, found.st_ino


def open_rights(rights: Rights) -> Opened:
    """Descriptors for what the rights name, by the resolved paths; a path that changed meanwhile is refused."""
    fds: list[int] = []
    with ExitStack() as undo:
        wanted = [(folder.host, os.O_PATH) for folder in rights.folders]
        wanted += [(device.host, _ACCESS[device.mode] | os.O_NONBLOCK | os.O_NOCTTY) for device in rights.devices]
        for path, flags in wanted:
            fds.append(_open(path, flags))
            undo.callback(os.close, fds[-1])
        undo.pop_all()
    count = len(rights.folders)
    return Opened(rights=rights, folder_fds=tuple(fds[:count]), device_fds=tuple(fds[count:]))


def _open(path: str, flags: int) -> int:
    try:
        fd = os.open(path, flags | os.O_NOFOLLOW | os.O_CLOEXEC)
    except OSError as fault:
        raise HostFailed(
            "host.file", f"a granted path cannot be opened: {fault.strerror}", where=path, hint="check that it is there and that you may use it"
        ) from None
    # Attack: a part of the path replaced by a link between the question and the opening. Where /proc is not there, nobody can say.
    # A link that leads to itself has its own path for its end.
    if os.path.realpath(f"/proc/self/fd/{fd}") != path or stat.S_ISLNK(os.fstat(fd).st_mode):
        os.close(fd)
        raise HostFailed("host.changed", "a granted path leads elsewhere now", where=path, hint="look at what changed it, then call again")
    return fd
