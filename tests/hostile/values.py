"""Values that are not what they look like."""

from datetime import datetime

from tests.hostile.ends import _Good


class _Anything(str):
    __slots__ = ()

    def __eq__(self, other):
        return True

    def __hash__(self):
        return 0


class _Whenever(datetime):
    def __eq__(self, other):
        return True

    def __hash__(self):
        return 0


class _Number(int):
    def __eq__(self, other):
        return True

    def __hash__(self):
        return 0


async def _changed(backend, task_id, **values):
    row = await super(_Good, backend).get(task_id)
    fields = {name: getattr(row, name) for name in ("id", "title", "done", "created_at")}
    return {**fields, **values}


class _Row(_Good):
    verdicts = {"CREATE-6": "pass", "GET-1": "fail", "LIST-2": "pass"}


class AnyTitle(_Row):
    async def get(self, task_id):
        return await _changed(self, task_id, title=_Anything("whatever"))


class AnyTime(_Row):
    async def get(self, task_id):
        return await _changed(self, task_id, created_at=_Whenever.fromisoformat("2001-01-01T00:00:00+00:00"))


class AnyId(_Row):
    async def get(self, task_id):
        return await _changed(self, task_id, id=_Number(0))


class _Equal:
    def __eq__(self, other):
        return True

    def __hash__(self):
        return 0


class AnyRow(_Row):
    async def get(self, task_id):
        return _Equal()


class AnyList(_Good):
    verdicts = {"CREATE-6": "pass", "GET-1": "pass", "LIST-1": "fail", "LIST-2": "not run"}

    async def list_tasks(self):
        return _Equal()


class _Liar(list):
    def __len__(self):
        return 10**9

    def __bool__(self):
        raise RuntimeError("neither")

    def __eq__(self, other):
        raise RuntimeError("no comparison")

    __hash__ = None


class OddList(_Good):
    """It can be iterated, and nothing else."""

    verdicts = {"CREATE-6": "pass", "GET-1": "pass"}

    async def list_tasks(self):
        return _Liar(await super().list_tasks())


class HugeTitle(_Row):
    async def get(self, task_id):
        return await _changed(self, task_id, title="x" * 50_000_000)
