"""Hyperparameter sweeps for CNN image classifiers, on W&B's cloud or on an embedded backend."""

__version__ = "0.1.0"
