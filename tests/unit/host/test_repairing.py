"""What may be mended in a home, and what is never touched: links, other people's files, anything that would open something."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from mpp.errors import HostFailed
from mpp.host import repairing
from mpp.host.home import Home
from mpp.host.repairing import CACHE, carry_out, CHECK, CLOSE, MAKE, Plan, plan_repairs, Repair, TEMPORARY, TEMPORARY_SECONDS

NOW = 2_000_000_000
OLD = NOW - TEMPORARY_SECONDS - 1
ME = os.getuid()
UNFINISHED = ".trust.json.0123456789ab.tmp"


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """A sound home."""
    root = tmp_path / "home"
    for name in (".", "keys", "trust", "seal", "packages", "cache", "cache/native", "cache/images", "audit", "audit/segments"):
        (root / name).mkdir(mode=0o700, parents=True, exist_ok=True)
    for name in ("keys/publisher.key", "trust/trust.json", "seal/host.key", "cache/native/key"):
        (root / name).write_bytes(b"x" * 32)
        (root / name).chmod(0o600)
    return root


def plan(root: Path, *, unsound: int = 0, people: frozenset[str] = frozenset()) -> Plan:
    return plan_repairs(Home(path=str(root)), uid=ME, people=people, now=NOW, unsound=lambda: unsound)


def made(root: Path, found: Plan) -> list[str]:
    return [carry_out(one, Home(path=str(root)), lambda: 7) for one in found.repairs]


def mode(path: Path) -> int:
    return stat.S_IMODE(path.lstat().st_mode)


def kinds(found: Plan, root: Path) -> list[tuple[str, str]]:
    return [(one.kind, os.path.relpath(one.path, root)) for one in found.repairs]


def test_a_sound_home_needs_nothing(place: Path) -> None:
    assert plan(place) == Plan(repairs=(), left=())


def test_a_missing_home_is_made_for_one_person(tmp_path: Path) -> None:
    root = tmp_path / "new" / "home"
    found = plan(root)
    assert kinds(found, root) == [(MAKE, ".")]
    assert made(root, found) == ["made"]
    assert mode(root) == 0o700
    assert plan(root) == Plan(repairs=(), left=())


def test_what_others_may_reach_is_closed_and_only_that(place: Path) -> None:
    place.chmod(0o777)
    (place / "keys").chmod(0o755)
    (place / "keys" / "publisher.key").chmod(0o644)
    (place / "trust" / "trust.json").chmod(0o666)
    (place / "packages" / "one.mpp").write_bytes(b"package")
    (place / "packages" / "one.mpp").chmod(0o664)
    (place / "keys" / "publisher.json").write_bytes(b"{}")
    (place / "keys" / "publisher.json").chmod(0o644)
    before = (place / "trust" / "trust.json").read_bytes()
    found = plan(place)
    assert {one.kind for one in found.repairs} == {CLOSE}
    assert found.repairs[0].path == str(place), "the home first: from then on nobody else gets in"
    assert made(place, found) == ["closed"] * 5
    assert (mode(place), mode(place / "keys"), mode(place / "keys" / "publisher.key")) == (0o700, 0o700, 0o600)
    assert (mode(place / "trust" / "trust.json"), mode(place / "packages" / "one.mpp")) == (0o644, 0o644)
    assert mode(place / "keys" / "publisher.json") == 0o644, "a public document may be read"
    assert (place / "trust" / "trust.json").read_bytes() == before
    assert plan(place).repairs == ()


def test_a_mode_only_becomes_narrower(place: Path) -> None:
    """The plan says 600; the owner closed the file to 400 meanwhile."""
    key = place / "keys" / "publisher.key"
    key.chmod(0o644)
    found = plan(place)
    key.chmod(0o400)
    assert made(place, found) == ["closed"]
    assert mode(key) == 0o400


def test_old_temporaries_go_and_young_ones_stay(place: Path) -> None:
    for name, at in (("old", OLD), ("young", NOW - 5)):
        path = place / "trust" / f".{name}.json.0123456789ab.tmp"
        path.write_bytes(b"{")
        path.chmod(0o600)
        os.utime(path, (at, at))
    found = plan(place)
    assert kinds(found, place) == [(TEMPORARY, "trust/.old.json.0123456789ab.tmp")]
    assert made(place, found) == ["removed"]
    assert not (place / "trust" / ".old.json.0123456789ab.tmp").exists()
    assert (place / "trust" / ".young.json.0123456789ab.tmp").exists()


def test_lock_files_are_left(place: Path) -> None:
    """A lock is given back by the system when its holder dies; to remove the file would let two hold it."""
    lock = place / "trust" / "trust.json.lock"
    lock.touch(0o600)
    os.utime(lock, (1, 1))
    assert plan(place).repairs == ()


def test_a_cache_key_that_others_could_know_is_forgotten_with_all_that_it_sealed(place: Path) -> None:
    """Attack: whoever read the key seals native code of their own. To close the file would keep that code."""
    for name in ("native/1.native", "images/2.image"):
        (place / "cache" / name).write_bytes(b"code of somebody")
    (place / "cache" / "native" / "key").chmod(0o644)
    found = plan(place, unsound=3)
    assert [one for one in kinds(found, place) if one[0] == CACHE] == [(CACHE, "cache/native"), (CACHE, "cache/images")]
    assert CHECK not in {one.kind for one in found.repairs}, "what a known key sealed is not even read"
    made(place, found)
    assert list((place / "cache" / "native").iterdir()) == list((place / "cache" / "images").iterdir()) == []


@pytest.mark.parametrize("how", ["others may write the folder", "the key is a link"])
def test_other_ways_to_know_the_key(place: Path, tmp_path: Path, how: str) -> None:
    native = place / "cache" / "native"
    if how.startswith("others"):
        native.chmod(0o777)
    else:
        (native / "key").unlink()
        (tmp_path / "known").write_bytes(b"k" * 32)
        (native / "key").symlink_to(tmp_path / "known")
    made(place, plan(place))
    assert list(native.iterdir()) == []
    assert mode(native) == 0o700
    if not how.startswith("others"):
        assert (tmp_path / "known").read_bytes() == b"k" * 32


def test_a_piece_that_does_not_check_is_named_before_it_goes(place: Path) -> None:
    found = plan(place, unsound=2)
    assert kinds(found, place) == [(CHECK, "cache/native")]
    assert "2 compiled pieces" in found.repairs[0].words
    assert made(place, found) == ["7 removed"]


# --- attacks


@pytest.mark.parametrize("where", ["keys", "trust/trust.json", "audit/segments"])
def test_a_link_is_named_and_never_followed(place: Path, tmp_path: Path, where: str) -> None:
    """Attack: a link in the home, so that the repair changes what lies elsewhere."""
    victim = tmp_path / "victim"
    victim.mkdir(mode=0o755)
    (victim / UNFINISHED).write_bytes(b"mine")
    (victim / UNFINISHED).chmod(0o666)
    os.utime(victim / UNFINISHED, (OLD, OLD))
    os.rename(place / where, tmp_path / "away")
    (place / where).symlink_to(victim)
    found = plan(place)
    assert [one.path for one in found.left] == [str(place / where)]
    made(place, found)
    assert (mode(victim), mode(victim / UNFINISHED)) == (0o755, 0o666)


def test_a_home_that_is_a_link_is_left(place: Path, tmp_path: Path) -> None:
    place.chmod(0o755)
    link = tmp_path / "link"
    link.symlink_to(place)
    found = plan(link)
    assert (found.repairs, len(found.left)) == ((), 1)
    assert mode(place) == 0o755


def test_a_folder_of_a_person_is_no_home(place: Path) -> None:
    """Attack on oneself: MPP_HOME=$HOME, and everything in it would be closed."""
    place.chmod(0o755)
    assert (plan(place, people=frozenset({str(place)})).repairs, plan(Path("/")).repairs) == ((), ())


def test_what_lies_beside_the_folders_of_a_home_is_somebodys_own(place: Path) -> None:
    other = place / "notes"
    other.mkdir(mode=0o777)
    other.chmod(0o777)
    assert plan(place).repairs == ()


def test_files_of_the_home_itself_are_looked_at(place: Path) -> None:
    for name, its_mode in (("mpp.lock", 0o666), ("registries.toml", 0o644), (".mpp.lock.0123456789ab.tmp", 0o600), (".notes.0123456789ab.tmp", 0o666)):
        (place / name).write_bytes(b"x")
        (place / name).chmod(its_mode)
        os.utime(place / name, (NOW - 7200, NOW - 7200))
    assert kinds(plan(place), place) == [(CLOSE, "mpp.lock"), (TEMPORARY, ".mpp.lock.0123456789ab.tmp")]


def test_where_layers_are_compiled_only_the_folder_counts(place: Path) -> None:
    work = place / "cache" / "layers" / "python-work" / "py"
    work.mkdir(parents=True, mode=0o755)
    (work / "link").symlink_to("/etc/passwd")
    (place / "cache" / "layers").chmod(0o755)
    assert kinds(plan(place), place) == [(CLOSE, "cache/layers")]
    made(place, plan(place))
    assert plan(place) == Plan(repairs=(), left=())


def test_what_belongs_to_another_user_is_named_with_a_command(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (place / "keys").chmod(0o777)
    found = plan_repairs(Home(path=str(place)), uid=ME + 1, people=frozenset(), now=NOW, unsound=lambda: 0)
    assert found.repairs == ()
    assert found.left[0].command == f"sudo chown -h {ME + 1} '{place}'"


@pytest.mark.skipif(ME != 0, reason="only an administrator can give files away")
def test_a_single_foreign_file_is_left(place: Path) -> None:
    """Attack: somebody's file in a home of root, which root would close, and so take."""
    path = place / "trust" / "it's.json"
    path.write_bytes(b"{}")
    path.chmod(0o666)
    os.chown(path, 12345, -1)
    found = plan(place)
    assert found.repairs == ()
    assert found.left[0].command == f"sudo chown -h {ME} '{place}/trust/it'\\''s.json'"


