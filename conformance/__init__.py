"""The suite: one module per verb or topic, one clause per check.

Run it with ``crudspec check``, or with ``pytest --pyargs crudspec.conformance`` where the package is installed.
"""
