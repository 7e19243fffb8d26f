"""The files of the tool's package, in memory, below /package: imports, resources, metadata, and plain reading."""

import builtins
import io
import os
import stat
import sys
from importlib.machinery import ModuleSpec, SourceFileLoader

ROOT = "/package"
NATIVE = (".so", ".pyd", ".dylib")

_files = {}
"""Absolute path -> bytes."""
_folders = {}
"""Absolute path -> names in it."""


def install(files, folders):
    """Make ``files`` (by their path in the package) readable, and ``folders`` the beginning of sys.path."""
    _folders[ROOT] = {}
    for name, content in files.items():
        path = f"{ROOT}/{name}"
        _files[path] = content
        while path != ROOT:
            folder, _, tail = path.rpartition("/")
            known = folder in _folders
            _folders.setdefault(folder, {})[tail] = None
            if known:
                break
            path = folder
    sys.path[:] = [f"{ROOT}/{folder}" for folder in folders]
    sys.path_hooks.insert(0, _Finder)
    sys.meta_path.append(_Metadata)
    sys.path_importer_cache.clear()
    _open_plainly()


class _Loader(SourceFileLoader):
    """Compiles from memory. It is no file loader for others: nothing of it is on a disk."""

    def get_data(self, path):
        return _read(path)

    def path_stats(self, path):
        raise OSError("no bytecode is kept")

    def get_resource_reader(self, name):
        from _mpp_resources import Reader

        return Reader(self.path.rpartition("/")[0]) if self.is_package(name) else None


class _Finder:
    """Finds modules in one folder of the package, like the finder of the file system does."""

    def __init__(self, path):
        if path != ROOT and not path.startswith(ROOT + "/"):
            raise ImportError("only for the package", path=path)
        self.path = path.rstrip("/")

    def find_spec(self, name, target=None):
        tail = name.rpartition(".")[2]
        here = _folders.get(self.path, {})
        if tail in here:
            folder = f"{self.path}/{tail}"
            first = f"{folder}/__init__.py"
            if first in _files:
                return self._spec(name, first, [folder])
        if f"{tail}.py" in here:
            return self._spec(name, f"{self.path}/{tail}.py", None)
        self._refuse_native(name, tail, here)
        if tail in here and folder in _folders:
            spec = ModuleSpec(name, None)
            spec.submodule_search_locations = [folder]
            return spec
        return None

    @staticmethod
    def _spec(name, path, locations):
        loader = _Loader(name, path)
        spec = ModuleSpec(name, loader, origin=path, is_package=locations is not None)
        if locations is not None:
            spec.submodule_search_locations = locations
        spec.has_location = True
        spec.cached = None
        return spec

    @staticmethod
    def _refuse_native(name, tail, here):
        for one in here:
            if one.startswith(f"{tail}.") and one.endswith(NATIVE):
                raise ImportError(f"{name} is native code ({one}), which the sandbox cannot load: use a pure Python package", name=name)

    @staticmethod
    def invalidate_caches():
        """Nothing changes."""

    def iter_modules(self, prefix=""):
        seen = set()
        for one in sorted(_folders.get(self.path, {})):
            is_package = f"{self.path}/{one}/__init__.py" in _files
            name = one if is_package else one.removesuffix(".py") if one.endswith(".py") else ""
            if name and name != "__init__" and "." not in name and name not in seen:
                seen.add(name)
                yield prefix + name, is_package


class _Metadata:
    """Answers importlib.metadata from the *.dist-info folders of the package."""

    @staticmethod
    def find_spec(name, path=None, target=None):
        return None

    @staticmethod
    def find_distributions(context):
        from _mpp_resources import distributions

        return distributions(context)


def _read(path):
    try:
        return _files[os.fspath(path)]
    except KeyError:
        raise FileNotFoundError(2, "No such file in the package", path) from None


def names_in(folder):
    return list(_folders.get(folder, ()))


def is_file(path):
    return path in _files


def is_folder(path):
    return path in _folders


def read_file(path):
    return _read(path)


def _inside(path):
    """The path in the package, or None if it is somewhere else. Most libraries build such paths from __file__."""
    if isinstance(path, int):
        return None
    try:
        text = os.fsdecode(path)
    except TypeError:
        return None
    if not text.startswith(ROOT):
        return None
    text = os.path.normpath(text)
    return text if text == ROOT or text.startswith(ROOT + "/") else None


def _open_plainly():
    plain_open, plain_stat, plain_lstat, plain_list = io.open, os.stat, os.lstat, os.listdir

    def open(file, mode="r", buffering=-1, encoding=None, errors=None, newline=None, closefd=True, opener=None):
        path = _inside(file)
        if path is None or opener is not None:
            return plain_open(file, mode, buffering, encoding, errors, newline, closefd, opener)
        if path in _folders:
            raise IsADirectoryError(21, "Is a directory", path)
        if any(letter in mode for letter in "wax+"):
            raise PermissionError(30, "The package cannot be changed", path)
        raw = io.BytesIO(_read(path))
        raw.name = path
        return raw if "b" in mode else io.TextIOWrapper(raw, encoding, errors, newline)

    def look(path, plain, named):
        found = _inside(path)
        if found is None:
            return plain(path, **named)
        if found in _folders:
            return os.stat_result((stat.S_IFDIR | 0o555, 0, 0, 1, 0, 0, 0, 0, 0, 0))
        return os.stat_result((stat.S_IFREG | 0o444, 0, 0, 1, 0, 0, len(_read(found)), 0, 0, 0))

    def stat_(path, **named):
        return look(path, plain_stat, named)

    def lstat(path, **named):
        return look(path, plain_lstat, named)

    def listdir(path="."):
        found = _inside(path)
        if found is None:
            return plain_list(path)
        if found not in _folders:
            raise FileNotFoundError(2, "No such folder in the package", found)
        return names_in(found)

    builtins.open = io.open = open
    os.stat, os.lstat, os.listdir = stat_, lstat, listdir