def test_a_file_with_two_names_is_left(place: Path, tmp_path: Path) -> None:
    path = tmp_path / "mine"
    path.write_bytes(b"x")
    path.chmod(0o666)
    os.link(path, place / "trust" / "x.json")
    assert plan(place).repairs == ()


@pytest.mark.parametrize("what", ["another file", "a link", "nothing", "a link on the way"])
def test_what_was_exchanged_since_the_plan_is_left(place: Path, tmp_path: Path, what: str) -> None:
    """Attack: between the question and the yes."""
    key, victim = place / "keys" / "publisher.key", tmp_path / "victim"
    key.chmod(0o644)
    found = plan(place)
    assert kinds(found, place) == [(CLOSE, "keys/publisher.key")]
    victim.mkdir()
    (victim / "publisher.key").write_bytes(b"victim")
    (victim / "publisher.key").chmod(0o644)
    if what == "a link on the way":
        os.rename(place / "keys", tmp_path / "away")
        (place / "keys").symlink_to(victim)
    else:
        os.rename(key, tmp_path / "away")
        if what == "another file":
            key.write_bytes(b"new")
            key.chmod(0o644)
        elif what == "a link":
            key.symlink_to(victim / "publisher.key")
    with pytest.raises(HostFailed, match="left as it is"):
        made(place, found)
    assert mode(victim / "publisher.key") == 0o644
    assert what != "another file" or mode(key) == 0o644


