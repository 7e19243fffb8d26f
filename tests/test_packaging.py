"""What is given to others: wheels and archives with the same bytes wherever they are built, what is in them, and that they work by themselves."""

from __future__ import annotations

import base64
import hashlib
import json
import os
import re
import shutil
import sys
import tomllib
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from mpp.cli.app import run
from tools import sbom, try_install, wheel_check, wheels

SECONDS_MAX = 300
HOST, REGISTRY, SDK = wheels.DISTRIBUTIONS


@pytest.fixture(autouse=True)
def plain(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SOURCE_DATE_EPOCH", raising=False)


@pytest.fixture(scope="module")
def sources(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The sources of each distribution, as they are at this moment: what is built twice and compared is built from these."""
    place = tmp_path_factory.mktemp("sources")
    for one in wheels.DISTRIBUTIONS:
        assert wheels.copy_sources(one, place / one.name)
    return place


def names_of(one: wheels.Distribution, sources: Path) -> list[str]:
    return sorted(str(path.relative_to(sources / one.name)) for path in (sources / one.name).rglob("*") if path.is_file())


@pytest.fixture(scope="module")
def dist(sources: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """All that `make wheels` makes. It judges what it built, and builds each wheel from its archive once more, so this is most of the tests already."""
    out = tmp_path_factory.mktemp("dist")
    try:
        made = [path for one in wheels.DISTRIBUTIONS for path in wheels.made_from(one, out, sources / one.name, names_of(one, sources))]
    except SystemExit as stopped:
        pytest.fail(str(stopped))
    wheels.write_sums(made, out)
    return out


def wheel_of(dist: Path, one: wheels.Distribution) -> Path:
    return next(dist.glob(f"{one.name.replace('-', '_')}-*.whl"))


def awkward_copy(one: wheels.Distribution, sources: Path, to: Path) -> None:
    """The same sources as another machine would have them: made in another order, with other rights, other times, and rubbish beside them."""
    base = sources / one.name
    for age, name in enumerate(reversed(names_of(one, sources))):
        (to / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(base / name, to / name)
        (to / name).chmod(0o600)
        os.utime(to / name, (1_000_000_000 + age, 1_000_000_000 + age))
    for packed in one.packed:
        if (to / packed).is_dir():
            (to / packed / "__pycache__").mkdir()
            (to / packed / "__pycache__" / "rubbish.cpython-311.pyc").write_bytes(b"rubbish")


@pytest.mark.parametrize("one", wheels.DISTRIBUTIONS, ids=lambda one: one.name)
def test_built_elsewhere_the_bytes_are_the_same(one: wheels.Distribution, sources: Path, dist: Path, tmp_path: Path) -> None:
    before = os.umask(0o077)
    try:
        source, out = tmp_path / "a folder with another name", tmp_path / "out"
        awkward_copy(one, sources, source)
        wheel, archive = wheels.build(one, out, source)
    finally:
        os.umask(before)
    assert wheel.read_bytes() == wheel_of(dist, one).read_bytes()
    assert archive.read_bytes() == (dist / archive.name).read_bytes()


def test_times_inside_are_those_that_were_asked_for(dist: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """2020-02-02 is the backend's day when nothing is said."""
    with zipfile.ZipFile(wheel_of(dist, SDK)) as archive:
        assert {one.date_time[:3] for one in archive.infolist()} == {(2020, 2, 2)}
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1700000000")
    wheel = wheels.make(SDK, tmp_path)[0]
    with zipfile.ZipFile(wheel) as archive:
        assert {one.date_time[:3] for one in archive.infolist()} == {(2023, 11, 14)}


def test_sums_are_those_of_the_files(dist: Path) -> None:
    lines = dict(reversed(line.split("  ")) for line in (dist / wheels.SUMS).read_text().splitlines())
    assert lines == {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in dist.iterdir() if path.name not in {wheels.SUMS, ".gitignore"}}
    assert len(lines) == 9


def test_what_git_does_not_track_stays_out(tmp_path: Path) -> None:
    """Attack on oneself: a key or a note of the work tree is packed and published."""
    forgotten = wheels.ROOT / SDK.folder / "src" / "mpp_sdk" / "forgotten-test-note.txt"
    forgotten.write_text("private\n")
    try:
        names = wheels.copy_sources(SDK, tmp_path)
    finally:
        forgotten.unlink()
    assert names
    if (wheels.ROOT / ".git").exists():
        assert not [one for one in tmp_path.rglob("*") if one.name == forgotten.name]


def rewritten(wheel: Path, sources: Path, target: Path, change: Callable[[dict[str, bytes]], None], *, honest: bool = True) -> list[str]:
    """A wheel with other members, its RECORD made anew where it is to be honest; what the check says of it."""
    with zipfile.ZipFile(wheel) as archive:
        members = {one: archive.read(one) for one in archive.namelist()}
    expected = wheels.expected(SDK, names_of(SDK, sources), sources / SDK.name)
    change(members)
    record = next(one for one in members if one.endswith("/RECORD"))
    if honest:
        rows = [f"{name},sha256={base64.urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b'=').decode()},{len(data)}" for name, data in members.items()]
        members[record] = ("\n".join(row for row in rows if not row.startswith(record)) + f"\n{record},,\n").encode()
    path = target / wheel.name
    with zipfile.ZipFile(path, "w") as archive:
        for name, data in members.items():
            info = zipfile.ZipInfo(name)
            info.external_attr = 0o644 << 16
            archive.writestr(info, data)
    return wheel_check.findings(path, SDK.name, expected)


INFO = "mpp_sdk-0.1.0.dist-info"
CHANGES: list[tuple[str, Callable[[dict[str, bytes]], object], str]] = [
    ("a test", lambda m: m.update({"tests/test_x.py": b""}), "tests/test_x.py is no part of the program"),
    ("rubbish", lambda m: m.update({"mpp_sdk/__pycache__/a.pyc": b""}), "does not belong into a wheel"),
    ("a key by its name", lambda m: m.update({"mpp_sdk/publisher.key": b""}), "does not belong into a wheel"),
    ("a way out", lambda m: m.update({"../evil.py": b""}), "leads out of the folder"),
    ("no marker for types", lambda m: m.pop("mpp_sdk/py.typed"), "mpp_sdk/py.typed is missing"),
    ("no licence", lambda m: m.pop(f"{INFO}/licenses/LICENSE"), "licenses/LICENSE is missing"),
    ("another byte", lambda m: m.update({"mpp_sdk/__init__.py": m["mpp_sdk/__init__.py"] + b"#"}), "differs from its source"),
    ("a file from nowhere", lambda m: m.update({"mpp_sdk/more.py": b"x = 1\n"}), "mpp_sdk/more.py comes from nowhere"),
    ("a private key", lambda m: m.update({f"{INFO}/note": b"-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2VwBCIEI\n"}), "holds a private key"),
    ("a folder of the builder", lambda m: m.update({f"{INFO}/note": b"at /home/" + b"builder/src\n"}), "names a folder of the machine"),
    ("another licence", lambda m: m.update({f"{INFO}/METADATA": m[f"{INFO}/METADATA"].replace(b"Apache-2.0", b"MIT")}), "License-Expression: MIT"),
    (
        "an address",
        lambda m: m.update({f"{INFO}/METADATA": m[f"{INFO}/METADATA"].replace(b"Name:", b"Requires-Dist: x @ https://x.example\nName:", 1)}),
        "needs something from an address",
    ),
    ("one machine only", lambda m: m.update({f"{INFO}/WHEEL": b"Root-Is-Purelib: false\n"}), "it is not for every machine"),
    ("a script", lambda m: m.update({f"{INFO}/entry_points.txt": b"[console_scripts]\npip = evil:main\n"}), "its console scripts are others"),
]


@pytest.mark.parametrize(("change", "said"), [(change, said) for _, change, said in CHANGES], ids=[name for name, _, _ in CHANGES])
def test_the_check_of_a_wheel_can_fail(change: Callable[[dict[str, bytes]], None], said: str, sources: Path, dist: Path, tmp_path: Path) -> None:
    found = rewritten(wheel_of(dist, SDK), sources, tmp_path, change)
    assert [one for one in found if said in one], found


def test_a_record_that_lies_is_found(sources: Path, dist: Path, tmp_path: Path) -> None:
    def lie(members: dict[str, bytes]) -> None:
        members[f"{INFO}/RECORD"] = members[f"{INFO}/RECORD"].replace(b"py.typed,sha256=", b"py.typed,sha256=A", 1)

    def forget(members: dict[str, bytes]) -> None:
        members[f"{INFO}/RECORD"] = b"\n".join(members[f"{INFO}/RECORD"].split(b"\n")[1:])

    assert rewritten(wheel_of(dist, SDK), sources, tmp_path, lambda _: None) == []
    assert "RECORD is wrong about mpp_sdk/py.typed" in rewritten(wheel_of(dist, SDK), sources, tmp_path, lie, honest=False)
    assert "RECORD does not name the members" in rewritten(wheel_of(dist, SDK), sources, tmp_path, forget, honest=False)


def test_host_and_registry_carry_what_they_show(sources: Path, dist: Path) -> None:
    """Each template and each file of a page that the checkout has, also those of which no list knows."""
    for one, package in ((HOST, "src/mpp/console/"), (REGISTRY, "src/mpp_registry/web/")):
        with zipfile.ZipFile(wheel_of(dist, one)) as archive:
            names = archive.namelist()
        shown = [name for name in names_of(one, sources) if name.startswith(package) and ("/templates/" in name or "/static/" in name)]
        assert len(shown) > 5
        assert [name for name in shown if name.partition("src/")[2] not in names] == []


def test_licence_and_notice_are_the_same_everywhere(root: Path) -> None:
    for name in ("LICENSE", "NOTICE"):
        assert {(root / folder / name).read_bytes() for folder in (".", "registry", "sdk/python")} == {(root / name).read_bytes()}


def test_the_registry_stands_on_the_host_of_its_own_version(root: Path) -> None:
    host, registry, sdk = (tomllib.loads((root / one.folder / "pyproject.toml").read_text())["project"] for one in wheels.DISTRIBUTIONS)
    assert f"model-package-protocol=={host['version']}" in registry["dependencies"]
    assert host["version"] == registry["version"] == sdk["version"]


def test_all_is_what_a_command_can_use(root: Path) -> None:
    project = tomllib.loads((root / "pyproject.toml").read_text())["project"]
    extras = project["optional-dependencies"]
    assert extras["all"] == ["model-package-protocol[c,console,oidc]"]
    registry = tomllib.loads((root / "registry" / "pyproject.toml").read_text())["project"]["dependencies"]
    # The page of the host and that of the registry stand on the same two; they ask for the same of them.
    assert set(extras["console"]) <= set(registry)


@pytest.mark.parametrize("one", wheels.DISTRIBUTIONS, ids=lambda one: one.name)
def test_a_bill_of_materials_holds_the_lock(one: wheels.Distribution, dist: Path, root: Path) -> None:
    wheel = wheel_of(dist, one)
    data = (dist / f"{wheel.name}.cdx.json").read_bytes()
    lock = root / one.lock if one.lock else None
    assert sbom.bill(wheel, one.name, lock) == data
    bill = json.loads(data)
    assert (bill["bomFormat"], bill["specVersion"]) == ("CycloneDX", "1.6")
    assert bill["metadata"]["component"]["hashes"] == [{"alg": "SHA-256", "content": hashlib.sha256(wheel.read_bytes()).hexdigest()}]
    text = lock.read_text() if lock else ""
    said = {digest["content"] for part in bill["components"] for digest in part["externalReferences"][0]["hashes"]}
    assert said == set(re.findall(r"sha256:([0-9a-f]{64})", text))
    assert all(part["licenses"][0]["expression"] for part in bill["components"])
    edges = {edge["ref"]: edge["dependsOn"] for edge in bill["dependencies"]}
    reached, todo = set(), [bill["metadata"]["component"]["bom-ref"]]
    while todo:
        reached.add(ref := todo.pop())
        todo += [other for other in edges[ref] if other not in reached]
    assert reached == set(edges) == {part["bom-ref"] for part in bill["components"]} | {bill["metadata"]["component"]["bom-ref"]}


def test_licences_are_those_of_what_is_installed() -> None:
    assert sbom.ABOUT.read_text(encoding="utf-8") == sbom.about_text(), "run python -m tools.sbom --about"


def test_a_package_that_the_table_does_not_know_is_refused() -> None:
    with pytest.raises(ValueError, match="does not know evil 1"):
        sbom._component(sbom.Locked("evil", "1", "", ("0" * 64,)), {})
    with pytest.raises(ValueError, match="was not understood"):
        sbom.read_lock("evil @ https://example.com/evil.whl\n")


def test_installed_by_a_stranger_it_works(dist: Path, root: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """A fresh environment, a home elsewhere, no checkout on the path; what others wrote is borrowed from here, so that no index is needed."""
    site = next(Path(one) for one in sys.path if one.endswith("site-packages"))
    assert try_install.main(["--wheels", str(dist), "--borrow", str(site)]) == 0, capfd.readouterr().err
    said = capfd.readouterr().out
    for step in ("mpp run", "model-package-protocol run", "mpp serve", "mpp registry serve", "mpp install by name", "mpp console", "from mpp_sdk import tool"):
        assert f"  {step}: " in said


def test_the_second_name_of_the_command(root: Path) -> None:
    """`uvx model-package-protocol run …` looks for a command of the distribution's name."""
    project = tomllib.loads((root / "pyproject.toml").read_text())["project"]
    assert project["scripts"] == {"mpp": "mpp.cli:main", project["name"]: "mpp.cli:main"}
    assert run(["--version"]) == 0


def texts(root: Path) -> Iterator[Path]:
    for name in wheels.tracked(root, ("docs", "src", "registry", "sdk", "examples", "deploy", "README.md", "CONTRIBUTING.md", "rfcs", "spec", "editors")):
        if name.endswith((".md", ".py", ".txt", ".toml", ".json", ".yaml", ".yml", ".ts")):
            yield root / name


def test_nobody_is_told_to_run_a_program_of_somebody_else(root: Path) -> None:
    """`mpp` on PyPI is another project: a word of advice that names it there runs a stranger's code."""
    foreign = re.compile(r"(?:uvx|pipx run|uv tool (?:run|install)|pipx install|pip install)(?: +-[-\w]+)* +[\"']?mpp(?![-\w/.])")
    assert foreign.search("uvx mpp run")
    assert foreign.search("pip install mpp")
    assert not foreign.search("uvx --from model-package-protocol mpp")
    assert [str(path) for path in texts(root) if foreign.search(path.read_text(encoding="utf-8"))] == []
