"""The keys of W&B's filters and orders of artifact collections."""

import sqlalchemy as sa

from sweepcnn.storage import tables
from sweepcnn.storage.fields import Column, Fields, Kind

_collections = tables.artifact_collections.c


def _column(column: sa.Column[object], kind: Kind = "text") -> Column:
    return Column(_collections.id, column, kind)


COLLECTIONS = Fields(
    table=tables.artifact_collections,
    plain={
        "id": _column(_collections.id, "number"),
        "name": _column(_collections.name),
        "type": _column(_collections.type),
        "description": _column(_collections.description),
        "createdAt": _column(_collections.created_at, "time"),
        "created_at": _column(_collections.created_at, "time"),
        "updatedAt": _column(_collections.updated_at, "time"),
        "updated_at": _column(_collections.updated_at, "time"),
    },
    nested={},
)
