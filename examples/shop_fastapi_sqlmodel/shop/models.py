"""The tables, and what a request may say of an order."""

from datetime import datetime
from decimal import Decimal
from enum import StrEnum

from sqlalchemy import CheckConstraint, DateTime, Enum, func, text
from sqlmodel import Field, SQLModel

MAX_ID = 2**31 - 1
"""The largest number of an integer column."""


class OrderStatus(StrEnum):
    pending = "pending"
    paid = "paid"
    shipped = "shipped"
    cancelled = "cancelled"


class Customer(SQLModel, table=True):
    __tablename__ = "customers"

    id: int | None = Field(default=None, primary_key=True)
    email: str = Field(max_length=320, unique=True)
    name: str = Field(max_length=100)


class OrderBase(SQLModel):
    customer_id: int = Field(foreign_key="customers.id", index=True)
    reference: str = Field(max_length=20, unique=True)
    total: Decimal = Field(max_digits=10, decimal_places=2, ge=0)
    note: str | None = Field(default=None, max_length=500)


class Order(OrderBase, table=True):
    __tablename__ = "orders"
    __table_args__ = (CheckConstraint("total >= 0", name="ck_orders_total"),)

    id: int | None = Field(default=None, primary_key=True)
    status: OrderStatus = Field(
        default=OrderStatus.pending,
        sa_type=Enum(OrderStatus, name="order_status"),
        sa_column_kwargs={"server_default": "pending"},
    )
    gift: bool = Field(default=False, sa_column_kwargs={"server_default": text("false")})
    placed_at: datetime | None = Field(
        default=None,
        sa_type=DateTime(timezone=True),
        sa_column_kwargs={"server_default": func.now(), "nullable": False},
    )


class OrderItem(SQLModel, table=True):
    __tablename__ = "order_items"
    __table_args__ = (CheckConstraint("quantity > 0", name="ck_order_items_quantity"),)

    id: int | None = Field(default=None, primary_key=True)
    order_id: int = Field(foreign_key="orders.id", ondelete="CASCADE", index=True)
    sku: str = Field(max_length=40)
    quantity: int


class OrderCreate(OrderBase):
    """What a client sends to place an order."""


class OrderUpdate(SQLModel):
    """What may be changed later; what is left out stays."""

    customer_id: int | None = None
    reference: str | None = Field(default=None, max_length=20)
    total: Decimal | None = Field(default=None, max_digits=10, decimal_places=2, ge=0)
    note: str | None = Field(default=None, max_length=500)
    status: OrderStatus | None = None
    gift: bool | None = None


class OrderPublic(OrderBase):
    """What a client sees of an order."""

    id: int
    status: OrderStatus
    gift: bool
    placed_at: datetime
