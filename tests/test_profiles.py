"""Prompt profiles as data: the exact request of each, who it is for, and that no text gets out of its place."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from in2x.chat.known import known, named, profile_for, profile_of
from in2x.chat.profile import BASE_TEMPLATES, DEFAULT_TEMPLATES, FILE, PromptProfile, Sampling
from in2x.chat.source import Source
from in2x.chat.wording import guarded
from in2x.errors import In2xError, UsageError
from in2x.language import canonical

PLAIN = Source("The tea is ready.", "en", "ja")
CHINESE = Source("The tea is ready.", "en", "zh")
FULL = replace(
    PLAIN, register="polite", terms=(("tea", "お茶"), ("Ken", "健")),
    before=(("Come in.", "入って。"), ("Sit down.", "")), scene="A house in Kyoto.", style="dry", tagged=True,
)  # fmt: skip
TERMS, BEFORE = replace(PLAIN, terms=FULL.terms), replace(PLAIN, before=FULL.before)
STYLE, TAGS = replace(PLAIN, style="dry"), replace(PLAIN, tagged=True)
GEMMA = (
    "<start_of_turn>user\nYou are a professional English (en) to Japanese (ja) translator. Your goal is to accurately "
    "convey the meaning and nuances of the original English text while adhering to Japanese grammar, vocabulary, and "
    "cultural sensitivities.\nProduce only the Japanese translation, without any additional explanations or "
    "commentary. Please translate the following English text into Japanese:\n\n\nThe tea is ready.<end_of_turn>\n"
    "<start_of_turn>model\n"
)
ALMA = "Translate this from English to Japanese:\nEnglish: The tea is ready.\nJapanese:"
HUNYUAN = "Translate the following segment into Japanese, without additional explanation.\n\nThe tea is ready."
GOLDEN = [
    ("in2x", PLAIN, "Translate from English to Japanese:\n\nThe tea is ready."),
    ("hunyuan-mt", PLAIN, HUNYUAN),
    ("hunyuan-mt", CHINESE, "把下面的文本翻译成中文，不要额外解释。\n\nThe tea is ready."),
    ("hunyuan-mt", FULL, HUNYUAN),
    ("hunyuan-mt", Source("茶好了。", "zh", "ja"), "把下面的文本翻译成日语，不要额外解释。\n\n茶好了。"),
    ("hy-mt1.5", PLAIN, HUNYUAN),
    ("hy-mt1.5", CHINESE, "将以下文本翻译为中文，注意只需要输出翻译后的结果，不要额外解释：\n\nThe tea is ready."),
    (
        "hy-mt1.5",
        TERMS,
        "参考下面的翻译：\ntea 翻译成 お茶\nKen 翻译成 健\n\n"
        "将以下文本翻译为日语，注意只需要输出翻译后的结果，不要额外解释：\nThe tea is ready.",
    ),
    (
        "hy-mt1.5",
        BEFORE,
        "Come in.\nSit down.\n参考上面的信息，把下面的文本翻译成日语，注意不需要翻译上文，也不要额外解释：\n"
        "The tea is ready.",
    ),
    (
        "hy-mt1.5",
        TAGS,
        "将以下<source></source>之间的文本翻译为日语，注意只需要输出翻译后的结果，不要额外解释，原文中的<sn></sn>标签表示标签内文本包含格式信息，"
        "需要在译文中相应的位置尽量保留该标签。输出格式为：<target>str</target>\n\n<source>The tea is ready.</source>",
    ),
    (
        "hy-mt2",
        PLAIN,
        "Translate the following text into Japanese. Note that you should only output the translated result without "
        "any additional explanation:\n\nThe tea is ready.",
    ),
    (
        "hy-mt2",
        TERMS,
        "Reference the following translations:\ntea translates to お茶\nKen translates to 健\n\n"
        "Translate the following text into Japanese. Note that you should only output the translated result without "
        "any additional explanation:\n\nThe tea is ready.",
    ),
    (
        "hy-mt2",
        STYLE,
        "Please translate the following text into Japanese. Note that the translation style must strictly conform to "
        "[dry]:\n\nThe tea is ready.",
    ),
    (
        "hy-mt2",
        BEFORE,
        "[Background Information]\nCome in.\nSit down.\n\nPlease translate the following text into Japanese, taking "
        "the provided background information into consideration.\n\n[Source Text]\nThe tea is ready.",
    ),
    ("seed-x", PLAIN, "Translate the following English sentence into Japanese:\nThe tea is ready. <ja>"),
    (
        "towerinstruct",
        CHINESE,
        "Translate the following text from English into Chinese.\nEnglish: The tea is ready.\nChinese:",
    ),
    (
        "tower-plus",
        CHINESE,
        "Translate the following English source text to Chinese (Simplified):\nEnglish: The tea is ready.\n"
        "Chinese (Simplified): ",
    ),
    ("translategemma", PLAIN, GEMMA),
    ("translategemma-chat", PLAIN, "The tea is ready."),
    (
        "plamo-translate",
        PLAIN,
        "<|plamo:op|>dataset\ntranslation\n<|plamo:op|>input lang=English\nThe tea is ready.\n"
        "<|plamo:op|>output lang=Japanese\n",
    ),
    ("alma", PLAIN, ALMA),
    ("x-alma", PLAIN, ALMA),
    ("gemmax2", PLAIN, ALMA),
    (
        "gemmax2",
        CHINESE,
        "Translate this from English to Chinese (Simplified):\nEnglish: The tea is ready.\nChinese (Simplified):",
    ),
    ("sakura", Source("お茶だ。", "ja", "zh"), "将下面的日文文本翻译成中文：お茶だ。"),
    (
        "sakura",
        Source("お茶だ。", "ja", "zh", terms=(("お茶", "茶"),)),
        "根据以下术语表（可以为空）：\nお茶->茶\n将下面的日文文本根据对应关系和备注翻译成中文：お茶だ。",
    ),
    ("cat-translate", PLAIN, "Translate the following English text into Japanese.\n\nThe tea is ready."),
    (
        "qwen",
        PLAIN,
        "Translate the following text from English into Japanese. Write the translation and nothing else.\n\n"
        "The tea is ready.",
    ),
    (
        "chat",
        FULL,
        "About the text: A house in Kyoto.\n\nUse these translations:\ntea = お茶\nKen = 健\n\n"
        "What stands before it, already translated:\nCome in. -> 入って。\nSit down.\n\n"
        "Translate the following text from English into Japanese. Register: polite (です・ます). Style: dry. Keep "
        "every tag, around the words that it belongs to. Write the translation and nothing else.\n\nThe tea is ready.",
    ),
    ("nllb", PLAIN, "The tea is ready."),
    ("m2m", PLAIN, "The tea is ready."),
    ("mbart", PLAIN, "The tea is ready."),
    ("madlad", PLAIN, "<2ja> The tea is ready."),
    ("opus-mt", PLAIN, "The tea is ready."),
    ("hy-mt2-30b", PLAIN, None),
]


@pytest.mark.parametrize(("name", "source", "wanted"), GOLDEN)
def test_the_words_are_the_models_own(name, source, wanted):
    if wanted is not None:
        assert known()[name].profile.prompt(source) == wanted


def test_every_shipped_profile_is_pinned_and_sound():
    assert {name for name, *_ in GOLDEN} == set(known())
    for one in known().values():
        for code in (*one.profile.languages, *one.profile.codes, *(c for t in one.profile.names.values() for c in t)):
            assert canonical(code) == code
        for pattern in one.models:
            assert pattern == pattern.lower()


MODELS = {
    "tencent/Hunyuan-MT-7B": "hunyuan-mt",
    "tencent_Hunyuan-MT-7B-Q4_K_M.gguf": "hunyuan-mt",
    "tencent/HY-MT1.5-1.8B": "hy-mt1.5",
    "/models/HY-MT1.5-7B-Q8_0.gguf": "hy-mt1.5",
    "tencent/Hy-MT2-7B": "hy-mt2",
    "tencent/Hy-MT2-30B-A3B": "hy-mt2-30b",
    "ByteDance-Seed/Seed-X-PPO-7B": "seed-x",
    "Unbabel/TowerInstruct-7B-v0.2": "towerinstruct",
    "Unbabel/Tower-Plus-9B": "tower-plus",
    "google/translategemma-4b-it": "translategemma",
    "translategemma:12b": "translategemma",
    "pfnet/plamo-2-translate": "plamo-translate",
    "haoranxu/ALMA-13B-R": "alma",
    "haoranxu/X-ALMA-13B-Group6": "x-alma",
    "ModelSpace/GemmaX2-28-9B-v0.1": "gemmax2",
    "xiaomi-research/MiLMMT-46-4B-v0.1": "gemmax2",
    "SakuraLLM/Sakura-14B-Qwen2.5-v1.0-GGUF": "sakura",
    "cyberagent/CAT-Translate-0.8b": "cat-translate",
    "Qwen/Qwen3-4B-Instruct-2507": "qwen",
    "facebook/nllb-200-distilled-600M": "nllb",
    "facebook/m2m100_418M": "m2m",
    "facebook/mbart-large-50-many-to-many-mmt": "mbart",
    "google/madlad400-3b-mt": "madlad",
    "Helsinki-NLP/opus-mt-ja-en": "opus-mt",
    "staka/fugumt-en-ja": "opus-mt",
}


@pytest.mark.parametrize(("model", "name"), MODELS.items())
def test_a_models_name_chooses_its_profile(model, name):
    assert profile_for(model).name == name


@pytest.mark.parametrize("model", ["meta-llama/Llama-4", "gpt-5", "my-model", "", "DeepSeek-R1-Distill-Qwen-7B"])
def test_an_unknown_model_is_never_guessed(model):
    with pytest.raises(UsageError, match=r"is not known; say it: --profile NAME .*--profile chat"):
        profile_for(model)


def test_a_config_outweighs_a_name(tmp_path):
    folder = tmp_path / "my-qwen-tests" / "alma-7b-r"
    folder.mkdir(parents=True)
    (folder / "config.json").write_text('{"model_type": "bert"}')
    with pytest.raises(UsageError, match="'alma-7b-r' wants to be asked is not known"):
        profile_of(folder)
    (folder / "config.json").write_text('{"model_type": "llama"}')
    assert profile_of(folder).name == "alma"
    (folder / "config.json").write_text('{"model_type": "marian"}')
    assert profile_of(folder).name == "opus-mt", "all of that kind are asked alike"
    PromptProfile(languages=("en",)).save(folder)
    assert profile_of(folder) == PromptProfile(languages=("en",)), "its own comes first"


def test_a_folder_that_is_not_there_is_no_hub_name(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "runs").mkdir()
    for name in ("runs/qwen", "a/b/qwen", str(tmp_path / "qwen"), "qwen"):
        with pytest.raises(In2xError, match="there is no model folder here"):
            profile_of(name)
    assert profile_of("Qwen/Qwen3-4B").name == "qwen"


def test_a_profile_is_named_or_a_file(tmp_path):
    assert named("qwen").sampling == Sampling(0.7, 0.8, 20)
    named("hy-mt1.5").save(tmp_path)
    assert named(str(tmp_path)) == named(str(tmp_path / FILE)) == named("hy-mt1.5")
    with pytest.raises(UsageError, match=r"there is no profile 'quen'; give a file or one of alma, "):
        named("quen")


@pytest.mark.parametrize("name", sorted(known()))
def test_a_saved_profile_is_the_same(name, tmp_path):
    known()[name].profile.save(tmp_path)
    assert PromptProfile.load(tmp_path) == known()[name].profile


def test_old_files_still_load(tmp_path):
    old = {"templates": DEFAULT_TEMPLATES, "system": None, "stop": [], "chat": True, "languages": ["en", "ja"]}
    (tmp_path / FILE).write_text(json.dumps(old))
    assert PromptProfile.load(tmp_path) == PromptProfile(languages=("en", "ja"))
    (tmp_path / FILE).write_text(json.dumps(old | {"templates": BASE_TEMPLATES, "chat": False, "stop": ["\n"]}))
    base = PromptProfile(BASE_TEMPLATES, stop=("\n",), languages=("en", "ja"), endpoint="completions")
    assert PromptProfile.load(tmp_path) == base


@pytest.mark.parametrize(
    ("raw", "why"),
    [
        ("[]", "no templates"),
        ("{", "Expecting"),
        ('{"templates": {"*": "{source}"}, "endpoint": "batch"}', "no endpoint 'batch'"),
        ('{"templates": {"*": "{source}"}, "stops": []}', "no field 'stops'"),
        ('{"templates": {"*": "{source} {terms}"}}', r"uses \{terms\}"),
        ('{"templates": {"*": "{sauce}"}}', r"uses \{sauce\}"),
        ('{"templates": {"*": "{source}"}, "sampling": {"top": 1}}', "top"),
    ],
)
def test_a_wrong_file_is_one_sentence(tmp_path, raw, why):
    (tmp_path / FILE).write_text(raw)
    with pytest.raises(In2xError, match=rf"not a prompt profile \(.*{why}") as caught:
        PromptProfile.load(tmp_path)
    assert "\n" not in str(caught.value)


def test_what_a_model_has_words_for():
    takes = {name: {need for need in ("tags", "terms", "before", "scene", "style", "mend")
                    if one.profile.takes(need, FULL)} for name, one in known().items() if name != "sakura"}  # fmt: skip
    assert takes["chat"] == {"tags", "terms", "before", "scene", "style", "mend"}
    assert takes["hunyuan-mt"] == takes["alma"] == takes["nllb"] == set()
    assert takes["hy-mt2"] == {"terms", "before", "scene"} and takes["hy-mt1.5"] == {"tags"}


def test_an_attempt_is_mended_in_the_same_conversation():
    asked = named("chat").messages(replace(PLAIN, attempt="茶。", finding="The register is plain."))
    assert [turn["role"] for turn in asked] == ["user", "assistant", "user"]
    assert asked[1]["content"] == "茶。" and "translation: The register is plain. Mend it" in asked[2]["content"]
    assert len(named("hy-mt2").messages(replace(PLAIN, attempt="茶。", finding="x"))) == 1


def test_the_most_specific_template_is_taken():
    words = {"*": "1", "*/polite": "2", "en-*": "3", "*-ja": "4", "en-ja": "5", "en-ja/polite": "6", "*/*": "7"}
    polite = replace(PLAIN, register="polite")

    def prompt(source, *without):
        return PromptProfile({key: words[key] for key in words if key not in without}).prompt(source)

    assert prompt(polite) == "6" and prompt(PLAIN) == "5"
    assert prompt(polite, "en-ja/polite") == "5"
    assert prompt(polite, "en-ja/polite", "en-ja") == "3"
    assert prompt(polite, "en-ja/polite", "en-ja", "en-*") == "4"
    assert prompt(polite, "en-ja/polite", "en-ja", "en-*", "*-ja") == "2"
    assert prompt(replace(PLAIN, register="casual"), "en-ja/polite", "en-ja", "en-*", "*-ja") == "7"
    with pytest.raises(In2xError, match="no template for en-ja"):
        PromptProfile({"ja-en": "x"}).prompt(PLAIN)


@given(st.text(alphabet=st.sampled_from("{}ab<>|/:_") | st.characters(exclude_categories=["Cs"]), max_size=40))
@pytest.mark.parametrize("name", sorted(known()))
def test_a_text_is_never_read_as_a_template(name, text):
    pair = ("ja", "zh") if name == "sakura" else ("en", "ja")
    mark = "Quillonborough"
    profile = known()[name].profile
    frame = profile.prompt(Source(mark, *pair))
    assert frame.count(mark) == 1
    assert profile.prompt(Source(text, *pair)) == frame.replace(mark, text)


@pytest.mark.parametrize(
    "token", ["<|im_end|>", "<|plamo:op|>", "<end_of_turn>", "</s>", "[/INST]", "<|endoftext|>", "<bos>"]
)
def test_control_tokens_stay_text_at_a_server(token):
    source = guarded(replace(FULL, text=f"a {token} b", scene=token, before=((token, token),), terms=((token, "x"),)))
    prompt = known()["chat"].profile.prompt(source)
    assert token not in prompt and prompt.replace("\u2060", "").count(token) == 5
    assert guarded(PLAIN) == PLAIN and guarded(replace(PLAIN, text="1 < 2 <b>x</b>")).text == "1 < 2 <b>x</b>"
