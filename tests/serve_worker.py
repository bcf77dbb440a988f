"""A server on the data folder of argv[1], whose model takes argv[2] seconds a batch: to be killed by a test."""

from __future__ import annotations

import sys
import time
from pathlib import Path

from in2x.chat.source import Source
from serve_running import serving

if __name__ == "__main__":
    pause = float(sys.argv[2])

    def say(source: Source) -> str:
        time.sleep(pause)
        return f"訳{source.text}。"

    with serving(say, Path(sys.argv[1])) as server:
        print(server.url, flush=True)
        time.sleep(600)
