"""keygen, sign and trust: keys that stay secret, signatures by one or several, rotation, and whom this machine believes."""

from __future__ import annotations

import json
import os
import shutil
import stat
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from mpp.cli import app
from mpp.cli.first_use import question
from mpp.cli.options import parse_time, quoted
from mpp.crypto.ed25519 import fingerprint
from mpp.crypto.roots import NAME_MAX
from mpp.errors import Refused
from mpp.host.trust_store import TrustStore
from mpp.stages.archive import read_archive, read_member
from mpp.stages.archive import seal as put_seal
from mpp.stages.gatekeeper import NO_TRUST, TrustState
from mpp.testing import packages
from mpp.testing.keys import publisher
from tests.cli.conftest import Answer, Mpp

KEY_FILES = ("publisher-root.key", "publisher.json", "publisher.key")


def _seeds(folder: Path) -> Iterator[str]:
    for path in folder.rglob("*.key"):
        yield json.loads(path.read_text()).get("seed") or pytest.fail(f"{path} holds no plain seed")


def _state(mpp: Mpp) -> dict[str, object]:
    found: dict[str, object] = mpp("trust", "list", "--json").json
    return found


def _public(path: Path) -> str:
    return str(json.loads(path.read_text())["public"])


def _ok(answer: Answer) -> Answer:
    assert answer.code == 0, answer.err
    return answer


def test_keys_are_private_and_never_printed(mpp: Mpp, unsigned: Path, home: Path) -> None:
    old = os.umask(0)
    try:
        answers = [_ok(mpp("keygen", "--no-passphrase", "--name", "Ada"))]
    finally:
        os.umask(old)
    assert sorted(os.listdir(home / "keys")) == sorted(KEY_FILES)
    for folder in (home, home / "keys", home / "trust"):
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert [stat.S_IMODE((home / "keys" / name).stat().st_mode) for name in KEY_FILES] == [0o600, 0o644, 0o600]
    assert stat.S_IMODE((home / "trust" / "trust.json").stat().st_mode) == 0o600
    assert "not sealed" in answers[0].err
    calls = (
        ["keygen", "--rotate", "--no-passphrase", "--json"],
        ["sign", unsigned, "--json"],
        ["verify", unsigned, "--json"],
        ["trust", "list"],
        ["inspect", unsigned, "--json"],
    )
    answers.extend(_ok(mpp(*words)) for words in calls)
    for seed in _seeds(home):
        assert not [one for one in answers if seed in one.out + one.err]
        assert seed.encode() not in unsigned.read_bytes()


def test_keygen_prints_what_others_compare(mpp: Mpp, home: Path) -> None:
    shown = _ok(mpp("keygen", "--no-passphrase", "--name", "Ada Example")).out
    state = _state(mpp)["publishers"][0]  # type: ignore[index]
    assert "pub_" in shown
    assert f"Public key   {_public(home / 'keys' / 'publisher.key')}\n" in shown, "what a co-signer hands over"
    assert state["id"] in shown.partition("Fingerprint")[2].splitlines()[0].replace(" ", "")
    assert (state["name"], state["any_package"]) == ("Ada Example", True)


@pytest.mark.parametrize("present", [KEY_FILES, ("publisher-root.key",), ("publisher.key",), ("publisher-root.key", "publisher.json")])
def test_keygen_never_overwrites(mpp: Mpp, home: Path, present: tuple[str, ...]) -> None:
    folder = home / "keys"
    folder.mkdir(parents=True)
    for name in present:
        (folder / name).write_text("old")
    answer = mpp("keygen", "--no-passphrase", "--json")
    assert (answer.code, answer.json["error"]["code"]) == (3, "key.exists")
    assert ("interrupted" in answer.json["error"]["hint"]) is (present == ("publisher-root.key",))
    assert {path.name: path.read_text() for path in folder.iterdir()} == dict.fromkeys(present, "old")


