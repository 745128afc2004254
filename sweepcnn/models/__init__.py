"""The plan as torch modules."""

from sweepcnn.models.build import build

__all__ = ["build"]
