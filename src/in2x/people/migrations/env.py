"""What alembic runs: the migrations of this folder on the connection that the store hands over."""

from alembic import context

from in2x.people.schema import metadata

connection = context.config.attributes["connection"]
context.configure(connection=connection, target_metadata=metadata)
with context.begin_transaction():
    context.run_migrations()
