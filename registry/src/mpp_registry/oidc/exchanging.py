"""A build's token for one of ours: fifteen minutes, one publisher, the package ids of one rule.

1 form and issuer     a signed token of an issuer that the operator named
2 signature           by one of the issuer's keys, with the algorithm of that key
3 audience and time   made for this registry alone, just now, and not for long
4 rule                a publisher's rule whose every claim it holds, for this package
5 once                its id was never used here
"""

from __future__ import annotations

from hashlib import sha256

from mpp.crypto.jws import encode_part, read_compact
from mpp.errors import Refused
from mpp.host.oidc import ISSUER_TEXT_MAX, OIDC_SKEW_SECONDS_MAX, OIDC_TIME_MAX, judge_signature
from mpp.model.fields import Faults, Fields
from mpp.model.jsontext import Json, read, shown
from mpp.model.value import value
from mpp_registry.namespaces.world import Fetch
from mpp_registry.oidc.issuers import keys_for
from mpp_registry.oidc.limits import ID_TOKEN_SECONDS_MAX
from mpp_registry.oidc.rules import OidcRule, rules_for
from mpp_registry.publishing.limits import TOKEN_SECONDS
from mpp_registry.publishing.once import spend
from mpp_registry.services import Services
from mpp_registry.store.ports import Rows

TOKEN_PREFIX = "mppt_"  # noqa: S105 - what secret scanners find our tokens by
TOKEN_BYTES = 32
_KINDS = frozenset(("", "JWT"))


@value
class IssuedToken:
    token: str
    expires_at: int
    publisher_id: str
    packages: tuple[str, ...]


@value
class _Claims:
    issuer: str
    token_id: str
    expires: int
    found: dict[str, Json]


def exchange(services: Services, token: str, package_id: str, *, fetch: Fetch | None = None) -> IssuedToken:
    """Judge a build's token. Raises Refused ``registry.oidc``, and ``agent.*`` for what is no sound token at all."""
    now = services.clock.now()
    claims = _judged(services, token, now, fetch)
    text = TOKEN_PREFIX + encode_part(services.random.bytes(TOKEN_BYTES))
    with services.database.write() as rows:
        rule = _rule(rows, claims, package_id)
        # Attack: a token that was read out of the log of a build, sent once more.
        name = "jti/" + sha256(f"{claims.issuer}\n{claims.token_id}".encode()).hexdigest()
        if not spend(rows, name, claims.expires + OIDC_SKEW_SECONDS_MAX, now):
            raise Refused("registry.replay", "this token of a build was used before", where="token", hint="have the build service issue another one")
        expires = now + TOKEN_SECONDS
        rows.run(
            "INSERT INTO tokens (token_hash, publisher_id, rule_id, packages, until) VALUES (?, ?, ?, ?, ?)",
            token_hash(text), rule.publisher_id, rule.rule_id, " ".join(rule.packages), expires,
        )  # fmt: skip
    return IssuedToken(token=text, expires_at=expires, publisher_id=rule.publisher_id, packages=rule.packages)


def token_hash(text: str) -> str:
    """What is kept in place of a token. It has 256 random bits, so a plain digest is enough."""
    return sha256(text.encode("utf-8")).hexdigest()


def audience_of(services: Services) -> str:
    """What a build asks its token for."""
    return services.settings.registry_id


def _judged(services: Services, token: str, now: int, fetch: Fetch | None) -> _Claims:
    found = read_compact(token, where="token")
    # Attack: a token of another use of the same issuer.
    if found.kind.upper() not in _KINDS:
        raise _refused(f"the token is of the kind {shown(found.kind)!r}, no ID token")
    faults = Faults("registry")
    claims = Fields(read(found.payload, family="registry", where="token"), "token", faults)
    issuer = claims.text("iss", most=ISSUER_TEXT_MAX)
    faults.stop()
    judge_signature(found, keys_for(services, issuer, found.key, fetch), "token")
    # Attack: a token for another registry or cloud, sent on to this one.
    if claims.raw("aud") not in (audience_of(services), [audience_of(services)]):
        raise _refused("the token is for another audience, or for several", f"have it issued for {audience_of(services)} alone")
    expires = _judge_times(claims, now)
    token_id = claims.text("jti", most=ISSUER_TEXT_MAX)
    faults.stop()
    return _Claims(issuer=issuer, token_id=token_id, expires=expires, found=claims.found)


def _judge_times(claims: Fields, now: int) -> int:
    issued = claims.number("iat", least=0, most=OIDC_TIME_MAX)
    start = claims.number("nbf", least=0, most=OIDC_TIME_MAX, default=issued)
    expires = claims.number("exp", least=0, most=OIDC_TIME_MAX)
    claims.faults.stop()
    if max(issued, start) > now + OIDC_SKEW_SECONDS_MAX:
        raise _refused("the token does not hold yet", "set the clocks")
    if now >= expires or expires - issued > ID_TOKEN_SECONDS_MAX:
        raise _refused(f"the token has ended, or holds longer than {ID_TOKEN_SECONDS_MAX} seconds", "have a new one issued")
    return expires


def _rule(rows: Rows, claims: _Claims, package_id: str) -> OidcRule:
    fitting = [rule for rule in rules_for(rows, claims.issuer, package_id) if rule.fits(claims.found) and _is_active(rows, rule.publisher_id)]
    if not fitting:
        raise _refused(f"no rule lets this build publish {package_id}", "the publisher adds one: docs/how-to/publish-from-ci.md")
    if len({rule.publisher_id for rule in fitting}) > 1:
        raise _refused(f"rules of several publishers let this build publish {package_id}", "one of them removes its rule")
    return fitting[0]


def _is_active(rows: Rows, publisher_id: str) -> bool:
    row = rows.one("SELECT status FROM publishers WHERE publisher_id = ?", publisher_id)
    return row is not None and row[0] == "active"


def _refused(why: str, hint: str = "send the ID token that the build service issued") -> Refused:
    return Refused("registry.oidc", why, where="token", hint=hint)
