"""Development mode: an unsigned build of one's own project, sealed with a key that counts for ``mpp run`` there and nowhere else.

The sealed package passes the same seven checks as any other, against a trust state that knows this one key. No trust document
ever names the key, so nothing that it signed can be installed or served. Spec: keys section 2, 5-sandbox S-70.
"""

from __future__ import annotations

import os
from dataclasses import replace

from mpp.author.keys import CHAIN_FILE, make_publisher, RELEASE_FILE
from mpp.author.sign import sign_package
from mpp.crypto.keyfile import KEY_FILE_BYTES_MAX, open_key, read_key
from mpp.crypto.roots import read_chain
from mpp.errors import Refused
from mpp.files import read_bounded
from mpp.ports import Clock, Random
from mpp.stages.archive import Buffer
from mpp.stages.archive.limits import PUBLISHER_BYTES_MAX
from mpp.stages.gatekeeper import NO_TRUST, TrustedPublisher, TrustState

TENANT = "development"
"""The tenant of whatever development mode stores: its own, so that no signed package ever meets it."""

NAME = "Development build (not for use elsewhere)"


def seal_for_development(data: Buffer, folder: str, clock: Clock, random: Random, *, first_use: bool = False) -> tuple[bytes, TrustState]:
    """The sealed package, and the trust state for which it is one. The key is made in ``folder`` on first use.

    ``first_use`` is what the home says: one that takes no new publishers is one of a fleet, where a flag is nobody's yes.
    """
    if not os.path.exists(os.path.join(folder, RELEASE_FILE)):
        try:
            make_publisher(NAME, folder, random, None)
        except Refused as fault:
            # Two first runs at once: the other one's key is as good.
            if fault.code != "key.exists":
                raise
    chain = read_chain(read_bounded(os.path.join(folder, CHAIN_FILE), PUBLISHER_BYTES_MAX + 1).removesuffix(b"\n"), where=folder)
    key = read_key(read_bounded(os.path.join(folder, RELEASE_FILE), KEY_FILE_BYTES_MAX), where=folder)
    signed = sign_package(data, chain, (open_key(key, None, where=folder),), clock)
    known = TrustedPublisher(chain=chain, any_package=True)
    return signed.data, replace(NO_TRUST, publishers={chain.publisher_id: known}, first_use=first_use)
