"""The wire: W&B's GraphQL interface, run streams and blobs over HTTP. Never loads torch."""
