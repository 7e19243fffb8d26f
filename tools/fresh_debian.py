"""A Debian where nothing was ever installed, and in it what a newcomer does: clone, `make demo`, `make wheels`, and use the wheels elsewhere.

    python tools/fresh_debian.py --to /var/tmp/fresh

debootstrap makes the system in a folder; it is entered as its own root, in a mount and a process namespace that end with it, as a user
without rights. Nothing of this machine is in there but its name servers, its certificates and the words that say where its index is.
Needs root, debootstrap and two gigabytes. It takes some minutes and prints how many.
"""

from __future__ import annotations

import argparse
import os
import shlex
import shutil
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PACKAGES = "python3,python3-venv,make,git,ca-certificates"
"""What README asks for, with git to clone and certificates to speak with an index."""
USER = 1000
STEP_SECONDS_MAX = 1800
"""Seconds for one step. Reason: a slow mirror and a busy machine; each has taken less than five minutes."""
COPIED = ("/etc/resolv.conf", "/etc/hosts", "/etc/ssl/certs/ca-certificates.crt")
PASSED = ("PIP_CERT", "PIP_INDEX_URL", "PIP_DEFAULT_TIMEOUT")

ENTER = """
set -e
mount --make-rprivate /
mount --bind "$SYSTEM" "$SYSTEM"
cd "$SYSTEM"
mount -t proc proc proc
mount --rbind /sys sys
mount --rbind /dev dev
pivot_root . .
umount -l .
cd /
exec setpriv --reuid=$USER_ID --regid=$USER_ID --clear-groups --no-new-privs env -i $GIVEN HOME=/home/ada PATH=/usr/bin:/bin LANG=C.UTF-8 sh -c "$COMMAND"
"""


class Fresh:
    def __init__(self, system: Path) -> None:
        self.system = system

    def make(self, suite: str, mirror: str) -> None:
        words = ["debootstrap", "--variant=minbase", f"--include={PACKAGES}", suite, str(self.system), *([mirror] if mirror else [])]
        subprocess.run(words, check=True, stdout=subprocess.DEVNULL, timeout=STEP_SECONDS_MAX)
        for name in COPIED:
            if os.path.exists(name):
                shutil.copyfile(name, self.system / name.lstrip("/"))
        subprocess.run(["chroot", str(self.system), "useradd", "--uid", str(USER), "--create-home", "ada"], check=True, timeout=60)

    def run(self, words: str, command: str) -> str:
        """One step inside, as that user; its last line."""
        at = time.monotonic()
        given = " ".join(f"{name}={shlex.quote(os.environ[name])}" for name in PASSED if name in os.environ)
        environment = {"PATH": os.environ["PATH"], "SYSTEM": str(self.system), "USER_ID": str(USER), "COMMAND": command, "GIVEN": given}
        done = subprocess.run(
            ["unshare", "--mount", "--pid", "--fork", "--kill-child", "sh", "-c", ENTER], env=environment, stdin=subprocess.DEVNULL,
            capture_output=True, text=True, timeout=STEP_SECONDS_MAX, check=False,
        )  # fmt: skip
        if done.returncode != 0:
            sys.exit(f"error: {words} ended with {done.returncode}\n{done.stdout[-6000:]}\n{done.stderr[-3000:]}")
        print(f"{time.monotonic() - at:7.1f} s  {words}", flush=True)
        return done.stdout


def clone(system: Path) -> None:
    """What is committed, and nothing else."""
    target = system / "home" / "ada" / "mpp"
    subprocess.run(["git", "clone", "--quiet", "--no-hardlinks", "--depth=1", f"file://{ROOT}", str(target)], check=True, timeout=STEP_SECONDS_MAX)
    subprocess.run(["chown", "-R", f"{USER}:{USER}", str(target)], check=True, timeout=300)


def main() -> int:
    parser = argparse.ArgumentParser(description="Try make demo and the wheels in a fresh Debian.", epilog="0: all was well. 1: a step failed.")
    parser.add_argument("--to", type=Path, required=True, help="a folder that is not there yet; removed at the end")
    parser.add_argument("--suite", default="bookworm", help="which Debian; bookworm (12) if left out")
    parser.add_argument("--mirror", default="", help="where its packages are; debootstrap's own choice if left out")
    parser.add_argument("--keep", action="store_true", help="do not remove the folder")
    chosen = parser.parse_args()
    system = chosen.to.absolute()
    if os.geteuid() != 0 or not shutil.which("debootstrap") or system.exists():
        sys.exit("error: this needs root, debootstrap, and a folder that is not there yet\nhint:  apt-get install debootstrap")
    at, fresh = time.monotonic(), Fresh(system)
    try:
        fresh.make(chosen.suite, chosen.mirror)
        clone(system)
        print(f"{time.monotonic() - at:7.1f} s  debootstrap {chosen.suite}, and a clone", flush=True)
        said = fresh.run("make demo", "cd ~/mpp && make demo")
        print(f"{'':11}{said.strip().splitlines()[-1]}")
        sums = fresh.run("make wheels", "cd ~/mpp && make wheels && cp -r dist ~/dist && cp tools/try_install.py ~ && mv ~/mpp ~/away && chmod 0 ~/away")
        print("\n".join(f"{'':11}{line}" for line in sums.splitlines() if ".whl" in line and ".json" not in line))
        # A tool in Python, with its interpreter, was built and run by the demo.
        print(fresh.run("the wheels, with the checkout out of reach", "cd ~ && python3 try_install.py --wheels dist"), end="")
    finally:
        if not chosen.keep:
            shutil.rmtree(system, ignore_errors=True)
    print(f"{time.monotonic() - at:7.1f} s  in all")
    return 0


if __name__ == "__main__":
    sys.exit(main())
