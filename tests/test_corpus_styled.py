"""Style-augmented documents: passages, their tags, and the layout that a base model is asked in."""

from in2x.chat.profile import BASE_TEMPLATES, PromptProfile
from in2x.chat.source import Source
from in2x.corpus.config import StyledConfig
from in2x.corpus.styled import passages, styled_documents
from in2x.language.traits import traits

POLITE = "今日は早く帰ります。明日は晴れますね。"
CASUAL = "「おい、待てよ。俺も行くって言っただろ。」"
PLAIN = "船は港を出た。海は静かだった。"


def test_passages_lose_no_sentence_and_respect_the_limit() -> None:
    text = "\n".join([POLITE * 4, PLAIN, "", CASUAL])
    found = list(passages(text, 60))
    assert "".join(found) == text.replace("\n", "") and max(map(len, found)) <= 60
    assert list(passages("長" * 100 + "。短い文だ。", 60)) == ["短い文だ。"]  # a sentence over the limit is left out
    assert list(passages("", 60)) == []


def test_tags_name_register_and_traits() -> None:
    assert traits(POLITE, "ja") == ("polite",)
    assert traits(CASUAL, "ja")[:2] == ("casual", "dialogue")
    assert traits(PLAIN, "ja") == ("plain",)
    assert "literary" in traits("吾輩は猫である。名前はまだないのである。", "ja")
    assert traits("港。", "ja") == ()


def test_documents_hold_the_tag_a_translation_is_asked_in() -> None:
    texts = [("a", "\n".join([POLITE, "港。", PLAIN])), ("b", "\n".join([CASUAL] * 5))]
    documents = [d for d, _ in styled_documents(texts, "ja", 1e9, StyledConfig(passages=4))]
    assert [d.text.count("Japanese (") for d in documents] == [2, 4, 1]
    profile = PromptProfile(templates=dict(BASE_TEMPLATES), endpoint="completions")
    tag = profile.prompt(Source("x", "en", "ja", "polite")).split("\n")[1]
    assert documents[0].text.split("\n\n")[0] == f"{tag} {POLITE}"
    assert len({d.id for d in documents}) == 3 and {d.domain for d in documents} == {"styled"}


def test_it_stops_at_the_wanted_tokens_and_tags_agree_with_the_text() -> None:
    texts = [(str(k), "\n".join([POLITE, PLAIN] * 4)) for k in range(50)]
    made = list(styled_documents(iter(texts), "ja", 300, StyledConfig()))
    tokens = [d.tokens or 0 for d, _ in made]
    assert sum(tokens) >= 300 > sum(tokens[:-1])
    assert all(d.text.count("Japanese (") == len(tags) for d, tags in made)