@pytest.mark.parametrize("exists", [False, True], ids=["new folder", "present folder"])
@pytest.mark.parametrize("fails", [1, 2, 3])
def test_an_interrupted_keygen_leaves_nothing(mpp: Mpp, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, exists: bool, fails: int) -> None:
    from mpp.author import keys

    folder = tmp_path / "secret"
    if exists:
        folder.mkdir()
    written, real = [], keys.write_atomic

    def stopped(path: str, *rest: object, **more: object) -> None:
        written.append(path)
        if len(written) == fails:
            raise KeyboardInterrupt
        real(path, *rest, **more)  # type: ignore[arg-type]

    monkeypatch.setattr(keys, "write_atomic", stopped)
    assert mpp("keygen", "-o", folder, "--no-passphrase").code == 130
    assert not list(tmp_path.rglob("*.key"))
    assert not list(tmp_path.glob("secret.*"))
    monkeypatch.undo()
    monkeypatch.setenv("MPP_HOME", str(tmp_path / "home"))
    _ok(mpp("keygen", "-o", folder, "--no-passphrase"))


def test_keys_stay_when_trust_cannot_be_written(mpp: Mpp, tmp_path: Path, home: Path) -> None:
    """Without a writable home the keys are made; the hint says how the trust is made up for."""
    (home / "trust" / "trust.json.lock").mkdir(parents=True)
    answer = mpp("keygen", "-o", tmp_path / "k", "--no-passphrase")
    assert answer.code == 1
    assert f"mpp trust add {tmp_path}/k/publisher.json" in answer.err
    (home / "trust" / "trust.json").write_text("{")
    assert mpp("keygen", "-o", tmp_path / "other", "--no-passphrase").code == 3
    assert not (tmp_path / "other").exists(), "with unreadable trust nothing is begun"


def test_names(mpp: Mpp, tmp_path: Path) -> None:
    for wrong in ("x" * (NAME_MAX + 1), " ", " Ada", "Ada ", "Ada  B", "Ada\u2800", "Ada\u3000B", "A\u200bda", "A\nB"):
        answer = mpp("keygen", "-o", tmp_path / "k", "--no-passphrase", "--name", wrong, "--json")
        assert (answer.code, answer.json["error"]["code"]) == (2, "usage.text"), wrong
    assert not (tmp_path / "k").exists()
    _ok(mpp("keygen", "-o", tmp_path / "k", "--no-passphrase", "--name", "Åsa 名 'x'"))
    assert _state(mpp)["publishers"][0]["name"] == "Åsa 名 'x'"  # type: ignore[index]


def test_a_passphrase_from_a_file(mpp: Mpp, unsigned: Path, home: Path) -> None:
    secret = "staple " + "battery"
    Path("pass").write_text(secret + "\nnot this line\n")
    Path("wrong").write_text("staple\n")
    Path("none").touch()
    answers = [_ok(mpp("keygen", "--passphrase-file", "pass")), _ok(mpp("sign", unsigned, "--passphrase-file", "pass", "--json"))]
    assert not [one for one in answers if secret in one.out + one.err]
    assert mpp("sign", unsigned, "--replace", "--passphrase-file", "wrong").code == 3
    assert mpp("sign", unsigned, "--replace", "--passphrase-file", "none").code == 2
    assert mpp("sign", unsigned, "--replace", "--passphrase-file", "absent").code == 1
    assert mpp("verify", unsigned).code == 0


