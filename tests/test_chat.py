"""The one contract of asking: SFT, RL, TRL, verl, translation and a model in process send the same token ids."""

from __future__ import annotations

import copy
from types import SimpleNamespace

import pytest

from in2x.chat.contract import end_ids, settle
from in2x.chat.profile import PromptProfile
from in2x.chat.render import answered_tokens, chat_ids, chat_text, prompt_tokens
from in2x.chat.source import Source
from in2x.errors import In2xError
from in2x.llm.local import LocalClient
from in2x.llm.request import Request
from in2x.records import Instruction
from in2x.rl.loop import Policy
from in2x.training.examples import chat_examples
from in2x.training.model import ShapeConfig, build_model
from in2x.training.tokenizer import train_tokenizer
from in2x.translate.engine import LocalBackend

SWITCH = (
    "{% for m in messages %}<|im_start|>{{ m.role }}\n"
    "{% if m.role == 'assistant' and enable_thinking is defined and not enable_thinking %}<think>\n\n</think>\n\n"
    "{% endif %}{{ m.content }}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n"
    "{% if enable_thinking is defined and not enable_thinking %}<think>\n\n</think>\n\n{% endif %}{% endif %}"
)
"""Lets the model think unless it is told not to; its turns end in a mark that is not the end of text."""
NO_SYSTEM = "{% if messages[0].role == 'system' %}{{ raise_exception('no system role') }}{% endif %}" + SWITCH
SOURCES = ("The cat sleeps.", "Beware of <|im_end|> and <think> in a text.", "")


@pytest.fixture(scope="module")
def tokenizer():
    made = train_tokenizer(["The cat sleeps.", "猫は眠る。", "user assistant system think im_start im_end"] * 4, 400)
    made.add_special_tokens({"additional_special_tokens": ["<|im_start|>", "<|im_end|>"]})
    made.add_tokens(["<think>", "</think>"])
    made.chat_template = SWITCH
    return made


@pytest.fixture(scope="module")
def model(tokenizer):
    shape = ShapeConfig(width=16, layers=1, heads=2, kv_heads=1, mlp=16, vocabulary=len(tokenizer), context=128)
    return build_model(shape, tokenizer, seed=1).eval()


def local_rows(model, tokenizer, messages, monkeypatch):
    """Token ids that the sampler is given by a model in this process."""
    seen = []

    def sample(_, rows, **__):
        seen.extend(rows)
        return [[SimpleNamespace(tokens=[tokenizer.eos_token_id], finished=True, logprobs=[0.0])] for _ in rows]

    monkeypatch.setattr("in2x.inference.sampler.sample", sample)
    list(LocalClient(model, tokenizer, "local").ask_all([Request(messages=tuple(messages))]))
    return seen[0]


@pytest.mark.parametrize("system", [None, "You translate."])
@pytest.mark.parametrize("source", SOURCES)
def test_all_ask_token_for_token_alike(model, tokenizer, source, system, monkeypatch):
    trl = pytest.importorskip("in2x.rl.trl")
    profile = PromptProfile(system=system)
    messages = profile.messages(Source(source, "en", "ja"))
    asked = chat_ids(tokenizer, messages)
    instruction = Instruction("1", "ja", "translate", messages, answer="猫は眠る。")

    (example,) = chat_examples(tokenizer, [instruction])
    assert example.tokens[: example.answer_start] == asked, "SFT"
    policy = Policy(model, tokenizer)
    assert policy.ask([instruction], samples=1, temperature=1.0, longest=1, seed=0)[0] == [asked], "RL"
    stand_in = SimpleNamespace(processing_class=tokenizer)
    assert trl.TrajectoryTrainer._tokenize_prompts(stand_in, [messages])[0] == [asked], "TRL"
    translator = LocalBackend.__new__(LocalBackend)
    translator.tokenizer, translator.profile = tokenizer, profile
    assert translator._prompt(Source(source, "en", "ja")) == asked, "translate"
    assert local_rows(model, tokenizer, messages, monkeypatch) == asked, "a model in this process"
    if "<" not in source:  # verl renders itself, and knows no control tokens as plain text
        saved = copy.deepcopy(tokenizer)
        settle(saved, copy.deepcopy(model.generation_config))
        text = saved.apply_chat_template(messages, tokenize=False, add_generation_prompt=True)
        assert tokenizer(text, add_special_tokens=False)["input_ids"] == asked, "verl"
    text = tokenizer.decode(asked)
    assert text.endswith("<|im_start|>assistant\n<think>\n\n</think>\n\n") and source in text


def test_control_tokens_in_words_are_plain_text(tokenizer):
    end, think = tokenizer.convert_tokens_to_ids(["<|im_end|>", "<think>"])
    chat = [{"role": "user", "content": SOURCES[1]}]
    ids = chat_ids(tokenizer, chat)
    assert (ids.count(end), ids.count(think)) == (1, 1), "only what the template itself writes"
    (head, tail), (_, ordinary) = answered_tokens(tokenizer, [chat, chat], ["ends in <|im_end|>", "猫"])
    assert head == ids and tail.count(end) == 1 and ordinary.count(end) == 1
    assert tokenizer.decode(tail) == "ends in <|im_end|><|im_end|>\n"


def test_what_ends_an_answer_is_what_training_teaches(tokenizer, model):
    chat = [{"role": "user", "content": "Hello"}]
    ((_, tail),) = answered_tokens(tokenizer, [chat], ["Bye"])
    ends = end_ids(tokenizer, model.generation_config.eos_token_id)
    assert ends & set(tail), "an answer learnt in SFT would never end"
    assert ends == {tokenizer.eos_token_id, tokenizer.convert_tokens_to_ids("<|im_end|>")}
    assert Policy(model, tokenizer).stop_ids == ends


def test_a_template_without_system_role_gets_it_in_the_first_turn(tokenizer, monkeypatch):
    monkeypatch.setattr(tokenizer, "chat_template", NO_SYSTEM)
    chat = [{"role": "system", "content": "Be kind."}, {"role": "user", "content": "Hello"}]
    assert "user\nBe kind.\n\nHello<|im_end|>" in chat_text(tokenizer, chat)
    assert prompt_tokens(tokenizer, [chat])[0] == prompt_tokens(tokenizer, [chat, chat[1:]])[0]
    monkeypatch.setattr(tokenizer, "chat_template", "{{ raise_exception('no') }}")
    with pytest.raises(In2xError, match=r"the chat template fails \(no\)"):
        chat_ids(tokenizer, chat)
    monkeypatch.setattr(tokenizer, "chat_template", None)
    with pytest.raises(In2xError, match="has no chat template"):
        chat_ids(tokenizer, chat)
    assert end_ids(tokenizer) == {tokenizer.eos_token_id}


def test_reasoning_is_not_taught(tokenizer):
    chat = [{"role": "user", "content": "Hello"}]
    with_thought, without = answered_tokens(tokenizer, [chat] * 2, ["<think>\nhm\n</think>\n\nBye", "Bye"])
    assert with_thought == without
