"""A pair as the instruction that asks for its translation, in the words of the profile: SFT, RL and data alike."""

from __future__ import annotations

from in2x.chat.profile import PromptProfile
from in2x.chat.source import Source
from in2x.principles.case import TRANSLATE, case_of_pair, verifier_of
from in2x.records import Instruction, Pair, content_id


def translation(pair: Pair, profile: PromptProfile) -> Instruction:
    """The instruction that asks for `pair.target`; `principles.case.case_of` gives back the pair's case."""
    messages = profile.messages(Source.of_pair(pair))
    return Instruction(
        id=content_id("pairs", messages, pair.target),
        lang=pair.tgt_lang,
        task=TRANSLATE,
        messages=messages,
        answer=pair.target,
        verifier=verifier_of(case_of_pair(pair)),
        origin="pairs",
    )
