"""The four ways: one data layer, written in the idiom of asyncpg, SQLAlchemy Core, SQLAlchemy ORM and SQLModel.

The four files have the same parts in the same order, so that they can be read side by side: the table, the
five operations, the connection they run on, the errors they raise. They share the domain's rules
(:mod:`crudspec.task`) and errors and nothing else, on purpose: what two of them have in common is worth
seeing twice.
"""
