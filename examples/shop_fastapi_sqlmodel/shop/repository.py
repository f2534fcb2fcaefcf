"""Orders in the database."""

from collections.abc import Sequence

from sqlalchemy.exc import IntegrityError
from sqlmodel import col, delete, select
from sqlmodel.ext.asyncio.session import AsyncSession

from shop.models import MAX_ID, Order, OrderCreate, OrderUpdate


class ReferenceTaken(ValueError):
    """Another order has this reference."""


class NoSuchCustomer(LookupError):
    """The customer of an order does not exist."""


class OrderRepository:
    """Orders, through the session of a request; each method commits."""

    def __init__(self, session: AsyncSession) -> None:
        self.session = session

    async def add(self, data: OrderCreate) -> Order:
        order = Order.model_validate(data)
        self.session.add(order)
        await self._commit()
        await self.session.refresh(order)
        return order

    async def find(self, order_id: int) -> Order | None:
        if not 0 < order_id <= MAX_ID:  # the driver would raise: an address that was made up is no error of ours
            return None
        return await self.session.get(Order, order_id)

    async def all(self) -> Sequence[Order]:
        return (await self.session.exec(select(Order).order_by(col(Order.id)))).all()

    async def change(self, order_id: int, data: OrderUpdate) -> Order | None:
        if not 0 < order_id <= MAX_ID:
            return None
        # Locked: of two requests at once, the second would compare what it sets with what the first has replaced.
        order = await self.session.get(Order, order_id, with_for_update=True)
        if order is None:
            return None
        order.sqlmodel_update(data.model_dump(exclude_unset=True))
        await self._commit()
        await self.session.refresh(order)
        return order

    async def remove(self, order_id: int) -> bool:
        if not 0 < order_id <= MAX_ID:
            return False
        # One statement: of two requests that delete the same order, one is told that it was gone.
        result = await self.session.exec(delete(Order).where(col(Order.id) == order_id))
        await self.session.commit()
        return result.rowcount == 1

    async def _commit(self) -> None:
        try:
            await self.session.commit()
        except IntegrityError as error:
            await self.session.rollback()
            if "uq_orders_reference" in str(error.orig):
                raise ReferenceTaken("this reference is taken") from error
            if "orders_customer_id_fkey" in str(error.orig):
                raise NoSuchCustomer("there is no such customer") from error
            raise
