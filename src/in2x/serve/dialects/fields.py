"""The fields of a request, however they came: JSON, a form, a form with files, or the query."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Self

from starlette.datastructures import UploadFile
from starlette.exceptions import HTTPException
from starlette.requests import Request

from in2x.records import sound
from in2x.web.guard import Fault

MOST_FIELDS = 10_000
"""Fields of a form (our choice)."""
_TRUE, _FALSE = ("1", "true", "yes", "on"), ("0", "false", "no", "off", "")


class Fields:
    """Names and values; a form may name one several times, and a value of JSON may be a list."""

    def __init__(self, values: Mapping[str, list[Any]], lists: frozenset[str] = frozenset()) -> None:
        """`lists`: names whose value is a list of JSON."""
        self.values, self._lists = values, lists

    @classmethod
    async def read(cls, request: Request) -> Self:
        """The fields of `request`; those of the body come before those of the query.

        Raises:
            Fault: 400, the body is not what it says.
        """
        query: dict[str, list[Any]] = {}
        for name, value in request.query_params.multi_items():
            query.setdefault(name, []).append(value)
        kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
        if kind in ("application/x-www-form-urlencoded", "multipart/form-data"):
            try:
                form = await request.form(max_files=1, max_fields=MOST_FIELDS, max_part_size=1 << 24)
            except HTTPException as error:
                raise Fault(400, "bad-request", f"the form cannot be read: {error.detail}") from None
            except UnicodeDecodeError:
                raise Fault(400, "bad-request", "the form is not UTF-8") from None
            found: dict[str, list[Any]] = {}
            for name, given in form.multi_items():
                found.setdefault(name, []).append(given if isinstance(given, UploadFile) else sound(given))
            return cls(query | found)
        body = await request.body()
        if not body.strip():
            return cls(query)
        try:
            said = json.loads(body)
        except (ValueError, RecursionError):
            raise Fault(400, "bad-request", "the body is neither JSON nor a form") from None
        if not isinstance(said, dict):
            raise Fault(400, "bad-request", "the body must be a JSON object")
        lists = frozenset(name for name, value in said.items() if isinstance(value, list))
        named = {name: value if name in lists else [value] for name, value in said.items() if value is not None}
        return cls(query | sound(named), lists)

    def __contains__(self, name: str) -> bool:
        """Whether a name is given."""
        return bool(self.values.get(name))

    def listed(self, name: str) -> bool:
        """Whether a name is given as a list, or several times."""
        return name in self._lists or len(self.values.get(name, ())) > 1

    def texts(self, name: str) -> list[str]:
        """All values of a name.

        Raises:
            Fault: 400, one is no text.
        """
        found = self.values.get(name, [])
        if not all(isinstance(value, str) for value in found):
            raise Fault(400, "bad-request", f"{name} must be text")
        return list(found)

    def text(self, name: str, default: str = "") -> str:
        """The one value of a name.

        Raises:
            Fault: 400, it is no text, or there are several.
        """
        found = self.texts(name)
        if len(found) > 1:
            raise Fault(400, "bad-request", f"{name} is given more than once")
        return found[0] if found else default

    def names(self, name: str) -> tuple[str, ...]:
        """A list of words: values, each may be several with commas between them."""
        parts = [part.strip() for value in self.texts(name) for part in value.split(",")]
        return tuple(part for part in parts if part)

    def plain(self, name: str, default: str = "") -> str:
        """The one value of a name as text, a number or truth value too.

        Raises:
            Fault: 400, it is a list or an object.
        """
        found = self.values.get(name, [])
        if not found:
            return default
        if len(found) > 1 or isinstance(found[0], (dict, list, UploadFile)):
            raise Fault(400, "bad-request", f"{name} must be one value")
        return str(found[0]) if not isinstance(found[0], bool) else str(int(found[0]))

    def one_of(self, name: str, choices: tuple[str, ...], default: str) -> str:
        """One of `choices`.

        Raises:
            Fault: 400, it is none of them.
        """
        found = self.plain(name, default) or default
        if found not in choices:
            raise Fault(400, "bad-request", f"{name} must be one of {', '.join(filter(None, choices))}")
        return found

    def flag(self, name: str, default: bool = False) -> bool:
        """Yes or no.

        Raises:
            Fault: 400, it is neither.
        """
        found = self.plain(name, str(int(default))).lower()
        if found not in _TRUE + _FALSE:
            raise Fault(400, "bad-request", f"{name} must be 1 or 0")
        return found in _TRUE

    def number(self, name: str, default: int, low: int, high: int) -> int:
        """A whole number.

        Raises:
            Fault: 400, it is none, or out of bounds.
        """
        found = self.plain(name, str(default))
        if not found.isascii() or not found.removeprefix("-").isdigit() or not low <= int(found[:12]) <= high:
            raise Fault(400, "bad-request", f"{name} must be a whole number from {low} to {high}")
        return int(found)

    def objects(self, name: str) -> list[dict[str, Any]]:
        """Objects of JSON.

        Raises:
            Fault: 400, one is none.
        """
        found = self.values.get(name, [])
        if not all(isinstance(value, dict) for value in found):
            raise Fault(400, "bad-request", f"{name} must be a list of objects")
        return list(found)

    async def file(self, name: str, largest: int) -> tuple[str, bytes]:
        """Name and content of a file that was sent.

        Raises:
            Fault: 400, there is none; 413, it is too large.
        """
        found = self.values.get(name, [])
        if len(found) != 1 or not isinstance(found[0], UploadFile):
            raise Fault(400, "bad-request", f"a file must be sent as {name}")
        raw = await found[0].read(largest + 1)
        if len(raw) > largest:
            raise Fault(413, "too-large", f"a file has at most {largest} bytes")
        return sound(found[0].filename or "file"), raw
