"""Which issuer a server trusts, and where that issuer is asked: by RFC 9728, RFC 8414 and the place of OpenID Connect. Spec: legacy V-70 to V-72.

Everything here was said by somebody who is not trusted: the server, or whoever the server names.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from urllib.parse import urlsplit

from mpp.errors import Refused, RemoteFailed
from mpp.host.legacy.oauth.limits import ISSUERS_MAX, SCOPES_MAX, TEXT_CHARS_MAX
from mpp.host.legacy.oauth.web import place_of, target_of, Web
from mpp.host.services.http_types import HopAnswer, Stopped
from mpp.model.jsontext import Json, read, shown
from mpp.model.value import value

_PING = json.dumps({"jsonrpc": "2.0", "id": 1, "method": "ping"}).encode("ascii")
_NAMED = re.compile(r'(?:^|[\s,])(resource_metadata|scope)="([^"\\]*)"', re.IGNORECASE)
_RESOURCE = "/.well-known/oauth-protected-resource"
_ISSUER = ("/.well-known/oauth-authorization-server", "/.well-known/openid-configuration")
SCOPE = re.compile(r"[!#-\[\]-~]+")
OK, UNAUTHORIZED = 200, 401


@value
class Resource:
    """What a server says of itself."""

    resource: str
    """As which it is named to the issuer."""
    issuers: tuple[str, ...] = ()
    scopes: tuple[str, ...] = ()


@value
class Issuer:
    """Where an issuer is asked."""

    issuer: str
    token: str
    authorize: str = ""
    register: str = ""
    revoke: str = ""
    methods: tuple[str, ...] = ()
    """How a client may show that it is the one."""
    says_who: bool = False
    """Does it name itself in the answer that comes through the browser (RFC 9207)?"""


def resource_of(web: Web, url: str) -> Resource:
    """What the server says; its address alone where it says nothing."""
    named, scopes = _challenge(web.ask("POST", url, (("content-type", "application/json"),), _PING))
    for where in (named,) if named else _well_known(url):
        if named and _origin(named) != _origin(url):
            # Attack: a server that sends us elsewhere to learn whom to trust.
            raise _wrong("the server keeps what it says of itself at another place", named)
        data = _document(web.ask("GET", where), where)
        if data is not None:
            return _resource(data, url, where, scopes)
    return Resource(resource=url, scopes=scopes)


def issuer_of(web: Web, issuer: str) -> Issuer:
    """RFC 8414, section 3; its ``issuer`` must be the very one (section 3.3): attack: one issuer that answers for another."""
    origin, path = _origin(issuer), urlsplit(issuer).path.rstrip("/")
    places = dict.fromkeys((f"{origin}{_ISSUER[0]}{path}", f"{origin}{_ISSUER[1]}{path}", f"{origin}{path}{_ISSUER[1]}"))
    for where in places:
        data = _document(web.ask("GET", where), where)
        if data is None:
            continue
        if data.get("issuer") != issuer:
            raise _wrong("the metadata is of another issuer", where)
        return _issuer(web, data, issuer, where)
    raise _wrong("the issuer says nowhere how it is asked", issuer)


def check_issuer(web: Web, issuer: str) -> str:
    """Raises where no issuer can be there."""
    target, _ = web.judged(issuer)
    if "?" in target.path:
        raise _wrong("an issuer has no query", issuer)
    return issuer


def _challenge(answer: HopAnswer) -> tuple[str, tuple[str, ...]]:
    """What a refusal says (RFC 9728, section 5.1): the address of the metadata, and the scopes."""
    if answer.status != UNAUTHORIZED:
        return "", ()
    lines = [text for name, text in answer.headers if name.lower() == "www-authenticate" and text[:7].lower() == "bearer "]
    found = {key.lower(): text for line in lines for key, text in _NAMED.findall(line[6:])}
    return found.get("resource_metadata", ""), scopes_of(found.get("scope", "").split(), "scope")


def _well_known(url: str) -> Iterator[str]:
    path = urlsplit(url).path.rstrip("/")
    yield from dict.fromkeys((f"{_origin(url)}{_RESOURCE}{path}", f"{_origin(url)}{_RESOURCE}"))


def _resource(data: Mapping[str, Json], url: str, where: str, scopes: tuple[str, ...]) -> Resource:
    """RFC 9728, section 3.3. Attack: a server that has us get tokens for another one, which it then takes from us."""
    resource = _text(data, "resource", where)
    if not is_within(url, resource):
        raise _wrong(f"the server says that it is {shown(resource, 100)!r}", where)
    issuers = _texts(data, "authorization_servers", where)
    if len(issuers) > ISSUERS_MAX:
        raise _wrong(f"the server names more than {ISSUERS_MAX} issuers", where)
    return Resource(resource=resource, issuers=issuers, scopes=scopes or scopes_of(_texts(data, "scopes_supported", where), where))


def is_within(url: str, resource: str) -> bool:
    """Is it this very address, or a place above it at the same origin?"""
    try:
        target_of(resource)
    except (Stopped, ValueError):
        return False
    if _origin(url) != _origin(resource) or "?" in resource or "#" in resource:
        return False
    here, there = urlsplit(url).path.rstrip("/"), urlsplit(resource).path.rstrip("/")
    return here == there or here.startswith(there + "/")


def _issuer(web: Web, data: Mapping[str, Json], issuer: str, where: str) -> Issuer:
    found = Issuer(
        issuer=issuer,
        token=_text(data, "token_endpoint", where),
        authorize=_text(data, "authorization_endpoint", where, needed=False),
        register=_text(data, "registration_endpoint", where, needed=False),
        revoke=_text(data, "revocation_endpoint", where, needed=False),
        methods=_texts(data, "token_endpoint_auth_methods_supported", where),
        says_who=data.get("authorization_response_iss_parameter_supported") is True,
    )
    for one in (found.token, found.authorize, found.register, found.revoke):
        if one:
            web.judged(one)
    if found.authorize and "S256" not in _texts(data, "code_challenge_methods_supported", where):
        # Attack: a code that is caught on its way is good for whoever caught it.
        raise _wrong("the issuer does not promise PKCE with S256", where)
    return found


def _document(answer: HopAnswer, where: str) -> Mapping[str, Json] | None:
    """None where there is nothing."""
    if answer.status != OK:
        return None
    return object_of(answer.body, where)


def object_of(body: bytes, where: str) -> Mapping[str, Json]:
    """JSON that is an object, read strictly. No message quotes it: a token may stand in it."""
    try:
        found = read(body, family="policy", where="answer")
    except Refused:
        raise _wrong("the answer is no JSON", where) from None
    if not isinstance(found, dict):
        raise _wrong("the answer is no object", where)
    return found


def _text(data: Mapping[str, Json], key: str, where: str, *, needed: bool = True) -> str:
    found = data.get(key)
    if found is None and not needed:
        return ""
    if not isinstance(found, str) or not 0 < len(found) <= TEXT_CHARS_MAX:
        raise _wrong(f"the answer has no sound {key}", where)
    return found


def _texts(data: Mapping[str, Json], key: str, where: str) -> tuple[str, ...]:
    found = data.get(key)
    if found is None:
        return ()
    if not isinstance(found, list) or not all(isinstance(one, str) and 0 < len(one) <= TEXT_CHARS_MAX for one in found):
        raise _wrong(f"the answer has no sound {key}", where)
    return tuple(one for one in found if isinstance(one, str))


def scopes_of(found: tuple[str, ...] | list[str], where: str) -> tuple[str, ...]:
    if len(found) > SCOPES_MAX or not all(SCOPE.fullmatch(one) and len(one) <= TEXT_CHARS_MAX for one in found):
        raise _wrong(f"there are more than {SCOPES_MAX} scopes, or one that is none", where)
    return tuple(dict.fromkeys(found))


def _origin(url: str) -> str:
    try:
        return target_of(url).origin
    except (Stopped, ValueError):
        raise _wrong("this is no address", url) from None


def _wrong(why: str, where: str) -> RemoteFailed:
    return RemoteFailed("remote.answer", why, where=place_of(where) if "://" in where else where, hint="ask who runs the server")
