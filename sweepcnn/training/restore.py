"""A checkpoint as a network again."""

from torch import nn

from sweepcnn.config import RunConfig
from sweepcnn.errors import InputError, Problem
from sweepcnn.models import build
from sweepcnn.plan import expand
from sweepcnn.training.checkpoint import Checkpoint


def restore(checkpoint: Checkpoint) -> nn.Module:
    """Build the network of a checkpoint with its weights, on the CPU, in evaluation mode.

    Raises:
        InputError: its configuration is not valid, or its weights are those of another network.
    """
    config = RunConfig.model_validate(checkpoint.config)
    classes = len(checkpoint.classes)
    model = build(expand(config, image_size=config.image_size, classes=classes))
    try:
        model.load_state_dict(checkpoint.weights, strict=True)
    except RuntimeError as error:
        rule = f"its weights do not fit its configuration and its {classes} classes"
        raise InputError(Problem("checkpoint", rule, "train it anew")) from error
    return model.eval()
