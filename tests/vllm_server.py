"""A stand-in for `vllm serve`: the routes that TRL 1.16's client asks, answered by a small model in this process.

    with VllmServer(folder) as server: ... server.url, server.completions, server.updates

Log-probabilities are those of the distribution that is sampled from ("processed_logprobs"). Weights come as vLLM gets
them: names, types and shapes over HTTP, the tensors by another way (`server.send`, NCCL in vLLM); they are loaded when
both are there, and only between /start_weight_update and /finish_weight_update.
"""

from __future__ import annotations

import json
import queue
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import torch

from in2x.training.model import load_model

Body = dict[str, Any]


class VllmServer:
    def __init__(self, folder: Path, logprobs_mode: str = "processed_logprobs") -> None:
        self.model = load_model(folder).eval()
        self.logprobs_mode = logprobs_mode
        self.completions: list[Body] = []
        """Requests, and under "sampled_with" a copy of the weights that answered each."""
        self.updates: list[Body] = []
        self.calls: list[str] = []
        self.send: queue.Queue[torch.Tensor] = queue.Queue()
        self._updating = False
        self._random = torch.Generator().manual_seed(5)
        owner = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, *_: object) -> None:
                pass

            def answer(self, value: object, status: int = 200) -> None:
                raw = json.dumps(value).encode()
                self.send_response(status)
                self.send_header("Content-Length", str(len(raw)))
                self.end_headers()
                self.wfile.write(raw)

            def do_GET(self) -> None:
                owner.calls.append(self.path.partition("?")[0])
                found = {
                    "/health": {}, "/v1/models": {"data": [{"id": str(folder)}]}, "/get_world_size": {"world_size": 1},
                    "/server_info": {"vllm_config": {"weight_transfer_config": {"backend": "nccl"},
                                                     "model_config": {"logprobs_mode": owner.logprobs_mode}}},
                }.get(owner.calls[-1])  # fmt: skip
                self.answer(found, 404 if found is None else 200)

            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers.get("Content-Length") or 0)) or b"{}")
                owner.calls.append(self.path)
                routes = {
                    "/v1/completions": owner.complete, "/init_weight_transfer_engine": lambda body: {},
                    "/start_weight_update": owner.start, "/update_weights": owner.update,
                    "/finish_weight_update": owner.finish, "/reset_prefix_cache": lambda body: {"success": True},
                }  # fmt: skip
                self.answer(routes[self.path](body))

        self._http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._http.server_port}"

    def start(self, body: Body) -> Body:
        assert not self._updating
        self._updating = True
        return {}

    def finish(self, body: Body) -> Body:
        assert self._updating and self.send.empty()
        self._updating = False
        return {}

    def update(self, body: Body) -> Body:
        """As the workers: wait for each tensor that was announced, in order, and load it under its name."""
        assert self._updating
        info = body["update_info"]
        own = dict(self.model.named_parameters())
        assert set(info["names"]) == set(own), "vLLM would not know these names"
        for name, kind, shape in zip(info["names"], info["dtype_names"], info["shapes"], strict=True):
            tensor = self.send.get(timeout=30)
            assert list(tensor.shape) == shape and str(tensor.dtype) == f"torch.{kind}"
            with torch.no_grad():
                own[name].copy_(tensor)
        self.updates.append(info)
        return {}

    def complete(self, body: Body) -> Body:
        assert body["return_token_ids"] and body["return_tokens_as_token_ids"] and body["logprobs"] == 0
        weights = torch.cat([p.detach().flatten() for p in self.model.parameters()])
        self.completions.append({**body, "sampled_with": weights})
        choices = [self.sampled(prompt, body) for prompt in body["prompt"] for _ in range(body["n"])]
        return {"choices": choices}

    @torch.no_grad()
    def sampled(self, prompt: list[int], body: Body) -> Body:
        ends = self.model.generation_config.eos_token_id
        ends = ends if isinstance(ends, list) else [ends]
        ids, logprobs = list(prompt), []
        while len(logprobs) < body["max_tokens"] and not (logprobs and ids[-1] in ends):
            logits = self.model(torch.tensor([ids])).logits[0, -1]
            logs = torch.log_softmax(logits / body["temperature"], -1)
            ids.append(int(torch.multinomial(logs.exp(), 1, generator=self._random)))
            logprobs.append(float(logs[ids[-1]]))
        said = ids[len(prompt) :]
        tokens = [f"token_id:{token}" for token in said]
        top = [{token: value} for token, value in zip(tokens, logprobs, strict=True)]
        return {"prompt_token_ids": prompt, "token_ids": said,
                "logprobs": {"tokens": tokens, "token_logprobs": logprobs, "top_logprobs": top}}  # fmt: skip

    def __enter__(self) -> VllmServer:
        threading.Thread(target=self._http.serve_forever, args=(0.02,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._http.shutdown()
        self._http.server_close()
