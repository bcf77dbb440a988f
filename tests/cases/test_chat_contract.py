"""The chat contract over templates in the style of known families: one way of asking, and an end that is learned."""

from __future__ import annotations

import copy
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
from tokenizers.processors import TemplateProcessing

from in2x.chat.contract import DAY, contract_of, end_ids, settle
from in2x.chat.profile import BASE_TEMPLATES, PromptProfile
from in2x.chat.render import answered_tokens, chat_ids, prompt_tokens
from in2x.chat.source import Source
from in2x.errors import In2xError
from in2x.records import Instruction
from in2x.rl.loop import Policy
from in2x.rl.stage import fitting
from in2x.rl.verl import verl_row
from in2x.training.batches import collate
from in2x.training.examples import chat_examples, said_of
from in2x.training.loss import LanguageModelingLoss
from in2x.training.model import ShapeConfig, build_model, load_tokenizer
from in2x.training.tokenizer import train_tokenizer
from in2x.translate.engine import LocalBackend

TURN = "{% for m in messages %}<|im_start|>{{ m.role }}\n{{ m.content }}<|im_end|>\n{% endfor %}"
OPEN = "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
NO_THOUGHT = "<think>\n\n</think>\n\n"
TEMPLATES = {
    "plain": TURN + OPEN,
    "switch": TURN.replace("{{ m.content }}", "{% if loop.last and m.role == 'assistant' %}" + NO_THOUGHT
                           + "{% endif %}{{ m.content }}")
    + OPEN.replace("{% endif %}", "{% if enable_thinking is defined and enable_thinking is false %}" + NO_THOUGHT
                   + "{% endif %}{% endif %}"),
    "switch of another name": TURN + OPEN.replace(
        "{% endif %}", "{{ '<think>' if thinking | default(true) else '</think>' }}{% endif %}"),
    "budget of thought": TURN + OPEN.replace(
        "{% endif %}", "{% if thinking_budget is defined and thinking_budget == 0 %}" + NO_THOUGHT
        + "{% endif %}{% endif %}"),
    "opens a thought, no switch": TURN + OPEN.replace("{% endif %}", "<think>\n{% endif %}"),
    "opens a thought, answers close it": TURN.replace(
        "{{ m.content }}", "{% if loop.last and m.role == 'assistant' %}" + NO_THOUGHT + "{% endif %}{{ m.content }}")
    + OPEN.replace("{% endif %}", "<think>\n{% endif %}"),
    "block only before an answer": TURN.replace(
        "{{ m.content }}", "{% if m.role == 'assistant' %}" + NO_THOUGHT + "{% endif %}{{ m.content }}") + OPEN,
    "channels": "{% for m in messages %}<|im_start|>{{ m.role }}"
    "{% if m.role == 'assistant' %}<|channel|>final{% endif %}<|message|>{{ m.content }}"
    "{{ '<|return|>' if loop.last and m.role == 'assistant' else '<|im_end|>' }}{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant{% endif %}",
    "refuses a system role": "{% if messages[0].role == 'system' %}{{ raise_exception('System role not supported') }}"
    "{% endif %}" + TURN + OPEN,
    "drops a system role": TURN.replace("in messages %}", "in messages if m.role != 'system' %}") + OPEN,
    "no end token": "{% for m in messages %}<|{{ m.role }}|>\n{{ m.content }}{% endfor %}"
    "{% if add_generation_prompt %}<|assistant|>\n{% endif %}",
    "BOS in the template": "{{ bos_token }}" + TURN + OPEN,
    "brackets": "{% for m in messages %}{% if m.role == 'user' %}[INST] {{ m.content }} [/INST]"
    "{% elif m.role == 'assistant' %} {{ m.content }}{{ eos_token }}{% endif %}{% endfor %}",
    "prints the day": "Today is {{ strftime_now('%d %B %Y') }}.\n" + TURN + OPEN,
    "prints a day that is given": "{% if date_string is not defined %}{% set date_string = strftime_now('%d %b %Y') %}"
    "{% endif %}{{ date_string }}\n" + TURN + OPEN,
    "two marks behind an answer": TURN.replace("<|im_end|>", "{% if m.role == 'assistant' %}<|return|>{% endif %}"
                                               "<|im_end|>") + OPEN,
    "marks images and words apart": "{% for m in messages %}<|im_start|>{{ m.role }}\n{% if m.content is string %}"
    "{{ m.content }}{% else %}{% for part in m.content %}{{ part.text }}{% endfor %}{% endif %}<|im_end|>\n"
    "{% endfor %}" + OPEN,
}  # fmt: skip
"""`switch` is Qwen3's, `opens ...` those of R1 and of Nemotron, `channels` of GPT-OSS, `brackets` of Mistral."""
CHATS = {
    "short": [{"role": "user", "content": "Good evening."}],
    "steered": [
        {"role": "system", "content": "Be brief."},
        {"role": "user", "content": "Translate into Japanese: The kettle boils."},
    ],
    "several turns": [
        {"role": "user", "content": "The kettle boils."},
        {"role": "assistant", "content": "やかんが沸く。"},
        {"role": "user", "content": "And the tea?"},
    ],
}
MARKS = ("<|im_start|>", "<|im_end|>", "<|return|>", "<|channel|>", "<|message|>", "<|bos|>")
ANSWER = "お茶が入りました。"


