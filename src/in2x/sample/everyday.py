"""The phrasebook of `grammar/everyday/`: what people say every day, several wordings of one meaning, by register.

A row is one meaning: its English wordings, its Japanese by register and its Chinese, with slots for words of
`words.yaml`. The first wording is what answers into English are in; the others, and what a hasty writer makes of them
(no full stop, a small letter, "I am" for "I'm"), are asked only. A set phrase outranks a frame that makes the same
sentence. The phrasebook is learnt by heart, so none of it is held out (`world.heldout`).
"""

from __future__ import annotations

import random
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache

from in2x.sample import english
from in2x.sample.clauses import Item, fill
from in2x.sample.conjugation import adjective_forms, verb_forms
from in2x.sample.deck import Deck
from in2x.sample.lexicon import LANGUAGES, grammar, read

FILES = (
    "meeting", "understanding", "out", "table", "days", "feelings", "doing", "sayings", "more", "further", "rest",
    "close", "near", "near2", "daily", "names", "shopping", "trips", "tries", "people",
)  # fmt: skip
COLUMNS = ("polite", "casual", "zh", "plain", "honorific")
"""What stands after the English of a row."""
NAMES = frozenset({"name", "surname", "fullname"})
"""Lists of people's names: their spelling is fixed."""
LONG = (
    ("I'm", "I am"), ("[Ww]hat's", "hat is"), ("[Ii]t's", "t is"), ("[Tt]hat's", "hat is"), ("[Ww]here's", "here is"),
    ("[Ww]ho's", "ho is"), ("[Hh]ow's", "ow is"), ("[Tt]here's", "here is"), ("[Hh]e's", "e is"), ("[Ss]he's", "he is"),
    ("[Yy]ou're", "ou are"), ("[Ww]e're", "e are"), ("I've", "I have"), ("I'll", "I will"), ("I'd", "I would"),
    ("[Dd]on't", "o not"), ("[Dd]oesn't", "oes not"), ("[Dd]idn't", "id not"), ("[Cc]an't", "annot"),
    ("[Ii]sn't", "s not"), ("[Ww]asn't", "as not"), ("[Ww]on't", "ill not"), ("[Hh]aven't", "ave not"),
    ("[Cc]ouldn't", "ould not"), ("[Ww]hen's", "hen is"), ("[Hh]ere's", "ere is"),
    ("[Nn]ame's", "ame is"),
)  # fmt: skip
"""A contraction, and its long form (of those that begin with a letter of either case, without it)."""
_HAS = re.compile(r"'s (?:been|got|stopped|started|happened|passed|time|beginning)\b")
_ASKS_TWICE = re.compile(r"^((?:can|could|may|would|will|i would like|i will have|i want)\b.*), please$")
"""A request with a "please" behind it that says nothing more."""
_PLEASE_FIRST = re.compile(r"^please (?=(?:can|could|would|may) (?:you|i|we)\b)")
_PLEASE_WITHIN = re.compile(r"^((?:can|could|would|may) (?:you|i|we)) please ")
_REQUEST = re.compile("ください|もらえ|お願い")
"""What the Japanese of a request has: there "Could you please" may be typed for "Could you"."""
ALONE = "word"
"""The row of a word by itself ("Ramen."): the words of slots are what is learnt worst."""
LEADS = (
    ("Yes", {"polite": "はい", "casual": "うん", "plain": "はい", "honorific": "はい"}, "是的"),
    ("No", {"polite": "いいえ", "casual": "ううん", "plain": "いや", "honorific": "いいえ"}, "不"),
    (
        "I'm sorry",
        {"polite": "すみません", "casual": "ごめん", "plain": "すまない", "honorific": "申し訳ございませんが"},
        "对不起",
    ),
    (
        "Sorry",
        {"polite": "すみません", "casual": "ごめん", "plain": "すまない", "honorific": "申し訳ございませんが"},
        "对不起",
    ),
    ("Hello", {"polite": "こんにちは", "casual": "やあ", "plain": "やあ", "honorific": "こんにちは"}, "你好"),
)
EXCUSE = (
    "Excuse me",
    {"polite": "すみません", "casual": "ねえ", "plain": "すまない", "honorific": "恐れ入りますが"},
    "请问",
)


