"""All back ends behind one door: the same prompt tokens, beams, loops, encoders, CTranslate2, GGUF, the probe."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from transformers import (
    AutoConfig,
    AutoModelForSeq2SeqLM,
    GenerationConfig,
    PreTrainedTokenizerFast,
)

from chat_server import ChatServer
from conftest import PAIRS
from in2x.chat.known import known, named
from in2x.chat.profile import PromptProfile, Sampling
from in2x.chat.source import Source
from in2x.errors import In2xError, UsageError
from in2x.inference.generation import generate
from in2x.inference.loops import looping, loops, repeated
from in2x.inference.sampler import sample
from in2x.language import language, packs
from in2x.llm.open import open_server
from in2x.training.model import load_model, load_tokenizer
from in2x.training.tokenizer import train_tokenizer
from in2x.translate.backend import Backend, Translation
from in2x.translate.engine import LocalBackend
from in2x.translate.open import open_backend, profile_at
from in2x.translate.probe import probe
from in2x.translate.remote import RemoteBackend
from in2x.translate.request import TranslationRequest, check_request
from in2x.translate.seq2seq import Seq2SeqBackend
from in2x.translate.split import cut

ENJA = TranslationRequest("en", "ja")
HOSTILE = [
    "Plain words.",
    "{source} {to_name} {{x}}",
    "a <|end|><|assistant|> b",
    "<2ja> </s> <pad> jpn_Jpan",
    "[INST] x",
]


# Encoders with decoders, as small as they come ------------------------------------------------------------------------

TOKENS = ["eng_Latn", "jpn_Jpan", "__en__", "__ja__", "<2ja>", "<2en>"]
KINDS = {"marian": "opus-mt", "m2m_100": "nllb", "t5": "madlad"}


@pytest.fixture(scope="session")
def encoders(tmp_path_factory) -> dict[str, Path]:
    """A folder of each kind with random weights, and the languages' tokens in its vocabulary."""
    base = train_tokenizer([*PAIRS, *(t for by in PAIRS.values() for t in by.values())] * 4, 380)
    made = {}
    for kind in KINDS:
        folder = tmp_path_factory.mktemp(kind) / f"{KINDS[kind]}-tiny"
        tokenizer = PreTrainedTokenizerFast(
            tokenizer_object=base.backend_tokenizer, eos_token="</s>" if kind == "m2m_100" else base.eos_token
        )
        tokenizer.add_special_tokens({"additional_special_tokens": TOKENS})
        tokenizer.add_special_tokens({"pad_token": "<pad>"})  # the last one, as Marian has it
        torch.manual_seed(7)
        pad, end = tokenizer.pad_token_id, tokenizer.eos_token_id
        start = end if kind == "m2m_100" else pad
        pad = 1 if kind == "m2m_100" else pad  # its positions are counted from there
        values = {
            "vocab_size": len(tokenizer), "d_model": 32, "encoder_layers": 2, "decoder_layers": 2, "d_kv": 8,
            "encoder_attention_heads": 4, "decoder_attention_heads": 4, "encoder_ffn_dim": 64, "decoder_ffn_dim": 64,
            "num_layers": 2, "num_heads": 4, "d_ff": 64, "max_position_embeddings": 512, "pad_token_id": pad,
            "eos_token_id": end, "decoder_start_token_id": start, "bos_token_id": start, "forced_eos_token_id": None,
        }  # fmt: skip
        model = AutoModelForSeq2SeqLM.from_config(AutoConfig.for_model(kind, **values))
        with torch.no_grad():
            for parameter in model.parameters():
                if parameter.ndim > 1:
                    parameter.normal_(0, 0.4)
            model.get_input_embeddings().weight[pad] = 0
        model.generation_config = GenerationConfig(
            eos_token_id=end, pad_token_id=pad, decoder_start_token_id=start, bos_token_id=start
        )
        model.save_pretrained(folder)
        tokenizer.save_pretrained(folder)
        made[kind] = folder
    return made


