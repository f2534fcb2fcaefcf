"""The command line."""

from __future__ import annotations

import difflib
import os
import shlex
import sys
from pathlib import Path

import click

from crudspec.adopt import commands
from crudspec.adopt.commands import told
from crudspec.contract.clauses import BY_ID, PROFILE_NAMES
from crudspec.contract.deviations import DEFAULT_NAME
from crudspec.entity.errors import EntityError
from crudspec.options import Commands, choice_of, server_options, settings_here, unusable, wrong_usage
from crudspec.run.place import suite_directory
from crudspec.settings import EFFORT_NAMES, chosen


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="crudspec")
def main() -> None:
    """One CRUD contract, every backend: what a PostgreSQL data layer does, proven on a real server."""


@main.command()
@click.argument("backends", nargs=-1)
@server_options
@click.option("--profile", "profiles", multiple=True, type=click.Choice(PROFILE_NAMES), help="Only this profile.")
@click.option("--strict", is_flag=True, help="A SHOULD that does not hold fails the run.")
@click.option("--effort", type=click.Choice(EFFORT_NAMES), help="How many programs, races and failures in a row.")
@click.option("--deadline", type=click.FloatRange(0, min_open=True), metavar="SECONDS", help="For each operation.")
@click.option("--deviations", type=click.Path(), help="Known deviations (default: crudspec-deviations.toml, if there).")
@click.option("--write-deviations", is_flag=True, help="Write a first draft of that file.")
@click.option("--wire", is_flag=True, help="Show the SQL of its operations in each failure.")
@click.option("--translated", is_flag=True, help="Translate each backend's errors: what else is there to say?")
@click.option("-k", "keyword", metavar="EXPR", help="Only checks that match, such as 'CREATE-4 or UPDATE-5'.")
@click.option("-n", "processes", type=click.IntRange(1), default=1, metavar="N", help="Run in N processes.")
@click.option("-x", "stop_at_first", is_flag=True, help="Stop at the first failure.")
@click.option("-v", "--verbose", is_flag=True, help="Show every check as it goes, and every failure in full.")
@click.option("--list", "listing", is_flag=True, help="List the checks that would run, without a server.")
def check(
    backends: tuple[str, ...],
    server: str | None,
    dsn: str | None,
    profiles: tuple[str, ...],
    strict: bool,
    effort: str | None,
    deadline: float | None,
    deviations: str | None,
    write_deviations: bool,
    wire: bool,
    translated: bool,
    keyword: str | None,
    processes: int,
    stop_at_first: bool,
    verbose: bool,
    listing: bool,
) -> None:
    """Run the contract against BACKENDS and show the matrix and the findings.

    A backend is a built-in name (asyncpg, core, orm, sqlmodel), an installed entry point, package.module:Class, or
    path/to/file.py:Class. Without one, those of [tool.crudspec] in pyproject.toml, which may say the other options,
    too; or else the four built-in ones. The exit status is pytest's: 0 all held, 1 some did not, 2 interrupted, 4 wrong
    usage.
    """
    from crudspec import check as checking
    from crudspec.supervisor import Order

    settings = settings_here()  # the processes that run the checks read it, too
    valued = {"server": server, "effort": effort, "deadline": deadline, "deviations": deviations, "profile": profiles}
    flags = {"strict": strict, "wire": wire, "translated": translated}
    options = [f"--{option}={value}" for option, value in valued.items() if isinstance(value, str | float)]
    options += [f"--profile={profile}" for profile in profiles]
    options += [f"--{option}" for option, value in flags.items() if value]
    selection = ["-k", keyword] if keyword is not None else []
    suite = suite_directory()
    arguments = [str(suite), "-c", str(suite / "pytest.ini"), "--rootdir", str(suite), "-s"]
    # crudspec is imported already where the checks run: nothing of it is rewritten, and nothing needs to be.
    arguments += ["-p", "no:terminal", "-W", "ignore:Module already imported:pytest.PytestAssertRewriteWarning"]
    arguments += [f"--crud-backend={backend}" for backend in backends]
    arguments += [option.replace("--", "--crud-", 1) for option in options]
    arguments += [*selection, *(["--collect-only"] if listing else [])]
    order = Order(
        arguments=arguments,
        choice=None if listing else choice_of(server, dsn, settings),
        processes=processes,
        stop_at_first=stop_at_first,
        effort=effort or settings.effort or "default",
        deadline=deadline or settings.deadline,
        command=shlex.join(["crudspec", "check", *backends, *options, *selection]),
        options=[option for option in options if not option.startswith(("--profile", "--deviations"))],
    )
    named = deviations or (settings.deviations if isinstance(settings.deviations, Path) else DEFAULT_NAME)
    draft = Path(named) if write_deviations else None
    try:
        sys.exit(checking.run(order, verbose=verbose, draft=draft))
    except EntityError as error:
        raise unusable(error, dsn) from None
    except checking.Refused as error:
        raise wrong_usage(error, dsn) from None


