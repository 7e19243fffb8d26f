"""What the log appends is what it proves, on both databases, read by the code of a client."""

from __future__ import annotations

import pytest

from mpp.crypto.ed25519 import SeedSigner
from mpp.crypto.roots import read_chain
from mpp.errors import HostFailed, Refused
from mpp.ledger.keymap import root_of_map
from mpp.ledger.notes import COSIGNATURE, NoteKey, cosign_text, read_note, signature_line
from mpp.ledger.tiles import TILE_HASHES
from mpp.ledger.tree import is_consistent, is_included, leaf_hash, root_of
from mpp.protocol.registry.bundle import proven, proven_absent, read_absence, read_bundle, write_absence, write_bundle
from mpp.protocol.registry.checkpoint import read_signed, witnessed_by
from mpp.protocol.registry.events import Change, NamespaceProven, RegistryOpened, read_leaf
from mpp.protocol.registry.state import applied, map_key, map_value
from mpp_registry.log import nodes as log_nodes
from mpp_registry.log import states as log_states
from mpp_registry.log.ledger import Ledger
from mpp_registry.log.limits import ENTRIES_GIVEN_MAX, RENEW_SECONDS
from mpp_registry.log.renewing import renewed
from mpp_registry.log.states import States
from mpp_registry.log.witnessing import take_cosignatures
from mpp_registry.services import Services
from tests.registry.worlds import ALICE, BOB, EVE, NOW, owned, published, status

ONE, TWO = "com.example.one", "com.example.two"


def add(services: Services, *changes: Change, at: int = NOW):
    with services.database.write() as rows:
        return services.ledger.append(rows, changes, at)


def fill(services: Services) -> None:
    """Twelve leaves about two packages, one or several at a time."""
    add(services, owned(ONE, ALICE), published(ONE, "1.0.0"))
    add(services, published(ONE, "1.2.0"))
    add(services, owned(TWO, BOB), published(TWO, "0.1.0", BOB), published(TWO, "0.2.0-beta.1", BOB))
    add(services, NamespaceProven(namespace="com.example", publisher_id=ALICE, method="dns"))
    add(services, published(ONE, "1.1.0"))
    add(services, status(ONE, "1.2.0", "yanked"))
    add(services, status(TWO, "0.1.0", "deprecated", BOB), status(TWO, "0.2.0-beta.1", "revoked", BOB))


def test_the_first_leaf_says_whose_log_it_is(services: Services) -> None:
    with services.database.read() as rows:
        leaf = read_leaf(services.ledger.leaf(rows, 0), where="leaf")
        checkpoint = services.ledger.checkpoint(rows)
    chain = read_chain(services.settings.roots, where="roots")
    assert leaf.change == RegistryOpened(registry_id=services.settings.registry_id, name="Test Registry")
    assert services.settings.registry_id == chain.publisher_id
    assert read_signed(checkpoint.note, chain) == checkpoint
    assert (checkpoint.size, checkpoint.at) == (1, NOW)
    assert services.ledger.origin == f"mpp-registry/{chain.publisher_id[:32]}"


def test_roots_of_log_and_map_are_those_of_all_leaves(services: Services) -> None:
    fill(services)
    with services.database.read() as rows:
        leaves = services.ledger.entries(rows, 0, 100)
        checkpoint = services.ledger.checkpoint(rows)
        states = {name: services.ledger.package_state(rows, name) for name in (ONE, TWO)}
    assert len(leaves) == checkpoint.size == 12
    assert checkpoint.root == root_of([leaf_hash(leaf) for leaf in leaves])
    followed = dict.fromkeys((ONE, TWO))
    for data in leaves:
        leaf = read_leaf(data, where="leaf")
        name = getattr(leaf.change, "package_id", None)
        if name is not None:
            followed[name] = applied(followed[name], leaf)
    assert followed == states
    assert checkpoint.map_root == root_of_map({map_key(name): map_value(state) for name, state in followed.items()})
    assert (states[ONE].latest, states[TWO].latest, states[TWO].status) == ("1.1.0", "0.1.0", "deprecated")


def test_states_are_read_from_the_rows_as_they_were_made(services: Services) -> None:
    fill(services)
    with services.database.read() as rows:
        for name in (ONE, TWO):
            assert States().get(rows, name) == services.ledger.package_state(rows, name)
        assert services.ledger.package_state(rows, "com.example.none") is None


