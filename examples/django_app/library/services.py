"""What can be done with books; what is not allowed raises Django's ValidationError."""

from django.db import transaction

from library.models import Book


def book_create(**values) -> Book:
    book = Book(**values)
    book.full_clean()
    book.save()
    return book


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
    book.full_clean()
    book.save()
    return book


def book_delete(book_id: int) -> bool:
    deleted, _ = Book.objects.filter(pk=book_id).delete()
    return deleted > 0