@pytest.mark.parametrize("kind", KINDS)
def test_encoders_are_asked_as_transformers_asks_them(encoders, kind):
    profile = named(KINDS[kind])
    translator = open_backend(str(encoders[kind]), profile=KINDS[kind])
    assert isinstance(translator, Seq2SeqBackend)
    request = replace(ENJA, max_new_tokens=9)
    lines = translator.translations([*PAIRS, ""], request)
    assert len(lines) == len(PAIRS) + 1 and lines[-1] == Translation("")
    tokenizer, model = load_tokenizer(encoders[kind]), translator.model
    start, beams = model.generation_config.decoder_start_token_id, profile.sampling.beams
    for source, line in zip(PAIRS, lines, strict=False):
        words = tokenizer.encode(source, add_special_tokens=False)
        end = tokenizer.eos_token_id
        want = {"marian": [*words, end],
                "m2m_100": [tokenizer.convert_tokens_to_ids("eng_Latn"), *words, end],
                "t5": [*tokenizer.encode(f"<2ja> {source}", add_special_tokens=False), end]}[kind]  # fmt: skip
        assert translator._prompt(Source(source, "en", "ja")) == want
        forced = {"forced_bos_token_id": tokenizer.convert_tokens_to_ids("jpn_Jpan")} if kind == "m2m_100" else {}
        alone = model.generate(
            torch.tensor([want]), num_beams=beams, max_new_tokens=9 + len(forced), do_sample=False,
            eos_token_id=sorted(translator.stop_ids), **forced,
        )[0].tolist()  # fmt: skip
        assert alone[0] == start
        assert translator._read(alone[1 + len(forced) :], source).text == line.text


def test_an_encoder_is_known_by_its_config_or_said(encoders):
    assert isinstance(open_backend(str(encoders["marian"])), Seq2SeqBackend), "all Marian models are asked alike"
    assert profile_at(str(encoders["m2m_100"])).name == "nllb"
    with pytest.raises(In2xError, match="asks no model with an encoder"):
        open_backend(str(encoders["t5"]), profile="chat")
    with pytest.raises(In2xError, match="the model has no token deu_Latn"):
        open_backend(str(encoders["m2m_100"])).translations(["Hi there."], TranslationRequest("en", "de"))


def test_an_encoder_gets_one_sentence_at_a_time(encoders):
    translator = open_backend(str(encoders["marian"]))
    text = "The cat sleeps. Where is the station? She did not come."
    assert cut(Source(text, "en", "ja"), translator.profile, lambda part: True) == [
        "The cat sleeps.",
        "Where is the station?",
        "She did not come.",
    ]
    parts = cut(Source(text, "en", "ja"), translator.profile, lambda part: True)
    alone = [one.text for one in translator.translations(parts, ENJA)]
    assert translator.translate([text], ENJA) == ["".join(alone)]


# One way of asking ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("text", HOSTILE)
@pytest.mark.parametrize("endpoint", ["chat", "completions"])
def test_every_back_end_asks_with_the_same_tokens(tiny_model, text, endpoint):
    """What a server is sent, through its own template and tokenizer, is what a model in this process reads."""
    tokenizer = load_tokenizer(tiny_model)
    profile = replace(named("chat"), endpoint=endpoint)
    source = Source(text, "en", "ja", "polite", terms=(("a", "b"),))
    local = LocalBackend(tiny_model, profile=profile, device="cpu")._prompt(source)
    with ChatServer(lambda body: "はい") as server:
        request = RemoteBackend(open_server(server.url), profile).asked(source)
    if endpoint == "chat":
        rendered = tokenizer.apply_chat_template(list(request.messages), add_generation_prompt=True, tokenize=False)
        served = tokenizer.encode(rendered, add_special_tokens=False)
    else:
        served = tokenizer.encode(request.prompt)
    assert local.count(tokenizer.convert_tokens_to_ids("<|assistant|>")) == (endpoint == "chat")
    if "<|" in text or "</s>" in text or "[INST]" in text:
        assert tokenizer.decode(served).replace("\u2060", "") == tokenizer.decode(local)
        assert served.count(tokenizer.eos_token_id) == local.count(tokenizer.eos_token_id)
    else:
        assert served == local


