"""The schema speaks every operation of the installed wandb package that is in scope."""

import importlib
import inspect

import pytest
from graphql import GraphQLInputObjectType, GraphQLSyntaxError, parse, validate
from pydantic import BaseModel

from sweepcnn.server.graphql import left_out
from sweepcnn.server.graphql.engine import schema
from tests.server.operations import core_operations, operations

CORE = "core/"
OPERATIONS = operations() | {CORE + name: text for name, text in core_operations().items()}
"""Those of the Go program stand under `core/`."""

# Not served yet, and refused by name, so that the client shows an error.
LATER = {
    "organisations": {
        "FetchOrgInfoFromEntity",
        "FetchOrganization",
        "core/FetchOrgEntityFromEntity",
        "core/OrgFeatureFlags",
    },
    "alerts": {"core/NotifyScriptableRunAlert"},
    "custom charts": {"core/CreateCustomChart"},
    "other digests, asked for where the server has the feature": {
        "core/FetchArtifactDigestAlgorithm",
        "core/XXHashDigestsEnabled",
    },
    "a sweep that the client schedules, where the server has the feature": {
        "EnqueueSweepRun",
        "core/EnqueueSweepRun",
        "core/SweepConfig",
    },
    "automations": {
        "CreateAutomation",
        "CreateGenericWebhookIntegration",
        "DeleteAutomation",
        "GetAutomationsLegacy",
        "GetEntityAutomations",
        "GetEntityAutomationsLegacy",
        "GetOrgAutomations",
        "IntegrationsByEntity",
        "UpdateAutomation",
    },
    "launch queues": {
        "LaunchAgent",
        "ProjectRunQueues",
        "ackRunQueueItem",
        "createLaunchAgent",
        "failRunQueueItem",
        "popFromRunQueue",
        "pushToRunQueue",
        "pushToRunQueueByName",
        "pushToRunQueueByName'",
        "updateLaunchAgent",
        "updateRunQueueItemWarning",
        "GetRunQueueItem",
        "GetRunQueueItem'",
        "fetchRunQueuesFromProject",
        "DeleteFromRunQueue",
        "DeleteRunQueue",
        "GetRunQueueMetadata",
        "GetDefaultResourceConfig",
        "GetRunQueueItems",
        "core/CreateDefaultResourceConfig",
        "core/CreateRunQueue",
        "core/UpsertRunQueue",
    },
    "registries": {
        "FetchAdvancedRegistryFeatures",
        "RegistryVersions",
        "RegistryCollections",
        "FetchRegistry",
        "FetchRegistries",
        "RenameRegistry",
        "UpsertRegistry",
        "DeleteRegistry",
        "RegistryUserMembers",
        "RegistryTeamMembers",
        "CreateRegistryMembers",
        "DeleteRegistryMembers",
        "UpdateUserRegistryRole",
        "UpdateTeamRegistryRole",
    },
}
# Completed by the client at run time; test_client has it send them.
TEMPLATES = {
    "Runs",
    "Run",
    "DeleteRun",
    "RunFullHistory",
    "UpsertSweep",
    "UpsertBucket'",
    "UseArtifact",
}
LEFT_OUT = TEMPLATES.union(*LATER.values())


def problems(name: str) -> list[str]:
    try:
        document = parse(OPERATIONS[name])
    except GraphQLSyntaxError as error:
        return [error.message]
    return [error.message for error in validate(schema(), document)]


@pytest.mark.parametrize("name", sorted(OPERATIONS.keys() - LEFT_OUT))
def test_an_operation_of_the_client_is_valid(name: str) -> None:
    assert problems(name) == []


@pytest.mark.parametrize("name", sorted(LEFT_OUT & OPERATIONS.keys()))
def test_what_is_left_out_is_still_not_served(name: str) -> None:
    assert problems(name), "it is served now: take it from the list"


AREAS = {
    "alerts": "alerts",
    "automations": "automations",
    "custom charts": "custom charts",
    "launch queues": "launch queues",
    "organisations": "registries and organizations",
    "registries": "registries and organizations",
    "a sweep that the client schedules, where the server has the feature": (
        "sweeps that the client schedules"
    ),
}
# The client completes these at run time; as they stand they are no GraphQL.
UNFINISHED = {
    "createLaunchAgent",
    "pushToRunQueue",
    "pushToRunQueueByName",
    "pushToRunQueueByName'",
    "updateLaunchAgent",
}


@pytest.mark.parametrize(
    ("name", "area"),
    [(n, area) for group, area in AREAS.items() for n in sorted(LATER[group] - UNFINISHED)],
)
def test_what_is_left_out_is_refused_by_its_name(name: str, area: str) -> None:
    assert left_out.area(validate(schema(), parse(OPERATIONS[name]))) == area


def test_the_list_names_nothing_that_is_not_there() -> None:
    assert LEFT_OUT - OPERATIONS.keys() == set()
    assert sum(not name.startswith(CORE) for name in OPERATIONS) > 100
    assert sum(name.startswith(CORE) for name in OPERATIONS) > 40


GENERATED = ("wandb.apis._generated.input_types", "wandb.sdk.artifacts._generated.input_types")


def inputs() -> dict[str, set[str]]:
    """Give the client's input types with the fields that it may fill."""
    found: dict[str, set[str]] = {}
    for module in GENERATED:
        for name, class_ in inspect.getmembers(importlib.import_module(module), inspect.isclass):
            if issubclass(class_, BaseModel):
                fields = {field.alias or key for key, field in class_.model_fields.items()}
                found.setdefault(name, set()).update(fields)
    return found


def test_what_the_client_may_fill_is_known() -> None:
    unknown = {}
    for name, fields in inputs().items():
        type_ = schema().type_map.get(name)
        if isinstance(type_, GraphQLInputObjectType):
            unknown[name] = fields - type_.fields.keys()
    assert "ArtifactAliasInput" in unknown
    left_out = {
        "TagInput": {"tagCategoryName", "attributes"},
        "UpdateArtifactInput": {"labels"},
    }
    del unknown["UpsertModelInput"]  # beyond its five, the settings of registries
    filled = {
        name: fields - {"clientMutationId", "clientMutationID"} for name, fields in unknown.items()
    }
    assert {name: fields for name, fields in filled.items() if fields} == left_out