def _tokenizer(template: str, framed: bool = False):
    made = train_tokenizer(["The kettle boils. Good evening, be brief.", "やかんが沸く。お茶が入りました。"] * 4, 400)
    made.add_special_tokens({"additional_special_tokens": list(MARKS)})
    made.add_tokens(["<think>", "</think>"])
    made.bos_token, made.chat_template = "<|bos|>", TEMPLATES.get(template, template)
    if framed:  # puts a beginning before a text and its end behind it
        made.backend_tokenizer.post_processor = TemplateProcessing(
            single="<|bos|> $A <|end|>",
            special_tokens=[(t, made.convert_tokens_to_ids(t)) for t in ("<|bos|>", "<|end|>")],
        )
    return made


def _model(tokenizer, width: int = 16):
    shape = ShapeConfig(width=width, layers=1, heads=2, kv_heads=1, mlp=32, vocabulary=len(tokenizer), context=256)
    return build_model(shape, tokenizer, seed=1).eval()


@pytest.mark.parametrize("framed", [False, True], ids=["", "tokenizer frames texts"])
@pytest.mark.parametrize("template", TEMPLATES)
def test_all_ask_alike_and_what_is_saved_asks_so_without_options(template, framed, tmp_path):
    trl = pytest.importorskip("in2x.rl.trl")
    tokenizer = _tokenizer(template, framed)
    model = _model(tokenizer)
    raw = copy.deepcopy(tokenizer)
    settle(tokenizer, model.generation_config)
    tokenizer.save_pretrained(tmp_path)
    saved = load_tokenizer(tmp_path)
    for chat in CHATS.values():
        asked = chat_ids(raw, chat)
        instruction = Instruction("1", "ja", "translate", chat, answer=ANSWER)
        (example,) = chat_examples(tokenizer, [instruction])
        assert example.tokens[: example.answer_start] == asked, "SFT, and the anchor of RL"
        stand_in = SimpleNamespace(processing_class=tokenizer)
        assert trl.TrajectoryTrainer._tokenize_prompts(stand_in, [chat])[0] == [asked], "TRL"
        assert prompt_tokens(saved, [chat, chat]) == [asked, asked], "RL, from what SFT saved"
        given = verl_row(instruction, {})["prompt"]
        text = saved.apply_chat_template(given, tokenize=False, add_generation_prompt=True)
        assert saved(text, add_special_tokens=False)["input_ids"] == asked, "verl, and any other program"
    profile = PromptProfile(system="Be brief.")
    translator = LocalBackend.__new__(LocalBackend)
    translator.tokenizer, translator.profile = saved, profile
    asked = chat_ids(raw, profile.messages(Source("The kettle boils.", "en", "ja")))
    assert translator._prompt(Source("The kettle boils.", "en", "ja")) == asked, "translate"
    again = copy.deepcopy(saved)
    settle(again, copy.deepcopy(model.generation_config))
    assert (again.chat_template, again.eos_token) == (saved.chat_template, saved.eos_token), "settled once is settled"


@pytest.mark.parametrize("template", TEMPLATES)
def test_prompts_are_open_and_answers_end(template):
    tokenizer = _tokenizer(template, framed=True)
    generation = _model(tokenizer).generation_config
    before = end_ids(tokenizer, generation.eos_token_id)
    contract = settle(tokenizer, generation)
    end = tokenizer.convert_tokens_to_ids(contract.end)
    assert set(generation.eos_token_id) == before and generation.eos_token_id[0] == end == tokenizer.eos_token_id
    for chat in CHATS.values():
        ((prompt, tail),) = answered_tokens(tokenizer, [chat], [ANSWER])
        text = tokenizer.decode(prompt)
        assert text.count("<think>") == text.count("</think>") or "another name" in template, text
        assert prompt.count(tokenizer.bos_token_id) == (template == "BOS in the template")
        for message in chat:
            assert message["content"] in text, "nothing of a chat is dropped"
        said = tokenizer.decode(tail)
        assert said.lstrip().startswith(ANSWER), said
        assert next(token for token in tail if token in before) == end
        assert tokenizer.decode(tail[: tail.index(end)]).strip() == ANSWER, "what sampling gives back"


