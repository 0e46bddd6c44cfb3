"""Where the layers meet: a session reads statements, plans them, and has them run."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import fields, replace
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import IO, TYPE_CHECKING, Any, TextIO, TypeVar

from sqlbulk.catalog import Catalog
from sqlbulk.commands import Command, DryRun, Explained, Plan, SetOption, UseDatabase, bare, takes_rows
from sqlbulk.commands_catalog import ShowTable
from sqlbulk.errors import (
    ConnectionFailed,
    PlanError,
    ServerError,
    Source,
    Span,
    SqlbulkError,
    SqlError,
    SqlSyntaxError,
    UsageError,
)
from sqlbulk.execute import execute
from sqlbulk.functions.registry import Context
from sqlbulk.link import Link
from sqlbulk.options import OptionProblem, WriteOptions, merge, parse_option, settings
from sqlbulk.plan import Evaluate, plan
from sqlbulk.progress import Progress, Silent
from sqlbulk.results import Result
from sqlbulk.syntax import ast
from sqlbulk.syntax import statements as st
from sqlbulk.syntax.inlined import with_queries_in_place
from sqlbulk.syntax.parser import parse_expression
from sqlbulk.syntax.remembered import parsed
from sqlbulk.syntax.rows import count_list_parameters, decode
from sqlbulk.syntax.rowtrees import Expressions
from sqlbulk.syntax.script import ScriptStatement, statements
from sqlbulk.syntax.statements import Statement
from sqlbulk.targets import Target, check_database, choose_target, moment

if TYPE_CHECKING:
    from sqlbulk.execute.connection import Connection
    from sqlbulk.rowdata import RowSource

T = TypeVar("T")
SILENCE = 30.0
"""For how many seconds a server that didn't answer isn't asked again, for plans alone."""
RULES_AGE = 1.0
"""The seconds for which a script of many INSERTs goes by what it knows of a collection's rules."""
Script = str | Path | IO[bytes] | TextIO
"""The text of a script, its path, or an open file."""
Parameters = Mapping[str, Any] | Sequence[Any] | None
"""Values for `:name` or for `?`."""


def connect(
    uri: str | None = None, *, database: str | None = None, now: datetime | str | None = None,
    data_dir: Path | None = None, **options: Any,
) -> Session:
    """A session; use it as a context manager, or close it. The server is asked when the first statement needs it.

    `uri` defaults to SQLBULK_URI, then MONGODB_URI; without them a private server is started, with its
    data in `data_dir`. `database` defaults to the given URI's, then SQLBULK_DATABASE, then `test`. `now` fixes
    CURRENT_TIMESTAMP; without a zone it is UTC. `options` are defaults for the options of statements.
    Raises UsageError (E6001, E2006, E2007).
    """
    target = choose_target(uri, database, data_dir)
    return Session(target, now=moment(now), options=session_options(options))


def translate(
    sql: str, parameters: Parameters = None, *, catalog: Catalog | None = None, now: datetime | str | None = None
) -> Plan:
    """The plan of one statement, worked out without a server; SqlError says where the statement is wrong.

    `catalog` tells what is known of the database, None: nothing.
    """
    with Session(choose_target(None, None, None), now=moment(now), options=WriteOptions()) as session:
        return session.plan(only_statement(sql), parameters, catalog=catalog or Catalog())


def session_options(given: Mapping[str, Any]) -> WriteOptions:
    """The default options with these over them; UsageError E2006 or E2007."""
    try:
        return merge(WriteOptions(), [parse_option(name, value) for name, value in given.items()])
    except OptionProblem as problem:
        raise UsageError(problem.code, problem.message, hint=problem.hint) from None


