"""Databases of older versions are brought up to date with all that is in them."""

import json
import math
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext

from sweepcnn.errors import WorkError
from sweepcnn.storage import (
    artifact_collections,
    artifact_files,
    runs,
    schema,
    streams,
    tables,
    urls,
    users,
)
from sweepcnn.storage.database import Database
from sweepcnn.storage.tables import metadata
from tests.storage.conftest import NewUrl

# What the first version wrote: one row of each table.
CONFIG, SUMMARY = '{"lr": {"value": 0.1}}', '{"acc": NaN, "loss": 0.5}'
FIRST_ROWS: dict[str, list[Any]] = {
    "users": [1, "local", "local@localhost", "aa", True, 1.0],
    "projects": [1, "local", "p", "", 1.0],
    "sweeps": [1, 1, 1, "sweep1", None, None, "method: grid", "grid", "RUNNING"],
    "agents": [1, 1, 1, "agent1", "host", 1.0, 1.0],
    "runs": [1, 1, 1, 1, "run1", "first", "finished", CONFIG, SUMMARY, None, None, '["t"]'],
    "suggestions": [1, 1, 1, '{"lr": 0.1}', "key", "grid", 1.0],
    "stream_lines": [1, "wandb-history.jsonl", 0, '{"loss": 0.5}'],
    "run_files": [1, "config.yaml", "ff", "md5", 3, "text/yaml", 1.0],
    "artifact_collections": [1, 1, "model", "weights", None, 2.0],
    "artifacts": [1, 1, 1, 1, "COMMITTED", "d", 0, None, None, "[]", "[]"],
    "artifact_aliases": [1, "latest", 1],
    "artifact_manifests": [1, 1, "m", "d", "FULL", "ff", 3],
    "artifact_entries": [1, "w.pt", "md5", 3, 1, None],
    "artifact_blobs": [1, "md5", "ff", 3],
    "run_artifacts": [1, 1, "output", 1.0],
}
FIRST_ROWS["sweeps"] += [None, None, 1.0, 1.0, None]
FIRST_ROWS["runs"] += [None, None, None, None, None, None, 0, False, 1.0, 1.0]
FIRST_ROWS["artifacts"] += [None, None, 3, 1, 1.0, 1.0]


@pytest.fixture
def first(bare_url: NewUrl) -> str:
    """Give the address of a filled database of the first version, which carries no revision."""
    url = bare_url()
    fill_first(url)
    return url


def fill_first(url: str) -> None:
    with engine_of(url).begin() as connection:
        schema.migrate(connection, "0001")
        connection.exec_driver_sql("DROP TABLE alembic_version")
        for table, row in FIRST_ROWS.items():
            marks = ", ".join([f":{place}" for place, _ in enumerate(row)])
            values = {str(place): value for place, value in enumerate(row)}
            connection.execute(sa.text(f"INSERT INTO {table} VALUES ({marks})"), values)
        if connection.dialect.name == "postgresql":  # whose counters know of no id that was given
            for name in {
                n for n in FIRST_ROWS if n != "suggestions" and "id" in metadata.tables[n].columns
            }:
                connection.exec_driver_sql(f"SELECT setval('{name}_id_seq', 1)")


def engine_of(url: str) -> sa.Engine:
    return sa.create_engine(urls.read(url), poolclass=sa.NullPool)


def test_a_new_database_has_the_tables_that_the_code_knows(bare_url: NewUrl) -> None:
    with closing(Database(bare_url())) as database, database.read() as connection:
        assert compare_metadata(MigrationContext.configure(connection), metadata) == []
        assert schema.revision(connection) == schema.head()


def test_a_filled_database_of_the_first_version_keeps_everything(first: str) -> None:
    database = Database(first)
    with database.write() as connection:
        assert compare_metadata(MigrationContext.configure(connection), metadata) == []
        for table in metadata.sorted_tables:
            if table.name in FIRST_ROWS:
                assert connection.execute(sa.select(sa.func.count()).select_from(table)).scalar()
        run = runs.get(connection, 1, "run1")
        assert run is not None
        assert (run.display_name, run.summary) == ("first", SUMMARY)
        assert streams.read(connection, 1, streams.HISTORY) == ['{"loss": 0.5}']
        found = connection.execute(tables.artifact_collections.select()).one()
        assert (found.kind, found.tags, found.updated_at) == ("sequence", "[]", 2.0)
        assert found.next_version == 1
        assert users.by_name(connection, "local") is not None
    database.close()


