"""What a user says about a table of their own: here, where its schema comes from.

Importing this is cheap, and has to stay so: `server/` imports it, and every run waits for that. SQLAlchemy, asyncpg and
Alembic are imported where they are used.
"""

from crudspec.entity.errors import EntityError
from crudspec.entity.source import Source
from crudspec.entity.source_alembic import Alembic
from crudspec.entity.source_metadata import Metadata
from crudspec.entity.source_sql import Sql
from crudspec.entity.sources import BUILT_IN, as_source

__all__ = ["BUILT_IN", "Alembic", "EntityError", "Metadata", "Source", "Sql", "as_source"]
