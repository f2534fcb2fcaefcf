"""Parts of the suite are replaced by what finds nothing."""

import sys

from tests.hostile.ends import _Good

from crudspec.run import makereport
from crudspec.truth import expect, model
from crudspec.truth.witness import Witness


class _Tampers(_Good):
    verdicts = {"CREATE-1": "fail"}

    async def create(self, title):
        self.tamper()
        return


class ReplacesExpect(_Tampers):
    def tamper(self):
        expect.expect = expect.shown = lambda *_: None


class ReplacesExpectInTheSuite(_Tampers):
    """Where it was imported to."""

    def tamper(self):
        for module in list(sys.modules.values()):
            if module.__name__.endswith("test_create"):
                module.read = module.expect = lambda *_: None


class ReplacesTheModel(_Tampers):
    def tamper(self):
        model.Model = dict


class ReplacesAMethod(_Tampers):
    def tamper(self):
        Witness.rows = None


class ReplacesCode(_Tampers):
    def tamper(self):
        expect.expect.__code__ = (lambda what, seen, expected: None).__code__


class ReplacesTheJudge(_Tampers):
    def tamper(self):
        makereport.judge = lambda *_: None
