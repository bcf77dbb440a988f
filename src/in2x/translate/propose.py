"""Targets that a model proposes for the terms of a document, and which of them are to be looked at.

A term is translated by itself and, apart from that, each of its contexts. A proposal that the translations of the
contexts use is taken as sure; one that they do not is marked, with what it stands against.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from in2x.formats.document import Segment
from in2x.principles.terms import stands
from in2x.translate.backend import Backend
from in2x.translate.request import TranslationRequest
from in2x.translate.terms import Candidate

LONGEST = 400
"""Characters of a context that a model is asked for."""


def proposed(
    candidates: Sequence[Candidate], segments: Sequence[Segment], backend: Backend, request: TranslationRequest
) -> list[Candidate]:
    """The candidates with a target each, as far as the model has one.

    Raises:
        In2xError: the model cannot be used.
    """
    contexts = sorted({n for one in candidates for n in one.segments if len(segments[n].text) <= LONGEST})
    texts = [one.term for one in candidates] + [segments[n].text for n in contexts]
    answers = backend.translations(texts, request)
    rendered = {n: answer for n, answer in zip(contexts, answers[len(candidates) :], strict=True)}
    found = []
    for one, answer in zip(candidates, answers, strict=False):
        target = answer.text.strip().strip("。．.「」\"'“”")
        if answer.fault or not target:
            found.append(replace(one, doubt=answer.fault or "the model has no word for it"))
            continue
        around = [rendered[n].text for n in one.segments if n in rendered and not rendered[n].fault]
        used = sum(stands(text, [target], request.target_lang) for text in around)
        doubt = "" if not around or 2 * used >= len(around) else "the model renders it otherwise in context"
        found.append(replace(one, target=target, doubt=doubt))
    return found
