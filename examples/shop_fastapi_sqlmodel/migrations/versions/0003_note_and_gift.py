"""A customer may leave a note, and have an order wrapped as a gift."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("orders", sa.Column("note", sa.String(length=500), nullable=True))
    op.add_column("orders", sa.Column("gift", sa.Boolean(), server_default=sa.false(), nullable=False))
    op.create_check_constraint("ck_orders_total", "orders", "total >= 0")


def downgrade() -> None:
    op.drop_constraint("ck_orders_total", "orders")
    op.drop_column("orders", "gift")
    op.drop_column("orders", "note")
