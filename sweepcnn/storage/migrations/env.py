"""Run by Alembic: migrates over the connection that `sweepcnn.storage.schema` hands it."""

from alembic import context

from sweepcnn.storage.tables import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    render_as_batch=True,  # SQLite changes a table by copying it
)
with context.begin_transaction():
    context.run_migrations()