@dataclass(frozen=True)
class Word:
    """A word of a slot."""

    en: str
    ja: str
    zh: str
    kind: str = ""
    """Class of a verb or adjective; empty for what is not inflected."""

    def forms(self, lang: str) -> Mapping[str, str]:
        """Form ("" the word itself) -> text."""
        return _forms(self, lang)


@lru_cache(maxsize=4096)
def _forms(word: Word, lang: str) -> Mapping[str, str]:
    if lang == "zh":
        return {"": word.zh}
    if lang == "ja":
        if not word.kind:
            return {"": word.ja}
        made = (adjective_forms if word.kind in ("i", "na", "noun") else verb_forms)(word.ja, word.kind)
        can = {"can": made["potential"][:-1]} if "potential" in made else {}
        return {"": word.ja, **made, **can, "nakute": made["nai"][:-1] + "くて"}
    head, _, tail = word.en.partition(" ")
    irregular = dict(grammar().irregular_verbs)
    return {
        "": word.en, "a": english.article(word.en), "ing": f"{english.ing(head)} {tail}".strip(),
        "past": f"{english.past(head, irregular)} {tail}".strip(),
    }  # fmt: skip


@dataclass(frozen=True)
class Row:
    """One meaning."""

    id: str
    topic: str
    often: float
    """How often one says it, beside others: 1 to 8."""
    weight: float
    en: tuple[str, ...]
    ja: Mapping[str, str]
    zh: str

    @property
    def slots(self) -> tuple[str, ...]:
        """Its slots without their forms, in order: "liked", "liked2"."""
        return tuple(dict.fromkeys(name.partition(".")[0] for name in re.findall(r"\{([\w.]+)\}", self.en[0])))


@lru_cache(maxsize=1)
def words() -> Mapping[str, tuple[Word, ...]]:
    """The words of every slot; in "word" all that have one rendering and are not inflected."""
    found = {name: tuple(_word(row) for row in rows) for name, rows in read("everyday/words").items()}
    by_en: dict[str, set[Word]] = {}
    for word in (word for listed in found.values() for word in listed):
        by_en.setdefault(word.en.lower(), set()).add(word)
    return {**found, "word": tuple(one for one, *others in by_en.values() if not others and not one.kind)}


def _word(row: str) -> Word:
    en, ja, zh = row.split(" | ")
    word, _, kind = ja.partition(", ")
    return Word(en, word, zh, kind)


@lru_cache(maxsize=1)
def rows() -> tuple[Row, ...]:
    """Every row of the phrasebook."""
    found: list[Row] = []
    for file in FILES:
        for topic, lines in read(f"everyday/{file}").items():
            for line in lines:
                found.append(_row(line, topic, len(found)))
    alone = dict.fromkeys(("polite", "casual"), "{word}。")
    return (*found, Row(ALONE, "words", 1.0, 0.6 * len(words()["word"]), ("{word}.",), alone, "{word}。"))


def _row(line: str, topic: str, number: int) -> Row:
    first, *rest = re.split(r" \| ", line)
    often, _, said = first.rpartition(" * ")
    wordings = tuple(said.split(" / "))
    cells = dict(zip(COLUMNS, rest, strict=False))
    zh = cells.pop("zh")
    times = float(often or 1)
    weight = times**0.7 * (1.5 + 0.15 * len(wordings) + 0.9 * ("{" in said))
    return Row(f"{topic} {number}", topic, times, weight, wordings, {k: v for k, v in cells.items() if v != "-"}, zh)


@lru_cache(maxsize=1)
def _fixed() -> Mapping[str, str]:
    """English of every set phrase, as compared -> id of its row."""
    return {plain(text, "en"): row.id for row in rows() for text in row.en if "{" not in text}


