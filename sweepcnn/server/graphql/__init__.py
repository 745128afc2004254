"""W&B's GraphQL interface: the schema, the engine, and resolvers by noun."""

from sweepcnn.server.graphql.engine import execute

__all__ = ["execute"]
