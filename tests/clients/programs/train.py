"""A training of no network: what a run logs, and nothing that takes time."""

from pathlib import Path

import wandb

STEPS = 4

with wandb.init() as run:
    x = run.config["x"]
    for step in range(STEPS):
        odd = float("nan") if step == 1 else step
        run.log({"loss": (x - 2) ** 2 + 1 / (step + 1), "val": {"accuracy": step / 4}, "odd": odd})
    run.log({"table": wandb.Table(columns=["name", "score"], data=[["a", 0.5], ["b", x]])})
    run.summary["best"] = {"loss": (x - 2) ** 2 + 1 / STEPS}
    run.config.update({"derived": {"double": 2 * x}})
    Path("weights.txt").write_text(f"weights of {x}")
    run.save("weights.txt")
    model = wandb.Artifact(f"model-{x}", "model", metadata={"x": x})
    with model.new_file("deep/weights.txt") as file:
        file.write(f"weights of {x}")
    run.log_artifact(model, aliases=["best"])
    print(f"trained with {x}")