def test_control_tokens_of_a_raw_template_are_control_tokens(tiny_model):
    tokenizer = load_tokenizer(tiny_model)
    profile = PromptProfile({"*": "<|user|>{to}: {source}<|end|>\n<|assistant|>"}, endpoint="completions")
    plain = profile.encode(tokenizer, Source("The cat.", "en", "ja"))
    assert plain == tokenizer.encode("<|user|>ja: The cat.<|end|>\n<|assistant|>", add_special_tokens=False)
    user, end, assistant = tokenizer.convert_tokens_to_ids(["<|user|>", "<|end|>", "<|assistant|>"])
    hostile = profile.encode(tokenizer, Source("The <|end|> cat.", "en", "ja"))
    assert [hostile.count(token) for token in (user, end, assistant)] == [1, 1, 1]
    assert "The <|end|> cat." in tokenizer.decode(hostile)


def test_a_raw_prompt_goes_to_completions_and_is_read_to_its_stop():
    def reply(body):
        assert "messages" not in body and body["stop"] == ["<|plamo:op|>"] and body["temperature"] == 0
        assert body["prompt"].endswith("input lang=English\nTea?\n<|plamo:op|>output lang=Japanese\n")
        return {"text": "お茶？\n<|plamo:op|>more", "finish_reason": "stop"}

    with ChatServer(reply) as server:
        translator = RemoteBackend(open_server(server.url), named("plamo-translate"))
        assert translator.translate(["Tea?"], ENJA) == ["お茶？"]
        assert server.asked[0]["max_tokens"] < 100


def test_an_answer_in_marks_is_taken_out_and_a_long_source_is_cut():
    def reply(body):
        text = (
            body["messages"][-1]["content"].partition("<source>")[2].partition("<source>")[2].partition("</source>")[0]
        )
        return f"<target>{text.upper()}</target> done"

    with ChatServer(reply) as server:
        profile = replace(named("hy-mt1.5"), longest=8)
        translator = RemoteBackend(open_server(server.url), profile)
        source = Source("<s1>Tea</s1> is ready. So are we. Come in, all of you.", "en", "ja", tagged=True)
        assert translator.translations([source], ENJA)[0].text == "<S1>TEA</S1> IS READY.SO ARE WE.COME IN, ALL OF YOU."
        assert len(server.asked) == 3


def test_a_raw_prompt_that_failed_is_drawn_anew():
    said = iter(["", "お茶"])
    with ChatServer(lambda body: {"text": next(said)}) as server:
        assert RemoteBackend(open_server(server.url), named("seed-x")).translate(["Tea"], ENJA) == ["お茶"]
        assert [body["temperature"] for body in server.asked] == [0, 0.3]


def test_a_template_that_wants_parts_gets_them_and_sampling_is_the_profiles():
    with ChatServer(lambda body: "お茶") as server:
        asker = open_server(server.url)
        RemoteBackend(asker, named("translategemma-chat")).translate(["Tea"], ENJA)
        RemoteBackend(asker, named("hy-mt2")).translate(["Tea"], ENJA)
        RemoteBackend(asker, named("hy-mt2")).translate(["Tea"], replace(ENJA, temperature=0.0))
    parts, sampled, greedy = server.asked
    assert parts["messages"][-1]["content"] == [
        {"type": "text", "source_lang_code": "en", "target_lang_code": "ja", "text": "Tea"}
    ]
    assert {k: sampled[k] for k in ("temperature", "top_p", "top_k", "repetition_penalty")} == {
        "temperature": 0.7, "top_p": 0.6, "top_k": 20, "repetition_penalty": 1.05,
    }  # fmt: skip
    assert greedy["temperature"] == 0 and "top_p" not in greedy and "top_k" not in greedy


def test_a_server_that_takes_no_such_parameter_is_asked_without():
    def reply(body):
        for name in ("top_k", "repetition_penalty", "repeat_penalty"):
            if name in body:
                return 400, {"error": {"message": f"Unrecognized request argument supplied: {name}"}}
        return "お茶"

    with ChatServer(reply) as server:
        assert RemoteBackend(open_server(server.url), named("hy-mt2")).translate(["Tea", "Tea two"], ENJA)[1] == "お茶"


