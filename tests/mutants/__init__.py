"""Deliberately wrong backends: each tells one lie that one clause of the contract must catch.

A mutant is a class on a correct backend that differs from it in a few lines. The first line of its docstring is
``CLAUSE-ID: the lie``; ``also`` names, blank-separated, the other clauses that the very same lie breaks.
``PROGRAM-1`` and ``MIX-1`` are never listed: whole programs may stumble over any lie.
"""
