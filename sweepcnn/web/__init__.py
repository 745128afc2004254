"""Pages of the embedded backend, at the addresses that W&B's client prints."""
