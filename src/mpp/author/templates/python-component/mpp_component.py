"""Starts a Python tool as a component: at build everything is imported, at each call only the call is made.

There is no standard library on a disk when the tool runs, so what is imported late is imported here before the snapshot.
"""

import importlib
import sys

import _mpp_boot
import _mpp_fresh
import _mpp_package
import mpp_bundle

# What the standard library imports when it needs it.
LATE = (
    "_strptime", "calendar", "encodings.ascii", "encodings.cp1252", "encodings.idna", "encodings.latin_1", "encodings.utf_16", "encodings.utf_8_sig", "linecache",
    "locale", "string", "tokenize", "traceback", "typing", "unicodedata", "weakref",
)  # fmt: skip


class _Hint:
    """The last that is asked for a module."""

    @staticmethod
    def find_spec(name, path=None, target=None):
        if path is None:
            raise ModuleNotFoundError(f"No module named {name!r} in this component: what a tool imports must stand in its sources as an import", name=name)
        return None


def _prepare():
    standard = [folder for folder in sys.path if folder.startswith("/python")]
    _mpp_fresh.prepare()
    _mpp_package.install(mpp_bundle.FILES, ["app", "lib"])
    sys.path += standard
    stdout, sys.stdout = sys.stdout, sys.stderr
    try:
        _mpp_boot._entry = mpp_bundle.ENTRY
        _mpp_boot._import_tool()
        for name in (*LATE, *mpp_bundle.LATE):
            try:
                importlib.import_module(name)
            except Exception:  # one that a library asks for and can do without
                continue
    finally:
        sys.stdout = stdout
    _mpp_fresh.remember()
    sys.meta_path.append(_Hint)


_prepare()


class Run:
    def run(self):
        code = _mpp_boot.run()
        if code:
            raise SystemExit(code)