def plain(text: str, lang: str) -> str:
    """`text` as it is compared: without end marks and case, contractions in full."""
    text = " ".join(text.split()).rstrip(".!?。！？ ")
    return _asked_once(long(text).lower()) if lang == "en" else text


def _asked_once(text: str) -> str:
    """`text` (small letters) without a "please" that says nothing more, or with the comma that belongs before it."""
    text = re.sub(r"(?<=\w) please$", ", please", text)
    text = _PLEASE_WITHIN.sub(r"\1 ", _PLEASE_FIRST.sub("", text))
    return _ASKS_TWICE.sub(r"\1", text)


def long(text: str) -> str:
    """`text` with its contractions in full."""
    for short, full in LONG:
        if re.search(_HAS, text) and short.endswith("'s"):
            continue
        if short.startswith("["):
            text = re.sub(rf"\b([{short[1:3]}]){short[4:]}\b", rf"\g<1>{full}", text)
        else:
            text = re.sub(rf"\b{short}\b", full, text)
    return text


def common(id_: str) -> bool:
    """Whether the row `id_` is among those that one says most."""
    return _by_id()[id_].often > 1


def draw(deck: Deck) -> Item | None:
    """The next meaning; None where a set phrase says the same sentence otherwise (draw again)."""
    return say(deck.take("row", lambda: _round(deck.rng)), deck)


def _round(rng: random.Random) -> list[Row]:
    """Every row as often as its weight says, rounded up or down by chance; once on average."""
    mean = sum(row.weight for row in rows()) / len(rows())
    return [row for row in rows() for _ in range(int(row.weight / mean + rng.random()))]


def say(row: Row, deck: Deck) -> Item | None:
    """One filling of `row`, asked once in each of its registers, each time in a wording of its own."""
    rng = deck.rng
    chosen: dict[str, Word] = {}
    for slot in row.slots:
        chosen[slot] = _word_for(slot, deck)
        while slot.endswith("2") and chosen[slot] == chosen[slot[:-1]]:
            chosen[slot] = _word_for(slot, deck)
    slots = {lang: filled(chosen, lang) for lang in LANGUAGES}
    first = english.sentence(fill(row.en[0], slots["en"]))
    asked = {
        register: english.sentence(fill(deck.take((row.id, register), lambda: row.en), slots["en"]))
        for register in row.ja
    }
    if chosen and any(_says_else(text, row) for text in (first, *asked.values())):
        return None
    ja = {register: fill(text, slots["ja"]) for register, text in row.ja.items()}
    zh = fill(row.zh, slots["zh"])
    names = [(w.en, w.ja, w.zh) for slot, w in chosen.items() if slot in NAMES and w.en in first]
    requests = bool(_REQUEST.search(row.ja["polite"]))
    asked = {register: _typed(_begged(text, rng) if requests else text, rng) for register, text in asked.items()}
    dice = rng.random()
    lead = None
    if dice < 0.06 and first.endswith("?"):
        lead = EXCUSE
    elif dice < 0.04 and first.endswith(".") and len(first.split()) > 2:
        lead = rng.choice(LEADS)
    elif dice > 0.92 and not names and "," not in first and row.id != ALONE:
        word = _word_for("name", deck)
        names.append((word.en, word.ja, word.zh))
        lead = (word.en, {r: word.ja + {"polite": "さん", "honorific": "様"}.get(r, "") for r in ja}, word.zh)
    if lead:
        en, said, word_zh = lead
        first = f"{en}, {_lower(first)}"
        if _framing(plain(first, "en")) or plain(first, "en") in _fixed():
            return None  # "Hello, this is Ken." is what its own row says
        apart = not names and rng.random() < 0.25  # "Excuse me. Where is the station?"
        asked = {r: f"{en}. {text}" if apart else f"{en}, {_lower(text)}" for r, text in asked.items()}
        ja = {r: f"{said[r]}、{text}" for r, text in ja.items()}
        zh = f"{word_zh}，{zh}"
    return Item(
        en=first, zh=zh, ja=ja, domain="everyday", names=tuple(names), kind=row.id, asked=asked,
    )  # fmt: skip


