"""The tables as they first were."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None

_NUMBER = sa.BigInteger().with_variant(sa.Integer, "sqlite")
_ID = sa.String(64)


def upgrade() -> None:
    """Make them."""
    op.create_table(
        "campaign",
        sa.Column("id", _ID, primary_key=True),
        sa.Column("body", sa.Text, nullable=False),
        sa.Column("status", sa.String(16), nullable=False),
        sa.Column("seed", sa.BigInteger, nullable=False),
        sa.Column("changes", sa.Integer, nullable=False),
        sa.Column("created", sa.Double, nullable=False),
    )
    op.create_table(
        "screen",
        sa.Column("campaign", _ID, sa.ForeignKey("campaign.id"), primary_key=True),
        sa.Column("id", _ID, primary_key=True),
        sa.Column("revision", sa.Integer, primary_key=True),
        sa.Column("position", sa.Integer, nullable=False),
        sa.Column("body", sa.Text, nullable=False),
    )
    op.create_table(
        "annotator",
        sa.Column("campaign", _ID, sa.ForeignKey("campaign.id"), primary_key=True),
        sa.Column("id", _ID, primary_key=True),
        sa.Column("note", sa.Text, nullable=False),
        sa.Column("status", sa.String(16), nullable=False),
    )
    person = ["campaign", "annotator"], ["annotator.campaign", "annotator.id"]
    op.create_table(
        "invitation",
        sa.Column("hash", _ID, primary_key=True),
        sa.Column("campaign", _ID, nullable=False),
        sa.Column("annotator", _ID, nullable=False),
        sa.Column("created", sa.Double, nullable=False),
        sa.Column("expires", sa.Double),
        sa.Column("revoked", sa.Double),
        sa.ForeignKeyConstraint(*person),
    )
    op.create_table(
        "assignment",
        sa.Column("campaign", _ID, primary_key=True),
        sa.Column("annotator", _ID, primary_key=True),
        sa.Column("screen", _ID, primary_key=True),
        sa.Column("position", sa.Integer, nullable=False),
        sa.Column("withdrawn", sa.Boolean, nullable=False),
        sa.ForeignKeyConstraint(*person),
    )
    op.create_table(
        "event",
        sa.Column("seq", _NUMBER, primary_key=True, autoincrement=True),
        sa.Column("id", _ID, nullable=False),
        sa.Column("campaign", _ID, nullable=False),
        sa.Column("annotator", _ID, nullable=False),
        sa.Column("item", _ID, nullable=False),
        sa.Column("kind", sa.String(16), nullable=False),
        sa.Column("value", sa.Text, nullable=False),
        sa.Column("client_time", sa.Double, nullable=False),
        sa.Column("server_time", sa.Double, nullable=False),
        sa.Column("version", sa.Integer, nullable=False),
        sa.Column("tab", _ID, nullable=False),
        sa.Column("revision", sa.Integer, nullable=False),
        sa.UniqueConstraint("campaign", "annotator", "id", name="event_once"),
        sa.UniqueConstraint("campaign", "annotator", "item", "version", name="event_version"),
    )
    op.create_table(
        "audit",
        sa.Column("seq", _NUMBER, primary_key=True, autoincrement=True),
        sa.Column("time", sa.Double, nullable=False),
        sa.Column("campaign", _ID, nullable=False),
        sa.Column("action", sa.String(32), nullable=False),
        sa.Column("detail", sa.Text, nullable=False),
    )
    op.create_index("audit_campaign", "audit", ["campaign"])
    op.create_table(
        "admin",
        sa.Column("hash", _ID, primary_key=True),
        sa.Column("created", sa.Double, nullable=False),
    )
