"""The rule gates, measured on 300 sound and 300 faulty instructions; cases that the measuring taught."""

# sentences

from __future__ import annotations

from collections import Counter
from itertools import islice
from pathlib import Path

import pytest

from in2x.instructions.collect import read_set
from in2x.instructions.config import RulesConfig, SetConfig
from in2x.instructions.rules import RULES, check
from in2x.instructions.tidy import tidy_answer
from in2x.language.misfit import misfit
from in2x.records import Instruction
from in2x.sample import tasks
from instruction_faults import faulty, further, sound

CONFIG = RulesConfig()
RECALL = {
    "language": 1.0, "repetition": 1.0, "self-answered": 1.0, "refusal": 0.9, "leakage": 1.0, "personal-data": 1.0,
    "too-simple": 0.9, "no-focus": 0.9, "contradiction": 0.8, "length": 1.0,
}  # fmt: skip
"""Least recall a fault. What is missing of 1 is for the judges: faults of sense that no rule can see."""


def measure() -> tuple[float, dict[str, float], list[tuple[str, str, str]]]:
    """Precision of the rules over all 600, recall by fault, and the sound ones that were rejected."""
    good, bad = sound(), faulty()
    wrong = [(fault[0], item.messages[0]["content"], str(fault[1])) for item in good if (fault := check(item, CONFIG))]
    caught = Counter(fault for fault, item in bad if check(item, CONFIG))
    sizes = Counter(fault for fault, _ in bad)
    return sum(caught.values()) / (sum(caught.values()) + len(wrong)), {f: caught[f] / sizes[f] for f in sizes}, wrong


def test_precision_and_recall() -> None:
    assert len(sound()) == 300 and len(faulty()) == 300
    precision, recall, wrong = measure()
    print(f"precision {precision:.3f}", {fault: round(value, 2) for fault, value in recall.items()})
    assert precision >= 0.98, wrong
    for fault, least in RECALL.items():
        assert recall[fault] >= least, (fault, recall[fault], [
            item.messages[0]["content"][:60] + " | " + str(item.answer)[:60]
            for f, item in faulty() if f == fault and not check(item, CONFIG)
        ])  # fmt: skip


def test_the_rules_hold_on_prompts_they_were_not_written_for() -> None:
    found = [(fault, (check(item, CONFIG) or ("",))[0], item.messages[0]["content"]) for fault, item in further()]
    wrong = [row for row in found if row[0] != row[1]]
    assert not [row for row in wrong if not row[0]], "sound prompts are left alone"
    assert len(wrong) <= 2, wrong


def test_what_real_sets_taught() -> None:
    def fault(prompt: str, answer: str | None = None, lang: str = "en") -> str | None:
        found = check(Instruction("x", lang, "chat", [{"role": "user", "content": prompt}], answer=answer), CONFIG)
        return found and found[0]

    asked = (
        "Based on the context and the answer, generate a question.\n\nContext: The boat sank.\n\nAnswer:\n\nThe boat."
    )
    assert fault(asked, "What sank last night?") is None
    assert fault("Write a conversation.\nRoles: User and Bot", "User: Hi!\nBot: Good evening to you.") is None
    assert fault("Describe the harbour.", "User: Hi!\nBot: Good evening to you.") == "leakage"
    assert fault("次の英文を和訳して。\n\nThe old lamp burned all night in the window of the inn.", lang="ja") is None
    assert fault("Translate into Arabic: good night, my friend", "تصبح على خير يا صديقي") is None
    assert (
        fault("What mood is this? I waited for hours. Grrrrrrrrrrrrrrrrr! And then it rained on us all.", "negative")
        is None
    )


def test_false_alarms_on_real_instructions(shared_data: Path) -> None:
    """Most share of each rule's hits on sets that people wrote."""
    for name, most in (("prompts.ja.jsonl", 0.0), ("seed_tasks.en.jsonl", 0.012), ("t0.en.jsonl.gz", 0.002)):
        items = list(read_set(SetConfig(path=str(shared_data / "instructions" / name))))[:2000]
        # an empty answer and a wrong decoding ("naÃ¯ve") are faults of the set, and what is too long is so by the bound
        faults = ("empty", "length", "encoding")
        found = Counter(hit[0] for item in items if (hit := check(item, CONFIG)) and hit[0] not in faults)
        assert all(count <= most * len(items) for count in found.values()), (name, found)


