"""Limits of logging in at older servers. Spec: legacy, section 9."""

from __future__ import annotations

from mpp.limits import KIB

ANSWER_BYTES_MAX = 64 * KIB
"""Bytes of one answer of a server or an issuer. Reason: metadata has five to ten kilobytes, an answer with tokens four."""

ASK_SECONDS_MAX = 10.0
"""Seconds of one request. Reason: a call may wait for a renewed token."""

LOGIN_SECONDS_MAX = 300.0
"""Seconds that a person has in a browser. Reason: as long as a question to a person waits elsewhere."""

PAGE_SECONDS_MAX = 5.0
"""Seconds in which a browser must say what it wants of the page on this machine. Reason: it is on this machine; one that is silent keeps others waiting."""

PAGE_BYTES_MAX = 16 * KIB
"""Bytes of a request to that page. Reason: a code and a state have some hundred, a browser's headers two thousand."""

EARLY_SECONDS = 60
"""Seconds before its end at which a token is renewed. Reason: the clocks of three machines, and the way."""

LIFE_SECONDS_MAX = 31_536_000
"""Seconds for which a token is believed to hold, whatever the issuer says. Reason: a year; a server says earlier that one is over."""

TEXT_CHARS_MAX = 2000
"""Characters of an address, an id or a scope. Reason: no web server takes longer addresses."""

TOKEN_CHARS_MAX = 6000
"""Characters of one token. Reason: with its own a server's headers must stay below eight kilobytes."""

SCOPES_MAX = 32
"""Scopes of one login. Reason: a person reads them."""

ISSUERS_MAX = 8
"""Issuers that a server may name. Reason: real ones name one."""