def test_an_unknown_model_at_a_server_must_be_said(tiny_model):
    with ChatServer(lambda body: "お茶") as server:
        assert open_backend(server.url).profile.name == "qwen"
        with pytest.raises(UsageError, match="'stranger' wants to be asked is not known"):
            open_backend(server.url + "#stranger")
        assert open_backend(server.url + "#stranger", profile="chat").translate(["Tea"], ENJA) == ["お茶"]
        with pytest.raises(UsageError, match="such servers do not serve"):
            open_backend(server.url, profile="nllb")
    with pytest.raises(UsageError, match="it knows Japanese"):
        check_request(profile_at("cyberagent/CAT-Translate-7B"), TranslationRequest("en", "de"))
    with pytest.raises(UsageError, match=r"for llama\.cpp; run llama-server -m x\.gguf"):
        open_backend("x.gguf")
    with pytest.raises(In2xError, match="asks models with an encoder"):
        open_backend(str(tiny_model), profile="nllb")


# Decoding -------------------------------------------------------------------------------------------------------------


def test_beams_and_penalties_are_transformers_own(tiny_model):
    translator = LocalBackend(tiny_model, device="cpu")
    sources = list(PAIRS)
    greedy = translator.translate(sources, ENJA)
    assert translator.translate(sources, replace(ENJA, beams=4)) == greedy, "what it knows by heart"
    prompts = [translator._prompt(Source(s, "en", "ja")) for s in [*sources, "The cat did not come."]]
    how = Sampling(repetition_penalty=1.3, beams=3)
    got = generate(translator.model, prompts, max_new_tokens=12, stop_ids=translator.stop_ids, sampling=how)
    for prompt, [answer] in zip(prompts, got, strict=True):
        alone = translator.model.generate(
            torch.tensor([prompt]), attention_mask=torch.ones(1, len(prompt), dtype=torch.long), max_new_tokens=12,
            num_beams=3, repetition_penalty=1.3, do_sample=False, pad_token_id=0,
            eos_token_id=sorted(translator.stop_ids),
        )[0, len(prompt) :].tolist()  # fmt: skip
        assert answer == alone


def test_truncated_sampling_repeats_by_its_seed(tiny_model):
    profile = replace(PromptProfile.load(tiny_model), sampling=Sampling(5.0, top_p=0.9, top_k=40))
    translator = LocalBackend(tiny_model, profile=profile, device="cpu")
    request = replace(ENJA, max_new_tokens=8, seed=3)
    one, two = (translator.candidates(list(PAIRS), request, 4) for _ in range(2))
    other = translator.candidates(list(PAIRS), replace(request, seed=4), 4)
    assert one == two != other and len({c.text for row in one for c in row}) > 4
    profile = replace(profile, sampling=Sampling(5.0, top_k=1))
    greedy = LocalBackend(tiny_model, profile=profile, device="cpu").candidates(list(PAIRS), request, 2)
    assert {len({c.text for c in row}) for row in greedy} == {1}, "one token to choose from"


def test_a_row_that_loops_is_seen_and_one_that_does_not_is_not():
    assert loops([5, 6, 7] * 8) and loops([1, 2, 3, 4, *[9] * 24]) and loops(list(range(40)) * 4)
    assert not loops([9] * 23) and not loops([5, 6, 7] * 8 + [1]) and not loops(list(range(200))) and not loops([])
    both = torch.tensor([[*range(30)], [7] * 30])
    assert looping(both).tolist() == [False, True]
    assert repeated("はい、はい、はい、はい、はい、はい、") == "はい、" and repeated("no no no") == ""


@pytest.fixture(scope="session")
def looping_model(tiny_model, tmp_path_factory) -> Path:
    """The tiny model, made to say one token for ever."""
    folder = tmp_path_factory.mktemp("loops") / "model"
    shutil.copytree(tiny_model, folder)
    model = load_model(folder)
    with torch.no_grad():
        for layer in model.model.layers:
            layer.self_attn.o_proj.weight.zero_()
            layer.mlp.down_proj.weight.zero_()
    model.save_pretrained(folder)
    return folder


