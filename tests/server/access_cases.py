"""What each field of the schema's roots needs: the table that `test_access` goes through."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from sweepcnn.storage.access import Role
from tests.server.targets import PART, Target

VIEWER, MEMBER, ADMIN = Role
_MD5 = "1B2M2Y8AsgTpgAmY7PhCfg=="


@dataclass(frozen=True)
class Case:
    """One way to call a field.

    Args:
        role: the least that is needed in the entity.
        given: makes the arguments; of a mutation, those inside of `input`.
        once: whether it cannot be done to the same thing again.
    """

    role: Role
    given: Callable[[Target], dict[str, Any]]
    once: bool = False


def _in_project(target: Target) -> dict[str, Any]:
    return {"entityName": target.entity, "projectName": target.project}


def _run(target: Target) -> dict[str, Any]:
    return _in_project(target) | {"runName": target.run}


def _named(*runs: str) -> str:
    return json.dumps({"$or": [{"name": name} for name in runs]})


def _collection(target: Target) -> dict[str, Any]:
    tagged = {"artifactCollectionName": target.collection, "tags": [{"tagName": "good"}]}
    return _in_project(target) | tagged


def _link(target: Target) -> dict[str, Any]:
    return _in_project(target) | {
        "artifactID": target.artifact_id,
        "artifactPortfolioName": target.portfolio,
    }


def _upload(target: Target) -> dict[str, Any]:
    return {
        "artifactID": target.pending_id,
        "uploadID": target.upload_id,
        "storagePath": "wandb_artifacts/x",
        "completeMultipartAction": "Complete",
        "completedParts": [PART],
    }


def _aliases(target: Target) -> dict[str, Any]:
    alias = {"artifactCollectionName": target.collection, "alias": "best"}
    return {"artifactID": target.artifact_id, "aliases": [alias]}


# A word after the field tells its several ways apart.

QUERIES: dict[str, Case] = {
    "project": Case(VIEWER, lambda t: {"entityName": t.entity, "name": t.project}),
    "model": Case(VIEWER, lambda t: {"entityName": t.entity, "name": t.project}),
    "models": Case(VIEWER, lambda t: {"entityName": t.entity}),
    "view": Case(VIEWER, lambda t: {"id": t.view_id}),
    "artifact": Case(VIEWER, lambda t: {"id": t.artifact_id}),
    "artifactCollection": Case(VIEWER, lambda t: {"id": t.collection_id}),
    "clientIDMapping": Case(VIEWER, lambda t: {"clientID": t.client_id}),
}

MUTATIONS: dict[str, Case] = {
    "createInvite": Case(ADMIN, lambda t: {"entityName": t.entity, "username": t.guest}, once=True),
    "deleteInvite": Case(ADMIN, lambda t: {"entityName": t.entity, "id": t.member_id}, once=True),
    "upsertModel": Case(
        MEMBER, lambda t: {"entityName": t.entity, "name": t.project, "description": "d"}
    ),
    "upsertView": Case(
        MEMBER, lambda t: _in_project(t) | {"type": "runs", "name": "n", "spec": "{}"}
    ),
    "upsertView by id": Case(MEMBER, lambda t: {"id": t.view_id, "spec": "{}"}),
    "deleteView": Case(MEMBER, lambda t: {"id": t.view_id}, once=True),
    "upsertBucket": Case(
        MEMBER, lambda t: {"entityName": t.entity, "modelName": t.project, "name": t.run}
    ),
    "upsertBucket by id": Case(MEMBER, lambda t: {"id": t.run_id, "notes": "n"}),
    "stopRun": Case(MEMBER, lambda t: {"id": t.run_id}),
    "updateRunState": Case(MEMBER, lambda t: {"id": t.run_id, "state": "failed"}, once=True),
    "rewindRun": Case(MEMBER, lambda t: _run(t) | {"metricName": "_step", "metricValue": 0}),
    "deleteRun": Case(MEMBER, lambda t: {"id": t.run_id}, once=True),
    "deleteFiles": Case(MEMBER, lambda t: {"files": [t.file_id]}),
    "createRunFiles": Case(MEMBER, lambda t: _run(t) | {"files": ["other.txt"]}),
    "markRunFilesUploaded": Case(MEMBER, lambda t: _run(t) | {"files": ["f"]}),
    "upsertSweep": Case(MEMBER, lambda t: _in_project(t) | {"config": "method: random"}),
    "upsertSweep by id": Case(MEMBER, lambda t: {"id": t.sweep_id, "description": "d"}),
    "upsertSweep with a prior run": Case(
        MEMBER, lambda t: {"id": t.sweep_id, "priorRunsFilters": _named(t.run)}
    ),
    "upsertSweep to a state": Case(MEMBER, lambda t: {"id": t.sweep_id, "state": "PAUSED"}),
    "createAgent": Case(MEMBER, lambda t: _in_project(t) | {"host": "h", "sweep": t.sweep}),
    "agentHeartbeat": Case(MEMBER, lambda t: {"id": t.agent_id}),
    "createArtifact": Case(
        MEMBER,
        lambda t: (
            _in_project(t)
            | {"artifactTypeName": "model", "artifactCollectionName": "new", "digest": "d"}
        ),
    ),
    "createArtifactManifest": Case(
        MEMBER, lambda t: _in_project(t) | {"artifactID": t.pending_id, "name": "m", "digest": ""}
    ),
    "updateArtifactManifest": Case(
        MEMBER, lambda t: {"artifactManifestID": t.manifest_id, "digest": "d"}
    ),
    "createArtifactFiles": Case(
        MEMBER,
        lambda t: {"artifactFiles": [{"artifactID": t.pending_id, "name": "a", "md5": _MD5}]},
    ),
    "commitArtifact": Case(MEMBER, lambda t: {"artifactID": t.pending_id}),
    "useArtifact": Case(MEMBER, lambda t: _run(t) | {"artifactID": t.artifact_id}),
    "updateArtifact": Case(MEMBER, lambda t: {"artifactID": t.artifact_id, "description": "d"}),
    "addAliases": Case(MEMBER, _aliases),
    "deleteAliases": Case(MEMBER, _aliases),
    "completeMultipartUploadArtifact": Case(MEMBER, _upload),
    "deleteArtifact": Case(
        MEMBER, lambda t: {"artifactID": t.artifact_id, "deleteAliases": True}, once=True
    ),
    "linkArtifact": Case(MEMBER, _link),
    "unlinkArtifact": Case(
        MEMBER,
        lambda t: {"artifactID": t.artifact_id, "artifactPortfolioID": t.portfolio_id},
        once=True,
    ),
    "updateArtifactSequence": Case(
        MEMBER, lambda t: {"artifactSequenceID": t.collection_id, "description": "d"}
    ),
    "updateArtifactPortfolio": Case(
        MEMBER, lambda t: {"artifactPortfolioID": t.portfolio_id, "description": "d"}
    ),
    "moveArtifactSequence": Case(
        MEMBER,
        lambda t: {
            "artifactSequenceID": t.collection_id,
            "destinationArtifactTypeName": "other",
        },
    ),
    "deleteArtifactSequence": Case(
        MEMBER, lambda t: {"artifactSequenceID": t.collection_id}, once=True
    ),
    "deleteArtifactPortfolio": Case(
        MEMBER, lambda t: {"artifactPortfolioID": t.portfolio_id}, once=True
    ),
    "createArtifactCollectionTagAssignments": Case(MEMBER, _collection),
    "deleteArtifactCollectionTagAssignments": Case(MEMBER, _collection),
}

# What everybody who is logged in may ask; `test_people` has what each is told.
OPEN = {"viewer", "serverInfo", "entity", "users"}
# What nobody is served, or the server's admins alone; `test_people` and `test_views` have these.
ELSEWHERE = {
    "createUser",
    "generateApiKey",
    "deleteApiKey",
    "createTeam",
    "createServiceAccount",
    "createAccessToken",
    "updateAccessTokenProjects",
    "revokeAccessToken",
}
