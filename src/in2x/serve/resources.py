"""What clients leave at the server: glossaries, documents, suggested renderings, and how much they have used.

    DIR/resources.sqlite            everything but files
    DIR/documents/ID/source         a document as it came
    DIR/documents/ID/answers.jsonl  its segments, each a line from the moment it is done
    DIR/documents/ID/result         its translation, written beside and renamed

Each belongs to the client that left it, and nobody else is told that it exists. Several processes may share one folder.
What is acknowledged is on the disk: SQLite in WAL mode with full synchronisation. What nobody comes for is deleted on a
timer.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import secrets
import shutil
import sqlite3
import threading
import time
from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from in2x.serve.entries import Entries
from in2x.serve.store import Store, write_beside
from in2x.web.guard import Fault

DOCUMENT_KEPT = 24 * 3600.0
"""Seconds that a document is kept (our choice)."""
TAKEN_KEPT = 600.0
"""Seconds that it is kept when its translation was fetched: a download may break off."""
GLOSSARY_KEPT = 365 * 24 * 3600.0
"""Seconds that a glossary, or a suggestion, is kept after it was last used."""
MOST_GLOSSARIES = 1000
MOST_DOCUMENTS = 100
"""Of one client (our choice)."""
_DAY = 24 * 3600.0

State = Literal["queued", "translating", "done", "error"]
Pair = tuple[str, str]
"""Codes of source and target language."""


@dataclass(frozen=True, slots=True)
class Kept:
    """A glossary."""

    id: str
    name: str
    made: float
    """Seconds since 1970."""
    dictionaries: dict[Pair, Entries]


@dataclass(frozen=True, slots=True)
class Paper:
    """A document."""

    id: str
    owner: str
    name: str
    """Of its file."""
    wish: str
    """What is wished of it, as JSON."""
    state: State
    done: int
    """Segments that are translated."""
    segments: int
    characters: int
    error: str
    begun: float
    """When this attempt began, seconds since 1970."""


class Resources(Store):
    """What clients leave in the folder of a server. Its methods may be called from any thread; each is one transaction.

    Args:
        folder: where it is kept.
        quota: characters that a client may have translated in a month; 0 for any number.

    Raises:
        In2xError: the folder cannot be written, or its database is none.
    """

    def __init__(self, folder: Path, quota: int = 0) -> None:
        super().__init__(folder)
        self.quota = quota
        self._counted: Counter[str] = Counter()
        self._counting = threading.Lock()
        """Of its own: who counts waits for no disk."""

    def close(self) -> None:
        """Keep what was counted, close the database."""
        self.count()
        super().close()

    # --- glossaries ---------------------------------------------------------------------------------------------------

    def add_glossary(self, owner: str, name: str, dictionaries: dict[Pair, Entries]) -> Kept:
        """Keep a new glossary.

        Raises:
            Fault: the client has too many.
        """
        now, made = time.time(), secrets.token_hex(16)
        made = f"{made[:8]}-{made[8:12]}-{made[12:16]}-{made[16:20]}-{made[20:]}"
        with self._writing() as base:
            if base.execute("SELECT count(*) FROM glossaries WHERE owner = ?", (owner,)).fetchone()[0] >= (
                MOST_GLOSSARIES
            ):
                raise Fault(456, "quota", f"a client has at most {MOST_GLOSSARIES} glossaries; delete one")
            base.execute("INSERT INTO glossaries VALUES (?, ?, ?, ?, ?)", (made, owner, name, now, now))
            self._lay(base, made, dictionaries)
        return Kept(made, name, now, dictionaries)

    @staticmethod
    def _lay(base: sqlite3.Connection, glossary: str, dictionaries: dict[Pair, Entries]) -> None:
        rows = [(glossary, *pair, json.dumps(entries, ensure_ascii=False)) for pair, entries in dictionaries.items()]
        base.executemany("INSERT OR REPLACE INTO dictionaries VALUES (?, ?, ?, ?)", rows)

    def glossaries(self, owner: str) -> list[Kept]:
        """Those of a client, oldest first."""
        rows = self._rows("SELECT id, name, made FROM glossaries WHERE owner = ? ORDER BY made, id", owner)
        return [Kept(one, name, made, self._dictionaries(one)) for one, name, made in rows]

    def glossary(self, owner: str, glossary: str) -> Kept:
        """One of them.

        Raises:
            Fault: 404, there is none, or it is another client's.
        """
        rows = self._rows("SELECT id, name, made, used FROM glossaries WHERE owner = ? AND id = ?", owner, glossary)
        if not rows:
            raise Fault(404, "no-glossary", "there is no such glossary")
        if time.time() - rows[0][3] > _DAY:
            with self._writing() as base:
                base.execute("UPDATE glossaries SET used = ? WHERE id = ?", (time.time(), glossary))
        return Kept(glossary, rows[0][1], rows[0][2], self._dictionaries(glossary))

    def _dictionaries(self, glossary: str) -> dict[Pair, Entries]:
        rows = self._rows("SELECT source_lang, target_lang, entries FROM dictionaries WHERE glossary = ? "
                          "ORDER BY source_lang, target_lang", glossary)  # fmt: skip
        return {(source, target): [(a, b) for a, b in json.loads(entries)] for source, target, entries in rows}

    def change_glossary(
        self, owner: str, glossary: str, name: str | None, dictionaries: dict[Pair, Entries], merge: bool
    ) -> Kept:
        """Give it another name, or dictionaries in place of those of their languages; or `merge` entries into those.

        Raises:
            Fault: 404, as `glossary`.
        """
        now = self.glossary(owner, glossary)
        if merge:
            dictionaries = {
                pair: list((dict(now.dictionaries.get(pair, ())) | dict(entries)).items())
                for pair, entries in dictionaries.items()
            }
        with self._writing() as base:
            if name is not None:
                base.execute("UPDATE glossaries SET name = ? WHERE id = ?", (name, glossary))
            self._lay(base, glossary, dictionaries)
        return self.glossary(owner, glossary)

    def drop_dictionary(self, owner: str, glossary: str, pair: Pair) -> None:
        """Delete the dictionary of two languages.

        Raises:
            Fault: 404, there is none.
        """
        if pair not in self.glossary(owner, glossary).dictionaries:
            raise Fault(404, "no-dictionary", "the glossary has no dictionary for these languages")
        with self._writing() as base:
            base.execute("DELETE FROM dictionaries WHERE glossary = ? AND source_lang = ? AND target_lang = ?",
                         (glossary, *pair))  # fmt: skip

    def drop_glossary(self, owner: str, glossary: str) -> None:
        """Delete it.

        Raises:
            Fault: 404, as `glossary`.
        """
        self.glossary(owner, glossary)
        with self._writing() as base:
            base.execute("DELETE FROM glossaries WHERE id = ?", (glossary,))

    # --- documents ----------------------------------------------------------------------------------------------------

    def place(self, paper: str) -> Path:
        """The folder of a document."""
        return self.folder / "documents" / paper

    def add_document(
        self, owner: str, name: str, raw: bytes, wish: str, segments: int, characters: int
    ) -> tuple[str, str]:
        """Keep a document that is to be translated: its id, and the key that it is asked for by.

        Raises:
            Fault: the client has too many, or nothing can be written.
        """
        (count,) = self._rows("SELECT count(*) FROM documents WHERE owner = ?", owner)[0]
        if count >= MOST_DOCUMENTS:
            raise Fault(429, "too-many", f"a client has at most {MOST_DOCUMENTS} documents here", wait=60)
        made, key, now = secrets.token_hex(16).upper(), secrets.token_hex(32).upper(), time.time()
        try:
            write_beside(self.place(made) / "source", raw)
        except OSError as error:
            raise Fault(503, "not-saved", f"nothing can be kept now ({error.strerror})", wait=5) from None
        with self._writing() as base:
            base.execute(
                "INSERT INTO documents VALUES (?, ?, ?, ?, ?, 'queued', 0, ?, ?, '', ?, ?, NULL)",
                (made, owner, _hash(key), name, wish, segments, characters, now, now),
            )
        return made, key

    def document(self, owner: str | None, paper: str, key: str) -> Paper:
        """A document of a client; None for whoever has the key.

        Raises:
            Fault: 404, there is none, it is another client's, or the key is wrong.
        """
        rows = self._rows(
            f"SELECT {_PAPER}, key FROM documents WHERE id = ? AND coalesce(?, owner) = owner", paper, owner
        )
        if not rows or not hmac.compare_digest(rows[0][-1], _hash(key)):
            raise Fault(404, "no-document", "there is no such document")
        return Paper(*rows[0][:-1])

    def waiting(self) -> list[Paper]:
        """The documents that are not finished, oldest first."""
        return [Paper(*row) for row in self._rows(
            f"SELECT {_PAPER} FROM documents WHERE state IN ('queued', 'translating') ORDER BY made")]  # fmt: skip

    def unfinished(self, paper: str) -> Paper | None:
        """A document as it is now; None where it is finished or gone."""
        rows = self._rows(
            f"SELECT {_PAPER} FROM documents WHERE id = ? AND state IN ('queued', 'translating')", paper)  # fmt: skip
        return Paper(*rows[0]) if rows else None

    def settle(self, paper: str, state: State, done: int, error: str = "") -> bool:
        """How far a document is; False where it was taken away meanwhile."""
        with self._writing() as base:
            begun = ", begun = ?" if state == "translating" and not done else ""
            values = (state, done, error, *((time.time(),) if begun else ()), paper)
            told = base.execute(f"UPDATE documents SET state = ?, done = ?, error = ?{begun} WHERE id = ?", values)
            return told.rowcount > 0

    def take(self, paper: Paper) -> bytes:
        """The translation of a document that is done; it is deleted some minutes later.

        Raises:
            Fault: 503, it is not done; 404, it is gone.
        """
        if paper.state == "error":
            raise Fault(404, "no-document", f"the document was not translated: {paper.error}")
        if paper.state != "done":
            raise Fault(503, "not-ready", "the document is not translated yet", wait=2)
        try:
            raw = (self.place(paper.id) / "result").read_bytes()
        except OSError:
            raise Fault(404, "no-document", "there is no such document") from None
        with self._writing() as base:
            base.execute("UPDATE documents SET taken = coalesce(taken, ?) WHERE id = ?", (time.time(), paper.id))
        return raw

    def drop_document(self, paper: str) -> None:
        """Delete a document with its files; whoever works on it stops."""
        with self._writing() as base:
            base.execute("DELETE FROM documents WHERE id = ?", (paper,))
        shutil.rmtree(self.place(paper), ignore_errors=True)

    # --- suggestions, usage, sweeping ---------------------------------------------------------------------------------

    def suggest(self, owner: str, pair: Pair, text: str, said: str) -> None:
        """Keep how a client would have a text translated."""
        with self._writing() as base:
            base.execute("INSERT OR REPLACE INTO suggestions VALUES (?, ?, ?, ?, ?, ?)",
                         (owner, *pair, text, said, time.time()))  # fmt: skip

    def suggested(self, owner: str, pair: Pair, texts: Sequence[str]) -> list[str | None]:
        """How the client would have each of `texts` translated, where it said so."""
        query = "SELECT said FROM suggestions WHERE owner = ? AND source_lang = ? AND target_lang = ? AND text = ?"
        found = [self._rows(query, owner, *pair, text) for text in texts]
        return [rows[0][0] if rows else None for rows in found]

    def use(self, owner: str, characters: int) -> None:
        """Count what a client had translated. It is kept by the next `count`, so that no answer waits for the disk."""
        with self._counting:
            self._counted[owner] += characters

    def count(self) -> None:
        """Keep what was counted.

        Raises:
            Fault: 503, it cannot be kept now; the next `count` tries again.
        """
        with self._counting:
            counted, self._counted = self._counted, Counter()
        rows = [(owner, _month(), characters) for owner, characters in counted.items() if characters]
        if not rows:
            return
        try:
            with self._writing() as base:
                base.executemany("INSERT INTO usage VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET "
                                 "characters = characters + excluded.characters", rows)  # fmt: skip
        except Fault:
            with self._counting:
                self._counted.update(counted)
            raise

    def check_quota(self, owner: str, characters: int) -> None:
        """See whether a client may have so many characters more.

        Raises:
            Fault: 456, its quota is used up.
        """
        if self.quota and self.used(owner) + characters > self.quota:
            raise Fault(456, "quota", f"the quota of {self.quota:,} characters a month is used up")

    def used(self, owner: str) -> int:
        """Characters that a client had translated this month."""
        rows = self._rows("SELECT characters FROM usage WHERE owner = ? AND month = ?", owner, _month())
        return (int(rows[0][0]) if rows else 0) + self._counted[owner]

    def sweep(self, now: float | None = None) -> int:
        """Delete what is kept no longer, and folders of no document; the number of documents that went."""
        now = time.time() if now is None else now
        with self._writing() as base:
            gone = base.execute("DELETE FROM documents WHERE made < ? OR taken < ? RETURNING id",
                                (now - DOCUMENT_KEPT, now - TAKEN_KEPT)).fetchall()  # fmt: skip
            base.execute("DELETE FROM glossaries WHERE used < ?", (now - GLOSSARY_KEPT,))
            base.execute("DELETE FROM suggestions WHERE used < ?", (now - GLOSSARY_KEPT,))
            base.execute("DELETE FROM usage WHERE month < ?", (_month(now - 400 * _DAY),))
        known = {row[0] for row in self._rows("SELECT id FROM documents")}
        for folder in (self.folder / "documents").iterdir():
            with suppress(FileNotFoundError):  # another process sweeps too
                if folder.name not in known and folder.stat().st_mtime < now - 60:  # one may be coming in just now
                    shutil.rmtree(folder, ignore_errors=True)
        return len(gone)


_PAPER = "id, owner, name, wish, state, done, segments, characters, error, begun"


def _hash(key: str) -> str:
    return hashlib.sha256(key.encode("utf-8", "replace")).hexdigest()


def _month(at: float | None = None) -> str:
    return time.strftime("%Y-%m", time.gmtime(at))
