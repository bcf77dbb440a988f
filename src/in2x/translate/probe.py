"""One sentence before the work: whether a model translates at all, into the language asked for, and says nothing else.

The sentence stands in the language packs, the same one in each. A model that is asked in the wrong words gives itself
away at once: it echoes, chats, answers in another language, or only thinks. What cannot be a translation stops the
work; what may be one is told.
"""

from __future__ import annotations

import re

from in2x.errors import In2xError
from in2x.language import language
from in2x.language.reasoning import OPENS
from in2x.metrics.chrf import sentence_chrf
from in2x.principles.case import Case
from in2x.principles.fundamental import check_principles
from in2x.translate.backend import Backend
from in2x.translate.request import TranslationRequest

TOLD = ("language", "untranslated", "notes")
"""Principles that a warning is given for; the others say more about the sentence than about the model."""
ECHO = 90.0
"""chrF between source and answer from which the answer is the source (our choice)."""


def probe(backend: Backend, source_lang: str, target_lang: str) -> str:
    """What is odd about the translation of one sentence, with the likely reason; "" where nothing is.

    Args:
        backend: the translator, asked once.
        source_lang: code of the language; one whose pack has no sentence is not tried.
        target_lang: code of the language wanted.

    Raises:
        In2xError: the answer is empty or the source itself, or there is none.
    """
    source = language(source_lang).pack.example
    if not source:
        return ""
    (answer,) = backend.translations([source], TranslationRequest(source_lang, target_lang))
    tongue = language(target_lang).name
    other = "it may want to be asked in other words: --profile NAME (docs/models.md), or --no-probe to go on"
    if answer.unasked:
        raise In2xError(f"the model gave no answer to a first sentence ({answer.fault})", mend="see the server's log")
    if not answer.text:
        raise In2xError(f"the model has no answer to a first sentence ({answer.fault or 'it is empty'})", mend=other)
    if sentence_chrf(answer.text, source) > ECHO:
        raise In2xError(f"the model gives a first sentence back as it was, not in {tongue}", mend=other)
    if answer.fault:
        return f"of a first sentence, {answer.fault}: {other}"
    if re.search(OPENS, answer.text, re.IGNORECASE):
        return f"the model thinks aloud ({answer.text[:40]!r}): turn its reasoning off, or give another profile"
    verdicts = check_principles(Case(source, source_lang, target_lang), answer.text)
    for name in TOLD:
        verdict = verdicts.get(name)
        if verdict is not None and verdict.kept is False:
            return f"a first sentence comes out odd, {verdict.why} ({answer.text[:60]!r}): {other}"
    return ""
