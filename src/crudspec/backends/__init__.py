"""The four ways: one data layer, written in the idiom of asyncpg, SQLAlchemy Core, SQLAlchemy ORM and SQLModel.

The four files have the same parts in the same order, so that they can be read side by side: the table, how it is
reached, the five operations. What is none of a way's business (limits, errors, deadlines, how a cancelled call ends)
they share: :mod:`crudspec.backends.common`, which whoever copies one of them takes along.
"""
