"""Django's ORM outside a project: ``settings.configure``, ``django.setup``, and a database alias per DSN."""

from contextlib import contextmanager
from itertools import count
from urllib.parse import urlsplit

import django
from django.conf import settings
from django.db import connections, models

if not settings.configured:
    settings.configure(DATABASES={"default": {"ENGINE": "django.db.backends.postgresql"}})
    django.setup()
ALIASES = count()


class Task(models.Model):
    id = models.BigAutoField(primary_key=True)
    title = models.CharField(max_length=255)
    done = models.BooleanField(default=False)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        app_label = "django_sync"
        db_table = "tasks"


class Backend:
    def __init__(self, alias):
        self.tasks = Task.objects.using(alias)

    @classmethod
    @contextmanager
    def connect(cls, dsn):
        url = urlsplit(dsn)
        alias = f"sync{next(ALIASES)}"
        where = {"HOST": url.hostname, "PORT": url.port, "NAME": url.path[1:]}
        login = {"USER": url.username, "PASSWORD": url.password}
        connections.databases[alias] = {**connections.databases["default"], **where, **login}
        yield cls(alias)
        connections[alias].close()

    def create(self, title):
        return self.tasks.create(title=title)

    def get(self, task_id):
        return self.tasks.filter(pk=task_id).first()

    def list_tasks(self):
        return list(self.tasks.order_by("pk"))

    def update(self, task_id, title, done):
        try:
            task = self.tasks.get(pk=task_id)
        except Task.DoesNotExist:
            return False
        task.title = title
        task.done = done
        task.save()
        return True

    def delete(self, task_id):
        try:
            task = self.tasks.get(pk=task_id)
        except Task.DoesNotExist:
            return False
        task.delete()
        return True
