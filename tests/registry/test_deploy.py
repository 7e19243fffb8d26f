"""What stands in deploy/ and in the guide: its units are sound, its commands are ones that this version has, its nginx file is one that nginx takes."""

from __future__ import annotations

import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import click
import pytest

from mpp.cli.registry.backup import command as backup
from mpp.cli.registry.serve import command as serve

UNITS = ("mpp-registry.service", "mpp-registry@.service", "mpp-registry-backup.service", "mpp-registry-backup.timer")
SECONDS_MAX = 60


def read(command: click.Command, name: str, words: list[str]) -> click.Context:
    """As below the program's own group: a command keeps for ever the names of --help that its first context in this process had."""
    return command.make_context(name, words, help_option_names=["-h", "--help"])


@pytest.fixture(scope="session")
def deploy(root: Path) -> Path:
    return root / "deploy"


def test_units_are_sound(deploy: Path, tmp_path: Path) -> None:
    if not shutil.which("systemd-analyze"):
        pytest.skip("systemd-analyze (Debian: systemd) is not installed")
    for name in UNITS:
        # The program is not where it will be.
        text = (deploy / "systemd" / name).read_text().replace("/opt/mpp-registry/bin/mpp", sys.executable)
        (tmp_path / name).write_text(text)
    words = [
        "systemd-analyze",
        "verify",
        "--man=no",
        *(str(tmp_path / name.replace("@", "@8765")) if "@" not in name else str(tmp_path / name) for name in UNITS),
    ]
    done = subprocess.run(words, capture_output=True, text=True, check=False, timeout=SECONDS_MAX)
    ours = [line for line in done.stderr.splitlines() if "mpp-registry" in line]
    assert (done.returncode, ours) == (0, [])


@pytest.mark.parametrize("unit", [name for name in UNITS if name.endswith(".service")])
def test_units_start_what_there_is(deploy: Path, unit: str) -> None:
    """Each word of ExecStart is an option of the command, so that a renamed option breaks this and no operator's start."""
    line = next(line for line in (deploy / "systemd" / unit).read_text().splitlines() if line.startswith("ExecStart="))
    program, group, name, *words = shlex.split(line.removeprefix("ExecStart=").replace("%i", "8765"))
    assert (program, group) == ("/opt/mpp-registry/bin/mpp", "registry")
    command = {"serve": serve, "backup": backup}[name]
    context = read(command, name, words)
    assert context.params["data"] == "/var/lib/mpp-registry"
    with pytest.raises(click.UsageError):
        read(command, name, [*words, "--no-such-option"])


def test_container_starts_what_there_is(deploy: Path) -> None:
    text = (deploy / "container" / "Containerfile").read_text()
    words = [part for line in re.findall(r"^(?:ENTRYPOINT|CMD) \[(.*)\]$", text, re.MULTILINE) for part in re.findall(r'"([^"]*)"', line)]
    assert words[:3] == ["mpp", "registry", "serve"]
    assert read(serve, "serve", words[3:]).params["behind_proxy"] is True


def test_nginx_takes_its_file(deploy: Path, tmp_path: Path) -> None:
    program = shutil.which("nginx", path="/usr/sbin:/usr/bin:/usr/local/bin")
    if not program or not shutil.which("openssl"):
        pytest.skip("nginx and openssl are not installed")
    made = [
        "openssl",
        "req",
        "-x509",
        "-newkey",
        "rsa:2048",
        "-nodes",
        "-days",
        "1",
        "-subj",
        "/CN=registry.example.com",
        "-keyout",
        "key.pem",
        "-out",
        "fullchain.pem",
    ]
    subprocess.run(made, cwd=tmp_path, check=True, capture_output=True, timeout=SECONDS_MAX)
    text = (deploy / "nginx" / "mpp-registry.conf").read_text().replace("/etc/ssl/mpp-registry", str(tmp_path))
    # Ports that no privilege is needed for, and addresses of this machine alone; two of one address would be a fault.
    text = re.sub(r"listen \[::\]:\d+", "listen [::1]:8743", re.sub(r"listen \d+", "listen 127.0.0.1:8743", text))
    (tmp_path / "registry.conf").write_text(text)
    (tmp_path / "nginx.conf").write_text(f"pid {tmp_path}/pid; events {{}} http {{ include {tmp_path}/registry.conf; }}")
    done = subprocess.run(
        [program, "-t", "-p", str(tmp_path), "-c", str(tmp_path / "nginx.conf"), "-e", str(tmp_path / "log")], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


def test_the_guide_names_what_there_is(root: Path) -> None:
    text = (root / "docs" / "how-to" / "run-a-registry.md").read_text()
    for path in re.findall(r"\b(?:deploy|requirements)/[\w./@*-]+", text):
        assert list(root.glob(path)), path
    for line in re.findall(r"mpp registry serve (--[^`\n]*)", text):
        read(serve, "serve", shlex.split(line))
