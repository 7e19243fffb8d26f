"""What belongs to a run and not to the image: variables, randomness, the time that modules remember; and what does not exist in the sandbox."""

import os
import sys
import weakref

NO_THREADS = "threads do not exist in the sandbox: use async def, or do the work in turn"

_seeded = weakref.WeakSet()
"""Generators that took their seed from the host's fixed randomness while the tool was initialised."""
_original_seed = None


def prepare():
    """Before the tool is imported."""
    _forbid_threads()
    _watch_seeds()


def remember():
    """After the tool is imported: from now on every seed comes from the run."""
    import random

    random.Random.seed = _original_seed
    _seeded.add(random._inst)


_BETWEEN = frozenset(("<frozen _mpp_fresh>", "<frozen os>", "<frozen _collections_abc>"))


class _Watched(dict):
    """Notes which absent variables the tool's own code looks for."""

    def __init__(self):
        super().__init__()
        self.missed = set()

    def __missing__(self, key):
        self._note(key)
        raise KeyError(key)

    def __contains__(self, key):
        self._note(key)
        return False

    def __iter__(self):
        self._note(b"(all of them)")
        return super().__iter__()

    def _note(self, key):
        frame = sys._getframe(1)
        while frame is not None and frame.f_code.co_filename in _BETWEEN:
            frame = frame.f_back
        # A library asks for settings that most people do not have; the answer "not set" is right for it.
        if frame is not None and frame.f_code.co_filename.startswith("/package/app/"):
            self.missed.add(os.fsdecode(key))


def watch_variables():
    """While the tool is imported there are no variables yet: what it kept of them would be wrong in every call."""
    os.environ._data = _Watched()


def check_variables():
    missed, os.environ._data = os.environ._data.missed, {}
    if missed:
        names = ", ".join(sorted(missed))
        raise RuntimeError(f"the tool reads variables of the environment while it is imported ({names}): read them in the function that needs them")


def renew(variables):
    """At the beginning of a call."""
    names = os.environ._data
    names.clear()
    for one in variables:
        name, _, value = one.partition(b"=")
        names[name] = value
    _renew_random()
    for name, forget in _FORGET.items():
        module = sys.modules.get(name)
        if module is not None:
            forget(module)


def _renew_random():
    seed = int.from_bytes(os.urandom(32), "little")
    for number, one in enumerate(list(_seeded)):
        # Each gets a seed of its own; one draw from the host serves them all.
        _original_seed(one, seed + number)


def _watch_seeds():
    global _original_seed
    import random

    _original_seed = random.Random.seed

    def seed(self, a=None, version=2):
        if a is None and type(self) is not random.SystemRandom:
            _seeded.add(self)
        else:
            _seeded.discard(self)
        return _original_seed(self, a, version)

    random.Random.seed = seed


def _forget_tempfile(module):
    module._name_sequence = None
    module.tempdir = None


def _forget_uuid(module):
    module._node = None
    module._last_timestamp = None


def _forget_logging(module):
    import time

    module._startTime = time.time_ns()


def _forget_time_zones(module):
    module.ZoneInfo.clear_cache()


_FORGET = {"tempfile": _forget_tempfile, "uuid": _forget_uuid, "logging": _forget_logging, "zoneinfo": _forget_time_zones}


def _forbid_threads():
    import _thread

    def refuse(*_args, **_named):
        raise RuntimeError(NO_THREADS)

    _thread.start_new_thread = _thread.start_new = _thread.start_joinable_thread = refuse