class Session:
    """A target, the defaults of options, and the moment that counts as now. Made by `connect`; not for several threads.

    With `dry_run` statements that write are run as DRY RUN, and those that define or drop something only explained.
    `progress` is told how far bulk statements are; `last_plan` is the plan of the last statement.
    `parameters_seen` are the parameters that the statements so far have: names, and numbers from 0 on.
    """

    def __init__(self, target: Target, *, now: datetime | None, options: WriteOptions) -> None:
        self.options, self.now = options, now
        self.progress: Progress = Silent()
        self.dry_run = False
        self.last_plan: Plan | None = None
        self.parameters_seen: set[int | str] = set()
        self._link = Link(target)
        self._database = target.database
        self._stop = threading.Event()
        self._writing = self._stdin_is_script = False
        self._rules: dict[tuple[str, tuple[str, ...]], tuple[float, Catalog]] = {}
        self._silence: tuple[float, str] | None = None

    def execute(self, sql: str, parameters: Parameters = None, *, rows: Iterable[Any] | None = None) -> Result:
        """Run one statement.

        `parameters` are values for `?` or `:name`. `rows` are those of `INSERT INTO t ?`: any iterable of
        tuples, sequences or dicts, read as they are written. Raises SqlError where the text is wrong,
        UsageError for a wrong call, ConnectionFailed, and ServerError with what was done in `summary`.
        """
        return self.run_statement(only_statement(sql), parameters, rows=rows, all_used=True)

    def run(self, script: Script, parameters: Parameters = None, *, name: str | None = None) -> Iterator[Result]:
        """The results of a script's statements; each runs when its result is asked for.

        `script` is the text itself (str), its path (Path) or an open file, `name` what errors call it.
        Files that a script names are found from the script's own directory, else from the working directory.
        Raises as `execute` does; what follows a failing statement is not run.
        """
        for statement in self.statements(script, name=name):
            yield self.run_statement(statement, parameters)

    def explain(self, sql: str, parameters: Parameters = None) -> str:
        """What one statement would ask of MongoDB, as text. SqlError where it is wrong."""
        return str(self.plan(only_statement(sql), parameters))

    def plans(self, script: Script, parameters: Parameters = None, *, name: str | None = None) -> Iterator[Plan]:
        """The plans of a script's statements. Nothing is run but SET and USE, which the later plans depend on."""
        for statement in self.statements(script, name=name):
            made = self.plan(statement, parameters)
            for step in made.steps:
                if isinstance(step, SetOption | UseDatabase):
                    self._run_step(step, None, None)
            yield made

    def statements(self, script: Script, *, name: str | None = None) -> Iterator[ScriptStatement]:
        """A script, cut into statements as they are asked for."""
        if not isinstance(script, str | Path) and not hasattr(script, "read"):
            raise UsageError("E6001", f"a script is a text, a Path or an open file, not a {type(script).__name__}")
        self._stdin_is_script = script in (sys.stdin, getattr(sys.stdin, "buffer", None))
        found = statements(script, name=name or _name_of(script))
        return (replace(s, directory=script.parent) for s in found) if isinstance(script, Path) else found

    def run_statement(
        self, statement: ScriptStatement, parameters: Parameters = None, *, rows: Iterable[Any] | None = None,
        all_used: bool = False,
    ) -> Result:
        """Plan and run one statement. `all_used`: a parameter that it doesn't have is an error (E2009)."""
        made = self.plan(statement, parameters, all_used=all_used, running=True)
        try:
            return self._run_plan(made, rows, statement.directory)
        except SqlError as error:
            raise error.with_source(statement.source) from None
        except SqlbulkError as error:
            raise self._link.explained(error) from error.__cause__
        except UnicodeEncodeError:
            raise UsageError("E6001", "a text in the statement holds a lone surrogate (half a character)") from None

    def plan(
        self, statement: ScriptStatement, parameters: Parameters = None, *, catalog: Catalog | None = None,
        all_used: bool = True, running: bool = False,
    ) -> Plan:
        """What a statement would ask of MongoDB; SqlError where it is wrong.

        `catalog` None: the server is asked, if planning may want to know of its collections and indexes;
        unless the statement is about to be `running` it may be planned without.
        """
        self._link.check_open()
        statement = with_queries_in_place(statement)
        value_list = ValueList(statement, self.parameters_seen)
        notices: tuple[str, ...] = ()
        try:
            tree = parsed(statement.source, parameters_in_rows=value_list.count_parameters)
            self.parameters_seen |= {node.key for node in nodes_of(tree, ast.Parameter)}
            if running:
                self._check_stdin(tree)
                tree = dry_form(tree) if self.dry_run else tree
            if catalog is None:
                catalog, notices = self._catalog(tree, running=running)
            made = plan(
                tree, context=self._context(), catalog=catalog, parameters=parameters, options=self.options,
                open_rows=value_list.open, all_used=all_used, read_expression=read_expression)
        except SqlError as error:
            raise error.with_source(statement.source) from None
        except RecursionError:
            whole = Span(0, len(statement.source.text))
            raise SqlSyntaxError("E1007", "this is nested too deeply", whole, source=statement.source) from None
        except SqlbulkError as error:
            raise self._link.explained(error) from error.__cause__
        self.last_plan = replace(made, notices=(*made.notices, *notices))
        return self.last_plan

    def _check_stdin(self, tree: Statement) -> None:
        for file in nodes_of(tree, st.FileSource):
            if file.path == "-" and self._stdin_is_script and not only_explained(tree):
                raise PlanError("E6001", "standard input holds the script, so no rows can be read from it", file.span,
                                hint="Put the script into a file, or give it with -c.")

    def _catalog(self, tree: Statement, *, running: bool) -> tuple[Catalog, tuple[str, ...]]:
        """What the server knows of a statement's collections, if planning may want to know it, and a notice.

        A statement that is only to be planned does without where there is no server yet: a private one is
        not started for it, and one that doesn't answer is passed over.
        """
        tables = [tuple(part.text for part in table.name) for table in nodes_of(tree, ast.Table)]
        if not tables:
            return Catalog(), ()
        if running and not only_explained(tree):
            if plans_alone(tree, self.options):
                return self._read_rules(tables[0]), ()
            self._rules.clear()
            return self._read_catalog(tables, indexes=asks_of_indexes(tree)), ()
        if self._link.now is None and self.private:
            return Catalog(), ()
        if self._silence is None or time.monotonic() - self._silence[0] > SILENCE:
            try:
                return self._read_catalog(tables), ()
            except (ConnectionFailed, ServerError) as error:
                self._silence = (time.monotonic(), error.message)
        return Catalog(), (f"planned without the server: {self._silence[1]}",)

    def _read_catalog(self, tables: Sequence[tuple[str, ...]], *, indexes: bool = True) -> Catalog:
        from sqlbulk.execute.catalog import read_catalog

        others = {(name[0], ".".join(name[1:])) for name in tables if len(name) > 1}
        return read_catalog(self.connection(), {name[-1] for name in tables} if indexes else (), others)

    def _read_rules(self, table: tuple[str, ...]) -> Catalog:
        """What a plain INSERT has to know of its collection; asked again after a second, or another statement."""
        from sqlbulk.execute.catalog import read_rules

        key = (self.database, table)
        known = self._rules.get(key)
        if known is not None and time.monotonic() - known[0] < RULES_AGE:
            return known[1]
        database, name = (None, table[0]) if len(table) == 1 else (table[0], ".".join(table[1:]))
        rules = read_rules(self.connection(), database, name)
        catalog = Catalog()
        if rules is not None:
            catalog = Catalog({name: rules}) if database is None else Catalog(others={(table[0], name): rules})
        self._rules[key] = (time.monotonic(), catalog)
        return catalog

    def _context(self) -> Context:
        server = self._link.now.server.version[:2] if self._link.now is not None else None
        now = self.now or moment(datetime.now(UTC))
        assert now is not None
        return Context(now, self.options.time_zone, (server[0], server[1]) if server else None)

    def _run_plan(self, plan: Plan, rows: Iterable[Any] | None, directory: Path | None) -> Result:
        """Run the steps of a plan; the last one's result is the statement's."""
        writes = [bare(step) for step in plan.steps]
        if rows is not None and not any(map(takes_rows, writes)):
            raise UsageError("E6001", "rows are given, but the statement doesn't take any",
                             hint="INSERT INTO t (a, b) ? takes rows.")
        result = Result(plan.statement)
        for step in plan.steps:
            result = self._run_step(step, rows, directory)
        return replace(result, statement=plan.statement, notices=(*plan.notices, *result.notices))

    def _run_step(self, step: Command, rows: Iterable[Any] | None, directory: Path | None) -> Result:
        match step:
            case Explained(text=text):
                return Result("EXPLAIN", ("plan",), [(line,) for line in text.splitlines()])
            case ShowTable(columns=columns, rows=shown):
                return Result("SHOW", columns, shown)
            case SetOption(name=name, value=value):
                self.options = merge(self.options, [(name, value)])
                return Result("SET")
            case UseDatabase(database=database):
                self.database = database
                return Result("USE")
        return self._execute(step, rows, directory)

    def _execute(self, step: Command, rows: Iterable[Any] | None, directory: Path | None) -> Result:
        """Ask the server; while it is a bulk write, `interrupt` stops it after the batches in flight."""
        from sqlbulk.execute.connection import ENDED

        connection = self.connection()
        connection.tidy()
        self._stop.clear()
        self._writing = isinstance(getattr(bare(step), "options", None), WriteOptions)
        try:
            ended = connection.end_orphans() if self._writing and not isinstance(step, DryRun) else 0
            result = execute(step, connection, rows=rows, progress=self.progress, stop=self._stop, base_dir=directory)
        finally:
            self._writing = False
        return replace(result, notices=(ENDED, *result.notices)) if ended else result

    @property
    def database(self) -> str:
        """Where statements run that name no database. May be set; UsageError for a bad name."""
        return self._database

    @database.setter
    def database(self, name: str) -> None:
        self._database = check_database(name)
        if self._link.now is not None:
            self._link.now.database = name

    @property
    def private(self) -> bool:
        """Whether the server is one of our own, because no URI was given."""
        return self._link.private

    @property
    def data_dir(self) -> Path:
        """Where the private server keeps its data."""
        return self._link.data_dir

    def interrupt(self) -> bool:
        """Ask the bulk statement that runs to stop after the batches in flight.

        False if there is none, or it was asked already. May be called from a signal handler or another thread.
        """
        if not self._writing or self._stop.is_set():
            return False
        self._stop.set()
        return True

    def close(self) -> None:
        """Leave the server; a private one is stopped when the last session leaves. Idempotent.

        A closed session runs nothing any more (UsageError E6001). Rows that the server hasn't sent yet are lost:
        whoever reads on gets the same error.
        """
        self._link.close()

    def __enter__(self) -> Session:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def connection(self) -> Connection:
        """The connection, opened now if it wasn't. Raises ConnectionFailed, UsageError, and E6003 to E6008."""
        return self._link.open(self._database)