@main.command()
@click.argument("backends", nargs=-1)
@server_options
def demo(backends: tuple[str, ...], server: str | None, dsn: str | None) -> None:
    """Run the same five operations through each backend and print each row."""
    from crudspec.backends.registry import BackendError
    from crudspec.demo import run_demo
    from crudspec.server import ServerError

    try:
        settings = settings_here()
        status = run_demo(chosen(backends, settings), choice_of(server, dsn, settings))
    except EntityError as error:
        raise unusable(error, dsn) from None
    except (BackendError, ServerError) as error:
        raise wrong_usage(error, dsn) from None
    sys.exit(status)


@main.command()
@click.argument("backends", nargs=-1)
@server_options
@click.option("--sql", "with_sql", is_flag=True, help="Print the statements of each operation.")
@click.option("--explain", is_flag=True, help="Print them with their plans: EXPLAIN (GENERIC_PLAN), 5,000 rows.")
@click.option("--rtt", metavar="TIME", help="Delay the wire: what each operation takes at that distance, such as 1ms.")
def cost(
    backends: tuple[str, ...], server: str | None, dsn: str | None, with_sql: bool, explain: bool, rtt: str | None
) -> None:
    """Count what each operation of BACKENDS (default: the four built-in ones) costs, on the wire to a real server.

    The figures are exact, and are those of a connection that is open and has its statements prepared. Times are
    medians of a few calls on this machine. The exit status is 0, 1 where a backend could not be measured, or 4 for
    wrong usage.
    """
    from rich.console import Console

    from crudspec.cost.measurement import WrongRequest, duration, measure_all
    from crudspec.cost.table import shown_time, statements, table

    try:
        distance = duration(rtt) if rtt is not None else 0.0
        settings = settings_here()
        running, bills = measure_all(
            chosen(backends, settings),
            choice_of(server, dsn, settings),
            rtt=distance,
            explain=explain,
            tell=lambda line: click.echo(line, err=True),
        )
    except EntityError as error:
        raise unusable(error, dsn) from None
    except WrongRequest as error:
        raise wrong_usage(error, dsn) from None
    click.echo(f"PostgreSQL {running.version}, {running.origin}; {', '.join(str(bill.adapter) for bill in bills)}")
    click.echo("20 rows, connection open, statements prepared; +n round trips are to connect, where every call does")
    Console(width=None if Console().is_terminal else 110).print(
        table(bills, time=f"at {shown_time(distance)}\nround trip" if distance else "measured\nhere")
    )
    for bill in bills:
        if with_sql or explain:
            click.echo("\n".join(["", *statements(bill)]))
        if bill.trouble:
            click.echo(f"\n{bill.adapter.name} could not be measured: {bill.trouble}")
    sys.exit(1 if any(bill.trouble for bill in bills) else 0)