def test_inclusion_and_consistency_of_every_size(services: Services) -> None:
    for number in range(1, 12):
        add(services, owned(f"com.example.p{number}", ALICE))
    with services.database.read() as rows:
        leaves = services.ledger.entries(rows, 0, 100)
        checkpoints = [services.ledger.checkpoint_at(rows, size) for size in range(1, 13)]
        for new in checkpoints:
            for index in range(new.size):
                path = services.ledger.inclusion(rows, index, new.size)
                assert is_included(leaf_hash(leaves[index]), index, new.size, path, new.root)
            for old in checkpoints[: new.size]:
                path = services.ledger.consistency(rows, old.size, new.size)
                assert is_consistent(old.size, old.root, new.size, new.root, path)
        assert services.ledger.inclusion(rows, 3) == services.ledger.inclusion(rows, 3, 12)
        assert services.ledger.consistency(rows, 5) == services.ledger.consistency(rows, 5, 12)


@pytest.mark.parametrize("version", ["1.0.0", "1.1.0", "1.2.0"])
def test_a_client_believes_the_bundle_of_a_version(services: Services, version: str) -> None:
    fill(services)
    with services.database.read() as rows:
        data = write_bundle(services.ledger.bundle(rows, ONE, version))
    found = proven(read_bundle(data), services.settings.registry_id, now=NOW, max_age=60)
    assert (found.package_id, found.version, found.publisher_id, found.latest) == (ONE, version, ALICE, "1.1.0")
    assert found.status == ("yanked" if version == "1.2.0" else "active")
    assert found.file_hash == published(ONE, version).file_hash
    assert found.size == 12


def test_a_client_believes_that_a_package_is_absent(services: Services) -> None:
    fill(services)
    with services.database.read() as rows:
        data = write_absence(services.ledger.absence(rows, "com.example.three"))
        with pytest.raises(Refused, match="there is such a package"):
            services.ledger.absence(rows, ONE)
    assert proven_absent(read_absence(data), services.settings.registry_id, "com.example.three", now=NOW).package_id == "com.example.three"


def test_what_is_not_there_is_said_so(services: Services) -> None:
    fill(services)
    with services.database.read() as rows:
        for use in (
            lambda: services.ledger.bundle(rows, ONE, "9.0.0"),
            lambda: services.ledger.bundle(rows, "com.example.none", "1.0.0"),
            lambda: services.ledger.leaf(rows, 12),
            lambda: services.ledger.inclusion(rows, 12),
            lambda: services.ledger.inclusion(rows, 0, 13),
            lambda: services.ledger.consistency(rows, 5, 13),
            lambda: services.ledger.consistency(rows, 5, 4),
            lambda: services.ledger.consistency(rows, -1),
            lambda: services.ledger.checkpoint_at(rows, 2),
            lambda: services.ledger.tile(rows, 0, 0),
            lambda: services.ledger.tile(rows, 0, 0, 13),
            lambda: services.ledger.tile(rows, 0, -1, 1),
            lambda: services.ledger.tile(rows, 8, 0, 1),
            lambda: services.ledger.tile(rows, 0, 0, 0),
        ):
            with pytest.raises(Refused) as caught:
                use()
            assert caught.value.code == "registry.absent"
        assert services.ledger.entries(rows, 12, 5) == services.ledger.entries(rows, 0, -1) == []
        assert len(services.ledger.entries(rows, 0, ENTRIES_GIVEN_MAX + 1)) == 12
        assert services.ledger.size(rows) == 12


def test_a_refused_change_leaves_nothing(services: Services) -> None:
    fill(services)
    with services.database.read() as rows:
        before = services.ledger.checkpoint(rows)
    for wrong in (published(ONE, "1.0.0"), published(ONE, "3.0.0", EVE), status(TWO, "0.2.0-beta.1", "active", BOB), status(ONE, "7.0.0", "yanked")):
        with pytest.raises(Refused) as caught:
            add(services, published(ONE, "2.0.0"), wrong)
        assert caught.value.code == "registry.rule"
    with services.database.read() as rows:
        assert services.ledger.checkpoint(rows) == before
        assert services.ledger.package_state(rows, ONE).latest == "1.1.0"
    assert add(services, published(ONE, "2.0.0")).size == 13
    with services.database.read() as rows:
        assert services.ledger.package_state(rows, ONE).latest == "2.0.0"
        data = write_bundle(services.ledger.bundle(rows, ONE, "2.0.0"))
    assert proven(read_bundle(data), services.settings.registry_id, now=NOW).version == "2.0.0"


