"""What can be done with products; each function takes the session of a request."""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import delete, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from catalogue.models import Product


class SkuTaken(ValueError):
    """Another product has this SKU."""


async def create_product(session: AsyncSession, data: Mapping[str, Any]) -> Product:
    product = Product(**data)
    session.add(product)
    await commit(session)
    await session.refresh(product)
    return product


async def get_product(session: AsyncSession, product_id: UUID) -> Product | None:
    return await session.get(Product, product_id)


async def list_products(session: AsyncSession) -> Sequence[Product]:
    result = await session.scalars(select(Product).order_by(Product.sku))
    return result.all()


async def update_product(session: AsyncSession, product_id: UUID, data: Mapping[str, Any]) -> Product | None:
    # Locked: of two updates at once, the second would compare what it sets with what the first has replaced.
    product = await session.get(Product, product_id, with_for_update=True)
    if product is None:
        return None
    for name, value in data.items():
        setattr(product, name, value)
    await commit(session)
    await session.refresh(product)
    return product


async def delete_product(session: AsyncSession, product_id: UUID) -> bool:
    result = await session.execute(delete(Product).where(Product.id == product_id))
    await session.commit()
    return result.rowcount == 1


async def commit(session: AsyncSession) -> None:
    try:
        await session.commit()
    except IntegrityError as error:
        await session.rollback()
        if "uq_products_sku" in str(error.orig):
            raise SkuTaken("another product has this SKU") from error
        raise