def _word_for(slot: str, deck: Deck) -> Word:
    name = slot.rstrip("2")
    return deck.take(("word", name), lambda: words()[name])


def _says_else(text: str, row: Row) -> bool:
    """Whether a set phrase, or a frame with fewer verbs of the list `act`, says `text` in other words."""
    if _fixed().get(plain(text, "en"), row.id) != row.id:
        return True
    return "act" in row.slots and any(
        "act" not in other.slots for other in map(_by_id().__getitem__, _framing(plain(text, "en")))
    )


@lru_cache(maxsize=1)
def _by_id() -> Mapping[str, Row]:
    return {row.id: row for row in rows()}


@lru_cache(maxsize=1 << 14)
def _framing(text: str) -> tuple[str, ...]:
    return tuple(row for row, _, _ in _framed(text, "en"))


def filled(chosen: Mapping[str, Word], lang: str) -> dict[str, str]:
    """What the words of a row's slots put in for "{slot}" and "{slot.form}"."""
    return {
        f"{slot}.{form}" if form else slot: text
        for slot, word in chosen.items()
        for form, text in word.forms(lang).items()
    }


def _lower(text: str) -> str:
    return text if re.match(r"I\b|[A-Z][A-Z]|Wi-|(?:Mr|Ms)\.", text) or _named(text) else text[0].lower() + text[1:]


def _named(text: str) -> bool:
    return text.split()[0].strip(".,!?") in _proper()


@lru_cache(maxsize=1)
def _proper() -> frozenset[str]:
    return frozenset(word.en.split()[0] for found in words().values() for word in found if word.en[0].isupper()) - {
        "May"
    }


def _begged(text: str, rng: random.Random) -> str:
    """The request `text`, at times with a "please" within, or without the comma before the one at its end."""
    dice = rng.random()
    if dice < 0.12 and "lease" not in text and re.match("(?:Can|Could) (?:you|I|we) ", text):
        verb, who, rest = text.split(" ", 2)
        return f"{verb} {who} please {rest}"
    return text.replace(", please", " please") if dice > 0.85 else text


def _typed(text: str, rng: random.Random) -> str:
    """`text` as somebody may type it."""
    if rng.random() < 0.2 and _ASKS_TWICE.match(f"{text[:-1].lower()}, please") and "please" not in text:
        text = f"{text[:-1]}, please{text[-1]}"
    if rng.random() < 0.35:
        text = long(text)
    dice = rng.random()
    if dice < 0.08:
        return text.rstrip(".!?")
    if dice < 0.12:
        return _lower(text)
    if dice < 0.2 and text.endswith("."):
        return text[:-1] + "!"
    return text


# --- reading ----------------------------------------------------------------------------------------------------------


def readings(text: str, lang: str) -> Iterator[tuple[str, tuple[frozenset[str], ...], frozenset[str]]]:
    """(row, words, registers) of each way to understand `text` as a sentence of the phrasebook."""
    whole = plain(text, lang)
    for lead, rest in ((frozenset[str](), whole), *_without_lead(whole, lang)):
        found = False
        for row, said_in in _set_phrases(lang).get(rest, {}).items():
            found = True
            yield row, ((lead,) if lead else ()), frozenset(said_in)
        if not found or lang != "en":
            for row, concepts, registers in _framed(rest, lang):
                yield row, ((lead, *concepts) if lead else concepts), registers


def known(text: str, lang: str) -> bool:
    """Whether the phrasebook says `text`."""
    return next(readings(text, lang), None) is not None


