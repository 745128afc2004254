"""The schema speaks what older versions of the wandb client send."""

import json
import re
import subprocess
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from graphql import DocumentNode, GraphQLSyntaxError, parse, validate

from sweepcnn.server.graphql.engine import schema
from tests.clients import installations
from tests.requirements import missing
from tests.server.test_schema import CORE, LATER

ROOT = Path(__file__).parents[2]

# Beyond what of the newest client is left out.
OLDER = {
    "automations": {
        "GetAutomations",
        "GetAutomationsByEntity",
        "GenericWebhookIntegrationsByEntity",
        "SlackIntegrationsByEntity",
    },
    "teams and accounts": {
        "Entity",
        "CreateAnonymousApiKey",
        "FetchOrgEntityFromEntity",
        "FetchOrgEntityFromOrganization",
    },
    "alerts": {"NotifyScriptableRunAlert"},
    "custom charts": {"CreateCustomChart"},
    "launch queues": {
        "LaunchAgent",
        "ProjectRunQueues",
        "RunInfo",
        "ackRunQueueItem",
        "createRunQueue",
        "createRunQueue'",
        "failRunQueueItem",
        "failRunQueueItem'",
        "popFromRunQueue",
        "pushToRunQueueByName'",
        "updateLaunchAgent",
        "updateRunQueueItemWarning",
        "upsertRunQueue",
    },
    "registries": {"Collections", "UpsertRegistryProject", "deleteProject", "renameProject"},
    "what no part of the client calls": {"CreateArtifactType", "ProjectDetails", "ProjectRuns"},
    "servers without createRunFiles": {"RunUploadUrls"},
}
LEFT_OUT: set[str] = set().union(*LATER.values(), *OLDER.values())
_PLACEHOLDER = re.compile(r"\b_[A-Z][A-Za-z_]*_\b")


@cache
def found(version: str) -> dict[str, str]:
    """Give the documents of a version by name."""
    python = installations.python(version) or missing("clients")
    printed = subprocess.run(
        [python, "-m", "tests.server.operations"], cwd=ROOT, check=True, capture_output=True
    )
    documents: Any = json.loads(printed.stdout)
    core = {CORE + name: text for name, text in documents["core"].items()}
    return dict(documents["python"]) | core


def read(text: str) -> DocumentNode | None:
    """Parse a document; null for one that the client completes first, as the stories have it do."""
    try:
        document = parse(text, no_location=True)
    except GraphQLSyntaxError:
        return None
    spread = set(re.findall(r"\.\.\.\s*(\w+)", text)) - {"on"}
    own = set(re.findall(r"\bfragment\s+(\w+)", text))
    return None if _PLACEHOLDER.search(text) or spread - own else document


@pytest.mark.parametrize("version", installations.OLDER)
def test_what_an_older_client_sends_is_valid(version: str) -> None:
    documents = {name: read(text) for name, text in found(version).items()}
    checked = {name: document for name, document in documents.items() if document}
    assert len(documents) - len(checked) < 30
    assert len(checked) > 110
    problems = {
        name: [error.message for error in validate(schema(), document)]
        for name, document in checked.items()
        if name not in LEFT_OUT
    }
    assert {name: told for name, told in problems.items() if told} == {}


def test_the_list_names_nothing_that_is_not_there() -> None:
    names = set().union(*(found(version).keys() for version in installations.OLDER))
    assert set().union(*OLDER.values()) - names == set()
