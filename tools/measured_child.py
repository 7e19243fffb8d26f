"""Measure a process that a test starts: the tracer of coverage alone, without the rest of the package.

The whole package, its files and its SQLite cost a quarter of a second of processor time in each process, more than most of them need
themselves, and the tests start some thousands. This module is loaded while Python starts, so it imports next to nothing.
What it keeps at the end is one small file; tools/coverage_gate.py joins them.
"""

from __future__ import annotations

import atexit
import marshal
import os
import sys
import threading
from importlib.machinery import EXTENSION_SUFFIXES, ExtensionFileLoader
from importlib.util import module_from_spec, spec_from_file_location
from types import FrameType, ModuleType

INTO = "COVERAGE_CHILDREN_INTO"
"""Names the folder for what is kept. Tests that take coverage out of an environment take away all that begins so."""

MEASURED = ("src/mpp/", "registry/src/mpp_registry/")
ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
FOLDERS = tuple(os.path.join(ROOT, folder) for folder in MEASURED)
ENDING = ".arcs"
_RUNNING: list[Measuring] = []


class Measuring:
    """One process; a tracer for each of its threads, all into the same sets."""

    def __init__(self, tracer: ModuleType, into: str) -> None:
        self._tracer, self._into = tracer, into
        self._data: dict[str, set[int]] = {}
        self._known: dict[str, object] = {}
        self._lock = threading.Lock()

    def start(self) -> object:
        tracer = self._tracer.CTracer()
        tracer.data, tracer.trace_arcs = self._data, True
        tracer.should_trace, tracer.should_trace_cache = self._judge, self._known
        tracer.lock_data, tracer.unlock_data = self._lock.acquire, self._lock.release
        # What is not used must be None: the tracer is written in C and calls whatever else it finds.
        tracer.concur_id_func = tracer.check_include = tracer.should_start_context = tracer.switch_context = tracer.disable_plugin = tracer.warn = None
        tracer.file_tracers = {}
        return tracer.start()

    def start_thread(self, frame: FrameType, event: str, argument: object) -> object:
        """The first event of a new thread: from here on it has a tracer of its own."""
        sys.settrace(None)
        trace = self.start()
        return trace(frame, event, argument) if callable(trace) else trace

    def _judge(self, name: str, _: FrameType) -> object:
        """Whether to trace a file, in the form that the tracer knows."""
        # A relative name is no file of the product, such as <string>; to resolve one fails where the working folder is gone.
        full = os.path.normpath(name) if os.path.isabs(name) else name
        found = self._tracer.CFileDisposition()
        found.original_filename, found.canonical_filename, found.source_filename = name, full, full
        found.trace, found.reason, found.file_tracer, found.has_dynamic_filename = full.startswith(FOLDERS) and "/templates/" not in full, "", None, False
        return found

    def keep(self) -> None:
        """Whole or not at all: a process may be ended at any moment. A copy made by ``fork`` keeps what it saw under its own number."""
        sys.settrace(None)
        seen = {name: tuple(packed) for name, packed in self._data.copy().items()}
        path = os.path.join(self._into, f"{os.getpid()}-{os.urandom(4).hex()}")
        try:
            with open(path, "wb") as out:
                out.write(marshal.dumps(seen))
            os.rename(path, path + ENDING)
        except OSError:
            return


def begin(into: str) -> None:
    """Trace from now until this process ends by itself. Python may read the line that calls this more than once."""
    if _RUNNING:
        return
    names = (os.path.join(place, "coverage", "tracer" + ending) for place in sys.path for ending in EXTENSION_SUFFIXES)
    path = next(filter(os.path.isfile, names), "")
    spec = spec_from_file_location("coverage.tracer", path, loader=ExtensionFileLoader("coverage.tracer", path)) if path else None
    if spec is None or spec.loader is None:
        return
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    measuring = Measuring(module, into)
    _RUNNING.append(measuring)
    atexit.register(measuring.keep)
    measuring.start()
    threading.settrace(measuring.start_thread)  # type: ignore[arg-type]