class ValueList:
    """The value list of a statement, which the planner opens without seeing its text."""

    def __init__(self, statement: ScriptStatement, parameters_seen: set[int | str]) -> None:
        self._rows, self._seen = statement.rows, parameters_seen

    def count_parameters(self) -> int:
        """How many `?` it holds."""
        return 0 if self._rows is None else count_list_parameters(self._rows)

    def open(self, *, columns: tuple[str, ...] | None, evaluate: Evaluate, first_parameter: int) -> RowSource:
        """The rows; expressions in them are parsed here and worked out by `evaluate`."""
        assert self._rows is not None, "only a statement with VALUES is planned to read them"

        def tree_of(text: str, first_parameter: int) -> ast.Expr:
            tree = parse_expression(Source(text), first_parameter=first_parameter)
            self._seen |= {node.key for node in nodes_of(tree, ast.Parameter)}
            return tree

        expressions = Expressions(tree_of, evaluate)

        def value(text: str, *, first_parameter: int) -> Any:
            try:
                return expressions(text, first_parameter=first_parameter)
            except RecursionError:
                raise SqlSyntaxError("E1007", "this is nested too deeply", Span(0, len(text))) from None

        return decode(self._rows, columns=columns, evaluate=value, first_parameter=first_parameter)


def only_explained(tree: Statement) -> bool:
    """Whether the statement isn't run, but its plan is shown."""
    return isinstance(tree, st.Explain) and not tree.analyze


