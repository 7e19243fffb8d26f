"""Names of network hosts, as a manifest may write them.

Spec: spec/manifest.md M-40 to M-44. Public names only: an address, or a name that means something else on each
network, comes from the policy of the host and never from a package.
"""

from __future__ import annotations

import re

from mpp.model.fields import Faults
from mpp.model.jsontext import shown
from mpp.model.limits import HOST_CHARS_MAX

WRITTEN_CHARS_MAX = HOST_CHARS_MAX + len("*.:65535")

WEB_PORTS = {"https": 443, "http": 80}

_LABEL = r"(?!(?!xn)[a-z0-9]{2}--)[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?"
# The last label has letters only, or is an A-label; so no spelling of an IPv4 address (127.1, 0x7f.1) passes for a name.
HOST = re.compile(rf"(?:{_LABEL}\.)+(?:[a-z]{{2,63}}|xn--[a-z0-9](?:[a-z0-9-]{{0,57}}[a-z0-9])?)")
_IPV4 = re.compile(r"(?:0x[0-9a-f]+|[0-9]+)(?:\.(?:0x[0-9a-f]+|[0-9]+))*\.?(?::[0-9]*)?", re.IGNORECASE)
_PORT = re.compile(r"[1-9][0-9]{0,4}")

PRIVATE_NAMES = ("localhost", "local", "localdomain", "internal", "intranet", "private", "lan", "home", "corp", "test", "invalid", "onion", "arpa")
"""Last labels of names that are not public."""

_SECOND_LEVELS = frozenset(("ac", "co", "com", "edu", "gob", "go", "gov", "mil", "ne", "net", "nom", "or", "org"))
# Attack: everybody may have a sub-domain there, so a wildcard allows sending data to anybody. A list of well-known
# ones, not a database of public suffixes: the host's policy and the person who is asked see each wildcard.
SHARED_DOMAINS = frozenset((
    "amazonaws.com", "appspot.com", "azureedge.net", "azurewebsites.net", "blogspot.com", "cloudapp.net", "cloudfront.net", "deno.dev",
    "firebaseapp.com", "fly.dev", "github.io", "gitlab.io", "glitch.me", "googleusercontent.com", "herokuapp.com", "netlify.app", "ngrok.app",
    "ngrok.io", "ngrok-free.app", "onrender.com", "pages.dev", "r2.dev", "run.app", "s3.amazonaws.com", "supabase.co", "surge.sh", "trycloudflare.com",
    "vercel.app", "web.app", "windows.net", "blob.core.windows.net", "workers.dev",
))  # fmt: skip

PUBLIC_ONLY = "non-public network addresses come only from host policy, never from a manifest; name a public host"


def read_host(written: str, where: str, faults: Faults, *, wildcard: bool, port: bool) -> tuple[str, int]:
    """``written`` as (host, port), the port 0 if none; ("", 0) after a fault. A wildcard keeps its ``*.``."""
    if len(written) > WRITTEN_CHARS_MAX:
        faults.add("host", where, f"has more than {WRITTEN_CHARS_MAX} characters", "name one public host", family="capability")
        return "", 0
    if _is_address(written):
        faults.add("host_private", where, f"{shown(written)} is a network address", PUBLIC_ONLY, family="capability")
        return "", 0
    name, colon, number = written.partition(":")
    bare = name.removeprefix("*.")
    wrong = _form_fault(written, bare)
    if wrong:
        faults.add("host", where, f"{shown(written)!r} is not a host name", wrong, family="capability")
    elif colon and not (port and _PORT.fullmatch(number) and int(number) <= 65535):
        hint = "write host:port with a port from 1 to 65535" if port else "write the port under ports"
        faults.add("host", where, f"{shown(written)!r} has a port that cannot stand there", hint, family="capability")
    elif (bare == name and "." not in bare) or bare.rpartition(".")[2] in PRIVATE_NAMES:
        faults.add("host_private", where, f"{shown(written)} is not a public name", PUBLIC_ONLY, family="capability")
    elif bare != name and (not wildcard or is_shared(bare)):
        hint = "name the hosts that are needed" if wildcard else "a secret goes to one host: name it"
        faults.add("wildcard", where, f"{shown(written)} would allow hosts of anybody", hint, family="capability")
    else:
        return name, int(number or 0)
    return "", 0


def _is_address(written: str) -> bool:
    return "://" not in written and (written.startswith("[") or written.count(":") > 1 or _IPV4.fullmatch(written) is not None)


def _form_fault(written: str, bare: str) -> str:
    """A hint about how to write it, or nothing."""
    if "://" in written or "/" in written:
        return "write the host only, such as api.example.com; schemes and paths go into { host, schemes, paths }"
    if not written.isascii():
        return "write international names in their ASCII form (xn--...)"
    if written != written.lower():
        return f"write it in lower case: {shown(written.lower())}"
    if "*" in bare:
        return "a '*' may stand only as the whole first label: *.example.com"
    if len(bare) > HOST_CHARS_MAX or (HOST.fullmatch(bare) is None and bare not in PRIVATE_NAMES and not _is_single(bare)):
        return "write a public host name such as api.example.com"
    return ""


def _is_single(bare: str) -> bool:
    return re.fullmatch(_LABEL, bare) is not None


def is_shared(host: str) -> bool:
    """Whether sub-domains of ``host`` belong to many owners: a top-level domain, co.uk and its like, or a hosting service."""
    first, _, rest = host.partition(".")
    return not rest or host in SHARED_DOMAINS or (len(rest) == 2 and first in _SECOND_LEVELS)


def covers(rule_host: str, host: str, *, wildcard: bool) -> bool:
    """Whether a rule for ``rule_host`` reaches ``host``; a wildcard reaches sub-domains only."""
    return host.endswith("." + rule_host) if wildcard else host == rule_host