@pytest.mark.parametrize("beams", [1, 2])
def test_a_loop_ends_long_before_the_room_does(looping_model, beams, monkeypatch):
    translator = LocalBackend(looping_model, device="cpu")
    steps: list[int] = []
    hook = translator.model.lm_head.register_forward_hook(lambda *_: steps.append(1))
    assert translator.decoder
    logits = translator.decoder.logits
    monkeypatch.setattr(translator.decoder, "logits", lambda *given: [steps.append(1), logits(*given)][1])
    source = "The cat sleeps in the garden, and I read a book."
    (said,) = translator.translations([source], replace(ENJA, max_new_tokens=150, beams=beams))
    assert said.fault.startswith("the answer fell into a loop") and len(steps) < 60
    steps.clear()
    dots = "The cat sleeps........................"
    (said,) = translator.translations([dots], replace(ENJA, max_new_tokens=100))
    assert said.fault and len(steps) >= 100, "a source that repeats itself may be answered so"
    hook.remove()


def test_the_sampler_cuts_only_rows_that_are_watched(looping_model):
    model, tokenizer = load_model(looping_model), load_tokenizer(looping_model)
    prompts = [tokenizer.encode("The cat."), tokenizer.encode("I read a book.")]
    rows = sample(model, prompts, max_new_tokens=64, stop_ids=[], temperature=0, watched=[True, False])
    assert [len(row[0].tokens) for row in rows] == [32, 64] and not rows[0][0].finished
    plain = sample(model, prompts, max_new_tokens=64, stop_ids=[], temperature=0)
    assert plain[0][0].tokens[:32] == rows[0][0].tokens and plain[1][0].tokens == rows[1][0].tokens


def test_a_servers_loop_is_named_and_not_given_more_room():
    def reply(body):
        return {"message": {"role": "assistant", "content": "はい、" * 300}, "finish_reason": "length"}

    with ChatServer(reply) as server:
        (said,) = open_backend(server.url).translations(["Yes, I will come."], ENJA)
    assert said.fault == "the answer fell into a loop ('はい、' over and over)"
    assert len({body["max_tokens"] for body in server.asked}) == 1


# CTranslate2 and GGUF -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("int8", [False, True])
def test_ctranslate2_says_what_the_model_says(tiny_model, tmp_path, in2x, int8):
    pytest.importorskip("ctranslate2")
    out = tmp_path / "ct2"
    code, said, err = in2x("export", tiny_model, "--to", "ct2", *["--int8"] * int8, "-o", out)
    assert code == 0 and f"--model {out}" in said, err
    theirs, ours = open_backend(str(out)), LocalBackend(tiny_model, device="cpu")
    assert theirs.profile == ours.profile and theirs.context == ours.context and theirs.stop_ids == ours.stop_ids
    for register in (None, "polite", "casual"):
        request = replace(ENJA, register=register)
        assert theirs.translate([*PAIRS, ""], request) == ours.translate([*PAIRS, ""], request)
    source = Source("Where is the station?", "en", "ja")
    assert theirs._prompt(source) == ours._prompt(source)
    assert theirs.translate(list(PAIRS), replace(ENJA, beams=3)) == ours.translate(list(PAIRS), ENJA)
    drawn = theirs.candidates(list(PAIRS), replace(ENJA, temperature=8.0, max_new_tokens=8), 3)
    assert len({one.text for row in drawn for one in row}) > 4
    code, _, err = in2x("export", tiny_model, "--to", "ct2", "-o", out)
    assert code == 2 and "exists" in err


@pytest.mark.parametrize("kind", ["marian", "m2m_100"])
def test_ctranslate2_with_an_encoder(encoders, tmp_path, kind):
    pytest.importorskip("ctranslate2")
    from in2x.converted import to_ct2

    to_ct2(encoders[kind], tmp_path / "ct2", int8=False)
    theirs, ours = open_backend(str(tmp_path / "ct2")), open_backend(str(encoders[kind]))
    request = replace(ENJA, max_new_tokens=6, beams=1)
    assert theirs.seq2seq and theirs.translate(list(PAIRS), request) == ours.translate(list(PAIRS), request)


