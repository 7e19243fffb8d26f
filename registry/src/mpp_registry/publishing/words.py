"""Words of people that end up in the log."""

from __future__ import annotations

from mpp.crypto.roots import is_plain_line
from mpp.errors import Refused
from mpp.protocol.registry.limits import REASON_MAX


def judged_reason(text: str, *, required: bool) -> str:
    """Attack: a reason with marks that turn the line around, or line ends, in a log that is shown on terminals and pages."""
    if len(text) > REASON_MAX or (required and not text) or not is_plain_line(text):
        what = f"a reason of 1 to {REASON_MAX} characters" if required else f"at most {REASON_MAX} characters"
        raise Refused("registry.form", f"the reason must be one plain line, {what}", where="reason", hint="write plain words, one space between them")
    return text
