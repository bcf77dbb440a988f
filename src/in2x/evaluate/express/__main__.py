"""`python -m in2x.evaluate.express [FILE...]`: validate items. Every natural rendering must pass, every trap must fail.

Without files, the whole suite is validated. Each fault is one line; the exit code is 1 where there is any. `--table`
prints the statistics of the README instead.
"""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from in2x.errors import In2xError
from in2x.evaluate.express.checks import check_answer, found, passes
from in2x.evaluate.express.item import PHENOMENA, Item, WithPhrases, read_items, suite


def item_faults(item: Item) -> list[str]:
    """What is wrong with an item, in sentences: a natural rendering that fails, a trap or the source that passes, a
    phrase of an "any" check that excludes itself."""
    faults = []
    for text in item.natural:
        faults += [f"{item.id}: the natural rendering {text!r} fails {kind}: {v.why}"
                   for kind, v in check_answer(item, text) if not v.kept]  # fmt: skip
    for text in item.traps:
        verdicts = check_answer(item, text)
        if passes(verdicts):
            faults.append(f"{item.id}: the trap {text!r} passes all {len(verdicts)} checks")
    if passes(check_answer(item, item.source)):
        faults.append(f"{item.id}: a copy of the source passes")
    banned = [phrase for check in item.checks if isinstance(check, WithPhrases) and check.kind == "none"
              for phrase in check.phrases]  # fmt: skip
    for check in item.checks:
        if isinstance(check, WithPhrases) and check.kind in ("any", "all"):
            faults += [f"{item.id}: {phrase!r} is asked for and excluded (by {bad!r})" for phrase in check.phrases
                       for bad in banned if found(phrase, bad) is not None]  # fmt: skip
    return faults


def validate(items: Sequence[Item]) -> list[str]:
    """The faults of items, each by itself and among each other (ids and sources that come twice)."""
    faults = [fault for item in items for fault in item_faults(item)]
    for name in ("id", "source"):
        counts = Counter(getattr(item, name) for item in items)
        faults += [f"the {name} {value!r} comes {n} times" for value, n in counts.items() if n > 1]
    return faults


def statistics(items: Sequence[Item]) -> str:
    """Items by phenomenon and language, as the README's table (Markdown)."""
    rows = ["| phenomenon | from English | from Chinese | items |", "|---|---:|---:|---:|"]
    counts = Counter[tuple[str, str]]((item.phenomenon, item.source_lang) for item in items)
    for name in PHENOMENA:
        en, zh = counts[name, "en"], counts[name, "zh"]
        if en + zh:
            rows.append(f"| {name} | {en} | {zh} | {en + zh} |")
    en, zh = (sum(item.source_lang == lang for item in items) for lang in ("en", "zh"))
    return "\n".join([*rows, f"| all | {en} | {zh} | {en + zh} |"])


def main(arguments: Sequence[str]) -> int:
    """Validate the files named, or the suite; print the faults and a count. Returns the exit code."""
    if list(arguments) == ["--table"]:
        print(statistics(suite()))
        return 0
    try:
        items = [item for file in arguments for item in read_items(Path(file))] if arguments else list(suite())
    except In2xError as error:
        print(f"in2x: {error}", file=sys.stderr)
        return 1
    faults = validate(items)
    for fault in faults:
        print(fault)
    kinds = Counter(item.phenomenon for item in items)
    print(f"{len(items)} items ({', '.join(f'{n} {name}' for name, n in kinds.items())}), {len(faults)} faults",
          file=sys.stderr)  # fmt: skip
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
