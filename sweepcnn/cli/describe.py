"""`sweepcnn describe`."""

from typing import Annotated

import typer

from sweepcnn.cli.options import ConfigFile, Json, Set, read_values


def describe(
    config: ConfigFile = None,
    preset: Annotated[str | None, typer.Option(help="A named network.")] = None,
    settings: Set = None,
    classes: Annotated[int, typer.Option(min=2, help="The number of classes.")] = 10,
    json_: Json = False,
) -> None:
    """Show a network's layers, shapes, parameters and multiply-adds without building it.

    Examples:
      sweepcnn describe --preset a-best
      sweepcnn describe --set filters=64 --set filter_strategy=half --json
    """
    import json

    from sweepcnn.config import RunConfig
    from sweepcnn.plan import expand

    values = read_values(config, settings)
    if preset is not None:
        values["preset"] = preset
    run = RunConfig.model_validate(values)
    plan = expand(run, image_size=run.image_size, classes=classes)
    if json_:
        layers = [
            {
                "name": layer.name,
                "kind": layer.kind,
                "output": [layer.output.channels, layer.output.height, layer.output.width],
                "parameters": layer.parameters,
                "multiply_adds": layer.multiply_adds,
            }
            for layer in plan.layers
        ]
        totals = {"parameters": plan.parameters, "multiply_adds": plan.multiply_adds}
        typer.echo(json.dumps(totals | {"layers": layers}))
        return

    from rich.console import Console
    from rich.table import Table

    table = Table("layer", "kind", "output", title=f"input {plan.input}, {plan.classes} classes")
    table.add_column("parameters", justify="right")
    table.add_column("multiply-adds", justify="right")
    for layer in plan.layers:
        counts = (f"{n:,}" if n else "" for n in (layer.parameters, layer.multiply_adds))
        table.add_row(layer.name, layer.kind, str(layer.output), *counts)
    table.add_section()
    table.add_row("total", "", "", f"{plan.parameters:,}", f"{plan.multiply_adds:,}")
    Console().print(table)