@main.command()
@click.argument("clauses", nargs=-1)
@click.option(
    "--entity", metavar="SPEC", help="Beside each clause, the values that the table of this backend has for it."
)
@server_options
def spec(clauses: tuple[str, ...], entity: str | None, server: str | None, dsn: str | None) -> None:
    """Print the contract, or only CLAUSES, such as CREATE-4. Only --entity needs a server."""
    from crudspec.contract.document import contract

    for clause_id in clauses:
        if clause_id.upper() not in BY_ID:
            near = [known for known in BY_ID if known.startswith(clause_id.upper())]
            near = near or difflib.get_close_matches(clause_id.upper(), BY_ID)
            meant = f" (did you mean {' or '.join(near[:3])}?)" if near else ""
            raise click.UsageError(f"no clause is named {clause_id!r}{meant}; `crudspec spec` prints them all")
    if entity is None:
        click.echo(contract(clauses))
        return
    from crudspec.adopt.understood import tell_contract

    with told(dsn):
        click.echo(tell_contract(entity, choice_of(server, dsn, settings_here()), clauses))


@main.command()
@click.argument("names", nargs=-1)
@click.option(
    "--gallery",
    type=click.Path(file_okay=False, path_type=Path),
    default=Path("tests/mutants"),
    show_default=True,
    help="Folder of the mutants.",
)
@server_options
@click.option("-n", "processes", type=click.IntRange(1), default=3 * (os.cpu_count() or 1), help="Processes at once.")
@click.option(
    "--base", type=click.Choice(["quiet", "noisy", "both"]), default="both", show_default=True, help="On what."
)
@click.option("--write", type=click.Path(dir_okay=False, path_type=Path), help="Write the kill matrix to this file.")
def mutants(
    names: tuple[str, ...],
    gallery: Path,
    server: str | None,
    dsn: str | None,
    processes: int,
    base: str,
    write: Path | None,
) -> None:
    """Run the suite against deliberately wrong backends: each must be caught by the clause that it names.

    NAMES are mutants or clauses, such as CommitForgotten or CREATE-4 (default: all). The quiet base of a mutant is one
    of the four ways as it is; the noisy one lets its driver's exceptions out, leaves values to the server and has no
    timeouts, and the clause has to see the lie behind that. A mutant that survives, a clause
    that fails for no reason, and (where all are run) a clause that has no mutant, make the exit status 1.
    """
    from crudspec.backends.registry import BackendError
    from crudspec.mutants.gallery import collect
    from crudspec.mutants.hunters import BASES, hunt_all
    from crudspec.mutants.matrix import document, problems, summary
    from crudspec.server import ServerError

    if write is not None and (names or base != "both"):
        raise click.UsageError("--write is for the whole gallery on both bases: the kill matrix shows them all")
    if not gallery.is_dir():
        raise click.UsageError(f"there is no folder {gallery}: run it in a clone of crudspec, or name a --gallery")
    try:
        found = collect(gallery)
        chosen = [mutant for mutant in found if not names or mutant.name in names or mutant.clause in names]
        unknown = set(names) - {mutant.name for mutant in found} - set(BY_ID)
        if unknown or not chosen:
            raise click.UsageError(f"no mutant or clause is named {', '.join(sorted(unknown or names))}")
        choice = choice_of(server, dsn, settings_here())
        bases = BASES if base == "both" else [base]
        outcomes = hunt_all(gallery, chosen, choice, processes=processes, tell=click.echo, bases=bases)
    except (BackendError, ServerError) as error:
        raise wrong_usage(error, dsn) from None
    wrong = problems(outcomes, whole=not names)
    click.echo(summary(outcomes))
    for problem in wrong:
        click.echo(f"PROBLEM  {problem}")
    if write is not None and not wrong:
        write.write_text(document(found), encoding="utf-8")
        click.echo(f"wrote {write}")
    sys.exit(1 if wrong else 0)


for command in (commands.entity, commands.new, commands.database):
    main.add_command(command)