def test_sign_in_the_project_folder(mpp: Mpp, keys: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    Path("manifest.json").write_text(json.dumps(packages.manifest()))
    Path("hello-0.1.0.mpp").write_bytes(packages.unsigned())
    Path("src").mkdir()
    monkeypatch.chdir("src")
    assert "hello-0.1.0.mpp" in _ok(mpp("sign", "--key", keys / "publisher.key")).out.splitlines()[-1]
    _ok(mpp("verify"))
    _ok(mpp("inspect"))
    _ok(mpp("verify", ".."))


def test_signatures_are_reproducible(mpp: Mpp, keys: Path, unsigned: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOURCE_DATE_EPOCH", str(packages.NOW))
    _ok(mpp("sign", unsigned, "-o", "a.mpp"))
    _ok(mpp("sign", unsigned, "-o", "b.mpp"))
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "")
    _ok(mpp("sign", unsigned, "-o", "c.mpp", "--now", "2026-01-01"))
    assert Path("a.mpp").read_bytes() == Path("b.mpp").read_bytes() == Path("c.mpp").read_bytes()
    assert mpp("inspect", "a.mpp", "--json").json["seal"]["created"] == packages.NOW
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "yesterday")
    answer = mpp("sign", unsigned, "-o", "d.mpp")
    assert (answer.code, "SOURCE_DATE_EPOCH" in answer.err) == (2, True)


REFUSED = [
    (["publisher-root.key"], "key.role"),
    (["publisher.json"], "key."),
    ([], "key.signed"),
]


@pytest.mark.parametrize(("key", "code"), REFUSED)
def test_what_sign_refuses_leaves_the_file(mpp: Mpp, keys: Path, signed: Path, key: list[str], code: str) -> None:
    before = signed.read_bytes()
    answer = mpp("sign", signed, *[word for name in key for word in ("-k", keys / name)], "--json")
    assert answer.json["error"]["code"].startswith(code)
    assert answer.code == 3
    assert signed.read_bytes() == before


def test_signing_anew(mpp: Mpp, signed: Path) -> None:
    _ok(mpp("sign", signed, "--replace", "--now", packages.NOW + 5))
    assert mpp("inspect", signed, "--json").json["seal"]["created"] == packages.NOW + 5
    _ok(mpp("verify", signed))


def test_nothing_unsound_is_signed(mpp: Mpp, keys: Path) -> None:
    Path("bad.mpp").write_bytes(packages.unsigned({"name": None}))
    before = Path("bad.mpp").read_bytes()
    assert mpp("sign", "bad.mpp").code == 16
    assert Path("bad.mpp").read_bytes() == before


def test_a_foreign_release_key_is_no_signer(mpp: Mpp, keys: Path, unsigned: Path, tmp_path: Path) -> None:
    _ok(mpp("keygen", "-o", tmp_path / "other", "--no-passphrase"))
    answer = mpp("sign", unsigned, "-k", tmp_path / "other" / "publisher.key", "--publisher", keys / "publisher.json", "--json")
    assert answer.json["error"]["code"] == "key.not_release"


def test_two_people_sign(mpp: Mpp, keys: Path, unsigned: Path, tmp_path: Path) -> None:
    """A colleague's public key is rotated in; then both must sign, in two steps."""
    _ok(mpp("keygen", "-o", tmp_path / "bob", "--no-passphrase", "--name", "Bob"))
    bob = tmp_path / "bob" / "publisher.key"
    _ok(mpp("keygen", "--rotate", "--no-passphrase", "--keep-old", "--threshold", "2", "--add", _public(bob)))
    assert mpp("sign", unsigned, "--json").json["error"]["code"] == "key.threshold"
    bob_id = _ok(mpp("keygen", "-o", tmp_path / "unused", "--no-passphrase", "--json")).json["key_id"]
    assert mpp("sign", unsigned, "--cosigner", bob_id, "--json").json["error"]["code"] == "key.unknown"
    listed = mpp("trust", "list").out
    bob_id = next(word.strip(",") for word in listed.split() if word.startswith("pub_") and word.strip(",") in _line(listed, "Bob"))
    first = _ok(mpp("sign", unsigned, "--cosigner", bob_id))
    assert bob_id in first.err
    assert f"mpp sign {unsigned} -k THEIR.key --publisher publisher.json" in first.out
    assert mpp("verify", unsigned).code == 15
    second = _ok(mpp("sign", unsigned, "-k", bob, "--publisher", keys / "publisher.json", "--json"))
    assert (second.json["missing"], len(second.json["signers"])) == ([], 2)
    _ok(mpp("verify", unsigned))
    _ok(mpp("sign", unsigned, "--replace", "-k", keys / "publisher.key", "-k", bob, "--publisher", keys / "publisher.json"))
    _ok(mpp("verify", unsigned))


