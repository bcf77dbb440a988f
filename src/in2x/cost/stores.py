"""What a recipe names in stores, each listed and looked into (`in2x plan --check`)."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from in2x import store
from in2x.corpus.kinds import RawFile, readable
from in2x.cost.supply import Text, look_into
from in2x.data.stage import listed
from in2x.errors import In2xError
from in2x.recipe import Recipe


@dataclass(frozen=True)
class Held:
    """What came of asking for one URL."""

    knob: str
    url: str
    ok: bool
    words: str
    seconds: float

    def __str__(self) -> str:
        """As one line."""
        return f"{self.knob}: {self.url} {self.words} ({self.seconds:.1f} s)"


def held(recipe: Recipe) -> Iterator[Held]:
    """What each URL of the section `data` holds: objects, bytes, and of raw text about how many tokens by language."""
    for knob in ("raw", "train", "dev", "test", "instructions"):
        for url in listed(getattr(recipe.data, knob)):
            if not store.is_url(url):
                continue
            began = time.monotonic()
            try:
                words, ok = _counted(url, recipe.corpus.fields if knob == "raw" else None), True
            except In2xError as error:
                words, ok = f"cannot be read: {error.what}" + (f" ({error.mend})" if error.mend else ""), False
            yield Held(f"data.{knob}", url, ok, words, time.monotonic() - began)


def _counted(url: str, fields: Mapping[str, str] | None) -> str:
    """In words; `fields` of raw text, None for what is read otherwise."""
    found = store.find(url)
    unread: dict[str, str] = {}
    files = readable([RawFile(one.url, one.size) for one in found], unread) if fields is not None else []
    size = sum(one.size for one in found)
    words = f"holds {len(found):,} object{'s' * (len(found) != 1)}, {size / 1e6:,.1f} MB"
    if fields is None:
        with store.opened(found[0].url, 1 << 16) as stream:
            stream.read(1)
        return words
    if not files:
        raise In2xError("none of its objects is of a format that is read", mend="give others")
    text = Text()
    look_into(files, text, fields)
    tokens = ", ".join(f"{count:,} in {lang}" for lang, count in text.tokens.most_common(4) if count)
    return f"{words}; some tokens: {tokens}" if tokens else f"{words}, and no text was found at their beginning"
