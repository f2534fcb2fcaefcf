"""Known deviations: a listed failure does not fail the run; a list that is wrong or too long does."""

from datetime import date
from pathlib import Path

import pytest

from crudspec.contract.deviations import Deviation, DeviationError, load, write_draft

LOUD = """
    from crudspec.backends.asyncpg import AsyncpgBackend

    class Loud(AsyncpgBackend):
        async def create(self, title):
            return await super().create(title.upper() if isinstance(title, str) else title)
"""


def entry(**changes: object) -> str:
    values: dict[str, object] = {
        "backend": '"loud.py:Loud"',
        "clause": '"CREATE-3"',
        "reason": '"upper case, on purpose"',
    }
    values.update(changes)
    return "[[deviation]]\n" + "\n".join(f"{key} = {value}" for key, value in values.items() if value is not None)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (entry(clause='"CREATE-99"'), "no clause is named 'CREATE-99'"),
        (entry(reason=None), "lacks a reason"),
        (entry(reason='"  "'), "lacks a reason"),
        (entry(backend=None), "lacks a backend"),
        (entry(until="2030-01-01"), "no key until"),
        (entry(expires='"2030-01-01"'), "expires is a date"),
        (entry(link="1"), "link is a text"),
        (entry() + "\n" + entry(), "listed twice"),
        ("deviation = 1", "holds tables"),
        ("[[deviations]]", "not deviations"),
        ("= 1", "is no TOML"),
    ],
)
def test_a_wrong_file_is_refused_with_the_place(tmp_path: Path, text: str, told: str) -> None:
    path = tmp_path / "d.toml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(DeviationError) as caught:
        load(path)
    assert told in str(caught.value)
    assert str(path) in str(caught.value)


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DeviationError, match="cannot be read"):
        load(tmp_path / "none.toml")


def test_an_entry_counts_on_its_last_day(tmp_path: Path) -> None:
    path = tmp_path / "d.toml"
    path.write_text(entry(expires="2030-01-31", link='"https://example.org/1"'), encoding="utf-8")
    (found,) = load(path)
    assert not found.has_expired(date(2030, 1, 31))
    assert found.has_expired(date(2030, 2, 1))
    assert str(found) == "upper case, on purpose, https://example.org/1, until 2030-01-31"


def test_a_draft_can_be_read_back_and_is_never_written_over(tmp_path: Path) -> None:
    path = tmp_path / "d.toml"
    seen = "quotes \"' backslash \\ control \x7f line\nbreak \N{GRINNING FACE}"
    assert write_draft(path, [("orm", "LIST-1", seen), ("orm", "GET-1", "x")]) == 2
    path.write_text(path.read_text("utf-8").replace("DRAFT, say why this is accepted", "accepted"), "utf-8")
    first, second = load(path)
    assert isinstance(first, Deviation)
    assert (first.backend, first.clause) == ("orm", "LIST-1")
    assert seen in first.reason
    assert second.clause == "GET-1"
    with pytest.raises(DeviationError, match="left alone"):
        write_draft(path, [("orm", "LIST-1", "again")])


def test_a_listed_failure_is_shown_with_its_reason_and_fails_nothing(consumer) -> None:
    consumer.write("loud.py", LOUD)
    consumer.write("crudspec-deviations.toml", entry() + "\n" + entry(clause='"PROGRAM-1"', reason='"the same"'))
    result = consumer.check("loud.py:Loud", "-k", "CREATE-3 or CREATE-6 or PROGRAM-1", "--effort", "quick")
    assert result.ret == 0
    result.stdout.fnmatch_lines(
        ["*CREATE-3 *deviates*", "*CREATE-6 *pass*", "deviates: CREATE-3, Loud: upper case, on purpose"]
    )


def test_a_listed_clause_that_holds_fails_the_run(consumer) -> None:
    consumer.write("mine.toml", entry(backend='"asyncpg"') + "\n" + entry(backend='"core"', clause='"GET-1"'))
    result = consumer.check("asyncpg", "-k", "CREATE-3 or GET-1", "--deviations", "mine.toml")
    assert result.ret == 1
    result.stdout.fnmatch_lines(["asyncpg: is listed as deviating from CREATE-3, which holds; remove the entry"])
    assert "core" not in result.stdout.str()


def test_an_expired_entry_fails_the_run(consumer) -> None:
    consumer.write("loud.py", LOUD)
    consumer.write("mine.toml", entry(expires="2001-01-01"))
    result = consumer.check("loud.py:Loud", "-k", "CREATE-3", "--deviations", "mine.toml")
    assert result.ret == 1
    result.stdout.fnmatch_lines(["*CREATE-3 *FAIL*", "*the deviation from CREATE-3 expired on 2001-01-01*"])


def test_a_wrong_file_is_a_usage_error(consumer) -> None:
    consumer.write("mine.toml", entry(clause='"CREATE-99"'))
    result = consumer.check("asyncpg", "--deviations", "mine.toml")
    assert result.ret == 4
    assert "Traceback" not in result.stderr.str()


def test_a_first_draft_makes_the_next_run_pass_once_it_says_why(consumer) -> None:
    consumer.write("loud.py", LOUD)
    first = consumer.check("loud.py:Loud", "-k", "CREATE-3 or CREATE-6", "--write-deviations")
    assert first.ret == 1
    first.stdout.fnmatch_lines(["wrote 1 deviation to *crudspec-deviations.toml; say in each why it is accepted"])
    draft = Path("crudspec-deviations.toml")
    second = consumer.check("loud.py:Loud", "-k", "CREATE-3 or CREATE-6")
    assert second.ret == 4
    second.stderr.fnmatch_lines(["*CREATE-3 of loud.py:Loud is a draft; say why it is accepted*"])
    draft.write_text(draft.read_text().replace("DRAFT, say why this is accepted", "we shout"))
    assert consumer.check("loud.py:Loud", "-k", "CREATE-3 or CREATE-6").ret == 0
