"""The recipe: one YAML file that describes a model from raw text to translator.

Every section is the config of one room; each knob is typed and carries its default, unit and source (`knob.py`).
Unknown keys are errors that name the nearest known one.
"""

from __future__ import annotations

import difflib
import glob
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Literal, TypeVar

import yaml
from pydantic import BaseModel, ValidationError, model_validator

from in2x import store
from in2x.bundled import instead, resolved
from in2x.chat.profile import DEFAULT_TEMPLATES, PromptProfile
from in2x.corpus.config import CorpusConfig
from in2x.data.config import DataConfig
from in2x.errors import In2xError, UsageError
from in2x.evaluate.config import EvaluateConfig
from in2x.instructions.config import InstructConfig
from in2x.knob import Config, keyed_values, knob
from in2x.language import canonical
from in2x.language.example import HUB, OTHERS, TARGET
from in2x.merge.config import MergeConfig
from in2x.plain_yaml import read_yaml
from in2x.pretrain.config import BaseModelConfig, PretrainConfig
from in2x.report.config import ReportConfig
from in2x.rl.config import RlConfig
from in2x.selection.config import SelectConfig
from in2x.sft.config import SftConfig


class Languages(Config):
    """The languages of the model."""

    target: str = knob(TARGET, "Language the model must become expressive in.", source="METHOD 0")
    hub: str = knob(HUB, "Language whose strength is carried over.", source="METHOD 0")
    others: tuple[str, ...] = knob(OTHERS, "Further languages, balanced with the two above.", source="METHOD 1")

    @property
    def all(self) -> tuple[str, ...]:
        """Hub, target, others."""
        return (self.hub, self.target, *self.others)

    @model_validator(mode="after")
    def _distinct(self) -> Languages:
        spelt: dict[str, str] = {}
        for code in self.all:
            try:
                known = canonical(code)
            except UsageError as error:
                raise ValueError(f"{error.what}; {error.mend}") from None
            if known in spelt:
                other = spelt[known]
                fault = f"{code} is named twice" if other == code else f"{other} and {code} are one language"
                raise ValueError(f"{fault}; name it once, as {known}")
            spelt[known] = code
            if code != known:
                raise ValueError(f"write {known!r} for the language {code!r}")
        return self


class Takes(Config):
    """What a small recipe takes on two cores, measured, so that another machine can say at once how long it will be."""

    seconds: float = knob(
        0.0, "Time apart from matrix products; 0: nothing is said.", unit="seconds", ge=0, keyed=False
    )
    operations: float = knob(0.0, "Operations of its matrix products.", unit="FLOP", ge=0, keyed=False)


