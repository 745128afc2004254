"""One run, from parameters to artifacts: what `wandb agent` starts."""

from sweepcnn.agent.run import Outcome, train_run

__all__ = ["Outcome", "train_run"]
