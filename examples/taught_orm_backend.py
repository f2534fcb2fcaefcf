"""The way that most tutorials teach, kept for what it does wrong: read the object, set its attributes, commit.

    crudspec check examples/taught_orm_backend.py:TaughtOrmBackend -k RACE-2

One call after the other, and none of them cancelled, it keeps the contract. Two at once do not: the unit of work
writes only the columns that it saw change, and it saw the row as it was before the other one's commit. See
docs/races.md for what then happens, statement by statement, and ``crudspec/backends/orm.py`` for what is
missing here: ``with_for_update=True``, and ``@settled``, for a call that is cancelled again while it ends (CANCEL-2).
"""

from crudspec.backends.common import can_exist, check_done, check_title
from crudspec.backends.orm import OrmBackend, TaskRow


class TaughtOrmBackend(OrmBackend):
    """``session.get``, set the attributes, commit."""

    async def update(self, task_id: int, title: str, done: bool) -> bool:
        """Set both values; False if there is no such row. Two at once leave a row that is half of each."""
        check_title(title)
        check_done(done)
        if not can_exist(task_id):
            return False
        async with self._session(self._transaction) as session:
            task = await session.get(TaskRow, task_id)
            if task is None:
                return False
            task.title = title
            task.done = done
            return True

    async def delete(self, task_id: int) -> bool:
        """Remove the row; False if this call did not. Of two at once, one raises."""
        if not can_exist(task_id):
            return False
        async with self._session(self._transaction) as session:
            task = await session.get(TaskRow, task_id)
            if task is None:
                return False
            await session.delete(task)
            return True
