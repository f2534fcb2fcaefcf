"""pg8000's native interface, as its README has it, with a connection for each call."""

from contextlib import contextmanager
from urllib.parse import urlsplit

from pg8000.native import Connection


class Backend:
    def __init__(self, dsn):
        url = urlsplit(dsn)
        self.where = {"user": url.username, "password": url.password, "host": url.hostname, "port": url.port}
        self.where["database"] = url.path[1:]

    @classmethod
    @contextmanager
    def connect(cls, dsn):
        yield cls(dsn)

    def rows(self, query, **values):
        with Connection(**self.where) as con:
            found = con.run(query, **values)
            return [dict(zip([column["name"] for column in con.columns], row, strict=True)) for row in found]

    def count(self, query, **values):
        with Connection(**self.where) as con:
            con.run(query, **values)
            return con.row_count

    def create(self, title):
        return self.rows("INSERT INTO tasks (title) VALUES (:title) RETURNING *", title=title)[0]

    def get(self, task_id):
        found = self.rows("SELECT * FROM tasks WHERE id = :id", id=task_id)
        return found[0] if found else None

    def list_tasks(self):
        return self.rows("SELECT * FROM tasks ORDER BY id")

    def update(self, task_id, title, done):
        query = "UPDATE tasks SET title = :title, done = :done WHERE id = :id"
        return self.count(query, title=title, done=done, id=task_id) == 1

    def delete(self, task_id):
        return self.count("DELETE FROM tasks WHERE id = :id", id=task_id) == 1