def _shipped():
    """The templates of known families that TRL brings along; those for images take no plain text."""
    trl = pytest.importorskip("trl")
    files = sorted((Path(trl.__file__).parent / "chat_templates").glob("*.jinja"))
    return [file for file in files if not any(name in file.stem for name in ("idefics", "llava", "smolvlm"))]


def test_templates_that_trl_ships_are_asked_alike():
    files = _shipped()
    assert len(files) > 20
    wrong = {}
    for file in files:
        tokenizer = _tokenizer(file.read_text(encoding="utf-8"))
        chat = CHATS["steered"]
        ((prompt, tail),) = answered_tokens(tokenizer, [chat], [ANSWER])
        settle(tokenizer, generation := SimpleNamespace(eos_token_id=None))
        text = tokenizer.apply_chat_template(chat, tokenize=False, add_generation_prompt=True)
        said = tokenizer.decode(prompt)
        wrong[file.stem] = [
            name
            for name, right in {
                "alike": tokenizer(text, add_special_tokens=False)["input_ids"] == prompt,
                "whole": all(message["content"] in said for message in chat),
                "no open thought": "<think>" not in said or said.rindex("<think>") < said.rfind("</think>"),
                "answer": tokenizer.decode(tail).lstrip().startswith(ANSWER),
                "end": set(generation.eos_token_id) & set(tail),
            }.items()
            if not right
        ]
    assert not any(wrong.values()), {name: what for name, what in wrong.items() if what}


def test_what_was_found_is_told():
    words = {name: contract_of(_tokenizer(name)).words for name in TEMPLATES}
    assert words["plain"] == "answers end with <|im_end|>; no thinking mode; has a system role"
    assert "thinking is switched off" in words["switch"]
    assert "thinking is closed before it begins" in words["opens a thought, no switch"]
    assert "has no system role" in words["refuses a system role"] and "has no system role" in words["brackets"]
    assert words["no end token"].startswith("answers end with <|end|>")
    assert words["channels"].startswith("answers end with <|return|>")


def test_a_template_with_nothing_open_stays_as_it_is():
    tokenizer = _tokenizer("plain")
    contract = contract_of(tokenizer)
    assert contract.template == TEMPLATES["plain"]


@pytest.mark.parametrize("template", ["prints the day", "prints a day that is given"])
def test_a_prompt_is_the_same_on_every_day(template):
    text = _tokenizer(template).decode(chat_ids(_tokenizer(template), CHATS["short"]))
    assert str(DAY.year) in text.splitlines()[0]


@pytest.mark.parametrize(
    ("template", "words"),
    [
        (None, "has no chat template"),
        ("{{ raise_exception('only for tools') }}", "only for tools"),
        ("{{ messages[7].content.text }}", "the chat template fails"),
        ("{% for m in messages %}{% for part in m.content if part.text %}{{ part.text }}{% endfor %}{% endfor %}",
         "plain text"),
        ("{% for m in messages %}{{ 1 / 0 }}{% endfor %}", "the chat template fails"),
    ],
)  # fmt: skip
def test_what_cannot_be_asked_is_one_sentence(template, words):
    tokenizer = _tokenizer("plain")
    tokenizer.chat_template = template
    with pytest.raises(In2xError, match=words):
        contract_of(tokenizer)
    assert end_ids(tokenizer) == {tokenizer.eos_token_id}


@pytest.mark.parametrize("framed", [False, True])
def test_a_model_without_a_template_is_asked_in_plain_words(framed):
    tokenizer = _tokenizer("plain", framed)
    tokenizer.chat_template = None
    with pytest.raises(In2xError, match="has no chat template"):
        chat_ids(tokenizer, CHATS["short"])
    settle(tokenizer, SimpleNamespace(eos_token_id=None))
    ((prompt, tail),) = answered_tokens(tokenizer, [CHATS["several turns"]], [ANSWER])
    text = tokenizer.decode(prompt)
    assert text == "<|bos|>" * framed + (
        "User: The kettle boils.\nAssistant: やかんが沸く。<|end|>\nUser: And the tea?\nAssistant:"
    )
    assert tokenizer.decode(tail) == f" {ANSWER}<|end|>"


