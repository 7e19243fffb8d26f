"""What leaves make of a package, and which ones no log may hold."""

from __future__ import annotations

from hashlib import sha256

import pytest
from hypothesis import given, settings, strategies as st

from mpp.errors import Refused
from mpp.ledger.tree import EMPTY_ROOT, is_included, leaf_hash
from mpp.protocol.registry import state as states
from mpp.protocol.registry.events import (
    ADMIN,
    AdvisoryPublished,
    Change,
    Leaf,
    Owner,
    PackageOwners,
    PeersChanged,
    Status,
    VersionPublished,
    VersionStaged,
    VersionStatusChanged,
)
from mpp.protocol.registry.limits import STATE_BYTES_MAX, VERSIONS_MAX
from mpp.protocol.registry.state import PackageState, VersionState, applied
from mpp.testing.registries import digest

PACKAGE = "com.example.hello"
OWNER, MAINTAINER, STRANGER = sorted((digest("0"), digest("1"), digest("2")))
OWNERS = (Owner(publisher_id=OWNER, role="owner"), Owner(publisher_id=MAINTAINER, role="maintainer"))


def owners(*, by: str = OWNER, of: tuple[Owner, ...] = OWNERS, package_id: str = PACKAGE) -> PackageOwners:
    return PackageOwners(package_id=package_id, owners=of, by=by)


def published(version: str, by: str = OWNER, content: str = "") -> VersionPublished:
    content_hash = digest(content or version)
    return VersionPublished(package_id=PACKAGE, version=version, publisher_id=by, content_hash=content_hash, file_hash=digest(version + "f"), size=9)


def staged(version: str, by: str = OWNER) -> VersionStaged:
    return VersionStaged(package_id=PACKAGE, version=version, publisher_id=by, content_hash=digest("staged" + version))


def status(version: str, word: Status, by: str = OWNER) -> VersionStatusChanged:
    return VersionStatusChanged(package_id=PACKAGE, version=version, status=word, reason="because", by=by)


def after(*changes: Change) -> PackageState:
    state: PackageState | None = None
    for index, change in enumerate(changes):
        state = applied(state, Leaf(index=index, at=0, change=change))
    assert state is not None
    return state


def forbidden(*changes: Change) -> str:
    before = after(*changes[:-1]) if len(changes) > 1 else None
    with pytest.raises(Refused) as caught:
        applied(before, Leaf(index=len(changes), at=0, change=changes[-1]))
    assert caught.value.code == "registry.rule"
    return caught.value.message


def test_a_package_comes_into_being() -> None:
    state = after(owners(), published("1.0.0"), published("1.1.0-beta.1", MAINTAINER), published("0.9.0"))
    assert [one.version for one in state.versions] == ["0.9.0", "1.0.0", "1.1.0-beta.1"]
    assert (state.latest, state.status, state.publisher_id, state.index) == ("1.0.0", "active", OWNER, 3)
    assert after(owners(by=ADMIN)).versions == ()


def test_the_publisher_is_that_of_the_newest_publication() -> None:
    assert after(owners()).publisher_id == ""
    assert after(owners(), published("2.0.0"), published("1.0.0", MAINTAINER)).publisher_id == MAINTAINER


def test_who_may_make_a_package() -> None:
    assert "exist" in forbidden(published("1.0.0"))
    assert "owners" in forbidden(owners(by=STRANGER))
    assert "owners" in forbidden(owners(by=MAINTAINER))
    assert "needs an owner" in forbidden(owners(by=ADMIN, of=OWNERS[1:]))


def test_who_may_say_who_owns_it() -> None:
    only = (Owner(publisher_id=STRANGER, role="owner"),)
    assert after(owners(), owners(of=only)).owners == only
    assert after(owners(), owners(of=only, by=ADMIN)).owners == only
    for by in (MAINTAINER, STRANGER):
        assert "only an owner" in forbidden(owners(), owners(of=only, by=by))
    assert "needs an owner" in forbidden(owners(), owners(of=OWNERS[1:]))
    # Who was an owner is none any more.
    assert "only an owner" in forbidden(owners(), owners(of=only), owners())


def test_a_version_is_published_once() -> None:
    assert "exists" in forbidden(owners(), published("1.0.0"), published("1.0.0", content="other"))
    assert "exists" in forbidden(owners(), published("1.0.0+a"), published("1.0.0+b"))
    assert "exists" in forbidden(owners(), published("1.0.0"), staged("1.0.0"))
    assert "another version" in forbidden(owners(), published("1.0.0"), published("1.0.1", content="1.0.0"))
    for change in (published("1.0.0", STRANGER), staged("1.0.0", STRANGER)):
        assert "neither" in forbidden(owners(), change)