class Recipe(Config):
    """The whole recipe."""

    name: str = knob(
        ..., "Name of the run; also its default folder, runs/NAME.", pattern=r"^[^./\\\x00-\x1f][^/\\\x00-\x1f]{0,99}$"
    )
    seed: int = knob(0, "Seed of everything random.", ge=0)
    languages: Languages = knob(Languages(), "The languages.")
    prompt: dict[str, str] = knob(
        dict(DEFAULT_TEMPLATES),
        "How a translation is asked for, by language pair and register; saved with the model as in2x_prompt.json.",
    )
    one_sentence: bool = knob(
        False, "Translate a text sentence by sentence: for a model whose pairs are single sentences (it drops others)."
    )
    unsure: float = knob(
        0.0, "Mark a translation with a token that the model gave less than this: for a small model, which invents "
        "what it does not know; 0 marks nothing.", unit="probability", ge=0, lt=1,
    )  # fmt: skip
    takes: Takes = knob(Takes(), "What it takes, for those who wait (`cost/clock.py`).")
    data: DataConfig = knob(DataConfig(), "What goes in.")
    corpus: CorpusConfig = knob(CorpusConfig(), "Corpus work.", source="METHOD 1")
    base: BaseModelConfig = knob(BaseModelConfig(), "The base model.", source="METHOD 1")
    pretrain: PretrainConfig = knob(PretrainConfig(), "Continued pretraining in three phases.", source="METHOD 1")
    instruct: InstructConfig = knob(InstructConfig(), "Instructions.", source="METHOD 2")
    select: SelectConfig = knob(SelectConfig(), "Selection.", source="METHOD 3")
    sft: SftConfig = knob(SftConfig(), "Supervised fine-tuning.", source="METHOD 4")
    rl: RlConfig = knob(RlConfig(), "Reinforcement learning.", source="METHOD 5")
    merge: MergeConfig = knob(MergeConfig(), "Model merging.", source="METHOD 6")
    evaluate: EvaluateConfig = knob(EvaluateConfig(), "Evaluation.", source="METHOD 7")
    report: ReportConfig = knob(ReportConfig(), "The page about the run.")
    launch: str = knob(
        "",
        "Command that starts the processes in which the base model, pretraining and SFT are trained with FSDP2, for "
        "example `torchrun --nproc_per_node 8`; empty: in this process.",
    )
    trackers: tuple[Literal["tensorboard", "wandb", "trackio"], ...] = knob(
        (), "Where the curves go as well, beside log.jsonl."
    )

    @model_validator(mode="before")
    @classmethod
    def _measured_on(cls, given: Any) -> Any:
        """Evaluation sets are named once, in `data.decontaminate`; where they stood before is still understood."""
        if not isinstance(given, dict) or not isinstance(data := given.get("data") or {}, dict):
            return given
        moved, named = dict(given), []
        for name in ("instruct", "corpus"):
            if isinstance(section := moved.get(name), dict) and "decontaminate" in section:
                moved[name] = {key: value for key, value in section.items() if key != "decontaminate"}
                old = section["decontaminate"]
                named.append({"sets": {str(file): file for file in old}} if isinstance(old, list | tuple) else old)
        if not named:
            return given
        merged: dict[str, Any] = {}
        for one in (*named, data.get("decontaminate") or {}):
            if not isinstance(one, dict) or not isinstance(sets := one.get("sets") or {}, dict):
                raise ValueError("evaluation sets are named in data.decontaminate.sets, as NAME: FILE")
            merged = {**merged, **one, "sets": {**merged.get("sets", {}), **sets}}
        return {**moved, "data": {**data, "decontaminate": merged}}

    @property
    def pair_gate(self) -> bool:
        """Whether training pairs that cannot be translations are left out; the artifact of `data` answers for it."""
        return self.data.pair_gate

    @property
    def profile(self) -> PromptProfile:
        """The prompt profile of the model that the recipe makes: one that takes inline tags where it has learned them.

        Text with placeholders is asked for in the same words as text without.
        """
        plain = {key: words for key, words in self.prompt.items() if "+tags" not in key}
        taught = {f"{key}+tags": words for key, words in plain.items()} if self.instruct.tagged else {}
        return PromptProfile(
            templates={**taught, **self.prompt}, languages=self.languages.all, one_sentence=self.one_sentence,
            unsure=self.unsure,
        )  # fmt: skip

    def section(self, name: str) -> dict[str, Any]:
        """The section called `name` as plain JSON values."""
        value: BaseModel = getattr(self, name)
        return value.model_dump(mode="json")

    def keyed(self, name: str) -> dict[str, Any]:
        """The knobs of the section called `name` that its result depends on, as plain JSON values."""
        return keyed_values(getattr(self, name))

    def input_files(self, name: str) -> dict[str, list[Any]]:
        """Size and modification time of each file that a keyed knob of the section names (itself, by folder or by
        glob, on this machine or in a store): a change of it, and a file that comes or goes, makes the stage run again.
        """
        found: dict[str, list[Any]] = {}
        for text in _strings(self.keyed(name)):
            if not ("/" in text or "." in text) or len(text) >= 4096 or "\n" in text:
                continue
            if store.is_url(text):
                found[text] = [list(one) for one in store.sizes(text)]
                continue
            path = Path(text)
            if path.is_dir():
                files = [f for f in path.rglob("*") if f.is_file()]
            else:
                files = [path] if path.exists() else [Path(f) for f in glob.glob(text, recursive=True)]
            if files:
                found[text] = [[str(f), f.stat().st_size, f.stat().st_mtime_ns] for f in sorted(files) if f.is_file()]
        return found


