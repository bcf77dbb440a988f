"""Rule gates: faults of an instruction that code can see for certain (METHOD 2.4a, the part that needs no model).

A rule is a function from a `View` of the item to `None` (no fault) or the evidence. They are tried in order and the
first fault rejects. Each is written for precision: a sound instruction that is lost cannot be won back, while a faulty
one that slips through still meets the judges. What a rule means to catch and what it must leave alone is in its
docstring; `tests/test_instructions_rules.py` holds the measured set.
"""

from __future__ import annotations

from collections.abc import Mapping

from in2x.instructions.config import RulesConfig
from in2x.instructions.rules import demands, draft, form, letters, obedience, personal, speech, wording
from in2x.instructions.rules.view import Evidence, Rule, View
from in2x.records import Instruction

RULES: Mapping[str, Rule] = {
    "empty": form.empty,
    "length": form.length,
    "encoding": letters.encoding,
    "leakage": wording.leakage,
    "instructed": speech.instructed,
    "framed": speech.framed,
    "language": form.language,
    "writing": letters.writing,
    "repetition": form.repetition,
    "copy": form.copy,
    "self-answered": wording.self_answered,
    "no-material": wording.no_material,
    "refusal": speech.refusal,
    "promise": speech.promise,
    "cut": draft.cut,
    "placeholder": draft.placeholder,
    "link": draft.link,
    "personal-data": personal.personal_data,
    "too-simple": wording.too_simple,
    "no-focus": wording.no_focus,
    "contradiction": demands.contradiction,
    "disobeyed": obedience.disobeyed,
}


def check(item: Instruction, config: RulesConfig) -> tuple[str, Evidence] | None:
    """Name and evidence of the first rule that `item` breaks; None where it breaks none."""
    view = View(item, config)
    for name, rule in RULES.items():
        if name not in config.skip and (evidence := rule(view)) is not None:
            return name, evidence
    return None