def test_a_temporary_that_became_another_file_is_left(place: Path) -> None:
    path = place / "trust" / UNFINISHED
    path.write_bytes(b"{")
    os.utime(path, (OLD, OLD))
    found = plan(place)
    os.rename(path, place / "trust" / "kept")
    path.write_bytes(b"new")
    with pytest.raises(HostFailed, match="another one is in its place"):
        made(place, found)
    assert path.read_bytes() == b"new"


def test_a_cache_that_is_gone_is_an_error_of_ours(place: Path) -> None:
    gone = Repair(kind=CACHE, path=str(place / "cache" / "patterns"), words="")
    with pytest.raises(HostFailed, match="left as it is"):
        carry_out(gone, Home(path=str(place)), lambda: 0)
    with pytest.raises(HostFailed, match="left as it is"):
        carry_out(Repair(kind=TEMPORARY, path=str(place / "trust" / "no"), words=""), Home(path=str(place)), lambda: 0)


def test_a_folder_of_the_cache_is_emptied_but_for_folders(place: Path) -> None:
    (place / "cache" / "native" / "inner").mkdir()
    (place / "cache" / "native" / "key").chmod(0o666)
    made(place, plan(place))
    assert [one.name for one in (place / "cache" / "native").iterdir()] == ["inner"]


def test_the_look_is_bounded(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(repairing, "ENTRIES_MAX", 3)
    found = plan(place)
    assert "the rest was not looked at" in found.left[-1].words


def test_a_home_that_cannot_be_looked_at(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    found = plan(tmp_path / "file" / "home")
    assert (found.repairs, len(found.left)) == ((), 1)
