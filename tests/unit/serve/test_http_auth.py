"""Who sends a request: nothing but its token says so, and without tokens only this machine is let in."""

from __future__ import annotations

from pathlib import Path

import pytest

from mpp.host.agent_store import AgentStore, BearerToken, KnownAgent, new_token, token_digest
from mpp.host.system import FixedClock, SystemRandom
from mpp.host.tenants import TokenStore
from mpp.host.tenants_oauth import AccessTokens
from mpp.model.agents import ANONYMOUS, AgentIdentity, Delegation
from mpp.protocol.mcp.ports import Caller
from mpp.serve.http_auth import Admission, Door, metadata_url
from mpp.serve.http_headers import BadRequestError, read_head
from mpp.testing.packages import NOW
from tests.unit.host.access_tokens import RESOURCE, access, write_config
from tests.unit.serve.http_world import revoke_all, token


@pytest.fixture
def config(tmp_path: Path) -> Path:
    return write_config(tmp_path)


@pytest.fixture(autouse=True)
def trust(tmp_path: Path) -> None:
    (tmp_path / "home" / "trust").mkdir(parents=True, mode=0o700)
    (tmp_path / "home").chmod(0o700)


def door(tmp_path: Path, *, access: AccessTokens | None = None, demanded: bool = False, now: int = NOW) -> Door:
    folder = tmp_path / "home" / "trust"
    tokens, agents = TokenStore(str(folder / "tokens.json")), AgentStore(str(folder / "agents.json"))
    return Door(tokens, agents, FixedClock(now), access=access, demanded=demanded, local=Caller())


def admit(at: Door, authorization: str | None) -> Admission:
    headers = [] if authorization is None else [(b"authorization", authorization.encode("latin-1"))]
    return at.admit(read_head("POST", "/mcp", headers))


def refused(at: Door, authorization: str | None) -> BadRequestError:
    with pytest.raises(BadRequestError) as refusal:
        admit(at, authorization)
    return refusal.value


def challenge(refusal: BadRequestError) -> str:
    return dict(refusal.headers)[b"www-authenticate"].decode()


def test_while_no_tokens_are_used_this_machine_may_call(tmp_path: Path) -> None:
    at = door(tmp_path)
    assert at.is_open
    assert admit(at, None).who == Caller(tenant="local", agent=ANONYMOUS)
    # A token that is wrong is never passed over.
    assert refused(at, "Bearer x").status == 401


def test_a_token_says_tenant_agent_and_user(tmp_path: Path) -> None:
    text = token(tmp_path, user="ada", rate=7)
    at = door(tmp_path)
    assert not at.is_open
    found = admit(at, f"Bearer {text}")
    behind = (Delegation(kind="user", name="ada", level="token"),)
    assert found.who == Caller(tenant="acme", agent=AgentIdentity(name="planner", level="token", behind=behind), user="ada")
    assert (found.rate, text in found.key) == (7, False)
    assert admit(at, f"bearer  {text} ").who == found.who


WRONG = [None, "", "Bearer", "Bearer ", "Basic YTpi", "Bearer x", "Bearer mppt_x", "Bearer ey.ey.x", "Bearer \xe9", "Token x", "Bearer x y"]


@pytest.mark.parametrize("authorization", WRONG)
def test_what_is_no_token(authorization: str | None, tmp_path: Path) -> None:
    token(tmp_path)
    refusal = refused(door(tmp_path), authorization)
    assert refusal.status == 401
    assert challenge(refusal).startswith('Bearer realm="mpp"')


def test_a_door_that_was_closed_stays_closed(tmp_path: Path) -> None:
    at = door(tmp_path)
    assert at.is_open
    text = token(tmp_path)
    assert refused(at, None).status == 401
    revoke_all(tmp_path)
    assert refused(at, None).status == 401
    assert refused(at, f"Bearer {text}").status == 401
    assert refused(door(tmp_path, demanded=True), None).status == 401


def test_an_ended_token(tmp_path: Path) -> None:
    text = token(tmp_path)
    assert admit(door(tmp_path, now=NOW + 59), f"Bearer {text}")
    refusal = refused(door(tmp_path, now=NOW + 60), f"Bearer {text}")
    assert 'error="invalid_token"' in challenge(refusal)


def test_a_token_of_an_agent_counts_for_the_local_tenant(tmp_path: Path) -> None:
    text = new_token(SystemRandom())
    held = BearerToken(sha256=token_digest(text), until=NOW, label="")
    AgentStore(str(tmp_path / "home" / "trust" / "agents.json")).change(lambda known: known.with_agent(KnownAgent(name="scout", tokens=(held,))))
    at = door(tmp_path, demanded=True)
    assert admit(at, f"Bearer {text}").who == Caller(tenant="local", agent=AgentIdentity(name="scout", level="token"))
    assert refused(at, f"Bearer {new_token(SystemRandom())}").status == 401


def test_access_tokens_of_an_issuer(tmp_path: Path, config: Path) -> None:
    at = door(tmp_path, access=AccessTokens(str(config)))
    assert not at.is_open
    found = admit(at, f"Bearer {access()}")
    assert (found.who.tenant, found.who.agent.name, found.who.user) == ("acme", "acme/bot", "ada@example.com")
    assert admit(at, f"Bearer {access(sub='bob')}").key != found.key
    metadata = 'resource_metadata="https://mpp.example.com/.well-known/oauth-protected-resource/mcp"'
    assert metadata in challenge(refused(at, None))
    assert "error=" not in challenge(refused(at, None))
    lacking = refused(at, f"Bearer {access(scope='other')}")
    assert (lacking.status, 'error="insufficient_scope"' in challenge(lacking), 'scope="mcp:tools"' in challenge(lacking)) == (403, True, True)
    ended = refused(at, f"Bearer {access(exp=NOW)}")
    assert (ended.status, metadata in challenge(ended)) == (401, True)
    assert at.resource is not None
    assert at.resource.resource == RESOURCE


def test_a_token_does_not_write_the_challenge(tmp_path: Path, config: Path) -> None:
    at = door(tmp_path, access=AccessTokens(str(config)))
    written = challenge(refused(at, f"Bearer {access(iss='https://x', client_id='a')}"))
    assert written.count('"') % 2 == 0
    text = access(iss='x", error="other')
    evil = challenge(refused(at, f"Bearer {text}"))
    assert 'error="other' not in evil


def test_what_cannot_be_read_admits_nobody(tmp_path: Path, config: Path) -> None:
    text = token(tmp_path)
    closed, at = door(tmp_path), door(tmp_path, access=AccessTokens(str(config)))
    path = tmp_path / "home" / "trust" / "tokens.json"
    path.unlink()
    open_ = door(tmp_path)
    for spoil in (lambda: path.write_text("{"), lambda: path.chmod(0o666), path.unlink, path.mkdir):
        spoil()
        found = refused(closed, f"Bearer {text}")
        assert found.status == (503 if path.exists() else 401)
        assert str(path) not in found.words
        if path.exists():
            assert refused(open_, None).status == 503
    config.write_text("x")
    for authorization in (None, f"Bearer {access()}"):
        assert refused(at, authorization).status == 503


@pytest.mark.parametrize(
    ("resource", "url"),
    [
        ("https://a.example/mcp", "https://a.example/.well-known/oauth-protected-resource/mcp"),
        ("https://a.example", "https://a.example/.well-known/oauth-protected-resource"),
        ("https://a.example:8/", "https://a.example:8/.well-known/oauth-protected-resource"),
    ],
)
def test_where_the_metadata_is(resource: str, url: str) -> None:
    assert metadata_url(resource) == url
