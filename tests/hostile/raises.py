"""Whatever can be raised, and whatever cannot be shown."""

import asyncio

import pytest
from sqlalchemy.util import await_only, greenlet_spawn
from tests.hostile.ends import _Good


def _raising(*, name, error):
    async def get(self, task_id):
        raise error()

    verdicts = {"CREATE-6": "pass", "GET-1": "fail", "LIST-2": "pass"}
    return type(name, (_Good,), {"get": get, "verdicts": verdicts, "__module__": __name__})


class _Mute(Exception):
    def __str__(self):
        raise RuntimeError("no words")


class _Gone(Exception):
    def __str__(self):
        raise SystemExit(0)

    __repr__ = __str__


class _Interrupting(Exception):
    def __str__(self):
        raise GeneratorExit

    __repr__ = __str__


class _Nameless(Exception):
    __module__ = None


class _Circular(Exception):
    def __init__(self):
        super().__init__("round and round")
        self.__cause__ = self


class _Assertion(AssertionError):
    def __repr__(self):
        raise GeneratorExit


RaisesBase = _raising(name="RaisesBase", error=BaseException)
RaisesGeneratorExit = _raising(name="RaisesGeneratorExit", error=GeneratorExit)
RaisesGroup = _raising(name="RaisesGroup", error=lambda: ExceptionGroup("two", [ValueError("a"), OSError("b")]))
RaisesBaseGroup = _raising(name="RaisesBaseGroup", error=lambda: BaseExceptionGroup("one", [GeneratorExit()]))
RaisesCancelled = _raising(name="RaisesCancelled", error=asyncio.CancelledError)
RaisesStop = _raising(name="RaisesStop", error=StopAsyncIteration)
RaisesMemory = _raising(name="RaisesMemory", error=MemoryError)
RaisesMute = _raising(name="RaisesMute", error=_Mute)
RaisesGone = _raising(name="RaisesGone", error=_Gone)
RaisesInterrupting = _raising(name="RaisesInterrupting", error=_Interrupting)
RaisesNameless = _raising(name="RaisesNameless", error=_Nameless)
RaisesCircular = _raising(name="RaisesCircular", error=_Circular)
RaisesAssertion = _raising(name="RaisesAssertion", error=_Assertion)
RaisesHuge = _raising(name="RaisesHuge", error=lambda: ValueError("x" * 10_000_000))
RaisesSurrogate = _raising(name="RaisesSurrogate", error=lambda: ValueError("\ud800 \x1b[2J \x00"))
Skips = _raising(name="Skips", error=lambda: pytest.skip.Exception("not today"))
Fails = _raising(name="Fails", error=lambda: pytest.fail.Exception("today"))
Xfails = _raising(name="Xfails", error=lambda: pytest.xfail.Exception("known"))


class Recurses(_Good):
    verdicts = {"CREATE-6": "pass", "GET-1": "fail", "LIST-2": "pass"}

    async def get(self, task_id):
        return await self.get(task_id)


class RaisesInGreenlet(_Good):
    """On Python 3.11, the parser of source code refuses afterwards."""

    verdicts = {"CREATE-6": "pass", "GET-1": "fail", "LIST-2": "pass"}

    async def get(self, task_id):
        async def deep(depth):
            if depth:
                return await deep(depth - 1)
            raise BaseException("from below")

        def within():
            return await_only(deep(50))

        return await greenlet_spawn(within)


class _Unshowable:
    def __repr__(self):
        raise SystemExit(0)


class ReturnsUnshowable(_Good):
    verdicts = {"CREATE-6": "pass", "GET-1": "fail", "LIST-2": "pass"}

    async def get(self, task_id):
        return _Unshowable()


class _Hard:
    def __getattr__(self, name):
        raise BaseException(name)


class ReturnsHard(_Good):
    """Each attribute of the row raises what is no Exception."""

    verdicts = {"CREATE-6": "pass", "GET-1": "fail", "LIST-2": "pass"}

    async def get(self, task_id):
        return _Hard()


class LeavesTasks(_Good):
    """They raise later, and in the checks of others."""

    verdicts = {"CREATE-6": "pass", "GET-1": "pass", "LIST-2": "pass"}

    async def get(self, task_id):
        async def late():
            await asyncio.sleep(0)
            raise RuntimeError("nobody awaits me")

        self._late = asyncio.create_task(late())
        return await super().get(task_id)
