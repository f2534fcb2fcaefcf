"""The HTTP interface: `fastapi dev shop/main.py`."""

from collections.abc import Sequence
from typing import Annotated

from fastapi import Depends, FastAPI, HTTPException, Request, status
from fastapi.responses import JSONResponse
from sqlalchemy.exc import SQLAlchemyError
from sqlmodel.ext.asyncio.session import AsyncSession

from shop.database import get_session
from shop.models import Order, OrderCreate, OrderPublic, OrderUpdate
from shop.repository import NoSuchCustomer, OrderRepository, ReferenceTaken

app = FastAPI(title="Shop")


@app.exception_handler(SQLAlchemyError)
@app.exception_handler(OSError)
async def no_database(_request: Request, _error: Exception) -> JSONResponse:
    return JSONResponse({"detail": "try again later"}, status.HTTP_503_SERVICE_UNAVAILABLE)


def get_orders(session: Annotated[AsyncSession, Depends(get_session)]) -> OrderRepository:
    return OrderRepository(session)


Orders = Annotated[OrderRepository, Depends(get_orders)]


@app.post("/orders", response_model=OrderPublic, status_code=status.HTTP_201_CREATED)
async def place_order(data: OrderCreate, orders: Orders) -> Order:
    try:
        return await orders.add(data)
    except ReferenceTaken as error:
        raise HTTPException(status.HTTP_409_CONFLICT, str(error)) from error
    except NoSuchCustomer as error:
        raise HTTPException(status.HTTP_404_NOT_FOUND, str(error)) from error


@app.get("/orders", response_model=list[OrderPublic])
async def list_orders(orders: Orders) -> Sequence[Order]:
    return await orders.all()


@app.get("/orders/{order_id}", response_model=OrderPublic)
async def read_order(order_id: int, orders: Orders) -> Order:
    order = await orders.find(order_id)
    if order is None:
        raise HTTPException(status.HTTP_404_NOT_FOUND)
    return order


@app.patch("/orders/{order_id}", response_model=OrderPublic)
async def change_order(order_id: int, data: OrderUpdate, orders: Orders) -> Order:
    try:
        order = await orders.change(order_id, data)
    except ReferenceTaken as error:
        raise HTTPException(status.HTTP_409_CONFLICT, str(error)) from error
    except NoSuchCustomer as error:
        raise HTTPException(status.HTTP_404_NOT_FOUND, str(error)) from error
    if order is None:
        raise HTTPException(status.HTTP_404_NOT_FOUND)
    return order


@app.delete("/orders/{order_id}", status_code=status.HTTP_204_NO_CONTENT)
async def remove_order(order_id: int, orders: Orders) -> None:
    if not await orders.remove(order_id):
        raise HTTPException(status.HTTP_404_NOT_FOUND)
