"""Opens models as one of several processes and writes them again; the test beside it starts it.

python state_worker.py FOLDER NAME...
"""

from __future__ import annotations

import json
import sys
import threading
import time
from pathlib import Path

import torch

from in2x.errors import In2xError
from in2x.training import parallel
from in2x.training.config import LoraConfig
from in2x.training.lora import add_adapters, merge_adapters
from in2x.training.loss import LanguageModelingLoss
from in2x.training.model import load_tokenizer, save_model
from in2x.training.start import open_model, share


def resident() -> int:
    """Bytes of memory that this process holds for itself, pages of files aside."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("RssAnon:"):
            return int(line.split()[1]) * 1024
    raise RuntimeError


class Peak:
    """The most memory that the process held while the block ran, beyond what it held before."""

    def __enter__(self) -> Peak:
        self.before = self.most = resident()
        self.running = True
        self.thread = threading.Thread(target=self._watch)
        self.thread.start()
        return self

    def _watch(self) -> None:
        while self.running:
            self.most = max(self.most, resident())
            time.sleep(0.002)

    def __exit__(self, *_: object) -> None:
        self.running = False
        self.thread.join()
        self.most -= self.before


def main(folder: Path, names: list[str]) -> None:
    parallel.start()
    torch.set_num_threads(1)
    for name in names:
        adapters = None
        with Peak() as peak:
            try:
                model = open_model(folder / name)
            except In2xError as error:
                print(f"said: {error}", flush=True)
                continue
            if name.endswith("-lora"):
                adapters = add_adapters(model, LoraConfig(rank=3, alpha=6), seed=7)
            loss_of = LanguageModelingLoss(model)
            if parallel.processes() > 1:
                try:
                    share(loss_of, model, seed=7)
                except In2xError as error:
                    print(f"said: {error}", flush=True)
                    continue
        if adapters is not None:
            with torch.no_grad():  # or the adapters would change nothing
                for key, parameter in model.named_parameters():
                    if ".lora_B." in key:
                        parameter.fill_(0.5)
        with Peak() as saving:
            save_model(merge_adapters(model, adapters), load_tokenizer(folder / "tokenizer"), folder / f"{name}.again")
        found = parallel.gathered({"opening": peak.most, "saving": saving.most})
        if parallel.rank() == 0:
            (folder / f"{name}.json").write_text(json.dumps(found))
    parallel.wait()
    parallel.stop()


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2:])
