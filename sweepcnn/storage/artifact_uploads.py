"""Uploads of large files in parts, which are joined when all are there."""

import time
from collections.abc import Mapping
from dataclasses import dataclass

import sqlalchemy as sa

from sweepcnn.storage import tables
from sweepcnn.storage.database import insert
from sweepcnn.storage.records import one

_table = tables.artifact_uploads
_parts = tables.artifact_upload_parts


@dataclass(frozen=True)
class Upload:
    """A file of an artifact that comes in parts."""

    id: int
    artifact_id: int
    md5: str
    """Of the whole, base64."""
    complete: bool
    created_at: float


def add(connection: sa.Connection, artifact_id: int, md5: str, parts: Mapping[int, str]) -> int:
    """Add an upload, of parts with these numbers and digests (hexadecimal), and give its id."""
    row = {"artifact_id": artifact_id, "md5": md5, "complete": False, "created_at": time.time()}
    upload_id = insert(connection, _table, row)
    rows = [{"upload_id": upload_id, "number": n, "hex_md5": h} for n, h in parts.items()]
    connection.execute(_parts.insert(), rows)
    return upload_id


def get(connection: sa.Connection, upload_id: int) -> Upload | None:
    """Find an upload."""
    query = sa.select(_table).where(_table.c.id == upload_id)
    return one(Upload, connection.execute(query).first())


def parts(connection: sa.Connection, upload_id: int) -> dict[int, str]:
    """Give the digests (hexadecimal) of an upload's parts by number, in order."""
    query = sa.select(_parts.c.number, _parts.c.hex_md5).where(_parts.c.upload_id == upload_id)
    rows = connection.execute(query.order_by(_parts.c.number))
    return {row.number: row.hex_md5 for row in rows}


def complete(connection: sa.Connection, upload_id: int) -> None:
    """Note that the whole is there."""
    connection.execute(_table.update().where(_table.c.id == upload_id).values(complete=True))


def forget(connection: sa.Connection, artifact_id: int) -> None:
    """Forget the uploads of an artifact."""
    connection.execute(_table.delete().where(_table.c.artifact_id == artifact_id))
