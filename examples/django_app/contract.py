"""Django's services, each in a thread that closes its connection, as a request does."""

from contextlib import contextmanager
from functools import partial

from config import settings, wsgi  # noqa: F401 - the second of them sets Django up
from django.db import connections
from library import jobs, services

from crudspec import Entity, translated


@translated
class Books:
    entity = Entity("library_book", "schema.sql", order=("title", "id"), moves=("created_at", "updated_at"))

    @classmethod
    @contextmanager
    def connect(cls, dsn):
        connections.settings["default"].update(settings.database(dsn))
        yield cls()

    def create(self, **values):
        return jobs.job(services.book_create, **values)

    def update(self, book_id, **values):
        return jobs.job(services.book_update, book_id, **values) is not None

    get = staticmethod(partial(jobs.job, services.book_get))
    list_all = staticmethod(partial(jobs.job, services.book_list))
    delete = staticmethod(partial(jobs.job, services.book_delete))
