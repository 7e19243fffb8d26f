"""The front believes an issuer whose keys it fetches: at its start, when a token names a key that it does not know, and never so that others wait for it."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from mpp.errors import Refused
from mpp.host import issuer_keys
from mpp.host.tenants_oauth import read_resource
from mpp.testing.packages import NOW
from tests.unit.host.access_tokens import CONFIG, RESOURCE, access, jwks
from tests.unit.host.http_sites import answer
from tests.unit.host.test_issuer_keys import Issuer, path_of
from tests.unit.serve.http_world import bearer, Served, serving, token

PATIENCE = 20.0


@pytest.fixture
def issuer() -> Iterator[Issuer]:
    found = Issuer()
    with found.site:
        yield found


def config(folder: Path, issuer: Issuer, more: str = "") -> str:
    folder.chmod(0o700)
    path = folder / "oauth.toml"
    path.write_text(
        CONFIG.replace('jwks = "jwks.json"', f"fetch_keys = true\n{more}")
        .replace("https://id.example.com", issuer.issuer)
        .replace(RESOURCE, "http://127.0.0.1/mcp")
    )
    return str(path)


def by(issuer: Issuer, name: str) -> dict[str, str]:
    return bearer(access(by=name, iss=issuer.issuer, aud="http://127.0.0.1/mcp"))


def listed(served: Served, headers: dict[str, str]) -> int:
    return served.modern("tools/list", headers=headers).status


def test_keys_are_fetched_before_the_first_token(tmp_path: Path, issuer: Issuer) -> None:
    with serving(tmp_path, oauth=config(tmp_path, issuer)) as served:
        assert listed(served, by(issuer, "ed")) == 200
        before = len(issuer.asked)
        assert [listed(served, by(issuer, "ed")) for _ in range(3)] == [200] * 3
        assert len(issuer.asked) == before


def test_a_new_key_of_the_issuer_is_fetched_and_an_old_one_opens_nothing_more(tmp_path: Path, issuer: Issuer, monkeypatch: pytest.MonkeyPatch) -> None:
    with serving(tmp_path, oauth=config(tmp_path, issuer)) as served:
        assert listed(served, by(issuer, "ed")) == 200
        issuer.keys = jwks("ec")
        # Not so soon after the last time.
        assert listed(served, by(issuer, "ec")) == 401
        monkeypatch.setattr(issuer_keys, "KEYS_AGAIN_SECONDS", -1)
        assert listed(served, by(issuer, "ec")) == 200
        # It was judged and remembered; its key is gone.
        assert listed(served, by(issuer, "ed")) == 401


def test_made_up_names_of_keys_ask_the_issuer_for_nothing(tmp_path: Path, issuer: Issuer) -> None:
    with serving(tmp_path, oauth=config(tmp_path, issuer)) as served:
        before = len(issuer.asked)
        for number in range(30):
            made_up = access(by="ed", header={"kid": f"made-up-{number}"}, iss=issuer.issuer, aud="http://127.0.0.1/mcp")
            assert listed(served, bearer(made_up)) == 401
        # Nor do tokens of others, or noise.
        assert listed(served, bearer(access(by="ed"))) == 401
        assert listed(served, bearer("x.y.z")) == 401
        assert len(issuer.asked) == before


def test_while_an_issuer_is_slow_others_are_answered(tmp_path: Path, issuer: Issuer, monkeypatch: pytest.MonkeyPatch) -> None:
    own = token(tmp_path)
    asked, go = threading.Semaphore(0), threading.Event()
    answers = issuer.site.respond
    with serving(tmp_path, oauth=config(tmp_path, issuer)) as served:
        monkeypatch.setattr(issuer_keys, "KEYS_AGAIN_SECONDS", -1)

        def slow(request: bytes) -> bytes | None:
            asked.release()
            go.wait(PATIENCE)
            return answers(request)

        issuer.site.respond = slow
        issuer.keys = jwks("ec")
        found: list[int] = []
        thread = threading.Thread(target=lambda: found.append(listed(served, by(issuer, "ec"))))
        thread.start()
        assert asked.acquire(timeout=PATIENCE)
        assert listed(served, bearer(own)) == 200
        assert listed(served, by(issuer, "ed")) == 200
        assert found == []
        go.set()
        thread.join(PATIENCE)
        assert found == [200]


def test_an_issuer_that_is_down_at_the_start(tmp_path: Path, issuer: Issuer, monkeypatch: pytest.MonkeyPatch) -> None:
    answers = issuer.site.respond
    issuer.site.respond = lambda _: answer(b"later", status="503 Service Unavailable")
    told: list[str] = []
    with serving(tmp_path, oauth=config(tmp_path, issuer), told=told.append) as served:
        assert len(told) == 1
        refusal = served.modern("tools/list", headers=by(issuer, "ed"))
        # Nothing is wrong with the token: a client need not fetch another one.
        assert (refusal.status, refusal.headers["retry-after"]) == (503, "60")
        issuer.site.respond = answers
        monkeypatch.setattr(issuer_keys, "KEYS_AGAIN_SECONDS", -1)
        assert listed(served, by(issuer, "ed")) == 200
        assert any(path_of(request) == "/keys" for request in issuer.site.requests)


@pytest.mark.parametrize(
    ("before", "after", "code"),
    [
        ("fetch_keys = true", 'fetch_keys = true\njwks = "jwks.json"', "agent.unknown_key"),
        ("fetch_keys = true", "fetch_keys = false", "agent.missing"),
        ("fetch_keys = true", "private_addresses = true", "agent.missing"),
        ("http://127.0.0.1:", "http://id.example.com:", "agent.form"),
    ],
)
def test_the_file_is_judged(before: str, after: str, code: str, tmp_path: Path, issuer: Issuer) -> None:
    path = Path(config(tmp_path, issuer))
    assert read_resource(str(path)).issuers
    path.write_text(path.read_text().replace(before, after))
    with pytest.raises(Refused) as refusal:
        read_resource(str(path))
    assert code in {fault.code for fault in refusal.value.faults}


def test_a_change_of_the_file_keeps_the_keys_of_an_issuer_that_stays(tmp_path: Path, issuer: Issuer) -> None:
    path = config(tmp_path, issuer)
    with serving(tmp_path, oauth=path, now=NOW) as served:
        assert listed(served, by(issuer, "ed")) == 200
        before = len(issuer.asked)
        Path(path).write_text(Path(path).read_text() + 'user_claim = "sub"\n')
        assert listed(served, by(issuer, "ed")) == 200
        assert len(issuer.asked) == before
