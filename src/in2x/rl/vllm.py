"""What TRL 1.16 needs of vLLM, looked at before a model is loaded: one sentence instead of a traceback minutes later.

Mode `server` needs the package too: TRL's client moves weights by vLLM's NCCL engine, so the training process needs
vLLM installed and a CUDA device of its own.
"""

from __future__ import annotations

import time
from importlib.util import find_spec
from typing import Any

import httpx

from in2x.errors import In2xError, UsageError
from in2x.rl.config import TrlConfig

PATIENCE = 240.0
"""Seconds in which a server may still be starting; TRL waits as long."""
SERVE = (
    'VLLM_SERVER_DEV_MODE=1 vllm serve MODEL --weight-transfer-config \'{"backend": "nccl"}\' '
    "--logprobs-mode processed_logprobs"
)
"""How it is started, MODEL being the one that SFT made."""


def require_vllm(config: TrlConfig) -> None:
    """Raise where vLLM is not installed, or the server cannot serve what `vllm: server` asks.

    Raises:
        UsageError: not installed.
        In2xError: the server does not answer, or was started without what TRL needs.
    """
    if find_spec("vllm") is None:
        raise UsageError("rl.trl.vllm needs vLLM, which is not installed",
                         mend="pip install 'in2x[gpu]' on a GPU machine, or set rl.trl.vllm: none")  # fmt: skip
    if config.vllm != "server":
        return
    answer = _server_info(config.vllm_url)
    found: dict[str, Any] = answer.json()["vllm_config"] if answer.status_code == 200 else {}
    missing = None
    if not found:
        missing = "VLLM_SERVER_DEV_MODE=1"
    elif found["weight_transfer_config"] is None:
        missing = "--weight-transfer-config"
    elif found["model_config"]["logprobs_mode"] != "processed_logprobs":
        # Raw ones are of temperature 1: every weight of rollout against training would be wrong.
        missing = "--logprobs-mode processed_logprobs"
    if missing:
        raise In2xError(f"the vLLM server runs without {missing}", file=config.vllm_url, mend=f"start it by: {SERVE}")


def _server_info(url: str) -> httpx.Response:
    deadline = time.monotonic() + PATIENCE
    while True:
        try:
            return httpx.get(f"{url.rstrip('/')}/server_info", params={"config_format": "json"}, timeout=30)
        except httpx.HTTPError as error:
            if time.monotonic() > deadline:
                raise In2xError(f"the vLLM server does not answer ({error})", file=url,
                                mend=f"start it by: {SERVE}") from None  # fmt: skip
        time.sleep(2)
