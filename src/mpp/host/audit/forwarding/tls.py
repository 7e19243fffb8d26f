"""How we know a server."""

from __future__ import annotations

import ssl

from mpp.errors import HostFailed
from mpp.host.audit.forwarding.targets import Target
from mpp.host.outside import words_of


def tls_context(target: Target) -> ssl.SSLContext:
    """The server is always verified; nothing switches that off."""
    try:
        context = ssl.create_default_context(cafile=target.ca or None)
        if target.cert:
            context.load_cert_chain(target.cert, target.key)
    except (OSError, ssl.SSLError) as fault:
        hint = "check --ca, --cert and --key: files in PEM form that you may read"
        raise HostFailed("audit.forward_tls", f"a certificate cannot be used: {words_of(fault)}", where=target.name, hint=hint) from None
    return context
