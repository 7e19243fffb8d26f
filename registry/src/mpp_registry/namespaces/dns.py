"""TXT records through a resolver, with bounds on what it may answer."""

from __future__ import annotations

import dns.exception
import dns.name
import dns.resolver

from mpp_registry.namespaces.limits import CNAMES_MAX, DNS_SECONDS_MAX, TXT_CHARS_MAX, TXT_RECORDS_MAX
from mpp_registry.namespaces.world import Absent, Unreachable


class DnsTxt:
    """Asks the resolvers of this machine, or those that the operator names."""

    def __init__(self, nameservers: tuple[tuple[str, int], ...] = (), *, seconds: float = DNS_SECONDS_MAX) -> None:
        self._resolver = dns.resolver.Resolver(configure=not nameservers)
        if nameservers:
            self._resolver.nameservers = [address for address, _ in nameservers]
            self._resolver.nameserver_ports = dict(nameservers)
        self._seconds = seconds

    def __call__(self, name: str) -> tuple[str, ...]:
        try:
            # Attack: a search list asks for the name below other domains first, where somebody else may answer.
            found = self._resolver.resolve(dns.name.from_text(name), "TXT", lifetime=self._seconds, search=False)
        except (dns.resolver.NXDOMAIN, dns.resolver.NoAnswer):
            return ()
        except dns.exception.DNSException as fault:
            raise Unreachable(f"the resolver gives no answer: {type(fault).__name__}") from None
        # Attack: a chain of aliases that ends where nobody looks any more, and that somebody else has bought.
        if len(found.chaining_result.cnames) > CNAMES_MAX:
            raise Absent(f"the name stands for more than {CNAMES_MAX} others, one after the other")
        records = [b"".join(record.strings) for record in found][:TXT_RECORDS_MAX]
        return tuple(one.decode("ascii") for one in records if one.isascii() and len(one) <= TXT_CHARS_MAX)