def _line(text: str, name: str) -> str:
    return text.partition(f"{name!r}  (root version")[2].partition("any package")[0]


def test_rotation_and_revocation(mpp: Mpp, keys: Path, signed: Path) -> None:
    old = (keys / "publisher.key").read_bytes()
    made = _ok(mpp("keygen", "--rotate", "--no-passphrase", "--revoke", "laptop stolen", "--json")).json
    assert (made["root_version"], made["publisher_id"]) == (2, _state(mpp)["publishers"][0]["id"])  # type: ignore[index]
    assert (keys / "publisher.key").read_bytes() != old
    assert mpp("verify", signed).code == 15, "signed by a key that is revoked now"
    _ok(mpp("sign", signed, "--replace"))
    _ok(mpp("verify", signed))
    _ok(mpp("keygen", "--rotate", "--no-passphrase", "--new-root"))
    _ok(mpp("sign", signed, "--replace"))
    _ok(mpp("verify", signed))
    assert mpp("inspect", signed, "--json").json["seal"]["root_version"] == 3
    assert mpp("keygen", "--rotate", "--no-passphrase", "--threshold", "9", "--json").json["error"]["code"] == "key.threshold"


SIGNER = """
import base64, json, sys
from mpp.crypto.ed25519 import SeedSigner
signer = SeedSigner(base64.b64decode(json.load(open(sys.argv[1]))["seed"]))
if sys.argv[2] == "public":
    print(base64.b64encode(signer.public_key).decode())
else:
    print(base64.b64encode(signer.sign(sys.stdin.buffer.read())).decode())
"""


def test_an_external_signer(mpp: Mpp, keys: Path, unsigned: Path) -> None:
    Path("signer.py").write_text(SIGNER)
    command = f"{sys.executable} signer.py {keys}/publisher.key"
    _ok(mpp("sign", unsigned, "--signer-command", command, "--publisher", keys / "publisher.json"))
    _ok(mpp("verify", unsigned))
    for wrong in ("false", "absent-program", "echo", '"'):
        answer = mpp("sign", unsigned, "--replace", "--signer-command", wrong, "--publisher", keys / "publisher.json", "--json")
        assert (answer.code, answer.json["error"]["code"]) == (1, "host.signer")


def test_trust_by_fingerprint(mpp: Mpp, strange: Path) -> None:
    found = mpp("verify", strange, "--json").json["publisher"]["id"]
    assert mpp("trust", "add", strange, "--fingerprint", found[:-1]).code == 20
    assert mpp("trust", "add", strange, "--fingerprint", "0" * 64).code == 20
    assert mpp("verify", strange).code == 20
    spaced = " ".join(found[i : i + 4].upper() for i in range(0, 64, 4))
    _ok(mpp("trust", "add", strange, "--fingerprint", spaced))
    _ok(mpp("verify", strange))
    shown = mpp("trust", "list").out
    assert "'Example Publisher'  (root version 1)" in shown
    assert "com.example.hello" in shown
    removed = _ok(mpp("trust", "remove", "com.example.hello"))
    assert ("'Example Publisher'" in removed.out, fingerprint(found) in removed.out) == (True, True)
    assert mpp("verify", strange, "--json").json["error"]["code"] == "publisher.package_unpinned"
    pinned = _ok(mpp("trust", "pin", "com.example.", "Example Publisher", "--json")).json
    assert pinned == {"ok": True, "changed": "com.example.", "publisher": found, "name": "Example Publisher"}
    _ok(mpp("verify", strange))
    assert mpp("trust", "remove", found[:15], "--json").json["error"]["code"] == "trust.publisher"
    assert fingerprint(found) in _ok(mpp("trust", "remove", found[:16])).out
    assert mpp("verify", strange, "--json").json["error"]["code"] == "publisher.unknown"
    assert (_state(mpp)["pins"], _state(mpp)["prefixes"]) == ({}, {})


