"""Results of SQL: what a database gives for a statement, kept with the statement.

A database has no version that could be pinned: the same statement gives another result tomorrow.
Its result is therefore saved, as an ordinary version of a table, and the version's entry names the
database and the statement. Linked again, it makes a new version when the result has changed.
"""

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mlnb.core.errors import BadInput, UnknownName, UnsupportedData
from mlnb.core.extras import require
from mlnb.datasets.links import places
from mlnb.datasets.links.source import first_line

MEMORY = ":memory:"
_NAME = re.compile(r'(?:\w+|"[^"]+")(?:\.(?:\w+|"[^"]+")){0,2}')
_LOGIN = re.compile(r"(?<=://)[^\s/@'\"]+@")
_CLOUD = ("s3", "gs", "az", "azure", "abfs", "abfss", "http", "https")


@dataclass(frozen=True)
class Result:
    """What a statement gave."""

    table: Any
    source: dict[str, str]


def not_pinned(source: Any) -> bool:
    """Tell whether a source is a relation of DuckDB, which brings its statement."""
    return _is_duckdb(source, "DuckDBPyRelation")


def run(source: Any, query: str | None) -> Result:
    """Return what a database gives for a statement or a table's name.

    Nothing is changed in the database: a DuckDB file is opened for reading, and what a statement
    does in another database is rolled back.

    Raises
    ------
    UnknownName, UnsupportedData, BadInput
        If there is no such database, or the statement fails or gives no rows.
    """
    if not_pinned(source):
        if query is not None:
            raise BadInput("A relation has its own query.", "Leave the query out.")
        return Result(_arrow(source), _source("duckdb", MEMORY, source.sql_query()))
    statement = (query or "").strip().rstrip(";")
    if not statement:
        raise BadInput("The query is empty.", 'Give a statement: --query "SELECT …"')
    if _NAME.fullmatch(statement):
        statement = f"SELECT * FROM {statement}"  # noqa: S608  (the user's own database)
    if _is_duckdb(source, "DuckDBPyConnection"):
        return Result(_ask(source, statement), _source("duckdb", MEMORY, statement))
    if not isinstance(source, str | Path):
        raise UnsupportedData(f"A {type(source).__name__} cannot be queried.", _FORMS)
    place = str(source).removeprefix("duckdb:")
    if places.is_remote(place) or place.startswith("sqlite:"):
        return _sqlalchemy(place, statement)
    return _duckdb(place, statement)


_FORMS = "Give a DuckDB file, an open DuckDB connection or a SQLAlchemy URL."


def _duckdb(place: str, statement: str) -> Result:
    duckdb = require("duckdb", "duckdb")
    if place == MEMORY:
        with duckdb.connect(MEMORY) as connection:
            return Result(_ask(connection, statement), _source("duckdb", MEMORY, statement))
    file = places.local(place)
    if not file.is_file():
        nearby = [item.name for item in file.parent.glob("*")] if file.parent.is_dir() else []
        raise UnknownName("database file", file.name, nearby)
    with file.open("rb") as stream:
        if stream.read(15) == b"SQLite format 3":
            raise UnsupportedData(f"{file.name!r} is SQLite's.", f"Write sqlite:///{place}")
    try:
        opened = duckdb.connect(str(file), read_only=True)
    except duckdb.Error as error:
        reason = first_line(error)
        raise UnsupportedData(f"{file.name!r} cannot be opened: {reason}.", _FORMS) from None
    with opened as connection:
        table = _ask(connection, statement)
    return Result(table, _source("duckdb", places.recorded(place), statement))


def _ask(connection: Any, statement: str) -> Any:
    duckdb = require("duckdb", "duckdb")
    try:
        statements = duckdb.extract_statements(statement)
        relation = connection.sql(statement) if len(statements) == 1 else None
        if relation is None or str(statements[0].type) != "StatementType.SELECT":
            raise UnsupportedData("The statement gives no rows.", "Give one SELECT.")
        return _arrow(relation)
    except duckdb.Error as error:
        raise UnsupportedData(f"The query fails: {first_line(error)}.") from None


def _arrow(relation: Any) -> Any:
    duckdb = require("duckdb", "duckdb")
    try:
        return relation.to_arrow_table()
    except duckdb.Error as error:
        raise UnsupportedData(f"The query fails: {first_line(error)}.") from None


def _sqlalchemy(url: str, statement: str) -> Result:
    scheme = url.partition("://")[0]
    if scheme in _CLOUD:
        raise UnsupportedData(
            f"{places.recorded(url)!r} is no database.",
            f"Query files with DuckDB: give {MEMORY} as the source and name them in the query.",
        )
    sqlalchemy = require("sqlalchemy", "duckdb")
    import pyarrow as pa

    shown = _shown(url)
    try:
        engine = sqlalchemy.create_engine(url)
    except (sqlalchemy.exc.SQLAlchemyError, ImportError) as error:
        reason = _LOGIN.sub("", first_line(error))
        raise UnsupportedData(f"{shown!r} cannot be opened: {reason}.", _FORMS) from None
    if engine.dialect.name == "sqlite" and engine.url.database not in (None, "", MEMORY):
        file = Path(engine.url.database)
        if not file.is_file():  # SQLite would make it
            nearby = [item.name for item in file.parent.glob("*")] if file.parent.is_dir() else []
            raise UnknownName("database file", file.name, nearby)
    try:
        with engine.connect() as connection:
            found = connection.execute(sqlalchemy.text(statement))
            if not found.returns_rows:
                raise UnsupportedData("The statement gives no rows.", "Give a SELECT.")
            names, rows = list(found.keys()), found.fetchall()
            connection.rollback()
        columns = [pa.array([row[at] for row in rows]) for at in range(len(names))]
        table = pa.table(columns, names=names)
    except sqlalchemy.exc.SQLAlchemyError as error:
        reason = _LOGIN.sub("", first_line(error))
        raise UnsupportedData(f"The query fails: {reason}.") from None
    except pa.ArrowException as error:
        raise UnsupportedData(f"The result is no table: {first_line(error)}.") from None
    finally:
        engine.dispose()
    return Result(table, _source("sql", shown, statement))


def _shown(url: str) -> str:
    """Return a database's URL as it may be recorded."""
    scheme, _, path = url.partition(":///")
    if path and path != MEMORY and scheme.startswith("sqlite"):
        return f"{scheme}:///{places.recorded(path)}"
    return places.recorded(url) if "://" in url else url


def _source(kind: str, location: str, statement: str) -> dict[str, str]:
    return {"type": kind, "location": location, "statement": _LOGIN.sub("", statement)}


def _is_duckdb(source: Any, name: str) -> bool:
    kind = type(source)
    return kind.__name__ == name and kind.__module__.split(".")[0] in ("duckdb", "_duckdb")