def _without_lead(text: str, lang: str) -> Iterator[tuple[frozenset[str], str]]:
    if lang == "en":
        text = re.sub(r"^(excuse me|hello|sorry|i am sorry|yes|no)[.!] ", r"\1, ", text)
    head, mark, rest = text.partition({"en": ", ", "ja": "、", "zh": "，"}[lang])
    if not mark or not rest:
        return
    if concepts := _leads(lang).get(head):
        yield concepts, plain(rest, lang)


@lru_cache(maxsize=3)
def _leads(lang: str) -> Mapping[str, frozenset[str]]:
    found: dict[str, set[str]] = {}
    for en, ja, zh in (EXCUSE, *LEADS):
        for said in {"en": [long(en).lower()], "ja": list(ja.values()), "zh": [zh]}[lang]:
            found.setdefault(said, set()).add(f"lead {en}")
    for word in words()["name"]:
        ends = ("さん", "様", "") if lang == "ja" else ("",)
        base = {"en": word.en.lower(), "ja": word.ja, "zh": word.zh}[lang]
        for end in ends:
            found.setdefault(base + end, set()).add(f"name {word.en}")
    return {said: frozenset(concepts) for said, concepts in found.items()}


def _templates(row: Row, lang: str) -> Iterator[tuple[str, str]]:
    """(template, register) of a row; the register is empty but in Japanese."""
    if lang == "en":
        yield from ((text, "") for text in row.en)
    elif lang == "zh":
        yield row.zh, ""
    else:
        yield from ((text, register) for register, text in row.ja.items())


@lru_cache(maxsize=3)
def _set_phrases(lang: str) -> Mapping[str, Mapping[str, set[str]]]:
    found: dict[str, dict[str, set[str]]] = {}
    for row in rows():
        for text, register in _templates(row, lang):
            if "{" not in text:
                said = found.setdefault(plain(text, lang), {}).setdefault(row.id, set())
                if register:
                    said.add(register)
    return found


Frame = tuple[re.Pattern[str], tuple[tuple[str, str], ...]]


@lru_cache(maxsize=3)
def _frames(lang: str) -> list[tuple[str, Frame, str, frozenset[str]]]:
    """(longest literal part, frame, row, registers) of every template with slots."""
    found = []
    for row in rows():
        for text, register in _templates(row, lang):
            if "{" in text:
                body = text.rstrip(".!?。！？")
                if lang == "en":
                    body = _asked_once(long(body).lower())
                pieces = re.split(r"\{([\w.]+)\}", body)
                literal = max(pieces[::2], key=len)
                groups: list[tuple[str, str]] = []
                pattern = ""
                for n, piece in enumerate(pieces):
                    if n % 2 == 0:
                        pattern += re.escape(piece)
                    else:
                        slot, _, form = piece.partition(".")
                        groups.append((slot, form))
                        pattern += (
                            "("
                            + "|".join(map(re.escape, sorted(_surfaces(slot, form, lang), key=len, reverse=True)))
                            + ")"
                        )
                frame = re.compile(pattern), tuple(groups)
                found.append((literal, frame, row.id, frozenset({register} if register else ())))
    return found


@lru_cache(maxsize=512)
def _surfaces(slot: str, form: str, lang: str) -> Mapping[str, frozenset[str]]:
    name = slot.rstrip("2")
    found: dict[str, set[str]] = {}
    for word in words()[name]:
        text = word.forms(lang)[form]
        found.setdefault(text.lower() if lang == "en" else text, set()).add(f"{slot} {word.en}")
    return {text: frozenset(concepts) for text, concepts in found.items()}


def _framed(text: str, lang: str) -> Iterator[tuple[str, tuple[frozenset[str], ...], frozenset[str]]]:
    for literal, (pattern, groups), row, registers in _frames(lang):
        if literal in text and (match := pattern.fullmatch(text)):
            concepts: dict[str, frozenset[str]] = {}
            for (slot, form), said in zip(groups, match.groups(), strict=True):
                concepts.setdefault(slot, _surfaces(slot, form, lang)[said])
            yield row, tuple(concepts.values()), registers
