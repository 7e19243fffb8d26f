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

PRIVATE_NAMES = (
    "alt", "arpa", "cluster", "consul", "corp", "dhcp", "docker", "domain", "gateway", "home", "internal", "intra", "intranet", "invalid", "kube", "lan", "local",
    "localdomain", "localhost", "localnet", "mail", "nomad", "onion", "private", "router", "svc", "test", "workgroup",
)  # fmt: skip
"""Last labels of names that are not public: reserved ones, and those that private networks, containers and clusters use."""

LOOPBACK_DOMAINS = ("fuf.me", "lacolhost.com", "local.gd", "localho.st", "localtest.me", "lvh.me", "nip.io", "sslip.io", "traefik.me", "vcap.me", "xip.io")
"""Public services whose names, and the names below them, resolve to this machine or to any address written in the name."""

_FOUR_NUMBERS = re.compile(r"(?:^|\.)(?:[0-9]{1,3}\.){4}")

_SECOND_LEVELS = frozenset(("ac", "co", "com", "edu", "gob", "go", "gov", "mil", "ne", "net", "nom", "or", "org"))
REGISTRIES = frozenset((
    "ad.jp", "asn.au", "br.com", "cn.com", "com.de", "de.com", "ed.jp", "eu.com", "eu.org", "firm.in", "gb.net", "geek.nz", "gen.in", "gen.nz", "gr.jp", "id.au",
    "idv.tw", "in.net", "ind.in", "jpn.com", "lg.jp", "ltd.uk", "me.uk", "pe.kr", "plc.uk", "re.kr", "ru.com", "school.nz", "se.net", "uk.com", "uk.net", "us.com",
    "web.za", "za.com",
))  # fmt: skip
"""Domains that sell sub-domains as if they were top-level ones; each name below has one owner."""
# Attack: everybody may have a sub-domain there, so a wildcard allows sending data to anybody. A list of well-known
# ones, not a database of public suffixes: the host's policy and the person who is asked see each wildcard.
SHARED_DOMAINS = frozenset((
    "amazonaws.com", "amplifyapp.com", "appspot.com", "awsapprunner.com", "azure-api.net", "azurecontainer.io", "azurecontainerapps.io", "azureedge.net",
    "azurefd.net", "azurestaticapps.net", "azurewebsites.net", "b-cdn.net", "backblazeb2.com", "beeceptor.com", "bitbucket.io", "blogspot.com", "bore.pub",
    "cloudapp.azure.com", "cloudapp.net", "cloudflarestorage.com", "cloudfront.net", "cloudfunctions.net", "codeberg.page", "codesandbox.io", "csb.app", "ddns.net",
    "deno.dev", "deno.net", "digitaloceanspaces.com", "duckdns.org", "dyndns.org", "dynu.net", "elasticbeanstalk.com", "fastly.net", "firebaseapp.com",
    "firebasedatabase.app", "firebaseio.com", "fly.dev", "github.dev", "github.io", "gitlab.io", "gitpod.io", "glitch.me", "googleusercontent.com", "gradio.live",
    "herokuapp.com", "hf.space", "hopto.org", "interact.sh", "koyeb.app", "lhr.life", "linodeobjects.com", "loca.lt", "localhost.run", "localtunnel.me", "modal.run",
    "mooo.com", "myshopify.com", "neocities.org", "netlify.app", "ngrok-free.app", "ngrok-free.dev", "ngrok.app", "ngrok.dev", "ngrok.io", "no-ip.org", "notion.site",
    "oast.fun", "oastify.com", "on.aws", "ondigitalocean.app", "onrender.com", "pages.dev", "pinggy.link", "pipedream.net", "r2.dev", "railway.app",
    "readthedocs.io", "repl.co", "replit.app", "replit.dev", "run.app", "serveo.net", "sourceforge.io", "stackblitz.io", "storage.googleapis.com", "streamlit.app",
    "supabase.co", "surge.sh", "sytes.net", "trafficmanager.net", "translate.goog", "trycloudflare.com", "tunnelto.dev", "val.run", "vercel.app", "wasabisys.com",
    "web.app", "weebly.com", "windows.net", "wixsite.com", "wordpress.com", "workers.dev", "zapto.org", "zrok.io",
))  # fmt: skip
"""Domains under which many owners have names, at any depth."""

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
    elif (bare == name and "." not in bare) or _is_private(bare):
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


def _is_private(bare: str) -> bool:
    """Spec: spec/manifest.md M-42."""
    below = any(covers(domain, bare, wildcard=True) or bare == domain for domain in LOOPBACK_DOMAINS)
    return below or bare.rpartition(".")[2] in PRIVATE_NAMES or _FOUR_NUMBERS.search(bare) is not None


def is_shared(host: str) -> bool:
    """Whether sub-domains of ``host`` belong to many owners: those of a top-level domain, of a registry, or of a hosting service.

    Below a service every name is shared, because regions and buckets have names there; above it, a wildcard reaches into it.
    """
    first, _, rest = host.partition(".")
    if not rest or host in REGISTRIES or (len(rest) == 2 and first in _SECOND_LEVELS):
        return True
    return any(host == shared or covers(shared, host, wildcard=True) or covers(host, shared, wildcard=True) for shared in SHARED_DOMAINS)


def covers(rule_host: str, host: str, *, wildcard: bool) -> bool:
    """Whether a rule for ``rule_host`` reaches ``host``; a wildcard reaches sub-domains only."""
    return host.endswith("." + rule_host) if wildcard else host == rule_host