def test_the_planted_faults_of_the_micro_world_are_seen() -> None:
    caught, seen = Counter[str](), Counter[str]()
    for item in islice(tasks.instructions(11, set()), 1500):
        kind = item.origin.rpartition("faulty-")[2] if "faulty-" in item.origin else ""
        seen[kind] += 1
        caught[kind] += check(item, CONFIG) is not None
    for kind in ("self-answered", "contradictory", "no-focus", "too-simple"):
        assert caught[kind] == seen[kind] > 10, kind
    # A wrong language is seen where there is enough of it; a short result in figures or characters is in any.
    assert caught["wrong-language"] >= 0.6 * seen["wrong-language"] and caught[""] <= 0.001 * seen[""]


def test_rejections_name_the_right_fault() -> None:
    named = [(fault, found[0]) for fault, item in faulty() if (found := check(item, CONFIG))]
    assert sum(fault == name for fault, name in named) / len(named) >= 0.95


def test_every_rule_can_be_switched_off() -> None:
    for fault, item in faulty():
        if (found := check(item, CONFIG)) and found[0] == fault:
            after = check(item, RulesConfig(skip=(fault,)))
            assert after is None or after[0] != fault


def test_a_five_megabyte_instruction_is_rejected_at_once() -> None:
    item = Instruction("big", "en", "chat", [{"role": "user", "content": "word " * 1_000_000}], answer="yes")
    found = check(item, CONFIG)
    assert found is not None and found[0] == "length" and found[1]["characters"] == 5_000_000
    assert list(RULES)[:2] == ["empty", "length"]  # before any pattern is tried on it


@pytest.mark.parametrize(
    ("asked", "answer", "taken"),
    [
        # polite beside plain, unless both are; a story in a polite voice goes on in it
        ("霧の詩を。", "霧は橋を\n隠して\n返さない\n\nお気に召しましたでしょうか。", "closing"),
        ("霧の話を。", "霧が橋を隠しました。\n\n橋はそれきり、戻ってきませんでした。", ""),
        ("霧の話を。", "「橋は？」と彼は言った。\n\n誰も答えませんでした。", ""),
        # "you" beside a work that speaks to nobody, unless the prompt asks for it
        ("Write a tale of a well.", "The well was deep, and it kept a moon.\n\nCould you use more?", "closing"),
        ("Write a tale of a well that asks its reader.", "The well kept the moon.\n\nWould you let it go?", ""),
        ("Write a tale of a well.", "I fell in at nine.\n\nI have written to you since.", ""),
        # this motto, this story; another "this"
        ("Write a motto for a mill.", "Go with the grain.\n\nThis motto likes a pun.", "closing"),
        ("Write a line about a mill.", "The mill stood.\n\nThis wheel had never turned.", ""),
        # above the salutation of a letter
        ("Write a letter to a moth.", "Something gentle, with a smile.\n\nDear Moth,\n\nThe lamp is out.", "opening"),
        ("Write a letter to a moth.", "12 May\n\nDear Moth,\n\nThe lamp is out.", ""),
        # a stanza has lines like the one before it
        ("Write two stanzas.", "You were small,\nthe roof was low.\n\nI hope you fall.\nI hope you know.", ""),
    ],
)  # fmt: skip
def test_a_change_of_voice_parts_words_from_a_work(asked: str, answer: str, taken: str) -> None:
    item = Instruction(
        "x", "ja" if "。" in asked else "en", "chat", [{"role": "user", "content": asked}], answer=answer
    )
    assert tidy_answer(item)[1] == ((taken,) if taken else ())


