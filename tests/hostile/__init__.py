"""Backends that fight the suite. Each says in ``verdicts`` what has to come of it; its other clauses are left open.

They do it with :class:`~crudspec.backends.asyncpg.AsyncpgBackend`, which keeps every promise: what is wrong is the one
thing that they do.
"""