def _strings(value: Any) -> Iterable[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for item in value.values():
            yield from _strings(item)
    elif isinstance(value, list):
        for item in value:
            yield from _strings(item)


def load_recipe(path: Path, overrides: Iterable[str] = ()) -> Recipe:
    """Read the recipe of a model and apply `a.b=value` overrides. Raises UsageError as `load_config` does."""
    return load_config(path, Recipe, overrides)


C = TypeVar("C", bound=Config)


def load_config(path: Path, kind: type[C], overrides: Iterable[str] = ()) -> C:
    """Read a config of `kind` and apply `a.b=value` overrides (values are YAML).

    A `path` that is not there may name a recipe of ours ("demo", "recipes/demo.yaml").

    Raises:
        UsageError: the file is missing, is not YAML, or holds a key or value that the schema does not know.
    """
    path = resolved(path)
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise UsageError("there is no such recipe", file=path, mend=instead(path.stem)) from None
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"the recipe cannot be read ({error.__class__.__name__})", file=path,
                         mend="give the path of a YAML file") from None  # fmt: skip
    try:
        raw = read_yaml(text, path) or {}
    except In2xError as error:
        raise UsageError(error.what, file=path, line=error.line, mend=error.mend) from None
    if not isinstance(raw, dict):
        raise UsageError("a recipe is a mapping of sections", file=path, line=1, mend='start with "name: ..."')
    overrides = list(overrides)
    for override in overrides:
        _apply(raw, override)
    raw.setdefault("name", path.stem)
    try:
        return kind.model_validate(raw)
    except ValidationError as error:
        raise _explain(error, path, text, overrides, kind) from None


def _apply(raw: dict[str, Any], override: str) -> None:
    name, equals, value = override.partition("=")
    if not equals or not name:
        raise UsageError(f"--set {override!r} is not of the form a.b=value", mend="for example --set sft.epochs=2")
    *sections, last = name.split(".")
    place = raw
    for section in sections:
        place = place.setdefault(section, {})
        if not isinstance(place, dict):
            raise UsageError(f"--set {name}: {section!r} holds a value, not a section", mend="shorten the name")
    try:
        place[last] = read_yaml(value, Path(name))
    except In2xError:
        raise UsageError(f"--set {name}: {value!r} is not a YAML value", mend="quote it") from None


def _explain(
    error: ValidationError, path: Path, text: str, overrides: Iterable[str], kind: type[BaseModel]
) -> UsageError:
    """The first fault of a validation error as one sentence, with the line it stands on or the override it came by."""
    fault = error.errors()[0]
    where = [str(part) for part in fault["loc"]]
    name = ".".join(where)
    given_by = [override.partition("=")[0] for override in overrides]
    from_set = any(f"{name}.".startswith(f"{given}.") for given in given_by)
    file, line = (None, None) if from_set else (path, _line_of(text, where))
    option = "--set: " if from_set else ""
    if fault["type"] == "extra_forbidden":
        known = _fields_at(where[:-1], kind)
        near = difflib.get_close_matches(where[-1], known, n=1, cutoff=0.5)
        mend = f"did you mean {near[0]!r}" if near else f"known keys here: {', '.join(sorted(known))}"
        return UsageError(f"{option}unknown key {name!r}", file=file, line=line, mend=mend)
    what = str(fault["msg"])
    what = what.removeprefix("Value error, ")
    given = "" if fault["type"] in ("missing", "value_error") else f" (given: {str(fault.get('input'))[:60]!r})"
    sentence = f"{option}{name or 'recipe'}: {what[:1].lower()}{what[1:]}{given}"
    knobs = "`in2x plan --knobs`" if kind is Recipe else "`in2x people campaign --knobs`"
    hint = None if ";" in what else f"see {knobs} for types and limits"
    return UsageError(sentence, file=file, line=line, mend=hint)


def _fields_at(where: list[str], kind: type[BaseModel]) -> list[str]:
    model: Any = kind
    for part in where:
        fields = getattr(model, "model_fields", {})
        if part in fields:
            annotation = fields[part].annotation
            options = [annotation, *getattr(annotation, "__args__", ())]
            model = next((o for o in options if isinstance(o, type) and issubclass(o, BaseModel)), None)
    return list(getattr(model, "model_fields", {}))


def _line_of(text: str, where: list[str]) -> int | None:
    """1-based line of the deepest key of `where` that the YAML text holds (None where it came from --set)."""
    try:
        node = yaml.compose(text, Loader=yaml.SafeLoader)
    except yaml.YAMLError:
        return None
    line = None
    for part in where:
        if isinstance(node, yaml.MappingNode):
            hit = next(((k, v) for k, v in node.value if k.value == part), None)
            if hit is None:
                return line
            line, node = hit[0].start_mark.line + 1, hit[1]
        elif isinstance(node, yaml.SequenceNode) and part.isdigit() and int(part) < len(node.value):
            node = node.value[int(part)]
            line = node.start_mark.line + 1
        else:
            return line
    return line
