"""The characters file: how it is read, what is refused with its line, and what a model is told."""

from __future__ import annotations

from pathlib import Path

import pytest

from in2x.chat.source import Source
from in2x.errors import In2xError
from in2x.formats.document import Segment, Text
from in2x.translate.characters import read_characters
from in2x.translate.findings import Rules, find

FILE = """characters:
  - name: Kyle
    target: カイル
    aliases: {Captain Kyle: カイル船長}
    gender: male
    age: 17
    first_person: 俺
    voice: blunt, short sentences.
    register: casual
    to:
      Emma: {register: polite, title: さん, address: あなた}
      anyone: {address: お前}
  - name: Emma
    target: エマ
    aliases: [Em]
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "c.yaml"
    path.write_text(FILE, encoding="utf-8")
    return path


def test_a_scene_has_the_register_and_sentences_for_a_model(file: Path) -> None:
    people = read_characters(file, "ja")
    scene = people.scene("Kyle", "Em")
    assert scene.register == "polite"
    for words in ("Kyle (カイル), male, aged 17", '"俺" for "I"', "blunt, short sentences.", "です・ます",
                  "The listener is Emma (エマ)", '"エマさん"', '"あなた" for "you"'):  # fmt: skip
        assert words in scene.sentences
    alone = people.scene("captain kyle")
    assert alone.register == "casual" and "listener" not in alone.sentences and "お前" in alone.sentences
    assert people.scene("Nobody").sentences == "" and people.scene("Nobody").register is None
    assert people.scene("Emma").register is None


def test_names_and_speakers(file: Path) -> None:
    people = read_characters(file, "ja")
    assert people.names == {"Kyle": "カイル", "Captain Kyle": "カイル船長", "Emma": "エマ"}
    assert people.who("エマ") is people.who("EM") is not None
    assert people.spoken_by("Em: Hello!") == "Emma" and people.spoken_by("Note: Emma sings.") == ""


@pytest.mark.parametrize(
    ("old", "new", "sentence"),
    [
        ("register: casual", "register: cool", "line 9: Japanese has no register 'cool'; Japanese tells plain, polite"),
        ("register: polite, ", "register: rough, ", "line 11: Japanese has no register 'rough'"),
        ("voice:", "tone:", "line 8: no field 'tone' is known; known are name, target"),
        (
            "title: さん",
            "honorific: さん",
            "line 11: no field 'honorific' is known; known are register, title, address",
        ),
        ("gender: male", "gender: m", "line 5: no gender 'm' is known"),
        ("  - name: Emma\n", "  - target2: x\n", "line 13: no field 'target2' is known"),
        ("  - name: Emma\n", "  - name: kyle\n", "line 13: kyle stands twice, here and in line 2"),
        ("      Emma: {", "      Emily: {", "line 2: Kyle speaks to Emily, who is no character here"),
        ("    age: 17", "    age: [17]", "line 6: 'age' is no text"),
        ("    age: 17", "   age: 17", "not YAML"),
        ("characters:", "people:", "line 1: no field 'people' is known"),
    ],
)
def test_a_faulty_file_is_one_sentence_with_its_line(file: Path, old: str, new: str, sentence: str) -> None:
    assert old in FILE
    file.write_text(FILE.replace(old, new, 1), encoding="utf-8")
    with pytest.raises(In2xError) as raised:
        read_characters(file, "ja")
    assert sentence in str(raised.value) and "\n" not in str(raised.value) and "c.yaml" in str(raised.value)


@pytest.mark.parametrize("text", ["", "[]", "just words", "characters: 3", "!!python/object/apply:os.system [ls]"])
def test_what_is_no_list_of_characters(tmp_path: Path, text: str) -> None:
    file = tmp_path / "c.yaml"
    file.write_text(text, encoding="utf-8")
    with pytest.raises(In2xError, match=r"c\.yaml"):
        read_characters(file, "ja")


def test_what_a_speaker_says_is_held_against_the_file(file: Path) -> None:
    rules = Rules(characters=read_characters(file, "ja"))

    def broken(answer: str, speaker: str = "Kyle") -> set[str]:
        segment = Segment("I told you, Emma: I am going home.", speaker=speaker)
        return {one.principle for one in find(Source(segment.text, "en", "ja"), Text(answer), rules, segment)}

    assert broken("言っただろ、エマさん。俺は家に帰る。") == set()
    assert broken("言っただろ、エマさん。オレは家に帰る。") == set(), "the same word in kana"
    assert broken("言っただろ、エマさん。僕は家に帰る。") == {"first person"}
    assert broken("言っただろ、エマさん。君を置いて俺は家に帰る。") == {"address"}
    assert broken("申し上げました、エマさん。俺は家に帰ります。") == {"register"}
    assert broken("言っただろ、エミ。俺は家に帰る。") == {"names"}
    assert broken("言っただろ、エマさん。僕は家に帰る。", speaker="") == set()
    assert broken("言っただろ、エマちゃん。俺は家に帰る。") == {"titles"}
    assert broken("言っただろ、エマ。俺は家に帰る。") == {"titles"}
