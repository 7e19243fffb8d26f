"""Installed packages in the console: verdict, rights, tools, differences, state, history; and texts of strangers."""

from __future__ import annotations

from pathlib import Path

import pytest

from mpp.host.audit.log import AuditLog
from mpp.host.home import Home
from mpp.host.stops import Stop, StopStore, with_contents
from mpp.host.store import PackageStore, remove
from mpp.host.stores.approvals import ApprovalsStore
from mpp.host.trust_store import TrustStore, without_publisher
from mpp.host.withdrawn import remember, Status, statuses_path, write_statuses
from mpp.model.manifest import parse_manifest
from mpp.stages.approval import consent_of
from mpp.testing.installing import install, trust
from mpp.testing.keys import publisher
from mpp.testing.packages import manifest, NOW, signed, TestClock, TestRandom
from tests.unit.console.conftest import Console, make_console
from tests.unit.console.hostile import HOSTILE, is_harmless, TURNED

HELLO = "com.example.hello"


def tool(**changes: object) -> list[dict[str, object]]:
    found = manifest()["tool_definitions"]
    assert isinstance(found, list)
    return [{**found[0], **changes}]


@pytest.fixture
def stocked(tmp_path: Path) -> Console:
    """Two versions of one package: the second asks for a host, brings a tool, and says something else."""
    home = Home(path=str(tmp_path / "home"))
    Path(home.path).mkdir(mode=0o700)
    who = publisher()
    trust(home, who)
    with AuditLog(home, clock=TestClock(), random=TestRandom()) as log:
        install(home, signed(who, {"capabilities/env_vars": ["LANG"]}), events=log)
        more = {
            "version": "0.2.0", "capabilities/network": ["api.example.com"],
            "tool_definitions": [*tool(description="Greets a person warmly"), *tool(name="wave", description="Waves")],
        }  # fmt: skip
        install(home, signed(who, more), events=log)
    return make_console(Path(home.path))


def address(console: Console, version: str) -> str:
    row = PackageStore(console.desk.home, TrustStore(console.desk.home.trust), console.desk.clock).find(f"{HELLO}@{version}")
    return f"/packages/{HELLO}/{row.content_hash}"


def test_an_empty_home(console: Console) -> None:
    page = console.get("/packages")
    assert page.status == 200
    assert "Nothing is installed yet." in page.words


def test_the_list_has_each_version_with_its_state(stocked: Console) -> None:
    page = stocked.get("/packages")
    assert "0.2.0" in page.words
    assert "0.1.0" in page.words
    assert page.words.index("0.2.0") < page.words.index("0.1.0")
    assert "served" in page.words
    assert "kept, not served" in page.words
    assert "Example Publisher" in page.words
    assert 'scope="col">Registry<' not in page.text


def test_a_package_says_what_it_may_do_and_brings(stocked: Console) -> None:
    page = stocked.get(f"/packages/{HELLO}")
    assert page.status == 200
    assert "May send requests to api.example.com over HTTPS." in page.words
    assert "hello__greet" in page.words
    assert "hello__wave" in page.words
    assert "&#34;type&#34;: &#34;object&#34;" in page.text
    assert "its key is one of this home" in page.words
    assert "it came from a file" in page.words
    assert "no person has agreed" in page.words


def test_what_changed_are_the_lines_of_an_update(stocked: Console) -> None:
    changed = stocked.get(f"/packages/{HELLO}").words.partition("What changed")[2].partition("Tools (2)")[0]
    assert "Against 0.1.0" in changed
    assert "May send requests to api.example.com over HTTPS." in changed
    assert "Brings the new tool wave (security level low)." in changed
    assert "The description of the tool greet" in changed
    assert "No longer asked for Is given the setting LANG" in changed
    assert "warmly" in changed


