"""A fresh SQLite tracking database in milliseconds: a copy of one that MLflow migrated earlier.

MLflow creates a database by replaying every migration since its first release, which takes
seconds. The result is the same each time, so it is kept in the user's cache folder, one file per
MLflow version, and copied. The copy appears under its final name with one hard link, which fails
if another process was first: both then use the winner's file, and nobody ever opens a database
that is half made.
"""

import logging
import os
import sqlite3
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path


def create(database: Path, artifacts: Path) -> None:
    """Create a migrated, empty tracking database unless there is one.

    Parameters
    ----------
    database : Path
        Where; its folder is created.
    artifacts : Path
        Where its default experiment keeps artifacts.
    """
    if database.exists():
        return
    database.parent.mkdir(parents=True, exist_ok=True)
    with _temporary(database.parent) as copy:
        copy.write_bytes(_template().read_bytes())
        with closing(sqlite3.connect(copy)) as connection:
            # Readers (the Lab panel, the MLflow UI) must not hold up two writing pipeline steps.
            connection.execute("PRAGMA journal_mode = WAL")
            connection.execute(
                "UPDATE experiments SET artifact_location = ? WHERE experiment_id = 0",
                (str(artifacts / "0"),),
            )
            connection.commit()
        copy.chmod(0o644)
        _publish(copy, database)


def cache_folder() -> Path:
    """Return mlnb's folder in the user's cache, created."""
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    folder = Path(base) / "mlnb"
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError:  # no home, or not ours to write to
        folder = Path(tempfile.mkdtemp(prefix="mlnb-"))
    return folder


def _template() -> Path:
    from mlflow.version import VERSION

    template = cache_folder() / f"mlflow-{VERSION}.db"
    if not _complete(template):
        with _temporary(template.parent) as made:
            made.unlink()
            _migrate(made)
            made.replace(template)
    return template


def _complete(template: Path) -> bool:
    try:
        with closing(sqlite3.connect(f"file:{template}?mode=ro", uri=True)) as connection:
            found = connection.execute("SELECT count(*) FROM experiments").fetchone()
    except sqlite3.Error:
        return False
    return bool(found[0] == 1)


def _migrate(database: Path) -> None:
    from mlflow.store.tracking.sqlalchemy_store import SqlAlchemyStore

    with silent():
        store = SqlAlchemyStore(  # type: ignore[no-untyped-call]  # MLflow leaves it untyped
            f"sqlite:///{database}", str(database.parent)
        )
        store.engine.dispose()


@contextmanager
def silent() -> Iterator[None]:
    """Let MLflow make or migrate a database without a line for each step."""
    loggers = [logging.getLogger(name) for name in ("mlflow.store.db.utils", "alembic")]
    levels = [logger.level for logger in loggers]
    for logger in loggers:
        logger.setLevel(logging.WARNING)
    try:
        yield
    finally:
        for logger, level in zip(loggers, levels, strict=True):
            logger.setLevel(level)


def _publish(copy: Path, database: Path) -> None:
    try:
        os.link(copy, database)
    except FileExistsError:
        return
    except OSError:  # a file system without hard links
        with suppress(FileExistsError):
            descriptor = os.open(database, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o644)
            with os.fdopen(descriptor, "wb") as stream:
                stream.write(copy.read_bytes())


@contextmanager
def _temporary(folder: Path) -> Iterator[Path]:
    descriptor, name = tempfile.mkstemp(prefix=".mlflow-", suffix=".db", dir=folder)
    os.close(descriptor)
    path = Path(name)
    try:
        yield path
    finally:
        for suffix in ("", "-wal", "-shm", "-journal"):
            path.with_name(path.name + suffix).unlink(missing_ok=True)
