"""Glossaries: how they are read, what is refused, and how terms are found in any form."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from in2x.errors import In2xError
from in2x.language.inflection import forms
from in2x.principles.case import Case
from in2x.principles.document_checks import forbidden
from in2x.principles.terms import Terms, stands
from in2x.principles.translation_checks import glossary as glossary_check
from in2x.translate.glossary import Glossary, Term, read_glossary


def written(folder: Path, text: str, name: str = "g.tsv", encoding: str = "utf-8") -> Path:
    file = folder / name
    file.write_bytes(text.encode(encoding))
    return file


HEADED = (
    "source\ttarget\tforbidden\tnote\tpart of speech\tcase\n"
    "mage\t魔導士|魔術師\t魔法使い|まほうつかい\tnot a witch\tnoun\t\n"
)


@pytest.mark.parametrize(
    ("name", "text", "encoding"),
    [
        ("g.tsv", HEADED, "utf-8"),
        ("g.tsv", HEADED.replace("\n", "\r\n"), "utf-8-sig"),
        ("g.tsv", "# our terms\n\n" + HEADED, "utf-16"),
        ("g.csv", HEADED.replace("\t", ","), "utf-8"),
        ("g.csv", HEADED.replace("\t", ";"), "utf-8"),
        ("g.tsv", HEADED.replace("source\ttarget", "en\tja"), "utf-8"),
    ],
)
def test_tables(tmp_path: Path, name: str, text: str, encoding: str) -> None:
    found = read_glossary(written(tmp_path, text, name, encoding), "en", "ja")
    [term] = found.terms
    assert (term.source, term.target, term.forbidden) == ("mage", "魔導士|魔術師", ("魔法使い", "まほうつかい"))
    assert (term.note, term.part, term.preferred) == ("not a witch", "noun", "魔導士")


def test_columns_named_by_languages_serve_both_directions(tmp_path: Path) -> None:
    file = written(tmp_path, "ja\ten\nギルド\tguild\n")
    assert read_glossary(file, "en", "ja").terms[0].source == "guild"
    assert read_glossary(file, "ja", "en").terms[0].source == "ギルド"


def test_two_columns_need_no_header_and_quotes_are_csv(tmp_path: Path) -> None:
    assert read_glossary(written(tmp_path, "guild\tギルド\n"), "en", "ja").terms == (Term("guild", "ギルド", line=1),)
    found = read_glossary(written(tmp_path, '"Kyle, the mage","カイル"\n', "g.csv"), "en", "ja")
    assert found.terms[0].source == "Kyle, the mage"


TBX = """<?xml version="1.0"?>{doctype}
<martif type="TBX"><text><body>
<termEntry><note>of the north</note>
 <langSet xml:lang="en-US"><tig><term>mage</term></tig></langSet>
 <langSet xml:lang="ja"><tig><term>魔導士</term></tig><tig><term>魔法使い</term>
   <termNote type="administrativeStatus">deprecatedTerm-admn-sts</termNote></tig></langSet></termEntry>
<conceptEntry><langSec xml:lang="en"><termSec><term>guild</term></termSec></langSec>
 <langSec xml:lang="ja"><termSec><term>{guild}</term></termSec></langSec></conceptEntry>