def test_the_oldest_version_has_nothing_to_compare_with(stocked: Console) -> None:
    page = stocked.get(address(stocked, "0.1.0"))
    assert "No lower version is installed here" in page.words
    assert "Is given the setting LANG and can read it." in page.words


def test_another_signer_is_said(tmp_path: Path) -> None:
    home = Home(path=str(tmp_path / "home"))
    Path(home.path).mkdir(mode=0o700)
    one, other = publisher(), publisher("Somebody Else")
    trust(home, one)
    trust(home, other)
    install(home, signed(one))
    install(home, signed(other, {"version": "0.2.0"}))
    assert f"Comes from publisher {other.id[:16]} instead of {one.id[:16]}." in make_console(Path(home.path)).get(f"/packages/{HELLO}").words


def test_nothing_changed_but_the_number(tmp_path: Path) -> None:
    home = Home(path=str(tmp_path / "home"))
    Path(home.path).mkdir(mode=0o700)
    trust(home, publisher())
    install(home, signed())
    install(home, signed(None, {"version": "0.1.1"}))
    assert "signed by the same publisher, and reads the same" in make_console(Path(home.path)).get(f"/packages/{HELLO}").words


def test_the_history_is_that_of_the_record(stocked: Console) -> None:
    with AuditLog(stocked.desk.home, clock=TestClock(NOW + 5), random=TestRandom()) as log:
        store = PackageStore(stocked.desk.home, TrustStore(stocked.desk.home.trust), TestClock(NOW + 5))
        remove(store, f"{HELLO}@0.1.0", log, by="user:grace", amr="tty")
    history = stocked.get(f"/packages/{HELLO}").words.partition("History")[2]
    assert "installed 0.1.0" in history
    assert "updated 0.2.0 (was 0.1.0)" in history
    assert "user:tester (tty)" in history
    assert "uninstalled 0.1.0" in history
    assert "user:grace (tty)" in history
    assert history.index("uninstalled 0.1.0") < history.index("updated 0.2.0") < history.index(" installed 0.1.0 ")


def test_a_file_that_was_changed_is_not_believed(stocked: Console) -> None:
    path = next(path for path in (stocked.home / "packages").rglob("*.mpp") if "0.2.0" in path.name)
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.chmod(0o600)
    path.write_bytes(bytes(data))
    assert "host.package" in stocked.get("/packages").words
    page = stocked.get(address(stocked, "0.2.0"))
    assert "This file is not served" in page.words
    assert "What it may do" not in page.words
    assert "History" in page.words


def test_a_lower_version_that_cannot_be_read_is_said(stocked: Console) -> None:
    next(path for path in (stocked.home / "packages").rglob("*.mpp") if "0.1.0" in path.name).unlink()
    assert "nobody can say what changed" in stocked.get(f"/packages/{HELLO}").words


def test_a_publisher_that_is_not_believed_any_more(stocked: Console) -> None:
    stocked.desk.trust().change(lambda state: without_publisher(state, publisher().id))
    assert "publisher.unknown" in stocked.get("/packages").words


def test_a_lockfile_that_is_damaged_serves_nothing_and_is_said(stocked: Console) -> None:
    Path(stocked.desk.home.lockfile).write_bytes(b"{")
    page = stocked.get("/packages")
    assert page.status == 200
    assert "so nothing is served" in page.words


@pytest.mark.parametrize("status", ["active", "deprecated", "yanked", "quarantined", "revoked"])
def test_what_a_registry_proved_of_a_version(stocked: Console, status: str) -> None:
    content = address(stocked, "0.2.0").rpartition("/")[2]
    path = Path(statuses_path(stocked.desk.home))
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(write_statuses({content: Status(package_id=HELLO, version="0.2.0", registry="corp", status=status, at=NOW)}))
    page = stocked.get(f"/packages/{HELLO}")
    assert f"{status} by corp" in page.words
    assert status in stocked.get("/packages").words


