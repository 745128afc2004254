"""The tables. JSON and YAML that the client sent are kept as the text that came."""

from sweepcnn.storage.tables.artifacts import (
    artifact_aliases,
    artifact_blobs,
    artifact_collections,
    artifact_entries,
    artifact_links,
    artifact_manifests,
    artifact_upload_parts,
    artifact_uploads,
    artifacts,
    run_artifacts,
)
from sweepcnn.storage.tables.parts import metadata
from sweepcnn.storage.tables.people import data_folders, projects, team_members, teams, users, views
from sweepcnn.storage.tables.runs import (
    deleted_runs,
    history_keys,
    run_files,
    run_values,
    runs,
    shared_lines,
    stream_lines,
)
from sweepcnn.storage.tables.sweeps import (
    agents,
    assignments,
    points,
    prior_runs,
    progress,
    rungs,
    sweeps,
)

__all__ = [
    "agents",
    "artifact_aliases",
    "artifact_blobs",
    "artifact_collections",
    "artifact_entries",
    "artifact_links",
    "artifact_manifests",
    "artifact_upload_parts",
    "artifact_uploads",
    "artifacts",
    "assignments",
    "data_folders",
    "deleted_runs",
    "history_keys",
    "metadata",
    "points",
    "prior_runs",
    "progress",
    "projects",
    "run_artifacts",
    "run_files",
    "run_values",
    "rungs",
    "runs",
    "shared_lines",
    "stream_lines",
    "sweeps",
    "team_members",
    "teams",
    "users",
    "views",
]
