"""Starts a tool in the Python layer, and runs its calls. Frozen into the layer; called by layer.c alone."""

import gc
import os
import sys

import _mpp
import _mpp_fresh
import _mpp_package

BAD_END = 1
SEED_DIGITS = 8

_entry = None
"""The name of the tool's first module."""
_tool = None
"""This module, once it is imported."""


def initialise(bundle):
    """Take in the files of the tool, and import it if the bundle says so."""
    global _entry
    load, index, files = _open_bundle(bundle)
    _entry, folders = _entry_of(index["entrypoint"])
    _mpp_fresh.prepare()
    _mpp_package.install(files, folders)
    if load:
        stdout, sys.stdout = sys.stdout, sys.stderr
        _mpp_fresh.watch_variables()
        try:
            _import_tool()
        finally:
            sys.stdout = stdout
        _mpp_fresh.check_variables()
    _mpp_fresh.remember()
    sys.stderr.flush()
    gc.collect()
    gc.freeze()


def run():
    """One call, in an image or after it: everything that belongs to the run is read anew. Gives the exit code."""
    try:
        _mpp_fresh.renew(_mpp.environ())
        if _tool is None:
            _import_tool()
        return _end(_call())
    except SystemExit as end:
        return _end(_exit_code(end.code))
    except BaseException as fault:
        _show(fault)
        return _end(BAD_END)


def _open_bundle(bundle):
    import json

    end = bundle.index(b"\n") + 1
    _, seed, load, size = bundle[:end].decode("ascii").split()
    if len(seed) != SEED_DIGITS or load not in {"0", "1"}:
        raise ValueError("the first line of the bundle is not understood")
    at = end + int(size)
    index = json.loads(bundle[end:at])
    files = {}
    for name, length in index["files"]:
        files[name] = bundle[at : at + length]
        at += length
    if at != len(bundle):
        raise ValueError("the bundle has another length than its index says")
    return load == "1", index, files


def _entry_of(path):
    """The module's name, and the folders of sys.path: app/main.py is the module main."""
    folders = ["app", "lib"]
    stem = path.removesuffix(".py")
    if stem.startswith("app/"):
        return stem.removeprefix("app/").replace("/", "."), folders
    folder, _, name = stem.rpartition("/")
    return name, [folder, *folders]


def _import_tool():
    global _tool
    import importlib

    _tool = importlib.import_module(_entry)
    if not hasattr(_tool, "mpp_main"):
        import mpp_sdk

        prepare = getattr(mpp_sdk, "prepare", None)
        if prepare is not None:
            prepare()


def _call():
    if hasattr(_tool, "mpp_main"):
        code = _tool.mpp_main()
    else:
        import mpp_sdk

        code = mpp_sdk.serve()
    return code if isinstance(code, int) else 0


def _exit_code(code):
    if code is None:
        return 0
    if isinstance(code, int):
        return code & 0xFF
    print(code, file=sys.__stderr__)
    return BAD_END


def _end(code):
    """Run what was left for the end, and write what is still held back. What is lost here makes the call fail."""
    import atexit

    atexit._run_exitfuncs()
    for stream in (sys.stdout, sys.__stdout__, sys.stderr, sys.__stderr__):
        try:
            stream.flush()
        except Exception as fault:
            os.write(2, f"cannot write: {fault!r}\n".encode("utf-8", "backslashreplace"))
            code = code or BAD_END
    return code


def _show(fault):
    try:
        import traceback

        frames = fault.__traceback__
        while frames is not None and frames.tb_frame.f_globals.get("__name__") == __name__:
            frames = frames.tb_next
        traceback.print_exception(type(fault), fault, frames or fault.__traceback__, file=sys.__stderr__)
    except BaseException as worse:
        os.write(2, f"{type(fault).__name__}, and its report failed: {type(worse).__name__}\n".encode())
