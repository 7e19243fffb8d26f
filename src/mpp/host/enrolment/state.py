"""What a home keeps of its enrolment: which registry, whose signatures hold, and the newest trust that it took. ``$MPP_HOME/fleet``.

It decides nothing by itself: whose policy and trust hold on a machine is what its administrator has put into ``/etc/mpp``.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable

from mpp.crypto import base64text
from mpp.crypto.roots import read_chain, RootChain
from mpp.errors import Refused
from mpp.files import locked, make_private_folder, PRIVATE, read_bounded, write_atomic
from mpp.host.enrolment.documents import KEY_CHARS_MAX
from mpp.host.enrolment.limits import FLEET_NAME_MAX, HOST_NAME_MAX, STATE_BYTES_MAX
from mpp.host.enrolment.trust_bundle import TrustMark, URL_CHARS_MAX
from mpp.host.home import Home
from mpp.limits import KIB
from mpp.model.fields import Faults, Fields
from mpp.model.jsontext import canonical, read
from mpp.model.names import SHA256_HEX, SHA256_HEX_FORM
from mpp.model.value import value

ROOTS_BYTES_MAX = 256 * KIB
"""Bytes of root documents. Reason: as everywhere."""

TIME_MAX = 253402300799
"""Latest time in the state: the end of year 9999, in seconds since 1970. Reason: dates beyond cannot be shown."""

_TEXTS = (("url", URL_CHARS_MAX), ("name", HOST_NAME_MAX), ("witness_key", KEY_CHARS_MAX))
_DIGEST = re.compile(rf"(?:{SHA256_HEX.pattern})?")


@value
class Enrolled:
    """One home in one fleet."""

    url: str
    registry: RootChain
    """The longest root documents of the registry that were seen."""
    fleet: RootChain
    """Those of the signer of policies and trust, as the registry's answer had them. /etc/mpp alone decides."""
    host_id: str
    name: str
    policy_name: str
    trust_name: str
    witness_key: str
    enrolled_at: int
    trust: TrustMark = TrustMark()
    reported_at: int = 0

    @property
    def registry_id(self) -> str:
        return self.registry.publisher_id

    @property
    def fleet_id(self) -> str:
        return self.fleet.publisher_id


class EnrolmentFile:
    """Nothing is made by naming it."""

    def __init__(self, home: Home) -> None:
        self.folder = os.path.join(home.path, "fleet")
        self.path = os.path.join(self.folder, "enrolment.json")
        self.trust_path = os.path.join(self.folder, "trust-bundle.json")
        self.policy_path = os.path.join(self.folder, "policy-bundle.json")
        self.machine_folder = os.path.join(self.folder, "machine")

    def load(self) -> Enrolled | None:
        if not os.path.lexists(self.path):
            return None
        return read_enrolled(read_bounded(self.path, STATE_BYTES_MAX), where=self.path)

    def need(self) -> Enrolled:
        found = self.load()
        if found is None:
            raise Refused("policy.enrolment", "this home is in no fleet", where=self.path, hint="enrol it: mpp registry fleet enroll URL --code-file FILE")
        return found

    def change(self, step: Callable[[Enrolled | None], Enrolled]) -> Enrolled:
        make_private_folder(self.folder)
        with locked(self.path + ".lock", "the enrolment"):
            after = step(self.load())
            write_atomic(self.path, write_enrolled(after), PRIVATE)
        return after


def write_enrolled(found: Enrolled) -> bytes:
    return canonical(
        {
            "mpp_fleet": 1,
            "url": found.url,
            "registry": base64text.encode(found.registry.data),
            "fleet": base64text.encode(found.fleet.data),
            "host_id": found.host_id,
            "name": found.name,
            "policy_name": found.policy_name,
            "trust_name": found.trust_name,
            "witness_key": found.witness_key,
            "enrolled_at": found.enrolled_at,
            "trust": {"name": found.trust.name, "version": found.trust.version, "digest": found.trust.digest},
            "reported_at": found.reported_at,
        }
    )


def read_enrolled(data: bytes, *, where: str) -> Enrolled:
    faults = Faults("policy")
    fields = Fields(read(data, family="policy", where=where), where, faults)
    fields.number("mpp_fleet", least=1, most=1)
    registry, fleet = (base64text.read_field(fields, key, 1, ROOTS_BYTES_MAX) for key in ("registry", "fleet"))
    trust = fields.object("trust") or Fields({}, where, faults)
    mark = TrustMark(
        name=trust.text("name", most=FLEET_NAME_MAX, least=0),
        version=trust.number("version", least=0, most=2**31 - 1),
        digest=trust.text("digest", most=64, least=0, pattern=_DIGEST, form=SHA256_HEX_FORM),
    )
    trust.end()
    url, name, witness_key = (fields.text(key, most=most, least=0) for key, most in _TEXTS)
    policy_name, trust_name = (fields.text(key, most=FLEET_NAME_MAX, least=0) for key in ("policy_name", "trust_name"))
    enrolled_at, reported_at = (fields.number(key, least=0, most=TIME_MAX) for key in ("enrolled_at", "reported_at"))
    host_id = fields.text("host_id", most=64, pattern=SHA256_HEX, form=SHA256_HEX_FORM)
    fields.end()
    faults.stop()
    return Enrolled(
        url=url, registry=read_chain(registry, where=where), fleet=read_chain(fleet, where=where), host_id=host_id, name=name, policy_name=policy_name,
        trust_name=trust_name, witness_key=witness_key, enrolled_at=enrolled_at, trust=mark, reported_at=reported_at,
    )  # fmt: skip