def test_what_is_staged_is_not_there() -> None:
    state = after(owners(), staged("1.0.0"))
    assert (state.versions, state.index) == ((), 1)
    assert after(owners(), staged("1.0.0"), published("1.0.0")).latest == "1.0.0"


def test_states_of_a_version() -> None:
    for word in ("deprecated", "yanked", "revoked"):
        for by in (OWNER, MAINTAINER, ADMIN):
            assert after(owners(), published("1.0.0"), status("1.0.0", word, by)).versions[0].status == word
    assert after(owners(), published("1.0.0"), status("1.0.0", "yanked"), status("1.0.0", "active")).latest == "1.0.0"
    assert "neither" in forbidden(owners(), published("1.0.0"), status("1.0.0", "yanked", STRANGER))
    for version in ("0.1.0", "1.0.0+a", "2.0.0"):
        assert "exist" in forbidden(owners(), published("1.0.0"), status(version, "yanked"))


@pytest.mark.parametrize("word", ["active", "deprecated", "yanked", "quarantined", "revoked"])
def test_what_is_revoked_stays_so(word: Status) -> None:
    assert "stays revoked" in forbidden(owners(), published("1.0.0"), status("1.0.0", "revoked"), status("1.0.0", word, ADMIN))


def test_a_quarantine_is_the_registrys() -> None:
    held = (owners(), published("1.0.0"), status("1.0.0", "quarantined", ADMIN))
    assert after(*held).versions[0].status == "quarantined"
    assert "own" in forbidden(*held[:2], status("1.0.0", "quarantined"))
    assert "own" in forbidden(*held, status("1.0.0", "active"))
    assert after(*held, status("1.0.0", "revoked")).status == "revoked"
    assert after(*held, status("1.0.0", "active", ADMIN)).status == "active"


def test_advisories_name_versions_that_exist() -> None:
    def about(*versions: str) -> AdvisoryPublished:
        return AdvisoryPublished(advisory_id="A-1", package_id=PACKAGE, versions=versions, severity="low", sha256=OWNER)

    assert after(owners(), published("1.0.0"), about("1.0.0")).index == 2
    assert "exist" in forbidden(owners(), published("1.0.0"), about("1.0.0", "2.0.0"))


def test_leaves_come_in_order_and_to_their_package() -> None:
    state = after(owners(), published("1.0.0"))
    assert applied(state, Leaf(index=9, at=0, change=PeersChanged(sha256=OWNER))) is state
    assert applied(None, Leaf(index=9, at=0, change=PeersChanged(sha256=OWNER))) is None
    for leaf in (Leaf(index=1, at=0, change=published("2.0.0")), Leaf(index=9, at=0, change=owners(package_id="com.example.other"))):
        with pytest.raises(Refused) as caught:
            applied(state, leaf)
        assert caught.value.code == "registry.rule"


def test_a_package_has_a_bounded_number_of_versions() -> None:
    made = tuple(
        VersionState(version=f"{i}.0.0", content_hash=digest(str(i)), file_hash=digest(f"f{i}"), publisher_id=OWNER, status="quarantined")
        for i in range(VERSIONS_MAX)
    )
    state = PackageState(package_id=PACKAGE, publisher_id=OWNER, owners=OWNERS, versions=made, index=0)
    with pytest.raises(Refused, match="at most"):
        applied(state, Leaf(index=1, at=0, change=published("9999.0.0")))
    data = states.write_state(state)
    assert len(data) < STATE_BYTES_MAX
    assert states.read_state(data, where="state") == state


def with_statuses(*words: Status) -> PackageState:
    made = tuple(VersionState(version=f"{i}.0.0", content_hash=digest(str(i)), file_hash=OWNER, publisher_id=OWNER, status=one) for i, one in enumerate(words))
    return PackageState(package_id=PACKAGE, publisher_id=OWNER, owners=OWNERS, versions=made, index=0)