def test_a_stopped_version_says_why_and_by_whom(stocked: Console) -> None:
    content = address(stocked, "0.2.0").rpartition("/")[2]
    StopStore(stocked.desk.home.stops).change(lambda stops: with_contents(stops, {content: Stop(since=NOW, why="revoked by its registry corp")}, set()))
    assert "this version is stopped: revoked by its registry corp" in stocked.get(f"/packages/{HELLO}").words
    assert "stopped" in stocked.get("/packages").words


def test_a_persons_agreement_is_named(stocked: Console) -> None:
    stored = PackageStore(stocked.desk.home, TrustStore(stocked.desk.home.trust), stocked.desk.clock)
    package = stored.open(stored.find(HELLO))
    data = package.read("manifest.json") or b""
    consent = consent_of(parse_manifest(data), data, tenant="local", publisher_id=package.publisher_id, by="user:ada", amr="tty", now=NOW)
    approvals = ApprovalsStore(stocked.desk.home.approvals)
    approvals.put_consent(consent)
    approvals.close()
    assert "user:ada agreed to version 0.2.0 (tty)." in stocked.get(f"/packages/{HELLO}").words


@pytest.mark.parametrize("path", ["/packages/com.example.absent", f"/packages/{HELLO}/{'0' * 64}", "/packages/%3Cscript%3E"])
def test_what_is_not_installed_is_not_there(stocked: Console, path: str) -> None:
    assert stocked.get(path).status == 404


def test_texts_of_a_publisher_are_texts(tmp_path: Path) -> None:
    home = Home(path=str(tmp_path / "home"))
    Path(home.path).mkdir(mode=0o700)
    who = publisher("O'Hare & <b>Sons</b>")
    trust(home, who)
    hostile = {
        "description": HOSTILE, "tool_definitions": tool(
            title="<i>T</i>", description=HOSTILE,
            parameters={"type": "object", "properties": {"<b>x": {"type": "string", "description": HOSTILE}}}, returns={"type": "object", "description": HOSTILE},
        ),
    }  # fmt: skip
    install(home, signed(who))
    install(home, signed(who, {"version": "0.2.0", **hostile}))
    content = PackageStore(home, TrustStore(home.trust), TestClock()).find(HELLO).content_hash
    remember(home, content, Status(package_id=HELLO, version="0.2.0", registry=HOSTILE[:60], status="yanked", at=NOW))
    StopStore(home.stops).change(lambda stops: with_contents(stops, {content: Stop(since=NOW, why=HOSTILE + TURNED)}, set()))
    console = make_console(Path(home.path))
    page = console.get(f"/packages/{HELLO}")
    assert is_harmless(page)
    assert "<b>" not in page.text
    assert "⟨U+202E⟩" in page.text
    assert "refused" in page.words.partition("Look at what a model reads")[2]
    assert is_harmless(console.get("/packages"))


def test_the_record_of_a_stranger_is_text(stocked: Console) -> None:
    from mpp.model.events import Event

    body = {"change": HOSTILE, "package": HELLO, "version": HOSTILE, "before": HOSTILE, "by": HOSTILE, "amr": HOSTILE}
    with AuditLog(stocked.desk.home, clock=TestClock(NOW + 5), random=TestRandom()) as log:
        log.record(Event(kind="package", at=NOW + 5, tenant="local", invocation="", body=body))
        log.record(Event(kind="package", at=NOW + 6, tenant="local", invocation="", body={"package": HELLO, "change": 7, "version": ["x"]}))
        log.record(Event(kind="consent", at=NOW + 7, tenant="local", invocation="", body={"package": HELLO, "given": False, "version": HOSTILE}))
        log.record(Event(kind="stop", at=NOW + 8, tenant="local", invocation="", body={"what": "package", "name": HELLO, "lifted": True, "why": HOSTILE}))
    page = stocked.get(f"/packages/{HELLO}")
    assert is_harmless(page)
    assert "agreement taken back" in page.words
    assert "stop lifted" in page.words