def test_what_was_undone_is_not_remembered(services: Services) -> None:
    """Attack on oneself: the state after a transaction that came to nothing, taken for the one that came instead of it."""
    fill(services)
    with pytest.raises(KeyError), services.database.write() as rows:
        services.ledger.append(rows, [published(ONE, "5.0.0")], NOW)
        raise KeyError
    add(services, published(ONE, "4.0.0"))
    with services.database.read() as rows:
        state = services.ledger.package_state(rows, ONE)
        assert [one.version for one in state.versions] == ["1.0.0", "1.1.0", "1.2.0", "4.0.0"]
        assert state == States().get(rows, ONE)


def test_memory_of_states_has_a_bound(services: Services, monkeypatch: pytest.MonkeyPatch) -> None:
    fill(services)
    with services.database.read() as rows:
        for packages, versions, kept in ((1, 100, [TWO]), (2, 100, [ONE, TWO]), (2, 4, [TWO]), (2, 1, [TWO])):
            monkeypatch.setattr(log_states, "STATES_KEPT_MAX", packages)
            monkeypatch.setattr(log_states, "VERSIONS_KEPT_MAX", versions)
            states = States()
            for name in (ONE, TWO, TWO):
                assert states.get(rows, name) == services.ledger.package_state(rows, name)
            assert list(states._kept) == kept
            assert states._versions == sum(len(state.versions) for _, _, state in states._kept.values())


def test_two_replicas_go_on_from_each_other(services: Services) -> None:
    other = Ledger(services.ledger.roots, services.ledger.signer)
    add(services, owned(ONE, ALICE), published(ONE, "1.0.0"))
    with services.database.write() as rows:
        other.append(rows, [published(ONE, "1.1.0")], NOW)
    add(services, published(ONE, "1.2.0"))
    with services.database.read() as rows:
        assert other.package_state(rows, ONE) == services.ledger.package_state(rows, ONE)
        assert services.ledger.package_state(rows, ONE).latest == "1.2.0"


def test_time_never_goes_back(services: Services) -> None:
    add(services, owned(ONE, ALICE), at=NOW + 100)
    later = add(services, published(ONE, "1.0.0"), at=NOW - 100)
    assert later.at == NOW + 100
    with services.database.read() as rows:
        assert read_leaf(services.ledger.leaf(rows, 2), where="leaf").at == NOW + 100


def test_nothing_and_too_much_are_refused(services: Services) -> None:
    for changes in ((), (owned(ONE, ALICE),) * 1001):
        with pytest.raises(Refused) as caught:
            add(services, *changes)
        assert caught.value.code == "registry.length"


def test_a_checkpoint_is_signed_anew_when_it_is_old(services: Services) -> None:
    fill(services)
    first = renewed(services.database, services.ledger, NOW + RENEW_SECONDS - 1)
    assert first.at == NOW
    later = renewed(services.database, services.ledger, NOW + RENEW_SECONDS)
    assert (later.size, later.root, later.map_root, later.at) == (first.size, first.root, first.map_root, NOW + RENEW_SECONDS)
    chain = read_chain(services.settings.roots, where="roots")
    assert read_signed(later.note, chain) == later
    with services.database.write() as rows:
        assert services.ledger.renew(rows, NOW) == later
        assert services.ledger.checkpoint(rows) == later
    assert add(services, published(ONE, "2.0.0")).at == later.at


def test_tiles_hold_the_hashes_of_the_tree(services: Services) -> None:
    for begin in range(0, 300, 100):
        add(services, *(owned(f"com.example.p{number}", ALICE) for number in range(begin, begin + 100)))
    with services.database.read() as rows:
        hashes = [leaf_hash(leaf) for leaf in services.ledger.entries(rows, 0, 1000)]
        assert services.ledger.tile(rows, 0, 0) == b"".join(hashes[:TILE_HASHES])
        assert services.ledger.tile(rows, 0, 1, 45) == b"".join(hashes[TILE_HASHES:])
        assert services.ledger.tile(rows, 0, 1, 7) == b"".join(hashes[TILE_HASHES : TILE_HASHES + 7])
        assert services.ledger.tile(rows, 1, 0, 1) == root_of(hashes[:TILE_HASHES])
        assert services.ledger.checkpoint(rows).root == root_of(hashes)


