"""Starts a Python tool as a component: at build everything is imported, at each call only the call is made.

There is no standard library on a disk when the tool runs, so what is imported late is imported here before the snapshot.
"""

import importlib
import importlib.util
import os
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


# In the place of what the interpreter has of its own and cannot use here: their traffic goes to the host. In this order, because one needs the other.
STAND_INS = ("_socket", "select", "ssl")


class _Hint:
    """The last that is asked for a module."""

    @staticmethod
    def find_spec(name, path=None, target=None):
        if path is None:
            raise ModuleNotFoundError(f"No module named {name!r} in this component: what a tool imports must stand in its sources as an import", name=name)
        return None


def _prepare():
    # While the folder of these modules is still on the path: afterwards only the package and the standard library are.
    for name in STAND_INS:
        _stand_in(name)
    for name in ("_mpp_http", "_mpp_resources"):
        if importlib.util.find_spec(name) is not None:
            importlib.import_module(name)
    standard = [folder for folder in sys.path if folder.startswith("/python")]
    _mpp_fresh.prepare()
    _mpp_package.install(mpp_bundle.FILES, ["app", "lib"])
    sys.path += standard
    stdout, sys.stdout = sys.stdout, sys.stderr
    try:
        _mpp_boot._entry = mpp_bundle.ENTRY
        _import_tool()
        for name in (*LATE, *mpp_bundle.LATE):
            try:
                importlib.import_module(name)
            except Exception:  # one that a library asks for and can do without
                continue
    finally:
        sys.stdout = stdout
    _mpp_fresh.remember()
    sys.meta_path.append(_Hint)


def _stand_in(name):
    path = os.path.join(os.path.dirname(__file__), f"{name}.py")
    if os.path.isfile(path):
        spec = importlib.util.spec_from_file_location(name, path)
        sys.modules[name] = module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)


def _import_tool():
    """A tool that reads variables while it is imported would keep those of the build, which are none: it is imported in each call."""
    _mpp_fresh.watch_variables()
    _mpp_boot._import_tool()
    try:
        _mpp_fresh.check_variables()
    except RuntimeError as late:
        print(f"{late}. It is imported in each call instead.", file=sys.stderr)
        _mpp_boot._tool = None
        for name in [name for name, module in sys.modules.items() if str(getattr(module, "__file__", "")).startswith("/package/app/")]:
            del sys.modules[name]


_prepare()


class Run:
    def run(self):
        code = _mpp_boot.run()
        if code:
            raise SystemExit(code)
