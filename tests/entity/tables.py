"""Tables of the shapes that people have; each has a file of SQL beside this one."""

from pathlib import Path

from crudspec.entity.entity import Entity, Values

SQL = Path(__file__).parent / "sql"


def _entity(name: str, table: str, **more) -> Entity:
    return Entity(table=table, schema=SQL / f"{name}.sql", **more)


ENTITIES: dict[str, Entity] = {
    "serial": _entity("serial", "notes"),
    "uuid_key": _entity("uuid_key", "items"),
    "text_key": _entity("text_key", "countries"),
    "composite_key": _entity("composite_key", "order_lines"),
    "no_mutable_column": _entity("no_mutable_column", "user_tags"),
    "rich_types": _entity("rich_types", "products"),
    "parents": _entity("parents", "books"),
    "one_to_one": _entity("one_to_one", "profiles"),
    "self_reference": _entity("self_reference", "categories"),
    "unique_pair": _entity("unique_pair", "seats"),
    "soft_delete": _entity("soft_delete", "members"),
    "check_pair": _entity("check_pair", "periods", order=("-starts", "id")),
    "updated_at": _entity("updated_at", "articles"),
    "generated_column": _entity("generated_column", "invoices"),
    "partitioned": _entity("partitioned", "measurements"),
    "quoted_names": _entity("quoted_names", "Order"),
    "wide": _entity("wide", "wide"),
    "other_schema": _entity(
        "other_schema", "shop.customers", values={"email": Values(matching=r"[a-z]{1,8}@[a-z]{1,8}\.org")}
    ),
}
"""By the name of its file; what a user would have to say of it is said."""
