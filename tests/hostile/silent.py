"""Something never comes back; run with short deadlines."""

import asyncio
import itertools
import os
import signal
import threading
import time
from collections.abc import Sequence
from contextlib import asynccontextmanager, suppress

from tests.hostile.ends import _Good


class Sleeps(_Good):
    """In the event loop: the alarm wakes it."""

    verdicts = {"CREATE-6": "pass", "GET-1": "fail", "LIST-2": "pass"}

    async def get(self, task_id):
        time.sleep(600)


class Waits(_Good):
    verdicts = {"CREATE-6": "pass", "GET-1": "fail", "LIST-2": "pass"}

    async def get(self, task_id):
        await asyncio.Event().wait()


class Locks(_Good):
    verdicts = {"GET-1": "fail"}

    async def get(self, task_id):
        lock = threading.Lock()
        with lock, lock:
            pass


class LoopsInC(_Good):
    """No signal is handled there."""

    verdicts = {"CREATE-6": "pass", "GET-1": "fail", "LIST-2": "pass"}

    async def get(self, task_id):
        return sum(itertools.repeat(0))


class LoopsAndSwallows(_Good):
    verdicts = {"GET-1": "fail"}

    async def get(self, task_id):
        while True:
            with suppress(BaseException):
                while True:
                    pass


class MasksSignals(_Good):
    verdicts = {"GET-1": "fail", "LIST-2": "pass"}

    async def get(self, task_id):
        signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())
        time.sleep(600)


class Stops(_Good):
    """As Ctrl-Z does."""

    verdicts = {"GET-1": "fail", "LIST-2": "pass"}

    async def get(self, task_id):
        os.kill(os.getpid(), signal.SIGSTOP)


class _Endless(Sequence):
    def __getitem__(self, index):
        return None

    def __len__(self):
        return 1

    def __iter__(self):
        return itertools.repeat({"id": 1, "title": "a", "done": False, "created_at": None})


class ListsWithoutEnd(_Good):
    verdicts = {"CREATE-6": "pass", "LIST-1": "fail", "LIST-2": "not run"}

    async def list_tasks(self):
        return _Endless()


class ListsAGenerator(_Good):
    verdicts = {"CREATE-6": "pass", "LIST-1": "fail", "LIST-2": "not run"}

    async def list_tasks(self):
        return itertools.count()


class HangsInConnect(_Good):
    verdicts = {"CONNECT-1": "fail", "CREATE-6": "not run"}

    @classmethod
    @asynccontextmanager
    async def connect(cls, dsn):
        await asyncio.Event().wait()
        yield


class _Slow:
    def __getattr__(self, name):
        time.sleep(600)


class HangsInTheRow(_Good):
    """Nobody calls the backend any more when it is read."""

    verdicts = {"GET-1": "fail", "LIST-2": "pass"}

    async def get(self, task_id):
        return _Slow()


class _Shy:
    def __repr__(self):
        time.sleep(600)
        return ""


class HangsInRepr(_Good):
    verdicts = {"GET-1": "fail", "LIST-2": "pass"}

    async def get(self, task_id):
        return _Shy()
