"""The process ends: early, late, from another thread, by a signal, or as something else."""

import asyncio
import atexit
import ctypes
import os
import resource
import signal
import sys
import threading
import time
from contextlib import asynccontextmanager

import pytest

from crudspec.backends.asyncpg import AsyncpgBackend


class _Good(AsyncpgBackend):
    @classmethod
    @asynccontextmanager
    async def connect(cls, dsn):
        async with AsyncpgBackend.connect(dsn) as backend:
            backend.__class__ = cls
            yield backend


class ExitsInCreate(_Good):
    """With a status that says that all is well."""

    verdicts = {"CREATE-1": "fail", "CREATE-6": "not run", "GET-1": "pass", "LIST-2": "pass"}

    async def create(self, title):
        os._exit(0)


class ExitsInGet(_Good):
    verdicts = {"CREATE-6": "pass", "GET-1": "fail", "LIST-2": "pass"}

    async def get(self, task_id):
        os._exit(1)


class ExitsInConnect(_Good):
    """Nothing can be asked."""

    verdicts = {"CONNECT-1": "fail", "CREATE-6": "not run", "GET-1": "not run"}

    @classmethod
    @asynccontextmanager
    async def connect(cls, dsn):
        os._exit(0)
        yield


class EndsItsParent(_Good):
    """The process that it is a copy of, and so itself."""

    verdicts = {"CREATE-6": "pass", "GET-1": "fail", "LIST-2": "pass"}

    async def get(self, task_id):
        os.kill(os.getppid(), signal.SIGKILL)
        await asyncio.Event().wait()


class ExitsInThread(_Good):
    """At once, or in the middle of what is asked next: it may have ended three processes before LIST-2."""

    verdicts = {"GET-1": "fail"}

    async def get(self, task_id):
        threading.Thread(target=os._exit, args=[0]).start()
        await asyncio.Event().wait()


class ExitsInFinaliser(_Good):
    verdicts = {"GET-1": "fail", "LIST-2": "pass"}

    async def get(self, task_id):
        class Leaves:
            def __del__(self):
                os._exit(0)

        Leaves()


class ExitsAtExit(_Good):
    """Nobody asks the process how it ended once it has told everything."""

    verdicts = {"CREATE-6": "pass", "GET-1": "pass"}

    async def create(self, title):
        atexit.register(os._exit, 0)
        return await super().create(title)


class HangsAtExit(_Good):
    verdicts = {"CREATE-6": "pass", "GET-1": "pass"}

    async def create(self, title):
        atexit.register(time.sleep, 600)
        threading.Thread(target=time.sleep, args=[600]).start()
        return await super().create(title)


class BreaksAndExitsAtExit(_Good):
    verdicts = {"CREATE-6": "pass", "GET-1": "fail"}

    async def get(self, task_id):
        atexit.register(os._exit, 0)
        return


class Killed(_Good):
    verdicts = {"GET-1": "fail", "LIST-2": "pass"}

    async def get(self, task_id):
        os.kill(os.getpid(), signal.SIGKILL)


class Terminated(_Good):
    verdicts = {"GET-1": "fail", "LIST-2": "pass"}

    async def get(self, task_id):
        os.kill(os.getpid(), signal.SIGTERM)


class EndsItsGroup(_Good):
    verdicts = {"GET-1": "fail", "LIST-2": "pass"}

    async def get(self, task_id):
        os.killpg(0, signal.SIGKILL)


class Crashes(_Good):
    verdicts = {"GET-1": "fail", "LIST-2": "pass"}

    async def get(self, task_id):
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        ctypes.string_at(0)


class Aborts(_Good):
    verdicts = {"GET-1": "fail", "LIST-2": "pass"}

    async def get(self, task_id):
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        os.abort()


class Alarmed(_Good):
    verdicts = {"GET-1": "fail", "LIST-2": "pass"}

    async def get(self, task_id):
        signal.signal(signal.SIGALRM, signal.SIG_DFL)
        signal.setitimer(signal.ITIMER_REAL, 0.001)
        await asyncio.Event().wait()


class Becomes(_Good):
    """Another program, which ends well."""

    verdicts = {"GET-1": "fail", "LIST-2": "pass"}

    async def get(self, task_id):
        os.execv("/bin/true", ["true"])


class StopsTheLoop(_Good):
    verdicts = {"GET-1": "fail"}

    async def get(self, task_id):
        asyncio.get_running_loop().stop()
        await asyncio.Event().wait()


class HandlesAndLeaves(_Good):
    """The loop's exception handler is its own, and leaves."""

    verdicts = {"GET-1": "fail", "LIST-2": "pass"}

    async def get(self, task_id):
        loop = asyncio.get_running_loop()
        loop.set_exception_handler(lambda *_: os._exit(0))
        loop.call_soon(lambda: 1 / 0)
        await asyncio.Event().wait()


class LeavesInCallback(_Good):
    verdicts = {"GET-1": "fail"}

    async def get(self, task_id):
        asyncio.get_running_loop().call_soon(sys.exit, 0)
        await asyncio.Event().wait()


class LeavesInTask(_Good):
    verdicts = {"GET-1": "fail"}

    async def get(self, task_id):
        async def leave():
            sys.exit(0)

        await asyncio.create_task(leave())


class Leaves(_Good):
    verdicts = {"GET-1": "fail", "LIST-2": "pass"}

    async def get(self, task_id):
        sys.exit(0)


class LeavesPytest(_Good):
    verdicts = {"GET-1": "fail", "LIST-2": "pass"}

    async def get(self, task_id):
        pytest.exit("all done", returncode=0)


class RaisesKeyboardInterrupt(_Good):
    verdicts = {"GET-1": "fail", "LIST-2": "pass"}

    async def get(self, task_id):
        raise KeyboardInterrupt


class InterruptsItself(_Good):
    verdicts = {"GET-1": "fail", "LIST-2": "pass"}

    async def get(self, task_id):
        os.kill(os.getpid(), signal.SIGINT)
        await asyncio.Event().wait()


class ClosesEverything(_Good):
    """Files, pipes and sockets, those of the suite among them."""

    verdicts = {"GET-1": "fail", "LIST-2": "pass"}

    async def get(self, task_id):
        os.closerange(0, 256)


class LeavesAProcess(_Good):
    """It holds every pipe open, and would for minutes."""

    verdicts = {"CREATE-6": "pass", "GET-1": "fail"}

    async def get(self, task_id):
        if os.fork() == 0:
            signal.signal(signal.SIGINT, signal.SIG_IGN)
            time.sleep(600)
        os._exit(0)


class Forgets(_Good):
    """Every module that was imported."""

    verdicts = {}

    async def get(self, task_id):
        sys.modules.clear()
        return await super().get(task_id)
