"""Brings a database to the tables of this version."""

from functools import cache
from pathlib import Path

import sqlalchemy as sa
from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory

from sweepcnn.errors import Problem, WorkError

_FIRST = "0001"  # databases of that revision carry no number yet


@cache
def _config() -> Config:
    config = Config()
    folder = str(Path(__file__).with_name("migrations"))
    config.set_main_option("script_location", folder.replace("%", "%%"))
    return config


@cache
def _scripts() -> ScriptDirectory:
    return ScriptDirectory.from_config(_config())


def head() -> str:
    """Give the revision of this version's tables."""
    return str(_scripts().get_current_head())


def revision(connection: sa.Connection) -> str | None:
    """Give the revision of a database's tables; null for an empty database."""
    found = MigrationContext.configure(connection).get_current_revision()
    if found is None and sa.inspect(connection).has_table("runs"):
        return _FIRST
    return found


def migrate(connection: sa.Connection, target: str = "head") -> None:
    """Bring a database to a revision, inside the caller's transaction.

    On SQLite the connection must not enforce foreign keys: a table is changed by copying it, and
    the rows that refer to it would go with the old one.

    Raises:
        WorkError: the database is of a newer version than this program, damaged, or cannot hold
            all characters.
    """
    if connection.dialect.name == "postgresql":
        _require_utf8(connection)
    found = revision(connection)
    known = {script.revision for script in _scripts().walk_revisions()}
    if found is not None and found not in known:
        rule = f"is newer than this program, which knows revisions up to {head()}"
        problem = Problem(f"the database's revision {found}", rule, "install a newer sweepcnn")
        raise WorkError(problem)
    config = _config()
    config.attributes["connection"] = connection
    if found == _FIRST:
        command.stamp(config, _FIRST)
    command.upgrade(config, target)
    if connection.dialect.name == "sqlite":
        _refuse_orphans(connection)
    else:
        _order_by_code_point(connection)


def _require_utf8(connection: sa.Connection) -> None:
    encoding = connection.exec_driver_sql("SHOW server_encoding").scalar()
    if encoding != "UTF8":
        remedy = "make it by `createdb --template=template0 --encoding=UTF8 NAME`"
        raise WorkError(Problem(f"the database's encoding {encoding}", "must be UTF8", remedy))


def _refuse_orphans(connection: sa.Connection) -> None:
    orphans = connection.exec_driver_sql("PRAGMA foreign_key_check").all()
    if orphans:
        places = ", ".join(sorted({f"{row[0]} -> {row[2]}" for row in orphans}))
        rule = f"has {len(orphans)} rows without what they refer to: {places}"
        raise WorkError(Problem("the database", rule, "restore a copy of the data folder"))


def _order_by_code_point(connection: sa.Connection) -> None:
    """Have texts compared as SQLite does; PostgreSQL would do it by its operator's language."""
    texts = connection.exec_driver_sql(
        "SELECT table_name, column_name FROM information_schema.columns"
        " WHERE table_schema = current_schema() AND data_type = 'text'"
        " AND collation_name IS DISTINCT FROM 'C'"
    )
    quote = connection.dialect.identifier_preparer.quote
    changes: dict[str, list[str]] = {}
    for table, column in texts:
        change = f'ALTER {quote(column)} TYPE text COLLATE "C"'
        changes.setdefault(table, []).append(change)
    for table, columns in changes.items():
        connection.exec_driver_sql(f"ALTER TABLE {quote(table)} {', '.join(columns)}")
