"""Django's services, each called as a request calls them: a thread, and a connection that the request's end closes."""

import os
from contextlib import contextmanager

import django

from crudspec import Entity, Values, translated

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "project.settings")
django.setup()

from django.db import connections
from library import services
from project import settings


@translated
class Books:
    entity = Entity(
        table="library_book",
        schema="schema.sql",
        order=("title", "id"),
        values={
            "title": Values(invalid=[""]),
            "isbn": Values(matching=r"978\d{10}"),
            "status": Values(valid=["ordered", "on shelf", "lent"]),
        },
        create=("author_id", "title", "isbn", "price", "published", "notes"),
        update=("author_id", "title", "isbn", "price", "status", "published", "notes"),
    )

    @classmethod
    @contextmanager
    def connect(cls, dsn):
        connections.close_all()
        connections.settings["default"].update(settings.database(dsn))
        yield cls()
        connections.close_all()

    def request(self, service, *args, **values):
        try:
            return service(*args, **values)
        finally:
            connections.close_all()

    def create(self, **values):
        return self.request(services.book_create, **values)

    def get(self, book_id):
        return self.request(services.book_get, book_id)

    def list_all(self):
        return self.request(services.book_list)

    def update(self, book_id, **values):
        return self.request(services.book_update, book_id, **values) is not None

    def delete(self, book_id):
        return self.request(services.book_delete, book_id)