@pytest.mark.parametrize(
    ("asked", "answer", "name"),
    [
        ("Write a couplet on rust.", "It came,\nit saw,\nit stayed.", "disobeyed"),
        ("Write a couplet on rust.", "Rust\n\nIt came at dawn,\nit stayed at noon.", None),
        ("Write a three-line poem on rust.", "It came.\nIt stayed.", "disobeyed"),
        ("Write three sentences about rust.", "It came. It stayed.", "disobeyed"),
        ("Write one sentence about rust.", "It came to stay.\n\nRed is its flag.", "disobeyed"),
        ("Describe rust in exactly three words.", "Slow red fire alarm.", "disobeyed"),
        ("Describe rust. Then name it in one word.", "It eats the gate and sings.\n\nFred.", None),
        ("Every word must start with the letter s: a line.", "Six slow snails see stars.", None),
        ("Every word must start with the letter s: a line.", "Six slow snails meet stars.", "disobeyed"),
        ("Translate the following sentence.", "It rained.", "no-material"),
        ("Translate the following sentence: Il pleut.", "It rains.", None),
        ("Write about the following day.", "It rained, and the ducks were glad.", None),
        ("What falls and never breaks? (Answer: night.)", "Night.", "self-answered"),
        ("What falls and never breaks?", "Night.", None),
        ("Write a poem of two lines with three stanzas.", "It fell.\nIt rose.", "contradiction"),
        ("Write a scene without dialogue that is all dialogue.", "They came and sat and left.", "contradiction"),
        ("Describe a smith's hands after fifty years of work.",
         "A smith's hands after fifty years of work are the hands of a smith after fifty years.", "copy"),
        ("Name an inn.", 'Ideas: Half Moon, "The Owl", Ark. I like "The Owl".\n\nThe Owl', "instructed"),
        ("Write a play of two doors.", "Act One:\n\nAct Two:\n\nAct Three:", "promise"),
        ("Write a myth about salt.", "This is a myth about salt.", "promise"),
        ("Write a toast for a duke.", "Toasts about dukes can hurt, so I would rather not go there.", "refusal"),
    ],
)  # fmt: skip
def test_what_a_prompt_asks_for_is_counted_and_what_an_answer_talks_of_is_seen(
    asked: str, answer: str, name: str | None
) -> None:
    item = Instruction("x", "en", "chat", [{"role": "user", "content": asked}], answer=answer)
    found = check(item, CONFIG)
    assert (found[0] if found else None) == name, found


@pytest.mark.parametrize(
    ("text", "lang", "fits"),
    [
        ("彼 は 学生 だ 。", "ja", True),
        ("i am a student .", "en", True), ("他是学生。", "zh", True), ("42", "ja", True),
        ("OK", "zh", True),
        ("東京大学", "ja", True),
        ("他们说过这个问题", "ja", False),
        ("彼は学生だ", "zh", False),
        ("彼は学生だ", "en", False),
        ("Sushi and 寿司 are the same word, said the cook.", "en", True),
        ("Das ist nicht die Sprache, die wir mit dem Kind sprechen", "en", False), ("Привет, как дела", "en", False),
        ("나는 학생입니다", "ja", False), ("iPhoneを買った", "ja", True), ("請問車站在哪裡", "zh", True),
    ],
)  # fmt: skip
def test_misfit(text: str, lang: str, fits: bool) -> None:
    assert (misfit(text, lang) is None) is fits


def test_translations_are_judged_by_their_own_rules() -> None:
    def translation(source: str, answer: str, **more: str) -> Instruction:
        verifier = {"name": "translation", "from": "en", "to": "ja", "source": source, **more}
        messages = [{"role": "user", "content": f"Translate into Japanese: {source}"}]
        return Instruction("t", "ja", "translate", messages, answer=answer, verifier=verifier)

    assert check(translation("Hi", "やあ"), CONFIG) is None
    assert (
        check(translation("I'm sorry, I cannot help you.", "申し訳ありませんが、お手伝いできません。"), CONFIG) is None
    )
    assert check(translation("What is it? Answer: a cat.", "何ですか。答え：猫です。"), CONFIG) is None
    assert check(translation("Good morning, everyone, and welcome aboard the old ship.", "船"), CONFIG)[0] == "length"  # type: ignore[index]
    assert check(translation("彼", "彼", **{"from": "ja"}), CONFIG)[0] == "contradiction"  # type: ignore[index]
