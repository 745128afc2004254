"""Training one network: optimizer, epochs, best weights, checkpoint."""

from sweepcnn.training.batches import Batches
from sweepcnn.training.checkpoint import Checkpoint, load_checkpoint, save_checkpoint
from sweepcnn.training.device import autocast_dtype, choose_device, seed_everything
from sweepcnn.training.fit import fit
from sweepcnn.training.inference import evaluating, forward
from sweepcnn.training.optimizers import build_optimizer
from sweepcnn.training.report import EpochReport, FitResult, Status
from sweepcnn.training.restore import restore

__all__ = [
    "Batches",
    "Checkpoint",
    "EpochReport",
    "FitResult",
    "Status",
    "autocast_dtype",
    "build_optimizer",
    "choose_device",
    "evaluating",
    "fit",
    "forward",
    "load_checkpoint",
    "restore",
    "save_checkpoint",
    "seed_everything",
]