def test_trust_ends(mpp: Mpp, strange: Path) -> None:
    found = mpp("verify", strange, "--json").json["publisher"]["id"]
    _ok(mpp("trust", "add", strange, "--fingerprint", found, "--until", "2030-01-01"))
    _ok(mpp("verify", strange, "--now", "2029-12-31T23:59:59Z"))
    late = mpp("verify", strange, "--now", "2030-01-02", "--json")
    assert (late.code, late.json["error"]["code"]) == (20, "publisher.expired")
    assert mpp("trust", "add", strange, "--fingerprint", found, "--until", "999999999999").code == 2
    _ok(mpp("trust", "list"))


def test_trust_files(mpp: Mpp, keys: Path, signed: Path, strange: Path, home: Path, tmp_path: Path) -> None:
    """--trust judges by the given file alone: a publisher.json, or a whole trust document."""
    _ok(mpp("verify", signed, "--trust", keys / "publisher.json"))
    assert mpp("verify", strange, "--trust", keys / "publisher.json").code == 20
    _ok(mpp("verify", signed, "--trust", home / "trust" / "trust.json"))
    assert mpp("trust", "add", home / "trust" / "trust.json", "--fingerprint", "0" * 64).code == 3
    Path("not.json").write_text("{}")
    assert mpp("verify", signed, "--trust", "not.json").code == 3


@pytest.mark.parametrize("command", ["verify", "sign", "add", "rotate"])
def test_a_wrong_publisher_json_blames_no_package(mpp: Mpp, keys: Path, signed: Path, command: str) -> None:
    """Each gives the same document: its name was changed after signing."""
    document = keys / "publisher.json"
    document.write_bytes(document.read_bytes().replace(b"Ada Example", b"Eve Example"))
    words = {
        "verify": ["verify", signed, "--trust", document],
        "sign": ["sign", signed, "--replace", "--publisher", document],
        "add": ["trust", "add", document, "--fingerprint", "0" * 64],
        "rotate": ["keygen", "--rotate", "--no-passphrase"],
    }
    answer = mpp(*words[command], "--json")
    assert (answer.code, answer.json["error"]["code"]) == (3, "trust.roots")
    assert answer.json["error"]["where"].startswith(str(document))


