"""A publish by two people, from the command line alone: each with a home and a key of their own, on a real registry."""

from __future__ import annotations

import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from mpp.testing import packages
from tests.cli.conftest import Mpp
from tests.cli.registry_server import registry_server
from tests.cli.store_world import HELLO
from mpp_registry.wiring import Started


class People:
    """Ada has the root key and signs; Bob, and later Cyd, agree."""

    def __init__(self, mpp: Mpp, running: Started, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.mpp, self.running, self.folder, self._patch = mpp, running, folder, monkeypatch

    def be(self, name: str) -> Mpp:
        self._patch.setenv("MPP_HOME", str(self.folder / name))
        return self.mpp

    def joins(self, name: str) -> str:
        """A second key; the public half goes to Ada by whatever way."""
        mpp = self.be(name)
        made = mpp("keygen", "--second", "--no-passphrase", "--json").json
        services = self.running.services
        assert mpp("registry", "add", self.running.services.settings.url, "--fingerprint", services.settings.registry_id, "--default").code == 0
        assert Path(made["file"]).stat().st_mode & 0o777 == 0o600
        return str(made["public_key"])

    def signs(self, version: str) -> Path:
        mpp, path = self.be("ada"), Path(f"hello-{version}.mpp")
        path.write_bytes(packages.unsigned({"version": version}))
        assert mpp("sign", path).code == 0
        return path


@pytest.fixture
def people(mpp: Mpp, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[People]:
    with registry_server(tmp_path / "registry") as running:
        found = People(mpp, running, tmp_path, monkeypatch)
        ada = found.be("ada")
        assert ada("keygen", "--name", "Ada Example", "--no-passphrase").code == 0
        assert ada("registry", "add", running.services.settings.url, "--fingerprint", running.services.settings.registry_id, "--default").code == 0
        yield found


def test_nothing_is_published_without_the_second_person(people: People) -> None:
    bob = people.joins("bob")
    ada = people.be("ada")
    rotated = ada("keygen", "--rotate", "--add-second", bob, "--json").json
    assert (len(rotated["second_keys"]), rotated["seconds"], rotated["files"]) == (1, 1, ["publisher.json"])
    path = people.signs("0.1.0")
    sent = ada("publish", path, "--json").json
    assert sent["state"] == "staged"
    reference = sent["staged_id"]
    # Whoever signed it says yes in vain, and so does a stranger.
    assert ada("registry", "staged", reference).code == 41
    assert ada("install", HELLO).code == 41
    people.joins("eve")
    mpp = people.be("eve")
    assert "[registry.key]" in mpp("registry", "staged").err
    # The second person sees what waits, looks into the very file, and agrees.
    mpp = people.be("bob")
    listed = mpp("registry", "staged", "--json").json["staged"]
    assert [(one["staged_id"], one["package_id"], one["version"], one["approved_by"]) for one in listed] == [(reference, HELLO, "0.1.0", [])]
    assert reference in mpp("registry", "staged").out
    saved = mpp("registry", "staged", reference, "--save", "waiting.mpp")
    assert (saved.code, listed[0]["file_hash"] in saved.out) == (0, True), saved.err
    assert Path("waiting.mpp").read_bytes() == path.read_bytes()
    assert mpp("inspect", "waiting.mpp").code == 0
    assert mpp("registry", "staged", reference, "--save", "waiting.mpp").code != 0, "no file is written over"
    done = mpp("registry", "staged", reference)
    assert (done.code, f"{HELLO} 0.1.0 is published" in done.out) == (0, True), done.err
    assert "Nothing waits" in mpp("registry", "staged").out
    ada = people.be("ada")
    assert ada("publish", path).code == 0
    assert Path(f"{path}.bundle").exists()


def test_second_keys_are_rotated_and_a_removed_one_counts_no_more(people: People) -> None:
    bob, cyd = people.joins("bob"), people.joins("cyd")
    ada = people.be("ada")
    first = ada("keygen", "--rotate", "--add-second", bob, "--json").json
    path = people.signs("0.1.0")
    reference = ada("publish", path, "--json").json["staged_id"]
    second = ada("keygen", "--rotate", "--add-second", cyd, "--remove-second", first["second_keys"][0], "--revoke", "laptop stolen", "--json").json
    assert len(second["second_keys"]) == 1
    assert second["second_keys"] != first["second_keys"]
    assert ada("register").code == 0
    mpp = people.be("bob")
    assert "[registry.key]" in mpp("registry", "staged", reference).err
    mpp = people.be("cyd")
    assert mpp("registry", "staged", reference).code == 0


def test_two_of_two_must_agree(people: People) -> None:
    bob, cyd = people.joins("bob"), people.joins("cyd")
    ada = people.be("ada")
    assert ada("keygen", "--rotate", "--add-second", bob, "--add-second", cyd, "--seconds", 2).code == 0
    reference = ada("publish", people.signs("0.1.0"), "--json").json["staged_id"]
    mpp = people.be("bob")
    assert mpp("registry", "staged", reference).code == 1
    assert mpp("registry", "staged", reference, "--json").code == 1, "one yes counts once"
    mpp = people.be("cyd")
    assert "pub_" in mpp("registry", "staged").out
    assert mpp("registry", "staged", reference).code == 0


def test_a_release_key_lists_and_takes_back(people: People) -> None:
    bob = people.joins("bob")
    ada = people.be("ada")
    assert ada("keygen", "--rotate", "--add-second", bob).code == 0
    reference = ada("publish", people.signs("0.1.0"), "--json").json["staged_id"]
    assert reference in ada("registry", "staged").out
    assert ada("registry", "staged", reference, "--refuse", "a mistake").code == 0
    assert ada("registry", "staged", "no-such-thing", "--save", "x.mpp").code == 41
    assert ada("registry", "staged", "--refuse", "what?").code == 2


def test_a_second_key_is_good_for_nothing_else(people: People) -> None:
    people.joins("bob")
    mpp = people.be("bob")
    key = people.folder / "bob" / "keys" / "second.key"
    Path("x.mpp").write_bytes(packages.unsigned())
    refused = mpp("sign", "x.mpp", "-k", key, "--publisher", people.folder / "ada" / "keys" / "publisher.json")
    assert "[key.role]" in refused.err
    assert mpp("keygen", "--second", "--no-passphrase").code != 0, "a key is never overwritten"
    for words in (("--rotate",), ("--name", "Bob")):
        assert mpp("keygen", "--second", "--no-passphrase", *words).code == 2


def test_what_the_root_document_would_not_hold_is_refused(people: People) -> None:
    bob = people.joins("bob")
    ada = people.be("ada")
    own = ada("keygen", "--rotate", "--no-passphrase", "--json").json
    for words, code in (
        (("--add-second", own["public_key"]), "key.role"),
        (("--add-second", bob, "--seconds", 2), "key.threshold"),
        (("--seconds", 1), "key.threshold"),
        (("--remove-second", own["key_id"]), "key.role"),
        (("--add-second", "AAAA"), "key.public"),
    ):
        assert f"[{code}]" in ada("keygen", "--rotate", *words).err, words
    assert ada("keygen", "--add-second", bob).code == 2
    shown = ada("keygen", "--rotate", "--add-second", bob)
    assert "Approved by  1 of pub_" in shown.out
    # The other way round: a second key does not become a release key.
    assert "[key.role]" in ada("keygen", "--rotate", "--keep-old", "--add", bob).err


def test_a_sealed_second_key(people: People, tmp_path: Path) -> None:
    secret = tmp_path / "passphrase"
    secret.write_text("a long passphrase of tests\n")
    secret.chmod(0o600)
    mpp = people.be("dan")
    made = mpp("keygen", "--second", "--passphrase-file", secret)
    assert (made.code, "mpp keygen --rotate --add-second" in made.out) == (0, True), made.err
    assert '"sealed"' in (people.folder / "dan" / "keys" / "second.key").read_text()


def test_a_publisher_opens_the_web_site_with_a_key(people: People) -> None:
    bob = people.joins("bob")
    ada = people.be("ada")
    assert ada("keygen", "--rotate", "--add-second", bob).code == 0
    assert ada("register").code == 0
    url = people.running.services.settings.url
    for name in ("ada", "bob"):
        mpp = people.be(name)
        told = mpp("registry", "login", "--site", "--json").json
        assert told["address"].startswith(f"{url}/me/enter?code="), told
        with urllib.request.urlopen(told["address"], timeout=60) as page:
            shown = page.read().decode()
        assert "Log in as" in shown
        assert ("publish-approve" in shown) == (name == "bob")
    assert ada("registry", "login", "--site").out.startswith(url)
    assert ada("registry", "login", "--site", "--logout").code == 2
    people.joins("eve")
    mpp = people.be("eve")
    assert "[registry.key]" in mpp("registry", "login", "--site").err
    assert mpp("registry", "add", url, "--name", "local", "--fingerprint", people.running.services.settings.registry_id).code == 0
