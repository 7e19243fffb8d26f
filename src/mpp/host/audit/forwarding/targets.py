"""Named targets, in one small document. Spec: audit L-88."""

from __future__ import annotations

import os
from collections.abc import Callable

from mpp.errors import Refused
from mpp.files import locked, make_private_folder, PRIVATE, read_bounded, write_atomic
from mpp.host.audit.forwarding.addresses import Address, read_address
from mpp.host.audit.forwarding.limits import PATH_CHARS_MAX, TARGETS_BYTES_MAX, TARGETS_MAX, URL_CHARS_MAX
from mpp.host.audit.forwarding.places import ForwardPlaces, TARGET_NAME, TARGET_NAME_FORM
from mpp.model.fields import Faults, Fields
from mpp.model.jsontext import canonical, Json, read, shown
from mpp.model.value import value
from mpp.stages.audit.forward import DOCUMENTATION_ENTERPRISE

FORMATS: dict[str, tuple[str, ...]] = {
    "file": ("jsonl", "ecs", "ocsf", "cef", "syslog"),
    "tcp": ("syslog", "cef"),
    "tls": ("syslog", "cef"),
    "http": ("otlp", "otlp-logs", "jsonl", "ecs", "ocsf"),
    "https": ("otlp", "otlp-logs", "jsonl", "ecs", "ocsf"),
}
"""What each kind of target takes; the first is the one where none is named."""

ALL_FORMATS = tuple(dict.fromkeys(name for names in FORMATS.values() for name in names))

ACKS = ("closed", "sent")
"""When a syslog server counts as having taken a batch: it read everything and closed, or its system has it all."""

ENTERPRISE_MAX = 2**32 - 1
"""Largest enterprise number. Reason: the registry gives numbers of 32 bits."""


@value
class Target:
    name: str
    to: str
    """The address, as ``Address.shown`` writes it."""
    format: str
    ca: str = ""
    """A file of certificates by which the server is known; empty: those of this machine."""
    cert: str = ""
    """Our certificate, and its key."""
    key: str = ""
    header_file: str = ""
    insecure: bool = False
    ack: str = ACKS[0]
    enterprise: int = DOCUMENTATION_ENTERPRISE

    @property
    def address(self) -> Address:
        return read_address(self.to, insecure=self.insecure)


def check_target(target: Target) -> Target:
    """Refuse what cannot work."""
    if TARGET_NAME.fullmatch(target.name) is None:
        raise Refused("usage.forward", f"{shown(target.name)!r} is not {TARGET_NAME_FORM}", hint="take a short name such as siem")
    address = target.address
    if target.format not in FORMATS[address.scheme]:
        formats = ", ".join(FORMATS[address.scheme])
        raise Refused("usage.forward", f"{address.scheme} does not carry the format {shown(target.format)}", where=target.name, hint=f"take one of: {formats}")
    if (target.ca or target.cert) and not address.secure:
        raise Refused("usage.forward", "certificates are for tls and https", where=target.name, hint="leave --ca and --cert away, or take a safe address")
    if bool(target.cert) != bool(target.key):
        raise Refused("usage.forward", "a certificate of ours needs its key", where=target.name, hint="give --cert and --key together")
    if target.header_file and address.scheme not in {"http", "https"}:
        raise Refused("usage.forward", "headers are for http and https", where=target.name, hint="leave --header-file away")
    return target


class TargetStore:
    """The targets of one home."""

    def __init__(self, places: ForwardPlaces) -> None:
        self.places = places

    def load(self) -> dict[str, Target]:
        path = self.places.targets
        return read_targets(read_bounded(path, TARGETS_BYTES_MAX), where=path) if os.path.lexists(path) else {}

    def get(self, name: str) -> Target:
        found = self.load()
        if name not in found:
            known = ", ".join(found) or "none yet"
            raise Refused("usage.forward", f"there is no target {shown(name)!r}", hint=f"targets: {known}; see `mpp audit forward add --help`")
        return found[name]

    def change(self, step: Callable[[dict[str, Target]], dict[str, Target]]) -> None:
        make_private_folder(self.places.folder)
        with locked(self.places.targets + ".lock", "the targets"):
            write_atomic(self.places.targets, write_targets(step(self.load())), PRIVATE)


def read_targets(data: bytes, *, where: str) -> dict[str, Target]:
    faults = Faults("audit")
    fields = Fields(read(data, family="audit", where=where), where, faults)
    fields.number("mpp_forward", least=1, most=1)
    found = fields.each("targets", lambda item, path: _read_target(Fields(item, path, faults)), most=TARGETS_MAX, required=True)
    fields.end()
    faults.stop()
    return {one.name: check_target(one) for one in found}


def _read_target(fields: Fields) -> Target:
    found = Target(
        name=fields.text("name", most=32, pattern=TARGET_NAME, form=TARGET_NAME_FORM),
        to=fields.text("to", most=max(URL_CHARS_MAX, PATH_CHARS_MAX + 8)),
        format=fields.one_of("format", ALL_FORMATS),
        ca=_path(fields, "ca"),
        cert=_path(fields, "cert"),
        key=_path(fields, "key"),
        header_file=_path(fields, "header_file"),
        insecure=fields.flag("insecure", default=False),
        ack=fields.one_of("ack", ACKS, default=ACKS[0]),
        enterprise=fields.number("enterprise", least=1, most=ENTERPRISE_MAX, default=DOCUMENTATION_ENTERPRISE),
    )
    fields.end()
    return found


def _path(fields: Fields, key: str) -> str:
    return fields.text(key, most=PATH_CHARS_MAX, default="", least=0)


def write_targets(targets: dict[str, Target]) -> bytes:
    rows: list[Json] = [target_json(one) for _, one in sorted(targets.items())]
    return canonical({"mpp_forward": 1, "targets": rows}) + b"\n"


def target_json(target: Target) -> dict[str, Json]:
    """What is as it would be anyhow is left out."""
    found: dict[str, Json] = {
        "name": target.name, "to": target.to, "format": target.format, "ca": target.ca, "cert": target.cert, "key": target.key,
        "header_file": target.header_file,
    }  # fmt: skip
    kept: dict[str, Json] = {key: item for key, item in found.items() if item}
    if target.insecure:
        kept["insecure"] = True
    if target.ack != ACKS[0]:
        kept["ack"] = target.ack
    if target.enterprise != DOCUMENTATION_ENTERPRISE:
        kept["enterprise"] = target.enterprise
    return kept