def test_each_artifact_of_the_first_version_holds_its_own_files(first: str) -> None:
    later = FIRST_ROWS["artifacts"].copy()
    later[0], later[6] = 2, 4
    with engine_of(first).begin() as connection:
        for table, row in (("artifacts", later), ("artifact_entries", [2, "a", "md5", 3, 1, None])):
            marks = ", ".join([f":{place}" for place, _ in enumerate(row)])
            values = {str(place): value for place, value in enumerate(row)}
            connection.execute(sa.text(f"INSERT INTO {table} VALUES ({marks})"), values)
    with closing(Database(first)) as database, database.read() as connection:
        (file,) = artifact_files.files(connection, 2)
        assert (file.path, file.size, file.sha256) == ("a", 3, "ff")
        assert artifact_collections.by_id(connection, 1).next_version == 5


def test_runs_of_the_first_version_are_found_like_new_ones(first: str) -> None:
    engine = engine_of(first)
    tags = ["t", "u"]
    config = {"lr": {"value": 0.1}, "net": {"value": {"a.b": [1, "x", [2]], "a": {"b": 1}}}}
    config |= {"_wandb": {"value": {"v": 1}}, "odd": {"value": "a\0\ud800"}, "bare": True}
    summary: dict[str, Any] = {"acc": math.nan, "huge": 10**400, "none": None, "k" * 1001: 1}
    summary |= {"image": {"_type": "image-file", "sizes": [1]}, "many": list(range(1_500))}
    with engine.begin() as connection:
        columns = {"c": json.dumps(config), "s": json.dumps(summary), "t": json.dumps(tags)}
        connection.execute(sa.text("UPDATE runs SET config = :c, summary = :s, tags = :t"), columns)
    database = Database(first)
    table = metadata.tables["run_values"]
    with database.write() as connection:
        migrated = connection.execute(sa.select(table)).all()
        connection.execute(table.delete())
        found = runs.by_id(connection, 1)
        assert found is not None
        written = {"config": found.config, "summary": found.summary, "tags": found.tags}
        runs.update(connection, 1, **written)
        assert len(migrated) > 1_000
        assert set(connection.execute(sa.select(table)).all()) == set(migrated)
    database.close()


def test_the_id_of_a_deleted_run_is_not_given_again(first: str) -> None:
    database = Database(first)
    with database.write() as connection:
        connection.exec_driver_sql("DELETE FROM runs")
        assert runs.add(connection, project_id=1, user_id=1, name="run2") == 2
        artifact = connection.execute(tables.artifacts.select()).one()
        assert artifact.run_id is None  # it outlives its run
    database.close()


def test_opening_again_changes_nothing(first: str) -> None:
    Database(first).close()
    database = Database(first)
    with database.read() as connection:
        assert runs.get(connection, 1, "run1") is not None
    database.close()


def test_a_database_of_a_newer_version_is_left_alone(first: str) -> None:
    Database(first).close()
    engine = engine_of(first)
    with engine.begin() as connection:
        connection.exec_driver_sql("UPDATE alembic_version SET version_num = '9999'")
    with pytest.raises(WorkError, match="9999: is newer than this program"):
        Database(first)


def test_a_damaged_database_is_refused_as_it_is(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'first.db'}"  # PostgreSQL lets no row be without its reference
    fill_first(url)
    engine = engine_of(url)
    with engine.begin() as connection:
        connection.exec_driver_sql("DELETE FROM runs")
    with pytest.raises(WorkError, match="rows without what they refer to"):
        Database(url)
    with engine.begin() as connection:
        assert schema.revision(connection) == "0001"


def test_what_refers_to_a_row_that_goes_is_found_by_an_index() -> None:
    users_stay = metadata.tables["users"]
    without = [
        f"{table.name}.{key.parent.name}"
        for table in metadata.sorted_tables
        for key in table.foreign_keys
        if key.column.table is not users_stay and key.parent not in first_of_indexes(table)
    ]
    assert without == []


def first_of_indexes(table: sa.Table) -> list[sa.Column[Any]]:
    """Give the columns that an index of a table begins with."""
    unique = [found for found in table.constraints if isinstance(found, sa.UniqueConstraint)]
    indexes = [*(found.columns for found in unique), *(i.columns for i in table.indexes)]
    return [next(iter(columns)) for columns in (table.primary_key.columns, *indexes)]
