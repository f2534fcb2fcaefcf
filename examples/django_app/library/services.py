"""What can be done with books; a form has looked at the values before."""

from django.db import transaction

from library.models import Book


def book_create(**values) -> Book:
    return Book.objects.create(**values)


def book_get(book_id: int) -> Book | None:
    return Book.objects.filter(pk=book_id).first()


def book_list() -> list[Book]:
    return list(Book.objects.all())


@transaction.atomic
def book_update(book_id: int, **values) -> Book | None:
    book = Book.objects.select_for_update().filter(pk=book_id).first()
    if book is None:
        return None
    for name, value in values.items():
        setattr(book, name, value)
    book.save()
    return book


def book_delete(book_id: int) -> bool:
    deleted, _ = Book.objects.filter(pk=book_id).delete()
    return deleted > 0
