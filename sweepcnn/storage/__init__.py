"""What the backend keeps: tables, queries by noun, and blobs.

The contract, on SQLite and on PostgreSQL alike; `tests/storage/conformance` has it as tests.

Transactions
- Each module holds the queries of one noun as functions over an open connection. The caller owns
  the transaction: `Database.write()` for what changes rows, `Database.read()` otherwise.
- `Database` and `BlobStore` are safe to share between threads, a connection is not. Several
  processes may open one database; which of them is the server is told by a lock of its file, or on
  PostgreSQL by a `Claim`.
- A `write()` is kept whole or leaves nothing. Writers take turns, those of other processes too
  (they wait for 30 s at most), so what is read inside does not change before it commits.
- A `read()` sees one snapshot, taken by its first statement. It waits for no writer, and may not
  write.
- What was written is there after the process was killed. It is there after a power cut as well,
  unless the configuration of PostgreSQL says otherwise.
- A connection that is lost costs the transaction that was open on it, and none after it.

Values
- Texts hold any characters; NUL and halves of surrogate pairs become U+FFFD. They are compared by
  code point. JSON and YAML of clients are kept as the text that came.
- Names, which are in indexes, have at most 1,024 bytes in UTF-8; whole numbers have 32 or 64 bits.
  What does not fit raises `UnfitError`.
- A run's config and summary are JSON objects, its tags a JSON list. `runs` keeps the values in them
  as rows of `run_values`, which `selections` filters and orders by: at most 1,000 elements of a
  list, 10,000 values of a document and keys of 1,000 bytes; what is beyond is not found.
- Times are seconds since the epoch, UTC, by the clock of the process that wrote them. Which row
  came first is told by its id, not by its time.

Life
- A run belongs to the client that streams to it: only its requests, the death of its agent, its
  silence, or a command of a user change a running run.
- With a row goes all that is part of it: with a project its runs, sweeps, views and collections,
  with a sweep its agents, points and runs, with a run its lines and files. An artifact
  outlives the run that made it. A user's row stays when the user is removed.
- The id of what was deleted is not given again, for clients keep ids in addresses.
- A blob is there in full or not at all; its name is the SHA-256 of its bytes. It outlives the rows
  that refer to it.
"""
