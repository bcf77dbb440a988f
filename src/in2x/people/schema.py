"""The tables. Events are only ever added; everything about an item's state is folded from them.

A screen that is edited gets a further revision beside the old one, and each event names the revision it was made on, so
that no answer is ever read against a text that its annotator did not see. Texts and nested values are JSON text.
"""

from __future__ import annotations

from sqlalchemy import (
    BigInteger, Boolean, Column, Double, ForeignKeyConstraint, Index, Integer, MetaData, String, Table, Text,
    UniqueConstraint,
)  # fmt: skip

metadata = MetaData()

_NUMBER = BigInteger().with_variant(Integer, "sqlite")  # SQLite counts up by itself for INTEGER alone

campaign = Table(
    "campaign",
    metadata,
    Column("id", String(64), primary_key=True),
    Column("body", Text, nullable=False),  # the Campaign without its screens
    Column("status", String(16), nullable=False),  # open | paused | closed
    Column("seed", BigInteger, nullable=False),  # of the order in which candidates are shown
    Column("changes", Integer, nullable=False),  # counts edits of anything but events: a server reads anew
    Column("created", Double, nullable=False),
)

screen = Table(
    "screen",
    metadata,
    Column("campaign", String(64), primary_key=True),
    Column("id", String(64), primary_key=True),
    Column("revision", Integer, primary_key=True),  # the highest counts
    Column("position", Integer, nullable=False),
    Column("body", Text, nullable=False),
    ForeignKeyConstraint(["campaign"], ["campaign.id"]),
)

annotator = Table(
    "annotator",
    metadata,
    Column("campaign", String(64), primary_key=True),
    Column("id", String(64), primary_key=True),
    Column("note", Text, nullable=False),  # the organiser's own ("native, paid 20 an hour"); never shown to others
    Column("status", String(16), nullable=False),  # active | paused
    ForeignKeyConstraint(["campaign"], ["campaign.id"]),
)

invitation = Table(
    "invitation",
    metadata,
    Column("hash", String(64), primary_key=True),  # SHA-256 of the token, which is kept nowhere
    Column("campaign", String(64), nullable=False),
    Column("annotator", String(64), nullable=False),
    Column("created", Double, nullable=False),
    Column("expires", Double),
    Column("revoked", Double),
    ForeignKeyConstraint(["campaign", "annotator"], ["annotator.campaign", "annotator.id"]),
)

assignment = Table(
    "assignment",
    metadata,
    Column("campaign", String(64), primary_key=True),
    Column("annotator", String(64), primary_key=True),
    Column("screen", String(64), primary_key=True),
    Column("position", Integer, nullable=False),
    Column("withdrawn", Boolean, nullable=False),  # reassigned: no longer shown, its events stay
    ForeignKeyConstraint(["campaign", "annotator"], ["annotator.campaign", "annotator.id"]),
)

event = Table(
    "event",
    metadata,
    Column("seq", _NUMBER, primary_key=True, autoincrement=True),
    Column("id", String(64), nullable=False),
    Column("campaign", String(64), nullable=False),
    Column("annotator", String(64), nullable=False),
    Column("item", String(64), nullable=False),
    Column("kind", String(16), nullable=False),
    Column("value", Text, nullable=False),
    Column("client_time", Double, nullable=False),
    Column("server_time", Double, nullable=False),
    Column("version", Integer, nullable=False),
    Column("tab", String(64), nullable=False),
    Column("revision", Integer, nullable=False),
    UniqueConstraint("campaign", "annotator", "id", name="event_once"),
    UniqueConstraint("campaign", "annotator", "item", "version", name="event_version"),
)

audit = Table(
    "audit",
    metadata,
    Column("seq", _NUMBER, primary_key=True, autoincrement=True),
    Column("time", Double, nullable=False),
    Column("campaign", String(64), nullable=False),
    Column("action", String(32), nullable=False),
    Column("detail", Text, nullable=False),
)
Index("audit_campaign", audit.c.campaign)

admin = Table(
    "admin",
    metadata,
    Column("hash", String(64), primary_key=True),  # SHA-256 of the organiser's token
    Column("created", Double, nullable=False),
)
