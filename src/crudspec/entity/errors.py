"""What is raised where an entity cannot be used as it was written."""


class EntityError(Exception):
    """An entity, or the schema that it names, cannot be used: one line, what is wrong and what to write instead."""
