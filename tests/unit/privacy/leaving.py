"""The filter of a call for tests of what goes out, and made-up secrets."""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import cache

from mpp.stages.policy import CallPrivacy, PrivacyRules, Reveal
from mpp.stages.privacy import Filter, Pseudonyms, Rules, choose
from mpp.stages.privacy.detectors import SECRETS, contact, network, personal

AWS = "AKIA" + "QRSTUVWX2345YZ67"
OTHER = "AKIA" + "ABCDEFGH7654WXYZ"
PEM = "\n".join(("-----BEGIN RSA PRIVATE KEY" + "-----", *("MIIEpAIBAAKCAQEA7" + "bcd0123" * 6,) * 3, "-----END RSA PRIVATE KEY" + "-----"))
MAIL = "ada@" + "example.org"


@cache
def rules() -> Rules:
    """Enough detectors for these tests, so that none of them waits for a large automaton."""
    return Rules(
        (*SECRETS, *contact.DETECTORS, *network.DETECTORS, *(one for one in personal.DETECTORS if "geo_location" in one.types)),
        lambda expressions: choose(expressions, None),
    )


def by(
    outgoing: str = "secrets", action: str = "block", *, reveals: tuple[Reveal, ...] = (), names: Pseudonyms | None = None, demanded: tuple[str, ...] = (),
    monotonic: Callable[[], float] = time.monotonic, enabled: bool = True, **more: object,
) -> Filter:  # fmt: skip
    said = PrivacyRules(outgoing=outgoing, outgoing_action=action, **more)  # type: ignore[arg-type]
    call = CallPrivacy(rules=said, reveal=reveals, demanded=demanded, accepts_disabled=not enabled)
    return Filter(rules(), call, names or Pseudonyms(b"k" * 32), monotonic, enabled=enabled)
