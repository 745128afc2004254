"""Resolvers by noun; what is not here is read from the record by its name in snake case."""

from collections.abc import Callable
from typing import Any

from sweepcnn.server.graphql.resolvers import (
    accounts,
    agents,
    artifact_aliases,
    artifact_collection_writes,
    artifact_collections,
    artifact_commits,
    artifact_files,
    artifact_links,
    artifact_uploads,
    artifact_writes,
    artifacts,
    files,
    projects,
    run_history,
    run_lists,
    run_writes,
    runs,
    sweep_writes,
    sweeps,
    teams,
    views,
)

RESOLVERS: dict[str, dict[str, Callable[..., Any]]] = {}
_MODULES = (
    accounts,
    teams,
    projects,
    views,
    runs,
    run_history,
    run_lists,
    run_writes,
    files,
    sweeps,
    sweep_writes,
    agents,
    artifacts,
    artifact_collections,
    artifact_files,
    artifact_writes,
    artifact_uploads,
    artifact_commits,
    artifact_aliases,
    artifact_links,
    artifact_collection_writes,
)
for _module in _MODULES:
    for _type, _fields in _module.RESOLVERS.items():
        RESOLVERS.setdefault(_type, {}).update(_fields)

# Which type an interface or union stands for.
TYPE_OF: dict[str, Callable[..., str]] = {
    "ArtifactCollection": artifact_collections.collection_type,
    "ArtifactCreator": artifacts.creator_type,
}
