"""How soon the translator's page is there, and a sentence translated on it, in Chromium.

    python benchmarks/serve_page.py --model runs/demo/model

Starts `in2x serve`, opens the page anew for each first paint, and types sentences that were not asked for before. A
sentence counts from the last key, with the pause that the page makes before it asks; `asked` from Ctrl+Enter.
"""

from __future__ import annotations

import argparse
import json
import shutil
import statistics
import subprocess
import sys
import time
import urllib.request
from typing import Any

from playwright.sync_api import sync_playwright

NOUNS = ("cat", "dog", "book", "window", "garden", "teacher", "train", "river", "letter", "friend")
SENTENCES = [f"The {noun} is {size}." for size in ("small", "old", "new") for noun in NOUNS]
SHOWN = """([text, keys]) => new Promise((done) => {
  const source = document.getElementById("source"), out = document.querySelector(".out");
  source.value = text;
  const began = performance.now();
  new MutationObserver((_, seen) => {
    if (out.hasAttribute("aria-busy") || !out.querySelector(".sentence[data-at]")) return;
    seen.disconnect();
    requestAnimationFrame(() => done(performance.now() - began));
  }).observe(out, { attributes: true, attributeFilter: ["aria-busy"] });
  if (keys) dispatchEvent(new KeyboardEvent("keydown", { key: "Enter", ctrlKey: true }));
  else source.dispatchEvent(new Event("input"));
})"""
PAINT = "performance.getEntriesByName('first-contentful-paint')[0].startTime"


def main() -> None:
    """Measure, and print medians and 90th percentiles in milliseconds as JSON."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", required=True)
    parser.add_argument("--to", default="ja")
    parser.add_argument("--loads", type=int, default=10)
    arguments = parser.parse_args()
    server = subprocess.Popen([sys.executable, "-m", "in2x", "serve", "--model", arguments.model, "--port", "0"],
                              stdout=subprocess.PIPE, text=True)  # fmt: skip
    try:
        assert server.stdout is not None
        url = server.stdout.readline().strip()
        ready(url)
        print(json.dumps(measure(url, arguments.to, arguments.loads), indent=1))
    finally:
        server.terminate()
        server.wait()


def ready(url: str) -> None:
    """Wait until the model is warm."""
    while True:
        try:
            urllib.request.urlopen(f"{url}/ready").close()
            return
        except OSError:
            time.sleep(0.1)


def measure(url: str, target_lang: str, loads: int) -> dict[str, Any]:
    """The times."""
    with sync_playwright() as playwright:
        path = shutil.which("chromium") or shutil.which("google-chrome")
        browser = playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
        paints, typed, asked = [], [], []
        for _ in range(loads):
            page = browser.new_context(locale="en-US").new_page()
            page.goto(url)
            page.wait_for_selector("#source")
            paints.append(page.evaluate(PAINT))
        page.select_option("#choose-to", target_lang)
        for at, text in enumerate(SENTENCES):
            times = asked if at % 2 else typed
            times.append(page.evaluate(SHOWN, [text, bool(at % 2)]))
        browser.close()
    return {"first paint": told(paints), "a sentence, typed": told(typed), "a sentence, asked": told(asked)}


def told(times: list[float]) -> dict[str, int]:
    """Median and 90th percentile."""
    return {
        "p50": round(statistics.median(times)),
        "p90": round(statistics.quantiles(times, n=10)[-1]),
        "n": len(times),
    }


if __name__ == "__main__":
    main()