def test_publisher_json_is_added_without_a_pin(mpp: Mpp, keys: Path, signed: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    owner = _state(mpp)["publishers"][0]["id"]  # type: ignore[index]
    monkeypatch.setenv("MPP_HOME", str(tmp_path / "stranger"))
    _ok(mpp("trust", "add", keys / "publisher.json", "--fingerprint", owner))
    assert _state(mpp)["pins"] == {}
    assert mpp("verify", signed, "--json").json["error"]["code"] == "publisher.package_unpinned"
    assert "No publisher" not in mpp("trust", "list").out


def test_a_passphrase_comes_through_a_pipe(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """As a shell's <(pass show mpp) gives it: a pipe is read once, so each command gets its own."""
    monkeypatch.setenv("MPP_HOME", str(tmp_path / "home"))
    for arguments in (["keygen", "-o", str(tmp_path / "keys"), "--name", "Piped"], ["keygen", "-o", str(tmp_path / "keys"), "--rotate"]):
        read, write = os.pipe()
        os.write(write, b"a long sentence\n")
        os.close(write)
        assert app.run([*arguments, "--passphrase-file", f"/dev/fd/{read}"]) == 0, capsys.readouterr().err
        os.close(read)


def _trust(home: Path, change: object) -> None:
    TrustStore(str(home / "trust" / "trust.json")).change(change)  # type: ignore[arg-type]


def _fleet(state: TrustState) -> TrustState:
    return replace(state, first_use=False)


def test_a_fleet_is_not_widened_by_trust_add(mpp: Mpp, keys: Path, strange: Path, home: Path) -> None:
    found = mpp("verify", strange, "--json").json["publisher"]["id"]
    Path("other.json").write_bytes(publisher().chain.data)
    _trust(home, _fleet)
    before = (home / "trust" / "trust.json").read_bytes()
    for file in (strange, "other.json"):
        answer = mpp("trust", "add", file, "--fingerprint", found, "--json")
        assert (answer.code, answer.json["error"]["code"]) == (20, "publisher.not_listed"), file
    assert (home / "trust" / "trust.json").read_bytes() == before


def test_a_revoked_publisher_is_not_trusted_again(mpp: Mpp, keys: Path, strange: Path, home: Path) -> None:
    found = mpp("verify", strange, "--json").json["publisher"]["id"]
    Path("other.json").write_bytes(publisher().chain.data)
    _trust(home, lambda state: replace(state, revoked_publishers=frozenset((found,))))
    for file in (strange, "other.json"):
        answer = mpp("trust", "add", file, "--fingerprint", found, "--json")
        assert (answer.code, answer.json["error"]["code"]) == (20, "publisher.revoked"), file
    assert found not in {one["id"] for one in _state(mpp)["publishers"]}  # type: ignore[attr-defined]


def test_a_package_with_another_body_is_not_trusted(mpp: Mpp, strange: Path) -> None:
    """The seal of one package on the content of another: every signature in it verifies."""
    found = mpp("verify", strange, "--json").json["publisher"]["id"]
    seal = read_archive(strange.read_bytes())
    other = read_archive(packages.unsigned({"name": "Another"}))
    members = [read_member(seal, one) for one in seal.members[-2:]]
    Path("swapped.mpp").write_bytes(put_seal(other, *members))
    answer = mpp("trust", "add", "swapped.mpp", "--fingerprint", found, "--json")
    assert (answer.code, answer.json["error"]["code"]) == (14, "content.mismatch")
    assert (_state(mpp)["publishers"], _state(mpp)["pins"]) == ([], {})


def test_an_ended_trust_is_renewed_with_a_new_end_only(mpp: Mpp, strange: Path) -> None:
    found = mpp("verify", strange, "--json").json["publisher"]["id"]
    _ok(mpp("trust", "add", strange, "--fingerprint", found, "--until", "2020-01-01"))
    assert mpp("trust", "add", strange, "--fingerprint", found, "--json").json["error"]["code"] == "publisher.expired"
    _ok(mpp("trust", "add", strange, "--fingerprint", found, "--until", "21000101"))
    _ok(mpp("verify", strange))
    assert _state(mpp)["publishers"][0]["until"] == 4102444800, "eight digits are a date"  # type: ignore[index]


def test_a_look_alike_is_told_to_scripts_too(mpp: Mpp, strange: Path) -> None:
    found = mpp("verify", strange, "--json").json
    assert found["lookalikes"] == []
    found = found["publisher"]["id"]
    _ok(mpp("trust", "add", strange, "--fingerprint", found))
    assert mpp("verify", strange, "--json").json["lookalikes"] == []
    other = publisher("Example  Publisher".replace("  ", "-"))
    Path("alike.mpp").write_bytes(packages.signed(other, {"package_id": "com.example.hello-official"}))
    expected = [{"id": "com.example.hello", "publisher": found}]
    assert mpp("verify", "alike.mpp", "--json").json["lookalikes"] == expected
    assert "looks like com.example.hello" in mpp("verify", "alike.mpp").out
    added = _ok(mpp("trust", "add", "alike.mpp", "--fingerprint", other.id, "--json"))
    assert [word for one in added.json["warnings"] for word in ("looks like com.example.hello", "of this name") if word in one] == [
        "looks like com.example.hello",
        "of this name",
    ]
    assert added.err.count("warning: ") == 2
    assert mpp("verify", "alike.mpp", "--json").json["lookalikes"] == expected, "a trusted one is named all the same"
    strange.write_bytes(strange.read_bytes()[:-1])
    assert mpp("verify", strange, "--json").json["lookalikes"] == []


def test_a_copy_that_fell_behind_is_not_rotated(mpp: Mpp, keys: Path, tmp_path: Path) -> None:
    shutil.copytree(keys, tmp_path / "copy")
    _ok(mpp("keygen", "--rotate", "--no-passphrase"))
    before = {path.name: path.read_bytes() for path in (tmp_path / "copy").iterdir()}
    answer = mpp("keygen", "-o", tmp_path / "copy", "--rotate", "--no-passphrase", "--json")
    assert (answer.code, answer.json["error"]["code"]) == (3, "key.stale")
    assert {path.name: path.read_bytes() for path in (tmp_path / "copy").iterdir() if path.suffix != ".lock"} == before


def test_after_an_interrupted_rotation_the_right_key_is_named(mpp: Mpp, keys: Path, unsigned: Path) -> None:
    """Killed between publisher.json and publisher.key: the new key lies under its own name."""
    old = (keys / "publisher.key").read_bytes()
    _ok(mpp("keygen", "--rotate", "--no-passphrase"))
    new = json.loads((keys / "publisher.key").read_text())["public"]
    (keys / "publisher.key").write_bytes(old)
    error = mpp("sign", unsigned, "--json").json["error"]
    named = error["hint"].rpartition("-k ")[2]
    assert (error["code"], _public(Path(named))) == ("key.not_release", new)
    _ok(mpp("sign", unsigned, "-k", named))


@pytest.mark.parametrize("moment", ["3000-01-01", "2100-01-01T00:00:01Z", "4102444801"])
def test_no_signature_from_the_far_future(mpp: Mpp, keys: Path, unsigned: Path, moment: str, monkeypatch: pytest.MonkeyPatch) -> None:
    answer = mpp("sign", unsigned, "--now", moment, "--json")
    assert (answer.code, answer.json["error"]["code"], answer.json["error"]["where"]) == (2, "usage.time", "--now")
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "4102444801")
    assert mpp("sign", unsigned, "--json").json["error"]["where"] == "SOURCE_DATE_EPOCH"


@pytest.mark.parametrize(
    ("text", "moment"),
    [("20261231", 1798675200), ("2026-12-31", 1798675200), ("1798675200", 1798675200), ("1000000000", 10**9), ("2026", None), ("20261332", None), ("0", None)],
)
def test_times_that_are_no_dates_by_mistake(text: str, moment: int | None) -> None:
    if moment is not None:
        assert parse_time(text, "--until") == moment
        return
    with pytest.raises(Refused) as refusal:
        parse_time(text, "--until")
    assert refusal.value.code == "usage.time"
    assert parse_time(text, "SOURCE_DATE_EPOCH") == int(text), "that one is always seconds"


@pytest.mark.parametrize(("mode", "warned"), [(0o600, False), (0o644, True), (0o640, True)])
def test_a_passphrase_that_others_can_read(mpp: Mpp, mode: int, warned: bool) -> None:
    path = Path("pass")
    path.write_text("a long sentence\n")
    path.chmod(mode)
    answer = _ok(mpp("keygen", "--passphrase-file", path))
    assert ("chmod 600 pass" in answer.err) is warned


@pytest.mark.parametrize("name", ["Ada", "x" * NAME_MAX, "名" * NAME_MAX, "'" * 50 + '"' * 50, " ".join(["fingerprint 851a"] * 5)])
def test_no_line_of_a_question_wraps(name: str) -> None:
    who = publisher(name)
    shown = question(who.chain, None, NO_TRUST)
    lines = shown.split("\n")
    assert max(sum(1 if one.isascii() else 2 for one in line) for line in lines) < 80
    assert [line.split()[0] for line in lines if line.startswith("  ") and "fingerprint" in line[:15]] == ["fingerprint"]
    assert "".join(line[15:] for line in lines[2:4]).replace(" ", "") == who.id
    assert quoted("Ada") == "'Ada'"
