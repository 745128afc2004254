"""W&B, on its cloud or on the embedded backend: writing runs and reading them back."""
