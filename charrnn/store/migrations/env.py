"""What Alembic runs for each command: works on the connection that `charrnn.store.migrate` hands over."""

from alembic import context

from charrnn.store.tables import Base
from charrnn.store.version import VERSION_TABLE

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=Base.metadata,
    version_table=VERSION_TABLE,
    render_as_batch=True,
)
context.run_migrations()
