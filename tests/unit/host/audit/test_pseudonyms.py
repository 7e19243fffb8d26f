"""Users in the record: one name stands for one user, nobody without the key can tell whom, and who has it can find them again."""

from __future__ import annotations

import hashlib
import hmac
import os
import re
import stat
import threading
from pathlib import Path

import pytest

from mpp.errors import HostFailed
from mpp.host.audit.places import LogPlaces
from mpp.host.audit.pseudonyms import find, is_pseudonym, pseudonym
from mpp.host.home import Home
from mpp.testing.packages import TestRandom


@pytest.fixture
def places(tmp_path: Path) -> LogPlaces:
    return Home(path=str(tmp_path / "home")).log


def test_it_is_the_keyed_hash_of_the_spec(places: LogPlaces) -> None:
    found = pseudonym(places, "ada", TestRandom())
    key = TestRandom().bytes(32)
    assert found == hmac.new(key, b"ada", hashlib.sha256).hexdigest()[:32]
    assert is_pseudonym(found)
    assert not is_pseudonym("ada")


def test_it_lasts_and_is_each_users_own(places: LogPlaces) -> None:
    found = pseudonym(places, "ada")
    assert pseudonym(places, "ada") == found == find(places, "ada")
    assert pseudonym(places, "eve") != found
    assert pseudonym(places, "") == ""
    assert re.fullmatch("[0-9a-f]{32}", pseudonym(places, "half \udc80 a character"))


def test_another_home_has_other_names(places: LogPlaces, tmp_path: Path) -> None:
    assert pseudonym(places, "ada") != pseudonym(Home(path=str(tmp_path / "other")).log, "ada")


def test_who_only_reads_makes_no_key(places: LogPlaces) -> None:
    assert find(places, "ada") is None
    assert not os.path.exists(places.user_key)
    pseudonym(places, "ada")
    assert find(places, "") is None


def test_the_key_is_its_owners_alone(places: LogPlaces) -> None:
    pseudonym(places, "ada")
    assert stat.S_IMODE(os.stat(places.user_key).st_mode) == 0o600
    assert not places.user_key.startswith(places.folder), "a copy of the record does not hold it"
    os.chmod(places.user_key, 0o644)
    for work in (pseudonym, find):
        with pytest.raises(HostFailed) as failure:
            work(places, "ada")
        assert failure.value.code == "audit.user_key"


@pytest.mark.parametrize("data", [b"", b"x" * 5000, b"mpp-audit-user-1 zz\n", b"\xff" * 64])
def test_what_is_no_key_is_never_replaced(places: LogPlaces, data: bytes) -> None:
    pseudonym(places, "ada")
    Path(places.user_key).write_bytes(data)
    with pytest.raises(HostFailed) as failure:
        pseudonym(places, "ada")
    assert failure.value.code == "audit.user_key"
    assert Path(places.user_key).read_bytes() == data


def test_several_at_once_make_one_key(places: LogPlaces) -> None:
    found: list[str] = []
    threads = [threading.Thread(target=lambda: found.append(pseudonym(places, "ada"))) for _ in range(8)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    assert len(found) == 8
    assert len(set(found)) == 1
