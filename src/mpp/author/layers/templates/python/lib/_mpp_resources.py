"""importlib.resources and importlib.metadata over the package in memory."""

import contextlib
import importlib.metadata
import importlib.resources
import io
import os
from importlib.resources.abc import Traversable, TraversableResources

import _mpp_package


class Place(Traversable):
    """A file or folder of the package."""

    def __init__(self, path):
        self._path = path

    def __str__(self):
        return self._path

    def __fspath__(self):
        return self._path

    def __repr__(self):
        return f"Place({self._path!r})"

    @property
    def name(self):
        return self._path.rpartition("/")[2]

    def iterdir(self):
        return (Place(f"{self._path}/{name}") for name in _mpp_package.names_in(self._path))

    def is_dir(self):
        return _mpp_package.is_folder(self._path)

    def is_file(self):
        return _mpp_package.is_file(self._path)

    def joinpath(self, *names):
        return Place(os.path.normpath("/".join((self._path, *map(os.fspath, names)))))

    def __truediv__(self, name):
        return self.joinpath(name)

    def open(self, mode="r", *args, **named):
        raw = io.BytesIO(_mpp_package.read_file(self._path))
        return raw if "b" in mode else io.TextIOWrapper(raw, *args, **named)

    def read_bytes(self):
        return _mpp_package.read_file(self._path)

    def read_text(self, encoding=None, errors=None):
        with self.open("r", encoding=encoding, errors=errors) as text:
            return text.read()


@importlib.resources.as_file.register(Place)
@contextlib.contextmanager
def _as_file(place):
    """A path that plain reading knows (see _mpp_package): a temporary file would need a folder to write to."""
    import pathlib

    yield pathlib.Path(str(place))


class Reader(TraversableResources):
    def __init__(self, folder):
        self._folder = folder

    def files(self):
        return Place(self._folder)


class Distribution(importlib.metadata.Distribution):
    def __init__(self, folder):
        self._folder = folder

    def read_text(self, filename):
        path = f"{self._folder}/{filename}"
        return _mpp_package.read_file(path).decode() if _mpp_package.is_file(path) else None

    def locate_file(self, path):
        return Place(f"{self._folder.rpartition('/')[0]}/{path}")


def _plain(name):
    return importlib.metadata.Prepared.normalize(name)


def distributions(context):
    wanted = None if context.name is None else _plain(context.name)
    for folder in context.path:
        if not folder.startswith(_mpp_package.ROOT):
            continue
        for name in sorted(_mpp_package.names_in(folder)):
            stem = name.removesuffix(".dist-info")
            if stem != name and wanted in {None, _plain(stem.partition("-")[0])}:
                yield Distribution(f"{folder}/{name}")