def dry_form(tree: Statement) -> Statement:
    """The statement so that it writes nothing: counted by DRY RUN, or explained."""
    if isinstance(tree, st.Explain) and not isinstance(tree.statement, ast.Query | st.QueryWithOptions):
        return replace(tree, analyze=False)
    if isinstance(tree, st.Insert | st.LoadData | st.Update | st.Delete | st.Move | st.Merge | st.Truncate):
        return st.DryRun(tree, span=tree.span)
    if isinstance(tree, st.CreateTable | st.CreateIndex | st.CreateView | st.Drop):
        return st.Explain(False, tree, span=tree.span)
    return tree


def read_expression(text: str) -> ast.Expr:
    """The tree of an expression that the server keeps as SQL; SqlSyntaxError."""
    return parse_expression(Source(text))


def nodes_of(tree: Any, kind: type[T]) -> Iterator[T]:
    """The nodes of a kind in a tree."""
    waiting = [tree]
    while waiting:
        node = waiting.pop()
        if isinstance(node, kind):
            yield node
        if isinstance(node, tuple):
            waiting.extend(node)
        elif isinstance(node, ast.Node):
            waiting.extend(getattr(node, field.name) for field in fields(node))


def plans_alone(tree: Statement, options: WriteOptions) -> bool:
    """Whether planning asks of the collection's rules alone: a plain INSERT, of which there may be thousands."""
    if not isinstance(tree, st.Insert) or isinstance(tree.rows, ast.Query):
        return False
    names = {"upsert_mode", *settings()["upsert_mode"].aliases}
    given = {option.name.lower() for block in tree.options for option in block.options}
    keyed = options.upsert_mode or bool(names & given)
    series = any(block.name == "TIME_SERIES_OPTIMIZATION" for block in tree.options)
    return tree.verb == "INSERT" and not tree.ignore and tree.conflict is None and not keyed and not series


def asks_of_indexes(tree: Statement) -> bool:
    """Whether indexes may change the plan: not that of a query of one table, in no order."""
    tables = list(nodes_of(tree, ast.Table))
    return not isinstance(tree, ast.Query) or any(nodes_of(tree, ast.OrderItem)) or len(tables) > 1


def only_statement(sql: str) -> ScriptStatement:
    """The one statement of a text; SqlSyntaxError E1001 if there is none, UsageError E6001 if there are several."""
    if not isinstance(sql, str):
        raise UsageError("E6001", f"a statement is a text, not a {type(sql).__name__}")
    found = statements(sql)
    first = next(found, None)
    if first is None:
        raise SqlSyntaxError("E1001", "there is no statement here", Span(0, 0), source=Source(sql))
    second = next(found, None)
    if second is not None:
        line, column = second.source.line, second.source.column
        raise UsageError("E6001", f"the text holds more than one statement; the second begins at {line}:{column}",
                         hint="Session.run takes scripts.")
    return first


def _name_of(script: Script) -> str:
    if isinstance(script, str):
        return "<sql>"
    return str(script) if isinstance(script, Path) else str(getattr(script, "name", "<script>"))
