"""Databases of older versions are brought up to date with all that is in them."""

from pathlib import Path

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext

from sweepcnn.errors import WorkError
from sweepcnn.storage import artifacts, runs, schema, streams, users
from sweepcnn.storage.database import Database
from sweepcnn.storage.tables import metadata

# What the first version wrote: one row of each table.
FIRST_ROWS = """
INSERT INTO users VALUES (1, 'local', 'local@localhost', 'aa', 1, 1.0);
INSERT INTO projects VALUES (1, 'local', 'p', '', 1.0);
INSERT INTO sweeps VALUES (1, 1, 1, 'sweep1', NULL, NULL, 'method: grid', 'grid', 'RUNNING', NULL,
                           NULL, 1.0, 1.0, NULL);
INSERT INTO agents VALUES (1, 1, 1, 'agent1', 'host', 1.0, 1.0);
INSERT INTO runs VALUES (1, 1, 1, 1, 'run1', 'first', 'finished', '{"lr": {"value": 0.1}}',
                         '{"acc": NaN, "loss": 0.5}', NULL, NULL, '["t"]', NULL, NULL, NULL, NULL,
                         NULL, NULL, 0, 0, 1.0, 1.0);
INSERT INTO suggestions VALUES (1, 1, 1, '{"lr": 0.1}', 'key', 'grid', 1.0);
INSERT INTO stream_lines VALUES (1, 'wandb-history.jsonl', 0, '{"loss": 0.5}');
INSERT INTO run_files VALUES (1, 'config.yaml', 'ff', 'md5', 3, 'text/yaml', 1.0);
INSERT INTO artifact_collections VALUES (1, 1, 'model', 'weights', NULL, 2.0);
INSERT INTO artifacts VALUES (1, 1, 1, 1, 'COMMITTED', 'd', 0, NULL, NULL, '[]', '[]', NULL, NULL,
                              3, 1, 1.0, 1.0);
INSERT INTO artifact_aliases VALUES (1, 'latest', 1);
INSERT INTO artifact_manifests VALUES (1, 1, 'm', 'd', 'FULL', 'ff', 3);
INSERT INTO artifact_entries VALUES (1, 'w.pt', 'md5', 3, 1, NULL);
INSERT INTO artifact_blobs VALUES (1, 'md5', 'ff', 3);
INSERT INTO run_artifacts VALUES (1, 1, 'output', 1.0);
"""


@pytest.fixture
def first(tmp_path: Path) -> str:
    """Give the address of a filled database of the first version, which carries no revision."""
    url = f"sqlite:///{tmp_path / 'first.db'}"
    engine = sa.create_engine(url)
    with engine.begin() as connection:
        schema.migrate(connection, "0001")
        connection.exec_driver_sql("DROP TABLE alembic_version")
        for statement in FIRST_ROWS.split(";\n"):
            if statement.strip():
                connection.exec_driver_sql(statement)
    engine.dispose()
    return url


def test_a_new_database_has_the_tables_that_the_code_knows(tmp_path: Path) -> None:
    database = Database(f"sqlite:///{tmp_path / 'new.db'}")
    with database.read() as connection:
        assert compare_metadata(MigrationContext.configure(connection), metadata) == []
        assert schema.revision(connection) == schema.head()
    database.close()


def test_a_filled_database_of_the_first_version_keeps_everything(first: str) -> None:
    database = Database(first)
    with database.write() as connection:
        assert compare_metadata(MigrationContext.configure(connection), metadata) == []
        for table in metadata.sorted_tables:
            if table.name in FIRST_ROWS:
                assert connection.execute(sa.select(sa.func.count()).select_from(table)).scalar()
        run = runs.get(connection, 1, "run1")
        assert run is not None
        assert (run.display_name, run.summary) == ("first", '{"acc": NaN, "loss": 0.5}')
        assert streams.read(connection, 1, streams.HISTORY) == ['{"loss": 0.5}']
        found = artifacts.collection(connection, 1, "weights")
        assert found is not None
        assert (found.kind, found.tags, found.updated_at) == ("sequence", "[]", 2.0)
        assert artifacts.by_alias(connection, found.id, "latest") is not None
        assert users.by_name(connection, "local") is not None
    database.close()


def test_the_id_of_a_deleted_run_is_not_given_again(first: str) -> None:
    database = Database(first)
    with database.write() as connection:
        connection.exec_driver_sql("DELETE FROM runs")
        assert runs.add(connection, project_id=1, user_id=1, name="run2") == 2
        artifact = artifacts.get(connection, 1)
        assert artifact is not None
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
    engine = sa.create_engine(first)
    with engine.begin() as connection:
        connection.exec_driver_sql("UPDATE alembic_version SET version_num = '9999'")
    engine.dispose()
    with pytest.raises(WorkError, match="9999: is newer than this program"):
        Database(first)


def test_a_damaged_database_is_refused_as_it_is(first: str) -> None:
    engine = sa.create_engine(first)
    with engine.begin() as connection:
        connection.exec_driver_sql("DELETE FROM runs")
    with pytest.raises(WorkError, match="rows without what they refer to"):
        Database(first)
    with engine.begin() as connection:
        assert schema.revision(connection) == "0001"
    engine.dispose()
