"""The translator behind an OpenAI-compatible server, against a server of the test's own."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from in2x.chat.profile import PromptProfile
from in2x.errors import In2xError, UsageError
from in2x.llm.cache import Cache
from in2x.llm.open import open_judge, open_server
from in2x.translate.backend import Translation
from in2x.translate.mbr import MbrBackend
from in2x.translate.open import open_backend
from in2x.translate.request import TranslationRequest, check_request


class Handler(BaseHTTPRequestHandler):
    """Lists one model; answers with the prompt's last line reversed, or fails as the server is told."""

    server: ThreadingHTTPServer

    def log_message(self, *_: object) -> None:
        pass

    def _json(self, value: object, status: int = 200) -> None:
        body = json.dumps(value).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_GET(self) -> None:
        self._json({"object": "list", "data": [{"id": name, "object": "model"} for name in self.server.models]})

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.server.seen.append((self.headers["Authorization"], body))
        if self.server.failures:
            status = self.server.failures.pop(0)
            self._json({"error": {"message": "busy"}}, status)
            return
        text = body["messages"][-1]["content"].splitlines()[-1][::-1] + "\n"
        choice = {
            "index": 0,
            "finish_reason": "stop",
            "message": {"role": "assistant", "content": f"{self.server.prefix} {text}!"},
        }
        self._json({"id": "x", "object": "chat.completion", "created": 0, "model": "m", "choices": [choice]})


@pytest.fixture
def server() -> Iterator[ThreadingHTTPServer]:
    running = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    running.models, running.seen, running.failures, running.prefix = ["first", "second"], [], [], ""
    thread = threading.Thread(target=running.serve_forever, daemon=True)
    thread.start()
    yield running
    running.shutdown()
    running.server_close()


def address(server: ThreadingHTTPServer) -> str:
    return f"http://127.0.0.1:{server.server_port}/v1"


def test_lines_come_back_in_order_and_on_one_line(server, monkeypatch):
    monkeypatch.setenv("OPENAI_API_KEY", "secret-key")
    sources = [f"line {n}" for n in range(20)] + ["", "last"]
    seen = []
    translator = open_backend(address(server), profile="chat")
    answers = translator.translate(sources, TranslationRequest("en", "ja", ["casual"] * 22), seen.append)
    assert answers == [f"{source[::-1]} !" if source else "" for source in sources]
    assert sum(seen) == 22
    authorization, body = server.seen[0]
    assert authorization == "Bearer secret-key"
    assert body["model"] == "first" and body["temperature"] == 0 and body["max_tokens"] < 600, "an answer has a bound"
    assert "Register: casual (タメ口)." in body["messages"][-1]["content"]
    assert "from English into Japanese" in body["messages"][-1]["content"]
    assert len(server.seen) == 21, "an empty line costs no request"


def test_samples_have_numbers_of_their_own(server, tmp_path):
    with Cache(tmp_path / "answers") as cache:
        translator = open_backend(address(server) + "#second", cache, "chat")
        request = TranslationRequest("en", "de", "polite", temperature=1.0, seed=5)
        for _ in range(2):  # the second time from the cache
            assert translator.candidates(["ab", ""], request, 3) == [[Translation("ba !")] * 3, [Translation("")] * 3]
    assert {body["model"] for _, body in server.seen} == {"second"}
    assert sorted(body["seed"] for _, body in server.seen) == [5, 6, 7]
    assert "Register: polite (Sie)." in server.seen[0][1]["messages"][-1]["content"]


def test_minimum_bayes_risk_over_a_server(server):
    request = TranslationRequest("en", "ja", seed=1)
    assert MbrBackend([open_backend(address(server), profile="chat")], 4).translations(["ab"], request) == [
        Translation("ba !")
    ]
    assert sorted((body["temperature"], body["seed"]) for _, body in server.seen) == [(0, 1)] + [
        (1, seed) for seed in (1, 2, 3, 4)
    ]


def test_reasoning_is_no_part_of_a_translation(server):
    server.prefix = "<think>the cat, hm</think>\n"
    assert open_backend(address(server), profile="chat").translate(["ab"], TranslationRequest("en", "ja")) == ["ba !"]


def test_a_busy_server_is_asked_again_and_a_broken_one_is_one_sentence(server, monkeypatch):
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    request = TranslationRequest("en", "ja")
    translator = open_backend(address(server), profile="chat")
    server.failures = [503]
    assert translator.translate(["ab"], request) == ["ba !"]
    server.failures = [401]
    with pytest.raises(In2xError, match=r"does not accept the key \(401\); set .* OPENAI_API_KEY"):
        translator.translate(["ab"], request)
    server.failures = [400]
    with pytest.raises(In2xError, match=r"no translation of text 2 \(the server refuses the request \(400: busy"):
        translator.translate(["", "ab"], request)
    server.models = []
    with pytest.raises(In2xError, match="lists no model; name one: ADDRESS#MODEL"):
        open_backend(address(server), profile="chat")


def test_no_server(server, monkeypatch):
    monkeypatch.setattr("in2x.llm.connection.LONGEST_PAUSE", 0.01)
    gone = address(server)
    server.shutdown()
    server.server_close()
    with pytest.raises(In2xError, match=r"gave no answer .*; check the address"):
        open_backend(gone, profile="chat")


def test_judges_and_servers_are_named_alike(server, tmp_path):
    assert open_server(address(server)).name == "first"
    assert open_judge(address(server) + "#second", None, None).name == "second"
    assert open_judge("third", address(server), None).name == "third"
    with pytest.raises(UsageError, match="is no model folder"):
        open_judge(str(tmp_path / "nothing"), None, None)


PROFILE = PromptProfile(languages=("en", "de", "ja"))


@pytest.mark.parametrize(
    ("profile", "request_", "message"),
    [
        (PROFILE, ("en", "fr"), r"does not know French \(fr\); it knows English \(en\), German \(de\), Japanese"),
        (PROFILE, ("zh", "ja"), "does not know Chinese"),
        (PROFILE, ("en", "jp"), "no language 'jp'; did you mean 'ja'"),
        (PromptProfile(), ("en", "xx"), "no language 'xx'"),
        (PROFILE, ("en", "de", "honorific"), "German has no register 'honorific'; German tells polite, casual"),
        (PROFILE, ("en", "de", [None, "plain"]), "no register 'plain'"),
        (PromptProfile(), ("en", "sw", "polite"), "registers of Swahili are not known"),
        (PROFILE, ("ja", "ja-JP"), "is in Japanese already"),
    ],
)
def test_what_a_model_cannot_be_asked_is_refused(profile, request_, message):
    with pytest.raises(UsageError, match=message):
        check_request(profile, TranslationRequest(*request_))


def test_what_a_model_can_be_asked_gets_one_spelling():
    assert check_request(PROFILE, TranslationRequest("eng", "de-DE", "polite")) == TranslationRequest(
        "en", "de", "polite"
    )
    old = PromptProfile()
    assert check_request(old, TranslationRequest("en", "fr", seed=3)) == TranslationRequest("en", "fr", seed=3)


def test_the_model_folder_says_what_it_knows(tmp_path):
    PROFILE.save(tmp_path)
    assert PromptProfile.load(tmp_path) == PROFILE
    (tmp_path / "in2x_prompt.json").write_text('{"templates": {"*": "{source}"}}')
    assert PromptProfile.load(tmp_path).languages == (), "an old one does not say"
    assert PromptProfile.load(tmp_path / "none").languages == ()