# ------------------------------------------------------------ witnesses


WITNESS, STRANGE = SeedSigner(b"w" * 32), SeedSigner(b"s" * 32)
KEY = NoteKey(name="witness.example", public=WITNESS.public_key, algorithm=COSIGNATURE)


def line(services: Services, signer: SeedSigner = WITNESS, name: str = "witness.example") -> bytes:
    with services.database.read() as rows:
        text = read_note(services.ledger.checkpoint(rows).note, where="note").text
    return signature_line(cosign_text(text, name, signer, NOW)).encode()


def test_a_cosignature_of_a_witness_is_given_with_the_checkpoint(services: Services) -> None:
    fill(services)
    lines = line(services) + line(services, STRANGE)
    assert take_cosignatures(services.database, services.ledger, (KEY,), lines) == ("witness.example",)
    assert take_cosignatures(services.database, services.ledger, (KEY,), line(services)) == ("witness.example",)
    with services.database.read() as rows:
        checkpoint = services.ledger.checkpoint(rows)
        data = write_bundle(services.ledger.bundle(rows, ONE, "1.0.0"))
    assert witnessed_by(checkpoint, (KEY,)) == (("witness.example", NOW),)
    assert len(read_note(checkpoint.note, where="note").signatures) == 2
    assert proven(read_bundle(data), services.settings.registry_id, now=NOW, witnesses=(KEY,)).witnesses == ("witness.example",)


def test_cosignatures_of_strangers_and_of_other_checkpoints_are_refused(services: Services) -> None:
    old = line(services)
    fill(services)
    for lines in (
        line(services, STRANGE),
        line(services, WITNESS, "other.example"),
        old,
        b"no line\n",
        b"",
        line(services) * 200,
        b"more\n\n" + line(services),
    ):
        with pytest.raises(Refused) as caught:
            take_cosignatures(services.database, services.ledger, (KEY,), lines)
        assert caught.value.code in {"registry.checkpoint", "registry.length", "audit.note"}
    with services.database.read() as rows:
        assert witnessed_by(services.ledger.checkpoint(rows), (KEY,)) == ()


def test_a_renewed_checkpoint_has_lost_its_cosignatures(services: Services) -> None:
    """They were about another text; a client would refuse none of it, and believe no witness."""
    take_cosignatures(services.database, services.ledger, (KEY,), line(services))
    with services.database.read() as rows:
        text = read_note(services.ledger.checkpoint(rows).note, where="note").text
    renewed(services.database, services.ledger, NOW + RENEW_SECONDS)
    with services.database.write() as rows:
        assert len(read_note(services.ledger.checkpoint(rows).note, where="note").signatures) == 1
        assert services.ledger.cosign(rows, text, []) is False


# ------------------------------------------------------------ damage


def test_a_map_that_somebody_changed_gets_no_root_of_ours(services: Services) -> None:
    fill(services)
    with services.database.write() as rows:
        root = bytes(2)
        rows.run("UPDATE map_nodes SET node = ? WHERE path = ?", b"\x03" + bytes(64), root)
    with pytest.raises(HostFailed) as caught:
        add(services, published(ONE, "2.0.0"))
    assert caught.value.code == "registry.map"


def test_a_log_with_missing_nodes_is_told(services: Services) -> None:
    fill(services)
    with services.database.write() as rows:
        rows.run("DELETE FROM log_nodes WHERE level = 2")
    with pytest.raises(HostFailed) as caught:
        add(services, published(ONE, "2.0.0"))
    assert caught.value.code == "registry.database"


def test_many_nodes_are_asked_for_in_pieces(services: Services, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(log_nodes, "NODES_ASKED_MAX", 2)
    fill(services)
    with services.database.read() as rows:
        leaves = services.ledger.entries(rows, 0, 100)
        assert services.ledger.checkpoint(rows).root == root_of([leaf_hash(leaf) for leaf in leaves])
