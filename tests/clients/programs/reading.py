"""What the public API gives back of a sweep and its best run, in a JSON file."""

import json
import sys
from pathlib import Path

import wandb

path = sys.argv[1]
api = wandb.Api()
entity, project, _ = path.split("/")
sweep = api.sweep(path)
best = sweep.best_run()
with wandb.init(project=project, job_type="use") as run:
    run.use_artifact("model-2:best")
user = api.run(f"{entity}/{project}/{run.id}")
user.config["added"] = {"deep": 1}
user.tags.append("edited")
user.name = "renamed"
user.summary["more"] = {"deep": 2}
user.update()
Path("upload.txt").write_text("uploaded")
user.upload_file("upload.txt")
edited = wandb.Api().run(f"{entity}/{project}/{run.id}")
with edited.file("upload.txt").download("edited", replace=True) as opened:
    uploaded = opened.read()
model = api.artifact(f"{entity}/{project}/model-2:best")
model.aliases.append("later")
model.description = "described"
model.metadata["more"] = [1]
model.save()
collection = api.artifact_collection("model", f"{entity}/{project}/model-2")
api.create_project(f"{project}-made", entity)
renewed = wandb.Api().artifact(f"{entity}/{project}/model-2:later")
folder = Path(model.download("model"))
table = next(file for file in best.files() if file.name.startswith("media/table/"))
with table.download("media", replace=True) as opened:
    rows = json.load(opened)["data"]
with best.file("weights.txt").download("media", replace=True) as opened:
    weights = opened.read()
found = {
    "sweep": {
        "name": sweep.name,
        "state": sweep.state,
        "order": sweep.order,
        "expected": sweep.expected_run_count,
        "runs": sorted([run.config["x"], run.state] for run in sweep.runs),
    },
    "best": {
        "id": best.id,
        "sweep": best.sweep.id,
        "config": best.config,
        "summary": {key: best.summary[key] for key in ("loss", "odd", "best", "val")},
        "history": best.history(pandas=False),
        "accuracy": best.history(keys=["val.accuracy"], pandas=False),
        "scan": list(best.scan_history(page_size=2)),
        "losses": [row["loss"] for row in best.scan_history(keys=["loss"], page_size=3)],
        "last_step": best.lastHistoryStep,
        "files": sorted(file.name for file in best.files()),
        "weights": weights,
        "table": rows,
        "logged": sorted(f"{found.type} {found.name}" for found in best.logged_artifacts()),
    },
    "ordered": [
        run.id for run in api.runs(f"{entity}/{project}", {"sweep": sweep.id}, "+config.x")
    ],
    "one": [run.id for run in api.runs(f"{entity}/{project}", {"config.x": 2})],
    "model": {
        "content": {str(f.relative_to(folder)): f.read_text() for f in folder.rglob("*.txt")},
        "metadata": renewed.metadata,
        "description": renewed.description,
        "aliases": sorted(renewed.aliases),
        "version": renewed.version,
        "logged_by": model.logged_by().id,
        "used_by": [run.id for run in model.used_by()],
        "used": [artifact.name for artifact in user.used_artifacts()],
        "files": [file.name for file in model.files()],
        "versions": [
            found.version for found in api.artifacts("model", f"{entity}/{project}/model-2")
        ],
        "collection": [collection.name, collection.type, sorted(collection.aliases)],
        "types": sorted(found.name for found in api.artifact_types(f"{entity}/{project}")),
    },
    "user": {
        "id": run.id,
        "state": edited.state,
        "config": edited.config,
        "tags": edited.tags,
        "name": edited.name,
        "summary": edited.summary["more"],
        "uploaded": uploaded,
    },
    "projects": [found.name for found in api.projects(entity)],
}
Path("reading.json").write_text(json.dumps(found, default=dict))
