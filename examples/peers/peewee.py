"""peewee, as its quickstart has it: one database in the module, and a connection for each request."""

from contextlib import contextmanager
from datetime import datetime
from urllib.parse import urlsplit

from peewee import BigAutoField, BooleanField, CharField, DateTimeField, Model, PostgresqlDatabase

db = PostgresqlDatabase(None)


class Task(Model):
    id = BigAutoField()
    title = CharField(max_length=255)
    done = BooleanField(default=False)
    created_at = DateTimeField(default=datetime.now)

    class Meta:
        database = db
        table_name = "tasks"


class Backend:
    @classmethod
    @contextmanager
    def connect(cls, dsn):
        url = urlsplit(dsn)
        db.init(url.path[1:], host=url.hostname, port=url.port, user=url.username, password=url.password)
        yield cls()
        db.close()

    @db.connection_context()
    def create(self, title):
        return Task.create(title=title)

    @db.connection_context()
    def get(self, task_id):
        return Task.get_or_none(Task.id == task_id)

    @db.connection_context()
    def list_tasks(self):
        return list(Task.select().order_by(Task.id))

    @db.connection_context()
    def update(self, task_id, title, done):
        task = Task.get_or_none(Task.id == task_id)
        if task is None:
            return False
        task.title = title
        task.done = done
        task.save()
        return True

    @db.connection_context()
    def delete(self, task_id):
        task = Task.get_or_none(Task.id == task_id)
        if task is None:
            return False
        task.delete_instance()
        return True