def test_what_cannot_be_exported_is_one_sentence(tiny_model, encoders, tmp_path, in2x):
    converter = tmp_path / "convert_hf_to_gguf.py"
    code, _, err = in2x("export", tiny_model, "--to", "gguf", "-o", tmp_path / "g")
    assert code == 2 and "written by a script of llama.cpp; give --converter" in err
    converter.write_text("import sys; print('no such architecture', file=sys.stderr); sys.exit(3)")
    code, _, err = in2x("export", tiny_model, "--to", "gguf", "--converter", converter, "-o", tmp_path / "g")
    assert code == 1 and "failed (no such architecture)" in err and not (tmp_path / "g").exists()
    assert sorted(p.name for p in tmp_path.iterdir()) == [converter.name], "nothing half written"
    converter.write_text(
        "import sys; a = sys.argv; assert a[4:] == ['--outtype', 'q8_0']; open(a[3], 'w').write('GGUF ' + a[1])"
    )
    code, said, _ = in2x("export", tiny_model, "--to", "gguf", "--int8", "--converter", converter, "-o", tmp_path / "g")
    assert code == 0 and "llama-server -m" in said and named(str(tmp_path / "g")) == PromptProfile.load(tiny_model)
    with pytest.raises(UsageError, match=r"run llama-server -m .*g/model\.gguf"):
        open_backend(str(tmp_path / "g"))
    assert in2x("export", tmp_path, "--to", "ct2", "-o", tmp_path / "h")[0] == 2
    assert in2x("export", tiny_model, "--to", "ct2", "--set", "a=b", "-o", tmp_path / "h")[0] == 2


# The first sentence ---------------------------------------------------------------------------------------------------


class Says(Backend):
    """Answers everything alike."""

    def __init__(self, answer: Translation | str) -> None:
        self.answer = answer if isinstance(answer, Translation) else Translation(answer)

    def _draw(self, sources, request, samples, done):
        return [[self.answer] * samples for _ in sources]


@pytest.mark.parametrize("lang", packs())
def test_the_sentence_of_each_language_is_a_sound_answer_to_the_others(lang):
    """What the probe calls odd in human translations: nothing."""
    for other in packs():
        if {lang[:2], other[:2]} != {lang[:2]} and lang != other:
            assert language(lang).pack.example and probe(Says(language(lang).pack.example), other, lang) == ""


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        ("", "has no answer to a first sentence"),
        ("The old cat sleeps by the window because it is warm there.", "back as it was, not in Japanese"),
        (Translation("", "the answer is empty"), "the answer is empty"),
        (Translation("", "no answer in 120 s", unasked=True), "gave no answer to a first sentence"),
    ],
)
def test_what_cannot_be_a_translation_stops_the_work(answer, why):
    with pytest.raises(In2xError, match=why):
        probe(Says(answer), "en", "ja")


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        ("那只老猫睡在窗边，因为那里很暖和。", "in Japanese"),
        ("Die alte Katze schläft am Fenster.", "in Japanese"),
        (Translation("猫が", "the answer was cut after 64 tokens"), "was cut after 64 tokens"),
        ("訳文：<think>猫</think>は眠る。", "thinks aloud"),
        ("以下は翻訳です：年老いた猫は窓辺で眠っている。（注：直訳です）", "odd"),
    ],
)
def test_what_may_be_one_is_told(answer, why):
    said = probe(Says(answer), "en", "ja")
    assert why in said and "\n" not in said


def test_a_model_that_learnt_little_is_not_stopped(tiny_model):
    probe(LocalBackend(tiny_model), "en", "ja")


def test_every_profile_asks_of_a_server_or_here():
    for one in known().values():
        assert one.profile.endpoint in ("chat", "completions", "seq2seq") and (one.profile.licence or not one.models)
