"""What the backend keeps: tables, queries by noun, and blobs.

Contract:

- Each module holds the queries of one noun as functions over an open connection. The caller owns
  the transaction: `Database.write()` for anything that changes rows, `Database.read()` otherwise.
- `Database` and `BlobStore` are safe to share between threads; a connection is not.
- A `write()` block is atomic and serialised against all others, so what
  is read inside it cannot change before it commits. A `read()` block sees one snapshot.
- A run belongs to the client that streams to it: only its requests, the death of its agent or a
  command of a user change a running run.
- A blob is there in full or not at all; its name is the SHA-256 of its bytes.
- Times are seconds since the epoch, UTC.
"""
