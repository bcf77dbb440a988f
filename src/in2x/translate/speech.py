"""Whether a line is said as the characters file has it: the words for "I" and "you", and what others are called."""

from __future__ import annotations

from in2x.language.finding import Finding
from in2x.language.grammar import Grammar, grammar
from in2x.principles.terms import Terms, variants
from in2x.principles.verdict import KEPT, Verdict, not_applicable
from in2x.translate.characters import Character, Characters

BARE = "none"
"""The title of those who are called by their bare name."""


def spoken(answer: str, characters: Characters, speaker: str, target_lang: str) -> dict[str, Verdict]:
    """The verdicts "first person", "address" and "titles" on a line of `speaker` ("" where nobody is known)."""
    rules, person = grammar(target_lang), characters.who(speaker) if speaker else None
    unknown = not_applicable("no speaker's words are agreed")
    found = {"first person": unknown, "address": unknown, "titles": unknown}
    if rules is None or person is None:
        return found
    said = {word.kind for word in rules.persons(answer)}
    agreed = (("first person", "first person", person.first_person),
              ("address", "second person", characters.relation(speaker).address))  # fmt: skip
    for name, kind, own in agreed:
        if own and kind in said:
            wrong = other_person(answer, own, kind, target_lang)
            found[name] = KEPT
            if wrong is not None:
                found[name] = Verdict(False, f"{person.name} says {own}, here {wrong.label}", wrong.start, wrong.end)
    found["titles"] = _titles(answer, person, characters, rules)
    return found


def other_person(answer: str, own: str, kind: str, target_lang: str) -> Finding | None:
    """The first word for "I" or "you" in `answer` that is not the speaker's; None where none is.

    Args:
        answer: what is said.
        own: the speaker's word, "A|B" where they have two; kanji and kana are one word.
        kind: "first person" or "second person".
        target_lang: code of the language.
    """
    rules = grammar(target_lang)
    if rules is None or not own:
        return None
    right = {word.lemma for one in variants(own) for word in rules.words(one)}
    return next((said for said in rules.persons(answer) if said.kind == kind and said.label not in variants(own)
                 and not right & {word.lemma for word in rules.words(said.label)}), None)  # fmt: skip


def _titles(answer: str, person: Character, characters: Characters, rules: Grammar) -> Verdict:
    """Whether those whom the line names have the titles that the speaker gives them."""
    given = {title.start: title for title in rules.titles(answer)}
    verdict = not_applicable("nobody with an agreed title is named")
    for name, relation in person.to:
        other = characters.who(name)
        if other is None or not relation.title or not other.target:
            continue
        # a longer alias (カイル船長) has its title in it
        finder = Terms((target for _, target in other.names), characters.target_lang)
        for start, end in finder.places(answer).get(other.target, ()):
            title = given.get(end)
            bare = relation.title == BARE
            if (title is None) if bare else answer.startswith(relation.title, end):
                verdict = KEPT
                continue
            wanted = other.target if bare else other.target + relation.title
            behind = title.end if title is not None else end
            return Verdict(False, f"{person.name} says {wanted}, here {answer[start:behind]}", start, behind)
    return verdict
