"""Stand-in: an executor that does each piece of work when it is given, because threads do not exist in the sandbox."""

from concurrent.futures import _base


class BrokenThreadPool(_base.BrokenExecutor):
    """Never raised here."""


class ThreadPoolExecutor(_base.Executor):
    def __init__(self, max_workers=None, thread_name_prefix="", initializer=None, initargs=()):
        if max_workers is not None and max_workers <= 0:
            raise ValueError("max_workers must be greater than 0")
        self._max_workers = max_workers or 1
        self._initializer, self._initargs = initializer, initargs
        self._shutdown = False

    def submit(self, fn, /, *args, **kwargs):
        if self._shutdown:
            raise RuntimeError("cannot schedule new futures after shutdown")
        if self._initializer is not None:
            begin, self._initializer = self._initializer, None
            begin(*self._initargs)
        future = _base.Future()
        future.set_running_or_notify_cancel()
        try:
            future.set_result(fn(*args, **kwargs))
        except BaseException as fault:
            if not isinstance(fault, Exception):
                raise
            future.set_exception(fault)
        return future

    def shutdown(self, wait=True, *, cancel_futures=False):
        self._shutdown = True
