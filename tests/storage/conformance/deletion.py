"""Deletion: what goes with what, what outlives it, and ids that are not given again."""

import sqlalchemy as sa

from sweepcnn.storage import agents, runs, sweeps, tables
from sweepcnn.storage.tables import metadata
from tests.storage.rows import counts, fill, project_of, row_of

_OF_NO_PROJECT = {"users", "teams", "team_members", "data_folders"}


class Deletion:
    def gone_with(self, connection: sa.Connection, table: sa.Table) -> set[str]:
        """Tell which tables lose a row with the first row of a table; the second ones stay."""
        fill(connection, 1)
        fill(connection, 2)
        connection.execute(table.delete().where(table.c.id == 1))
        found = counts(connection)
        assert set(found.values()) <= {1, 2}
        return {name for name, count in found.items() if count == 1}

    def test_all_of_a_project_goes_with_it(self, writing: sa.Connection) -> None:
        lost = self.gone_with(writing, tables.projects)
        assert lost == set(metadata.tables) - _OF_NO_PROJECT

    def test_all_of_a_sweep_goes_with_it(self, writing: sa.Connection) -> None:
        lost = self.gone_with(writing, tables.sweeps)
        assert {
            "agents",
            "runs",
            "points",
            "assignments",
            "prior_runs",
            "stream_lines",
            "run_files",
        } <= lost
        assert {"projects", "artifacts", "artifact_entries"}.isdisjoint(lost)

    def test_artifacts_outlive_the_run_that_made_them(self, writing: sa.Connection) -> None:
        lost = self.gone_with(writing, tables.runs)
        assert {"stream_lines", "run_files", "run_values", "history_keys", "run_artifacts"} <= lost
        assert {"assignments", "progress", "rungs", "prior_runs"} <= lost
        assert not {name for name in lost if name.startswith("artifact")}
        makers = writing.execute(sa.select(tables.artifacts.c.run_id).order_by("id")).scalars()
        assert list(makers) == [None, 2]

    def test_all_of_an_artifact_goes_with_it(self, writing: sa.Connection) -> None:
        lost = self.gone_with(writing, tables.artifacts)
        assert {
            "artifact_manifests",
            "artifact_blobs",
            "artifact_aliases",
            "artifact_links",
        } <= lost
        assert {"runs", "artifact_collections"}.isdisjoint(lost)

    def test_the_id_of_what_was_deleted_is_not_given_again(self, writing: sa.Connection) -> None:
        fill(writing)
        writing.execute(tables.projects.delete())
        user, project = 1, project_of(writing, "ann")
        assert project == 2
        assert runs.add(writing, project_id=project, user_id=user, name="r") == 2
        sweep = {"project_id": project, "user_id": user, "name": "s"}
        assert sweeps.add(writing, **sweep, config="", method="grid") == 2
        assert agents.add(writing, sweep_id=2, user_id=user, name="a", host="h") == 2
        for name in ("views", "artifact_collections", "artifacts", "artifact_manifests"):
            table = metadata.tables[name]
            row = row_of(table, 2)
            row |= {"user_id": user} if "user_id" in row else {}
            key = writing.execute(table.insert().values(row)).inserted_primary_key
            assert key is not None
            assert key[0] == 2, name
