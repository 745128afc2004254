"""`sweepcnn train`."""

import typer

from sweepcnn.cli.options import ConfigFile, Json, Set, read_values


def train(config: ConfigFile = None, settings: Set = None, json_: Json = False) -> None:
    """Train one network as one W&B run; under `wandb agent` the sweep chooses the parameters.

    Without a W&B API key the run is kept offline, in the folder wandb/.

    Examples:
      sweepcnn train --set dataset=digits --set image_size=32 --set epochs=5
      sweepcnn train config.yaml --set seed=1 --json
    """
    import dataclasses
    import json

    from sweepcnn.agent import train_run

    outcome = train_run(read_values(config, settings))
    if json_:
        typer.echo(json.dumps(dataclasses.asdict(outcome)))
        return
    if outcome.message:
        typer.echo(f"{outcome.status}: {outcome.message}", err=True)
        return
    typer.echo(
        f"{outcome.status}: best validation accuracy {outcome.best_val_accuracy:.4f}"
        f" at epoch {outcome.best_epoch} of {outcome.epochs}; checkpoint {outcome.checkpoint}",
        err=True,
    )
