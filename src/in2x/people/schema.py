"""The tables. Events are only ever added; everything about an item's state is folded from them.

A screen that is edited gets a further revision beside the old one, and each event names the revision it was made on, so
that no answer is ever read against a text that its annotator did not see. Texts and nested values are JSON text.
"""

from __future__ import annotations

import sqlalchemy as sa

metadata = sa.MetaData()

_NUMBER = sa.BigInteger().with_variant(sa.Integer, "sqlite")  # SQLite counts up by itself for INTEGER alone

campaign = sa.Table(
    "campaign",
    metadata,
    sa.Column("id", sa.String(64), primary_key=True),
    sa.Column("body", sa.Text, nullable=False),  # the Campaign without its screens
    sa.Column("status", sa.String(16), nullable=False),  # open | paused | closed
    sa.Column("seed", sa.BigInteger, nullable=False),  # of the order in which candidates are shown
    sa.Column("changes", sa.Integer, nullable=False),  # counts edits of anything but events: a server reads anew
    sa.Column("created", sa.Double, nullable=False),
)

screen = sa.Table(
    "screen",
    metadata,
    sa.Column("campaign", sa.String(64), primary_key=True),
    sa.Column("id", sa.String(64), primary_key=True),
    sa.Column("revision", sa.Integer, primary_key=True),  # the highest counts
    sa.Column("position", sa.Integer, nullable=False),
    sa.Column("body", sa.Text, nullable=False),
    sa.ForeignKeyConstraint(["campaign"], ["campaign.id"]),
)

annotator = sa.Table(
    "annotator",
    metadata,
    sa.Column("campaign", sa.String(64), primary_key=True),
    sa.Column("id", sa.String(64), primary_key=True),
    sa.Column("note", sa.Text, nullable=False),  # the organiser's own ("native, paid 20 an hour")
    sa.Column("status", sa.String(16), nullable=False),  # active | paused
    sa.ForeignKeyConstraint(["campaign"], ["campaign.id"]),
)

invitation = sa.Table(
    "invitation",
    metadata,
    sa.Column("hash", sa.String(64), primary_key=True),  # SHA-256 of the token, which is kept nowhere
    sa.Column("campaign", sa.String(64), nullable=False),
    sa.Column("annotator", sa.String(64), nullable=False),
    sa.Column("created", sa.Double, nullable=False),
    sa.Column("expires", sa.Double),
    sa.Column("revoked", sa.Double),
    sa.ForeignKeyConstraint(["campaign", "annotator"], ["annotator.campaign", "annotator.id"]),
)

assignment = sa.Table(
    "assignment",
    metadata,
    sa.Column("campaign", sa.String(64), primary_key=True),
    sa.Column("annotator", sa.String(64), primary_key=True),
    sa.Column("screen", sa.String(64), primary_key=True),
    sa.Column("position", sa.Integer, nullable=False),
    sa.Column("withdrawn", sa.Boolean, nullable=False),  # reassigned: no longer shown, its events stay
    sa.ForeignKeyConstraint(["campaign", "annotator"], ["annotator.campaign", "annotator.id"]),
)

event = sa.Table(
    "event",
    metadata,
    sa.Column("seq", _NUMBER, primary_key=True, autoincrement=True),
    sa.Column("id", sa.String(64), nullable=False),
    sa.Column("campaign", sa.String(64), nullable=False),
    sa.Column("annotator", sa.String(64), nullable=False),
    sa.Column("item", sa.String(64), nullable=False),
    sa.Column("kind", sa.String(16), nullable=False),
    sa.Column("value", sa.Text, nullable=False),
    sa.Column("client_time", sa.Double, nullable=False),
    sa.Column("server_time", sa.Double, nullable=False),
    sa.Column("version", sa.Integer, nullable=False),
    sa.Column("tab", sa.String(64), nullable=False),
    sa.Column("revision", sa.Integer, nullable=False),
    sa.UniqueConstraint("campaign", "annotator", "id", name="event_once"),
    sa.UniqueConstraint("campaign", "annotator", "item", "version", name="event_version"),
)

audit = sa.Table(
    "audit",
    metadata,
    sa.Column("seq", _NUMBER, primary_key=True, autoincrement=True),
    sa.Column("time", sa.Double, nullable=False),
    sa.Column("campaign", sa.String(64), nullable=False),
    sa.Column("action", sa.String(32), nullable=False),
    sa.Column("detail", sa.Text, nullable=False),
)
sa.Index("audit_campaign", audit.c.campaign)

admin = sa.Table(
    "admin",
    metadata,
    sa.Column("hash", sa.String(64), primary_key=True),  # SHA-256 of the organiser's token
    sa.Column("created", sa.Double, nullable=False),
)
