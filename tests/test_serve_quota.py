"""What a client may have translated in a month counts in every interface, and each says so in its own way."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import openai
import pytest

from in2x.chat.source import Source
from serve_running import Server, serving

TEXT = "The red hat is here."
TO_JAPANESE = {"translation_options": {"source_lang": "English", "target_lang": "Japanese"}}
CHAT = {"messages": [{"role": "user", "content": TEXT}], **TO_JAPANESE}
FILE = {"files": {"file": ("hats.txt", TEXT.encode())}}
ASKS: dict[str, tuple[str, dict[str, Any], int]] = {
    "chat": ("v1/chat/completions", {"json": CHAT}, 429),
    "chat, streamed": ("v1/chat/completions", {"json": CHAT | {"stream": True}}, 429),
    "completions": ("v1/completions", {"json": {"prompt": [TEXT[:10], TEXT[10:]], **TO_JAPANESE}}, 429),
    "Ollama": ("api/chat", {"json": CHAT | {"stream": False}}, 456),
    "Ollama, streamed": ("api/generate", {"json": {"prompt": TEXT, **TO_JAPANESE}}, 456),
    "extensions": ("pages", {"json": {"texts": [TEXT], "from": "en", "to": "ja"}}, 456),
    "DeepL": ("v2/translate", {"json": {"text": [TEXT], "source_lang": "EN", "target_lang": "JA"}}, 456),
    "rephrasing": ("v2/write/rephrase", {"json": {"text": [TEXT], "target_lang": "EN-GB"}}, 456),
    "LibreTranslate": ("translate", {"json": {"q": TEXT, "source": "en", "target": "ja"}}, 456),
    "DeepLX": ("translate", {"json": {"text": TEXT, "source_lang": "EN", "target_lang": "JA"}}, 456),
    "page": ("page/translate", {"json": {"text": TEXT, "source_lang": "en", "target_lang": "ja"}}, 456),
    "alternatives": ("page/alternatives", {"json": {"text": TEXT, "source_lang": "en", "target_lang": "ja"}}, 456),
    "DeepL's document": ("v2/document", FILE | {"data": {"source_lang": "EN", "target_lang": "JA"}}, 456),
    "LibreTranslate's file": ("translate_file", FILE | {"data": {"source": "en", "target": "ja"}}, 456),
    "page's document": ("page/documents", FILE | {"data": {"wish": json.dumps(
        {"text": "", "source_lang": "en", "target_lang": "ja"})}}, 456),
}  # fmt: skip


def token(way: str) -> str:
    return f"the-token-of-a-client-of-{way}"


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    def say(source: Source) -> str:
        return f"訳{source.text}。"

    with serving(say, tokens=tuple(map(token, ASKS)), characters=len(TEXT) + 5) as running:
        yield running


@pytest.mark.parametrize("way", ASKS)
def test_what_a_client_uses_counts(server: Server, way: str) -> None:
    path, asked, status = ASKS[way]
    assert server.call("POST", path, token=token(way), **asked).status_code == 200
    assert server.call("GET", "v2/usage", token=token(way)).json()["character_count"] == len(TEXT)
    refused = server.call("POST", path, token=token(way), **asked)
    assert refused.status_code == status and "quota of 25 characters" in refused.text
    assert set(refused.json()) <= {"error", "message", "status", "code"}


def test_openais_client_knows_what_was_refused(server: Server) -> None:
    with openai.OpenAI(base_url=f"{server.url}v1", api_key=token("chat"), max_retries=0) as client:
        with pytest.raises(openai.RateLimitError) as refused:
            said = [{"role": "user", "content": TEXT * 2}]
            client.chat.completions.create(model="x", messages=said, extra_body=TO_JAPANESE)  # type: ignore[arg-type]
        assert refused.value.code == refused.value.type == "insufficient_quota"
