"""Django's ORM in its async form (``aget``, ``asave``) outside a project, with a database alias per DSN."""

from contextlib import asynccontextmanager
from itertools import count
from urllib.parse import urlsplit

import django
from asgiref.sync import sync_to_async
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
        app_label = "django_async"
        db_table = "tasks"


class Backend:
    def __init__(self, alias):
        self.tasks = Task.objects.using(alias)

    @classmethod
    @asynccontextmanager
    async def connect(cls, dsn):
        url = urlsplit(dsn)
        alias = f"async{next(ALIASES)}"
        where = {"HOST": url.hostname, "PORT": url.port, "NAME": url.path[1:]}
        login = {"USER": url.username, "PASSWORD": url.password}
        connections.databases[alias] = {**connections.databases["default"], **where, **login}
        yield cls(alias)
        await sync_to_async(connections.close_all)()

    async def create(self, title):
        return await self.tasks.acreate(title=title)

    async def get(self, task_id):
        return await self.tasks.filter(pk=task_id).afirst()

    async def list_tasks(self):
        return [task async for task in self.tasks.order_by("pk")]

    async def update(self, task_id, title, done):
        try:
            task = await self.tasks.aget(pk=task_id)
        except Task.DoesNotExist:
            return False
        task.title = title
        task.done = done
        await task.asave()
        return True

    async def delete(self, task_id):
        try:
            task = await self.tasks.aget(pk=task_id)
        except Task.DoesNotExist:
            return False
        await task.adelete()
        return True