<termEntry><langSet xml:lang="de"><tig><term>Magier</term></tig></langSet></termEntry>
</body></text></martif>"""


def test_tbx(tmp_path: Path) -> None:
    file = written(tmp_path, TBX.format(doctype="", guild="ギルド"), "g.tbx")
    mage, guild = read_glossary(file, "en", "ja").terms
    assert (mage.source, mage.target, mage.forbidden, mage.note) == ("mage", "魔導士", ("魔法使い",), "of the north")
    assert (guild.source, guild.target) == ("guild", "ギルド")


def test_hostile_tbx_is_one_sentence(tmp_path: Path) -> None:
    secret = written(tmp_path, "SECRET", "secret.txt")
    outside = f'<!DOCTYPE martif [<!ENTITY x SYSTEM "{secret.as_uri()}">]>'
    bomb = '<!DOCTYPE martif [<!ENTITY a "aaaa"><!ENTITY x "&a;&a;&a;">]>'
    for doctype in (outside, bomb):
        with pytest.raises(In2xError, match="defines entities of its own") as raised:
            read_glossary(written(tmp_path, TBX.format(doctype=doctype, guild="&x;"), "g.tbx"), "en", "ja")
        assert "SECRET" not in str(raised.value)
    with pytest.raises(In2xError, match="not XML"):
        read_glossary(written(tmp_path, "mage\t魔導士", "g.tbx"), "en", "ja")


@pytest.mark.parametrize(
    ("text", "name", "sentence"),
    [
        ("mage\t魔導士\nguild\tギルド\nMage\t魔術師\n", "g.tsv",
         "line 3: 'Mage' has two targets, '魔導士' (line 1) and '魔術師' (line 3); keep one, or write 魔導士|魔術師"),
        ("source\ttarget\tcolour\nmage\t魔導士\tred\n", "g.tsv", "line 1: no column 'colour' is known"),
        ("mage\t魔導士\tnote\n", "g.tsv", "line 1: 3 cells, 2 columns"),
        ("source\ttarget\n\t魔導士\n", "g.tsv", "line 2: a line without a source term"),
        ("# nothing\n", "g.tsv", "the glossary has no agreed term"),
        ("source\ttarget\nmage\t\n", "g.tsv", "the glossary has no agreed term"),
        ('a,"b\n', "g.csv", "not CSV"),
    ],
)  # fmt: skip
def test_bad_glossaries_are_one_sentence(tmp_path: Path, text: str, name: str, sentence: str) -> None:
    with pytest.raises(In2xError) as raised:
        read_glossary(written(tmp_path, text, name), "en", "ja")
    assert sentence in str(raised.value) and "\n" not in str(raised.value)


def test_not_utf8_names_the_line(tmp_path: Path) -> None:
    file = tmp_path / "g.tsv"
    file.write_bytes("a\tb\n魔\t".encode() + b"\xff\n")
    with pytest.raises(In2xError, match="line 2: not UTF-8"):
        read_glossary(file, "en", "ja")


def test_the_same_target_twice_is_no_fault(tmp_path: Path) -> None:
    assert len(read_glossary(written(tmp_path, "mage\t魔導士\nMage\t魔導士\n"), "en", "ja").terms) == 1


@pytest.mark.parametrize(
    ("lang", "term", "text"),
    [
        ("en", "mage", "Two mages came."), ("en", "try", "He tried it."), ("en", "stop", "They stopped."),
        ("en", "make", "making tea"), ("en", "child", "the children’s room"),
        ("en", "take off", "He took off his hat."),
        ("en", "wolf", "Wolves!"), ("en", "dragon slayer", "the dragon-slayers"), ("en", "C++", "I write C++."),
        ("en", "box", "two boxes"), ("en", "Kyle", "Kyle's sword"),
        ("de", "Katze", "Die Katzen schlafen."), ("de", "Haus", "im Hause"), ("fr", "cheval", "des chevaux"),
        ("es", "luz", "las luces"), ("it", "amico", "gli amici"), ("ru", "книга", "в книге"),
        ("ko", "서울", "서울에서"),
        ("ja", "走る", "昨日は走った。"), ("ja", "林檎", "りんごを食べる。"),
        ("ja", "気を引き締める", "気を引き締めてかかれ。"), ("ja", "魔導騎士団", "魔導騎士団が来た。"),
        ("ja", "山田太郎", "山田 太郎さん"), ("zh", "魔法师", "他是魔法师。"),
    ],
)  # fmt: skip
def test_terms_are_found_in_any_form(lang: str, term: str, text: str) -> None:
    [(start, end)] = Terms([term], lang).places(text)[term]
    assert 0 <= start < end <= len(text)


@pytest.mark.parametrize(
    ("lang", "term", "text"),
    [
        ("en", "rat", "a rating"), ("en", "cat", "concatenate"), ("en", "port", "portal"), ("en", "for", "forest"),
        ("ja", "京都", "東京都に住む。"), ("ja", "エルフ", "ハイエルフの村"), ("de", "Hut", "Die Hüte"),
        ("ko", "서울", "남서울에서"),
    ],
)  # fmt: skip
def test_parts_of_other_words_are_no_terms(lang: str, term: str, text: str) -> None:
    assert Terms([term], lang).places(text) == {}


def test_the_longest_term_is_meant() -> None:
    found = Terms(["dragon", "dragon slayer", "slayer"], "en").places("The dragon slayer saw a dragon.")
    assert found == {"dragon": [(24, 30)], "dragon slayer": [(4, 17)]}
    assert set(Terms(["騎士団", "魔導騎士団"], "ja").places("魔導騎士団の話")) == {"魔導騎士団"}


def test_capitals_count_where_the_glossary_says_so(tmp_path: Path) -> None:
    found = read_glossary(written(tmp_path, "source\ttarget\tcase\nWill\tウィル\tyes\n"), "en", "ja")
    assert found.due("Will came.") and not found.due("I will come.")


@given(st.text(max_size=60), st.lists(st.text(min_size=1, max_size=8), max_size=6))
def test_any_text_and_any_terms(text: str, terms: list[str]) -> None:
    for lang in ("en", "ja", "ko"):
        for spans in Terms(terms, lang).places(text).values():
            assert all(0 <= start < end <= len(text) for start, end in spans)


def test_forms_are_made_from_the_word() -> None:
    assert {"stop", "stops", "stopped", "stopping", "stop's"} <= forms("stop", "en")
    assert "stoped" not in forms("stop", "en") and forms("kitabu", "sw") == {"kitabu"}


def case(source: str, **checks: object) -> Case:
    return Case(source, "en", "ja", checks=checks)


@pytest.mark.parametrize(
    ("target", "answer", "kept"),
    [
        ("魔導士", "二人の魔導士が来た。", True),
        ("魔導士|魔術師", "二人の魔術師が来た。", True),
        ("魔導士", "二人の魔法使いが来た。", False),
    ],
)
def test_the_glossary_principle(target: str, answer: str, kept: bool) -> None:
    assert glossary_check(case("Two mages came.", glossary={"mage": target}), answer).kept is kept
    assert glossary_check(case("Two images came.", glossary={"mage": target}), answer).kept is None


def test_renderings_may_be_conjugated() -> None:
    assert stands("彼は剣を抜き、走った。", ["走る"], "ja") and stands("He drew two swords.", ["sword"], "en")
    assert not stands("彼は歩いた。", ["走る"], "ja")


def test_forbidden_renderings_have_a_place() -> None:
    of = case("Two mages came.", glossary={"mage": "魔導士"}, forbidden={"mage": ["魔法使い"]})
    verdict = forbidden(of, "二人の魔法使いが来た。")
    assert verdict.kept is False and (verdict.start, verdict.end) == (3, 7)
    assert forbidden(of, "二人の魔導士が来た。").kept is True
    # a forbidden word inside an agreed one is no break
    inside = case("A mage.", glossary={"mage": "大魔法使い"}, forbidden={"mage": ["魔法使い"]})
    assert forbidden(inside, "大魔法使いだ。").kept is True
    assert forbidden(case("Nobody."), "誰も。").kept is None


def test_a_large_glossary_is_fast() -> None:
    import time

    terms = tuple(Term(f"word{n} thing", f"語{n}") for n in range(5000))
    glossary = Glossary(terms, "en", "ja")
    glossary.due("warm")
    began = time.perf_counter()
    for n in range(500):
        assert [term.target for term in glossary.due(f"There is word{n} thing here, and nothing else.")] == [f"語{n}"]
    assert time.perf_counter() - began < 5


def test_a_text_is_no_term(tmp_path: Path) -> None:
    (tmp_path / "g.tsv").write_text("cat\t猫\n" + "b" * 1_001 + "\t犬\n", encoding="utf-8")
    with pytest.raises(In2xError, match="line 2: a term of 1,001 characters"):
        read_glossary(tmp_path / "g.tsv", "en", "ja")
