"""From the header of a request to the publisher behind it.

A key signs each request anew, so nothing is stored that could be stolen: the request names method, path, digest of the body, this registry,
the time and a nonce. A token of a build service comes from an exchange and publishes a few packages for fifteen minutes.
"""

from __future__ import annotations

from hashlib import sha256
from typing import NoReturn

from mpp.crypto.roots import ROLES, RoleName, Root, RootChain, read_chain
from mpp.errors import Refused
from mpp.protocol.registry.limits import REQUEST_TEXT_MAX
from mpp.protocol.registry.requests import SCHEME, SignedRequest, check_request, read_request, spent_until
from mpp.stages.archive.limits import PUBLISHER_BYTES_MAX
from mpp_registry.publishing.actor import Actor
from mpp_registry.publishing.chains import chain_of, publisher_of_key
from mpp_registry.publishing.limits import REQUEST_KEEP_SECONDS
from mpp_registry.publishing.once import spend
from mpp_registry.services import Services
from mpp_registry.store.ports import Rows

BEARER = "Bearer"


def authenticate(services: Services, header: str, method: str, target: str, body_sha256: str) -> Actor:
    """The registered publisher that asks. ``target``: path and query as they were sent. Raises Refused ``registry.*``."""
    scheme, _, text = header[: REQUEST_TEXT_MAX + 1].partition(" ")
    if len(header) > REQUEST_TEXT_MAX or scheme not in {SCHEME, BEARER}:
        _refuse("the request does not say who asks")
    if scheme == BEARER:
        return _by_token(services, text)
    signed = read_request(header)
    with services.database.read() as rows:
        chain, status = _publisher_of_key(rows, signed.key)
    _demand_active(chain.publisher_id, status)
    roles = _judge(services, signed, chain.newest, method, target, body_sha256)
    return Actor(publisher_id=chain.publisher_id, key_id=signed.key, how="signed", roles=roles)


def authenticate_new(services: Services, header: str, method: str, target: str, body: bytes) -> Actor:
    """For requests whose body is a ``publisher.json``: the key is one of its newest version. So nobody registers what others hold.

    The chain proves itself; whether it goes on from the one that is stored here, ``register`` and ``rotate_root`` judge.
    """
    if len(header) > REQUEST_TEXT_MAX or not header.startswith(SCHEME + " "):
        _refuse("the request does not say who asks")
    signed, chain = read_request(header), read_publisher(body)
    with services.database.read() as rows:
        row = rows.one("SELECT status FROM publishers WHERE publisher_id = ?", chain.publisher_id)
    if row is not None:
        _demand_active(chain.publisher_id, str(row[0]))
    roles = _judge(services, signed, chain.newest, method, target, sha256(body).hexdigest())
    if not {"root", "release"} & set(roles):
        _refuse_key("the key is neither a root key nor a release key", signed.key)
    return Actor(publisher_id=chain.publisher_id, key_id=signed.key, how="signed", roles=roles)


def read_publisher(data: bytes) -> RootChain:
    """A ``publisher.json`` from anybody."""
    if len(data) > PUBLISHER_BYTES_MAX:
        raise Refused(
            "registry.length", f"a root document has at most {PUBLISHER_BYTES_MAX} bytes", where="publisher.json", hint="send publisher.json as it is"
        )
    return read_chain(data.removesuffix(b"\n"), where="publisher.json")


def roles_of(root: Root, key: str) -> tuple[RoleName, ...]:
    return tuple(name for name in ROLES if key in root.role(name).keys)


def _judge(services: Services, signed: SignedRequest, root: Root, method: str, target: str, body_sha256: str) -> tuple[str, ...]:
    """Key, then all that was signed, then the nonce: what is no request of this publisher's spends none."""
    roles = roles_of(root, signed.key)
    # Attack: a release key that was stolen and is rotated out. The newest root that came here alone decides.
    if not roles or any(one.key == signed.key for one in root.revoked):
        _refuse_key("the key has no role in the newest root document here", signed.key)
    now = services.clock.now()
    check_request(signed, method=method, target=target, body_sha256=body_sha256, audience=services.settings.registry_id, now=now, public=root.keys[signed.key])
    # Attack: the same request once more, within its window. The name holds the key, so nobody spends the nonces of others.
    with services.database.write() as rows:
        fresh = spend(rows, f"{signed.key}/{signed.nonce}", max(spent_until(signed), now + REQUEST_KEEP_SECONDS), now)
    if not fresh:
        raise Refused("registry.replay", "this request was made before", where="nonce", hint="sign it again, with a new nonce")
    return roles


def _publisher_of_key(rows: Rows, key: str) -> tuple[RootChain, str]:
    publisher_id = publisher_of_key(rows, key)
    row = None if publisher_id is None else rows.one("SELECT status FROM publishers WHERE publisher_id = ?", publisher_id)
    if publisher_id is None or row is None:
        _refuse_key("no publisher that is registered here has this key now", key)
    return chain_of(rows, publisher_id), str(row[0])


def _by_token(services: Services, text: str) -> Actor:
    now = services.clock.now()
    with services.database.read() as rows:
        row = rows.one(
            "SELECT t.publisher_id, t.rule_id, t.packages, t.until, p.status FROM tokens t JOIN publishers p ON p.publisher_id = t.publisher_id WHERE t.token_hash = ?",
            sha256(text.encode("utf-8", "replace")).hexdigest(),
        )
    if row is None or now >= int(row[3] or 0):
        raise Refused("registry.token", "the token is unknown here, or has ended", where="Authorization", hint="exchange a new ID token; ours hold 15 minutes")
    _demand_active(str(row[0]), str(row[4]))
    return Actor(publisher_id=str(row[0]), key_id="oidc:" + str(row[1]), how="token", packages=tuple(str(row[2]).split(" ")))


def _demand_active(publisher_id: str, status: str) -> None:
    if status != "active":
        raise Refused("registry.suspended", f"the publisher is {status} here", where=f"publisher {publisher_id[:16]}", hint="ask the operator of the registry")


def _refuse(why: str) -> NoReturn:
    raise Refused("registry.unauthenticated", why, where="Authorization", hint="sign the request with a release key of a registered publisher")


def _refuse_key(why: str, key: str) -> NoReturn:
    raise Refused("registry.key", why, where=f"key {key[:16]}", hint="register the publisher, or send its newest root document first")
