#!/usr/bin/env bash
# Make .venv and install the locked packages; does nothing if the lock has not changed since.
set -euo pipefail
cd "$(dirname "$0")/.."

fits() { command -v "$1" >/dev/null && "$1" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; }

find_python() {
    for name in ${PYTHON:-} python3 python3.13 python3.12 python3.11; do
        if fits "$name"; then echo "$name"; return; fi
    done
    found=$(for name in ${PYTHON:-} python3; do command -v "$name" >/dev/null && "$name" -c 'import sys; print("; %s is %d.%d" % (sys.argv[1], *sys.version_info[:2]))' "$name" 2>/dev/null; done | head -n 1)
    echo "error: no Python 3.11 or newer was found$found" >&2
    echo "hint: install one, for example with: apt-get install python3 python3-venv; or name it: make PYTHON=/path/to/python3" >&2
    return 1
}

# One that was interrupted while it was made has no pip yet, and is made anew.
if [ ! -x .venv/bin/python ] || ! fits .venv/bin/python || ! .venv/bin/python -c 'import pip' 2>/dev/null; then
    python=$(find_python)
    if ! "$python" -c 'import ensurepip, venv' 2>/dev/null; then
        version=$("$python" -c 'import sys; print("%d.%d" % sys.version_info[:2])')
        echo "error: $python cannot make virtual environments: its module venv or ensurepip is missing" >&2
        echo "hint: apt-get install python$version-venv" >&2
        exit 1
    fi
    rm -rf .venv
    "$python" -m venv .venv
fi

wanted=$(cat requirements/dev.txt pyproject.toml registry/pyproject.toml tools/venv.sh | .venv/bin/python -c 'import hashlib, sys; print(hashlib.sha256(sys.stdin.buffer.read()).hexdigest())')
if [ "$(cat .venv/stamp 2>/dev/null || true)" != "$wanted" ]; then
    echo "installing the locked packages into .venv (from PyPI, once, 700 MB on the disk; Ctrl-C and another make go on from there)"
    pip=".venv/bin/python -m pip --disable-pip-version-check --quiet"
    # The lock is complete. Without --no-deps an older pip looks for newer releases of a package that another one names with an extra, and refuses them.
    if ! $pip install --no-deps --require-hashes --only-binary :all: -r requirements/dev.txt; then
        echo "error: the packages could not be installed; what pip said stands above" >&2
        echo "hint: they come from PyPI, or from the index that PIP_INDEX_URL names; check the network and the room on the disk, then call make again" >&2
        exit 1
    fi
    $pip install --no-deps --no-build-isolation --editable . --editable registry
fi
echo "$wanted" > .venv/stamp