def test_nothing_to_end_with_is_one_sentence():
    tokenizer = _tokenizer("no end token")
    tokenizer.eos_token = None
    with pytest.raises(In2xError, match="nothing ends an answer"):
        contract_of(tokenizer)


ALTERNATING = (
    "{% for m in messages %}{% if (m.role == 'user') != (loop.index0 % 2 == 0) %}"
    "{{ raise_exception('roles must alternate') }}{% endif %}{% endfor %}" + TURN + OPEN
)


def test_rows_that_a_template_refuses_are_set_aside_by_name():
    tokenizer = _tokenizer(ALTERNATING)
    twice = [CHATS["short"][0], CHATS["short"][0]]
    chats = [CHATS["short"], twice, CHATS["steered"], CHATS["several turns"], twice]
    asked = [Instruction(f"row-{n}", "ja", "chat", chat, answer=ANSWER) for n, chat in enumerate(chats)]
    refused: dict[str, str] = {}
    examples = list(chat_examples(tokenizer, asked, refused=refused))
    assert len(examples) == 3 and list(refused) == ["row-1", "row-4"]
    assert said_of(refused).startswith("2 instruction(s) set aside, the first row-1: ")
    assert "roles must alternate" in said_of(refused)
    again: dict[str, str] = {}
    kept, too_long = fitting(asked, tokenizer, _model(tokenizer), 20, again)
    assert [i.id for i in kept] == ["row-0", "row-2", "row-3"] and too_long == 0 and again.keys() == refused.keys()
    with pytest.raises(In2xError, match="roles must alternate"):
        list(chat_examples(tokenizer, asked))


@pytest.mark.parametrize("framed", [False, True])
@pytest.mark.parametrize("source", ["Good evening.", "やかんが沸く。", ""])
def test_a_base_model_is_left_to_go_on(framed, source):
    tokenizer = _tokenizer("plain", framed)
    profile = PromptProfile(templates=BASE_TEMPLATES, endpoint="completions")
    ids = profile.encode(tokenizer, Source(source, "en", "ja"))
    words = tokenizer.encode(profile.prompt(Source(source, "en", "ja")), add_special_tokens=False)
    assert ids == ([tokenizer.bos_token_id] if framed else []) + words


def test_adapters_close_answers_with_an_end_that_the_model_has():
    """Qwen's base models end texts with one token and turns with another, which low-rank adapters cannot teach."""
    tokenizer = _tokenizer("plain")
    generation = SimpleNamespace(eos_token_id=None)
    whole = contract_of(tokenizer)
    contract = settle(tokenizer, generation, trains_head=False)
    assert (whole.end, contract.end) == ("<|im_end|>", "<|end|>")
    ((_, tail),) = answered_tokens(tokenizer, [CHATS["short"]], [ANSWER])
    end = tokenizer.convert_tokens_to_ids("<|end|>")
    assert tail.count(end) == 1 and generation.eos_token_id == [end]
    told = _tokenizer("plain")
    known = SimpleNamespace(eos_token_id=[told.convert_tokens_to_ids("<|im_end|>")])
    assert settle(told, known, trains_head=False).end == "<|im_end|>", "a model that ends its turns goes on so"
    hidden = _tokenizer(TURN.replace("<|im_end|>", "{{ '<|im_' + 'end|>' }}") + OPEN)
    with pytest.raises(In2xError, match="which adapters cannot teach"):
        settle(hidden, SimpleNamespace(eos_token_id=None), trains_head=False)


def test_answers_end_after_a_little_training_where_the_end_of_text_is_another():
    tokenizer = _tokenizer("switch")
    model = _model(tokenizer, width=32)
    assert tokenizer.eos_token == "<|end|>"
    settle(tokenizer, model.generation_config)
    asked = [Instruction(str(n), "ja", "chat", chat, answer=ANSWER) for n, chat in enumerate(CHATS.values())]
    batch = collate(list(chat_examples(tokenizer, asked)), tokenizer.pad_token_id)
    loss_of, optimizer = LanguageModelingLoss(model), torch.optim.AdamW(model.parameters(), lr=1e-2)
    for _ in range(60):
        loss_of(batch).backward()
        optimizer.step()
        optimizer.zero_grad()
    _, completions, texts = Policy(model, tokenizer).ask(asked, samples=2, temperature=1.0, longest=40, seed=0)
    assert sum(completion.finished for completion in completions) > len(completions) / 2
    assert texts.count(ANSWER) > len(texts) / 2, "no block of thought, no mark"
