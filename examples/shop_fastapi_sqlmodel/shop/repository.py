"""Orders in the database."""

from collections.abc import Sequence

from sqlalchemy.exc import IntegrityError
from sqlmodel import select
from sqlmodel.ext.asyncio.session import AsyncSession

from shop.models import Order, OrderCreate, OrderUpdate


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
        return await self.session.get(Order, order_id)

    async def all(self) -> Sequence[Order]:
        return (await self.session.exec(select(Order).order_by(Order.id))).all()

    async def change(self, order_id: int, data: OrderUpdate) -> Order | None:
        order = await self.find(order_id)
        if order is None:
            return None
        order.sqlmodel_update(data.model_dump(exclude_unset=True))
        await self._commit()
        await self.session.refresh(order)
        return order

    async def remove(self, order_id: int) -> bool:
        order = await self.find(order_id)
        if order is None:
            return False
        await self.session.delete(order)
        await self.session.commit()
        return True

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