@pytest.mark.parametrize(
    ("words", "status_word", "latest"),
    [
        ((), "active", ""),
        (("active", "active"), "active", "1.0.0"),
        (("active", "deprecated"), "active", "1.0.0"),
        (("active", "yanked"), "active", "0.0.0"),
        (("active", "quarantined"), "active", "0.0.0"),
        (("deprecated", "deprecated"), "deprecated", "1.0.0"),
        (("deprecated", "revoked", "yanked", "quarantined"), "deprecated", "0.0.0"),
        (("quarantined", "revoked"), "quarantined", ""),
        (("revoked", "revoked"), "revoked", ""),
        (("revoked", "yanked"), "revoked", ""),
        (("yanked", "yanked"), "active", ""),
    ],
)
def test_what_is_said_of_the_whole_package(words: tuple[Status, ...], status_word: str, latest: str) -> None:
    state = with_statuses(*words)
    assert (state.status, state.latest) == (status_word, latest)


def test_the_value_and_its_lines() -> None:
    state = with_statuses("active", "yanked", "active")
    value = states.read_value(states.map_value(state), where="value")
    assert (value.package_id, value.publisher_id, value.latest, value.status, value.count, value.index) == (PACKAGE, OWNER, "2.0.0", "active", 3, 0)
    for i in range(3):
        proof = states.version_proof(state, f"{i}.0.0")
        assert is_included(leaf_hash(proof.line), proof.index, value.count, proof.path, value.versions)
        assert states.read_line(proof.line, where="line") == state.versions[i]
    assert states.versions_root(()) == EMPTY_ROOT
    assert states.map_key(PACKAGE) == sha256(b"com.example.hello").digest()
    for absent in ("9.0.0", "0.0.0+x"):
        with pytest.raises(Refused) as caught:
            states.version_proof(state, absent)
        assert caught.value.code == "registry.no_version"


def test_a_package_without_versions_has_a_value() -> None:
    value = states.read_value(states.map_value(after(owners())), where="value")
    assert (value.publisher_id, value.latest, value.count, value.versions) == ("", "", 0, EMPTY_ROOT)


@pytest.mark.parametrize("bad", [b"", b"{}", b"[]", b'{"version":"1.0.0"}', b" " * 3_000_000])
def test_what_is_none(bad: bytes) -> None:
    for read in (states.read_value, states.read_line, states.read_state):
        with pytest.raises(Refused) as caught:
            read(bad, where="it")
        assert caught.value.code.startswith("registry.")


def test_values_have_one_form() -> None:
    state = with_statuses("active", "yanked")
    value, line, kept = states.map_value(state), states.version_line(state.versions[0]), states.write_state(state)
    for read, data in ((states.read_value, value), (states.read_line, line), (states.read_state, kept)):
        for bad in (data + b"\n", data[:-1] + b',"z":1}', data.replace(b'"active"', b'"fine"'), data.replace(OWNER.encode(), OWNER.upper().encode())):
            with pytest.raises(Refused) as caught:
                read(bad, where="it")
            assert caught.value.code.startswith("registry.")
    with pytest.raises(Refused) as caught:
        states.read_value(value.replace(b'"latest":"0.0.0"', b'"latest":"v0"'), where="value")
    assert caught.value.code == "registry.form"


def test_versions_of_a_state_ascend() -> None:
    state = with_statuses("active", "yanked")
    for order in (state.versions[::-1], (state.versions[0], state.versions[0])):
        wrong = PackageState(package_id=PACKAGE, publisher_id=OWNER, owners=OWNERS, versions=order, index=0)
        with pytest.raises(Refused, match="ascend"):
            states.read_state(states.write_state(wrong), where="state")


VERSIONS = st.tuples(st.integers(0, 3), st.integers(0, 3), st.sampled_from(["", "-a", "-rc.1", "-rc.2", "-rc.10"])).map(lambda it: f"{it[0]}.{it[1]}.0{it[2]}")
STATUS_WORDS = st.sampled_from(["active", "deprecated", "yanked", "revoked"])


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(VERSIONS, STATUS_WORDS), max_size=30))
def test_versions_stand_in_their_order_whatever_came_first(steps: list[tuple[str, Status]]) -> None:
    state = after(owners())
    seen: dict[str, Status] = {}
    for index, (version, word) in enumerate(steps, start=1):
        if version not in seen:
            change: Change = published(version)
            seen[version] = "active"
        elif seen[version] == "revoked":
            continue
        else:
            change, seen[version] = status(version, word), word
        found = applied(state, Leaf(index=index, at=0, change=change))
        assert found is not None
        state = found
    assert {one.version: one.status for one in state.versions} == seen
    orders = [states.order_of(one.version) for one in state.versions]
    assert orders == sorted(orders)
    usable = [one for one in seen if seen[one] in {"active", "deprecated"} and "-" not in one]
    assert state.latest == max(usable, key=states.order_of, default="")
    assert states.read_state(states.write_state(state), where="state") == state
