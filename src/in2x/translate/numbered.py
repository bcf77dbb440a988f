"""Several segments in one question, each under its number: for general chat models, which read context from it.

The answer is a JSON object with a translation under each number (asked for by schema where the server can). What is
missing, empty or a refusal is asked again; so is a whole answer whose lines fit their neighbours better than their own
(`principles/shift.py`), since a right count says nothing about places. Asked again means in halves, down to single
segments, which are then asked as any other: with their context, as it was.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from in2x.chat.source import Source
from in2x.language import language
from in2x.llm.request import Answer, Asker, Request, chat
from in2x.llm.schema import json_values
from in2x.principles.shift import shifted
from in2x.translate.backend import Translation, one_line, unfit
from in2x.translate.request import TranslationRequest

TOGETHER = 10
"""Segments of one question (our choice; peers lose lines above 10 to 20)."""
LONGEST = 6000
"""Most characters of the texts of one question (our choice)."""


def ask_numbered(
    asker: Asker, lists: Sequence[Sequence[Source]], request: TranslationRequest
) -> list[list[Translation | None]]:
    """The translations of each list of `lists`, asked together; None where it must be asked alone.

    Raises:
        In2xError: the server cannot be used.
    """
    found: list[list[Translation | None]] = [[None] * len(sources) for sources in lists]
    waiting = [_Batch(number, first, len(part)) for number, sources in enumerate(lists)
               for first, part in _short(sources) if len(part) > 1]  # fmt: skip
    while waiting:
        questions = [_request(lists[one.owner][one.first : one.end], request) for one in waiting]
        again: list[_Batch] = []
        for one, answer in zip(waiting, asker.ask_all(questions), strict=True):
            sources = lists[one.owner][one.first : one.end]
            texts = _read(answer, sources)
            if shifted([source.text for source in sources], [text or "" for text in texts],
                       request.source_lang, request.target_lang):  # fmt: skip
                texts = [None] * len(texts)
            for place, text in enumerate(texts, start=one.first):
                if text is not None and found[one.owner][place] is None:
                    found[one.owner][place] = Translation(text)
            # A server that gave no answer at all is not asked the same in pieces: the single ones say what it says.
            if answer.ok or answer.unusable:
                again += [half for half in one.halves() if None in found[one.owner][half.first : half.end]]
        waiting = again
    return found


@dataclass(frozen=True, slots=True)
class _Batch:
    owner: int
    first: int
    count: int

    @property
    def end(self) -> int:
        return self.first + self.count

    def halves(self) -> Iterator[_Batch]:
        """Both halves, without single ones."""
        middle = (self.count + 1) // 2
        for first, count in ((self.first, middle), (self.first + middle, self.count - middle)):
            if count > 1:
                yield _Batch(self.owner, first, count)


def _short(sources: Sequence[Source]) -> Iterator[tuple[int, Sequence[Source]]]:
    """`sources` in runs of at most `TOGETHER` and `LONGEST`, each with the place of its first."""
    start = size = 0
    for place, source in enumerate(sources):
        size += len(source.text)
        if place > start and (size > LONGEST or place - start == TOGETHER):
            yield start, sources[start:place]
            start, size = place, len(source.text)
    if start < len(sources):
        yield start, sources[start:]


def _request(sources: Sequence[Source], request: TranslationRequest) -> Request:
    keys = [str(number) for number in range(1, len(sources) + 1)]
    text = {"type": "string"}
    schema = {"type": "object", "properties": dict.fromkeys(keys, text), "required": keys,
              "additionalProperties": False}  # fmt: skip
    return chat(_prompt(sources), max_tokens=request.max_new_tokens, temperature=request.temperature,
                seed=request.seed, schema=schema)  # fmt: skip


def _prompt(sources: Sequence[Source]) -> str:
    """What holds for many questions first (a server keeps a common beginning), the texts last."""
    first = sources[0]
    target = language(first.target_lang)
    manners = [_manner(source) for source in sources]
    common = manners[0] if len(set(manners)) == 1 else ""
    terms = dict(pair for source in sources for pair in source.terms)
    paragraphs = [
        f"Translate the numbered texts from {language(first.source_lang).name} into {target.name}. They follow each "
        "other. Answer with a JSON object that has the translation of each text under its number, and nothing else.",
        f"Style: {first.style}." if first.style else "",
        common,
        "Keep each placeholder like <1> and </1> where it belongs." if any(source.tagged for source in sources) else "",
        "\n".join(["Agreed terms:", *(f"{term} = {rendering}" for term, rendering in terms.items())]) if terms else "",
        "\n".join(["What stands before (do not translate it):", *(_pair(*pair) for pair in first.before)])
        if first.before
        else "",
    ]
    texts = {
        str(number): one_line(source.text) if common or not manner else {"text": one_line(source.text), "how": manner}
        for number, (source, manner) in enumerate(zip(sources, manners, strict=True), start=1)
    }
    return "\n\n".join([*filter(None, paragraphs), json.dumps(texts, ensure_ascii=False)])


def _manner(source: Source) -> str:
    words = language(source.target_lang).register_words
    register = f"Register: {words.get(source.register, source.register)}." if source.register else ""
    return "\n".join(filter(None, (source.scene, register)))


def _pair(source: str, translation: str) -> str:
    return f"{source} => {translation}" if translation else source


def _read(answer: Answer, sources: Sequence[Source]) -> list[str | None]:
    """The translation of each source that the answer has, whole or not."""
    values = [answer.value] if answer.value is not None else json_values(answer.text)
    held = next((value for value in reversed(values) if isinstance(value, dict)), {})
    found: list[str | None] = []
    for number, source in enumerate(sources, start=1):
        said = held.get(str(number))
        text = one_line(said) if isinstance(said, str) else ""
        found.append(text if text and not unfit(text, source.text) else None)
    return found
