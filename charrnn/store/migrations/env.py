"""Run migrations on the connection passed by `charrnn.store.migrate`, as Alembic's environment script."""

from alembic import context

from charrnn.store.schema_version import VERSION_TABLE
from charrnn.store.tables import Base

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=Base.metadata,
    version_table=VERSION_TABLE,
    render_as_batch=True,
)
context.run_migrations()
