"""Things of the process that others rely on are changed; what the backend does is right, or is told all the same."""

import asyncio
import builtins
import contextlib
import decimal
import gc
import json
import locale
import logging
import os
import random
import signal
import sys
import threading
import time
import warnings

import pytest
from tests.hostile.ends import _Good

FINE = {"CREATE-6": "pass", "GET-1": "pass", "LIST-2": "pass"}


class _Meddles(_Good):
    verdicts = FINE

    async def create(self, title):
        self.meddle()
        return await super().create(title)


class DisablesCollection(_Meddles):
    def meddle(self):
        gc.disable()
        gc.set_threshold(0)


class ChangesPlace(_Meddles):
    def meddle(self):
        os.chdir("/")
        os.umask(0o777)


class ChangesPath(_Meddles):
    def meddle(self):
        sys.path[:] = ["/nowhere"]


class ChangesEnvironment(_Meddles):
    def meddle(self):
        os.environ.clear()


class Prints(_Meddles):
    """A megabyte, not in any encoding."""

    def meddle(self):
        sys.stdout.buffer.write(b"\xff\xfe\x00\x1b[2J" * 150_000)
        sys.stdout.flush()
        os.write(2, b"\xff" * 100_000)


class PrintsSurrogates(_Meddles):
    def meddle(self):
        print("\ud800")


class WarnsAsErrors(_Meddles):
    def meddle(self):
        warnings.simplefilter("error")
        warnings.showwarning = None


class ChangesPolicy(_Meddles):
    def meddle(self):
        asyncio.set_event_loop_policy(asyncio.DefaultEventLoopPolicy())
        asyncio.set_event_loop(None)


class ChangesSwitches(_Meddles):
    def meddle(self):
        sys.setswitchinterval(0.5)
        decimal.getcontext().prec = 1
        locale.setlocale(locale.LC_ALL, "C")
        random.seed(0)


class DisablesLogging(_Meddles):
    def meddle(self):
        logging.disable(logging.CRITICAL)
        logging.root.handlers.clear()


class Traces(_Meddles):
    def meddle(self):
        sys.settrace(lambda *_: None)
        sys.setprofile(lambda *_: None)
        threading.settrace(lambda *_: None)


class IgnoresSignals(_Meddles):
    def meddle(self):
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, signal.SIG_IGN)


class LeavesGeneratorsOpen(_Meddles):
    left: list = []

    def meddle(self):
        async def numbers():
            with contextlib.suppress(GeneratorExit):
                yield 1
            yield 2

        generator = numbers()
        with contextlib.suppress(StopIteration):
            generator.__anext__().send(None)
        self.left.append(generator)


class ReplacesHooks(_Meddles):
    def meddle(self):
        sys.excepthook = sys.unraisablehook = threading.excepthook = None
        sys.displayhook = None


class ReplacesClocks(_Meddles):
    """They stand still: the parent has one of its own."""

    verdicts = {"CREATE-6": "pass"}

    def meddle(self):
        now = time.monotonic()
        time.monotonic = time.perf_counter = time.time = lambda: now


class ClosesStdout(_Meddles):
    def meddle(self):
        sys.stdout.close()
        sys.stderr.close()


class ClosesDescriptors(_Meddles):
    """What is opened next has one of these numbers, and is closed the next time: its own connection."""

    verdicts = {"CREATE-1": "fail", "LIST-2": "pass"}

    def meddle(self):
        for descriptor in (0, 1, 2):
            with contextlib.suppress(OSError):
                os.close(descriptor)


class RemovesStdout(_Meddles):
    def meddle(self):
        sys.stdout = sys.stderr = None


class ReplacesPrint(_Meddles):
    def meddle(self):
        builtins.print = None


class ReplacesJson(_Meddles):
    """The interpreter, pytest and asyncio need it, too."""

    verdicts = {"CREATE-1": "fail"}

    def meddle(self):
        json.dumps = json.loads = None


class ReplacesSkip(_Meddles):
    """What it finds is nobody's."""

    verdicts = {"GET-1": "fail"}

    def meddle(self):
        pytest.skip = pytest.fail = None

    async def get(self, task_id):
        return None


class LowersRecursion(_Meddles):
    """Nothing can be asked any more, and that is told."""

    verdicts = {"LIST-2": "pass"}

    def meddle(self):
        pass

    async def get(self, task_id):
        with contextlib.suppress(RecursionError):
            sys.setrecursionlimit(60)
        return await super().get(task_id)


class AsksForAnAnswer(_Good):
    """As ``breakpoint()`` left over does: there is nobody to give one."""

    verdicts = {"CREATE-6": "pass", "GET-1": "fail", "LIST-2": "pass"}

    async def get(self, task_id):
        input("? ")
