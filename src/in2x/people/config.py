"""The knobs of a campaign: `in2x people campaign RECIPE.yaml`."""

from __future__ import annotations

from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any, Literal

import yaml
from pydantic import field_validator, model_validator

from in2x.errors import UsageError
from in2x.knob import Config, knob
from in2x.language import canonical
from in2x.people.model import CANNOT_TELL, Choice, Protocol, Question, Severity, Source


class TextsConfig(Config):
    """Plain text files of one segment a line; an empty line in the source parts documents."""

    source: Path = knob(..., "The sources.")
    references: Path | None = knob(None, "Human translations.")
    systems: dict[str, Path] = knob({}, "Name -> a system's translations.")
    documents: Path | None = knob(None, "Name of the document of each line, instead of empty lines.")
    about: Path | None = knob(None, "JSON Lines, one object a source: speaker, listener, relation, note, phenomena.")


class WmtConfig(Config):
    """Files of the WMT general translation task (`in2x evaluate wmt` checks them)."""

    testset: Path = knob(..., "The test set.")
    submissions: dict[str, Path] = knob({}, "Name -> submission file.")
    hypotheses: tuple[str, ...] = knob((), "Systems whose translations stand in the test set itself.")


class OutputsConfig(Config):
    """What a run left behind."""

    file: Path = knob(..., "`outputs.parquet` of the stage evaluate, or its folder.")
    systems: tuple[str, ...] = knob((), "Systems that take part; () is all.")


class ExpressConfig(Config):
    """The express suite: idioms, slang, register and the like."""

    phenomena: tuple[str, ...] = knob((), "Phenomena; () is all.")
    answers: dict[str, Path] = knob({}, 'Name -> answers file ({"id", "hypothesis"} a line).')
    baselines: tuple[Literal["copy", "literal", "shuffle"], ...] = knob((), "Systems that need no model.")


class ModelConfig(Config):
    """A model that translates on the spot."""

    model: str = knob(..., "Folder, hub name or address of a server.")
    mbr: int = knob(0, "Samples among which minimum Bayes risk chooses; 0 translates greedily.", ge=0)
    temperature: float = knob(1.0, "Of the samples.", gt=0)
    register_wanted: str | None = knob(None, "Register that is asked for.")


class ProtocolConfig(Config):
    """What annotators are asked; all parts combine."""

    score: bool = knob(False, "A score from 0 to 100 (with spans: ESA).", source="Kocmi et al. 2024 (ESA)")
    spans: bool = knob(False, "Error spans, in the source as well.", source="Kocmi et al. 2024 (ESA)")
    severities: tuple[Severity, ...] = knob(("minor", "major"), "Severities of a span.", min_length=1)
    categories: tuple[str, ...] | Literal["mqm"] = knob((), "Categories a span must name; mqm: those of MQM.",
                                                        source="Freitag et al. 2021")  # fmt: skip
    rank: bool = knob(False, "Candidates side by side are put in order.")
    candidates: int = knob(1, "Candidates of an item side by side.", ge=1, le=8)
    questions: tuple[str | dict[str, Any], ...] = knob((), "Names from `people/questions.yaml`, or questions in full.")
    source: Source = knob("shown", "Whether the source is shown, hidden, or shown after the questions before it.")

    @model_validator(mode="after")
    def _sound(self) -> ProtocolConfig:
        if not (self.score or self.spans or self.rank or self.questions):
            raise ValueError("nothing is asked; give score, spans, rank or questions")
        if self.rank and self.candidates < 2:
            raise ValueError("an order needs candidates: 2 or more")
        found = self.build()
        if any(q.before_source for q in found.questions) and found.source != "after":
            raise ValueError("a question before the source needs source: after")
        names = [q.name for q in found.questions]
        if len(set(names)) < len(names):
            raise ValueError("a question is named twice")
        return self

    def build(self) -> Protocol:
        """The protocol. Raises ValueError where a question is not known or not whole."""
        data = library()
        categories = tuple(data["mqm"]) if self.categories == "mqm" else tuple(self.categories)
        questions = tuple(_question(one, data) for one in self.questions)
        if self.source != "after":  # the built-in ones are asked before the source only where there is an after
            named = {one for one in self.questions if isinstance(one, str)}
            questions = tuple(
                Question(q.name, q.text, q.choices, q.phenomena, False, q.why) if q.name in named else q
                for q in questions
            )
        return Protocol(self.score, self.spans, self.severities, categories, self.rank, self.candidates, questions,
                        self.source)  # fmt: skip


@cache
def library() -> Any:
    """What `questions.yaml` holds."""
    return yaml.safe_load(files("in2x.people").joinpath("questions.yaml").read_text(encoding="utf-8"))


def _question(given: str | dict[str, Any], data: Any) -> Question:
    if isinstance(given, str):
        if given not in data["questions"]:
            raise ValueError(f"there is no question {given!r}; known: {', '.join(data['questions'])}")
        given = {"name": given, **data["questions"][given]}
    try:
        choices = [Choice(str(c["value"]), _words(c["label"]), c.get("worth")) for c in given["choices"]]
        if all(choice.value != CANNOT_TELL for choice in choices):
            choices.append(Choice(CANNOT_TELL, data[CANNOT_TELL]))
        question = Question(str(given["name"]), _words(given["text"]), tuple(choices),
                            tuple(given.get("phenomena", ())), bool(given.get("before_source", False)),
                            bool(given.get("why", True)))  # fmt: skip
    except (KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"a question needs name, text and choices of value and label ({error})") from None
    if len(choices) < 3 or len({c.value for c in choices}) < len(choices):
        raise ValueError(f"question {question.name}: give two choices or more, each of its own value")
    if ":" in question.name or question.name in ("score", "spans", "rank"):
        raise ValueError(f"question {question.name!r}: choose another name")
    if all(c.value != CANNOT_TELL for c in choices):
        choices.append(Choice(CANNOT_TELL, data[CANNOT_TELL]))
    return Question(
        question.name, question.text, tuple(choices), question.phenomena, question.before_source, question.why
    )


def _words(given: Any) -> dict[str, str]:
    """Texts by language; a plain text is one that every interface shows."""
    return {"": given} if isinstance(given, str) else {str(code): str(text) for code, text in given.items()}


class SamplingConfig(Config):
    """Which documents are judged."""

    by: Literal["diversity", "difference", "random", "order"] = knob(
        "diversity", "diversity: where outputs are least alike (mean pairwise chrF); difference: where quality differs "
        "most (chrF against the reference, or the least alike two); random; order: as in the files.",
        source="WMT 2025")  # fmt: skip
    segments: int = knob(0, "Segments of the test set that are judged, about; 0: as many as the time allows.", ge=0)
    longest: int = knob(20, "Segments of a document; a longer one is cut there.", ge=1, le=200, unit="segments")


class AssignmentConfig(Config):
    """Who judges what."""

    annotators: int = knob(3, "People.", ge=1, le=1000)
    judgements: int = knob(1, "People who judge each screen.", ge=1)
    twice: float = knob(0.2, "Share of segments that one more person judges: without it no agreement can be computed.",
                        ge=0.2, le=1.0)  # fmt: skip
    budget_minutes: float = knob(0.0, "Time that one person is asked for; 0 is no limit.", ge=0, unit="minutes")
    seconds_a_word: float = knob(0.8, "Estimate of the time for a word of one translation.", gt=0, unit="s",
                                 source="WMT 2025")  # fmt: skip
    seconds_a_question: float = knob(4.0, "Estimate of the time for a question.", ge=0, unit="s")


class ControlsConfig(Config):
    """Items whose answer tells of the annotator, as shares of each one's items; 0 is none."""

    degraded: float = knob(0.05, "A translation seen before with a stretch from elsewhere in it.", ge=0, le=0.5,
                           source="WMT direct assessment")  # fmt: skip
    wrong_document: float = knob(0.0, "The translation of another document's segment.", ge=0, le=0.5)
    source_copy: float = knob(0.0, "The source in place of a translation.", ge=0, le=0.5)
    repeats: float = knob(0.05, "A screen's segment once more, later.", ge=0, le=0.5)
    run: int = knob(3, "Most segments of one control screen, taken from one document.", ge=1, unit="segments")


class PracticeConfig(Config):
    """One practice item with its known answers."""

    source: str = knob(..., "The source.")
    candidates: tuple[str, ...] = knob(..., "The translations, as many as the protocol shows.", min_length=1)
    phenomena: tuple[str, ...] = knob((), "What it is about.")
    note: str = knob("", "Context.")
    known: tuple[dict[str, Any], ...] = knob(
        (), "Known answers: {dimension, candidate: 0, least, most, choices, spans: [text that must be marked], "
        "source_spans, none, feedback}.")  # fmt: skip


class CampaignConfig(Config):
    """A campaign of human judgement."""

    name: str = knob(..., "Name in the store; letters, digits, - and _.", pattern=r"^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$")
    title: str | dict[str, str] = knob("", "Title on the page, plain or by language.")
    guidelines: str | dict[str, str] = knob("", "What annotators are told, plain or by language.")
    source_lang: str = knob(..., "Language of the sources.")
    target_lang: str = knob(..., "Language of the translations.")
    interface: tuple[str, ...] = knob((), "Languages of the page, the usual one first; () is all it has.")
    seed: int = knob(0, "Of everything random.", ge=0)
    texts: TextsConfig | None = knob(None, "Translations from plain text files.")
    wmt: WmtConfig | None = knob(None, "Translations from WMT submission files.")
    outputs: OutputsConfig | None = knob(None, "Translations that a run left.")
    express: ExpressConfig | None = knob(None, "Translations of the express suite.")
    models: dict[str, ModelConfig] = knob({}, "Name -> a model that translates the same sources now.")
    cache: Path | None = knob(None, "SQLite file that keeps what a server translated: the same command goes on after a "
                              "stop.")  # fmt: skip
    references: bool = knob(True, "The references take part as a hidden system, where there are any.")
    consensus: bool = knob(False, "The output that agrees most with the others (minimum Bayes risk by chrF) takes part "
                           "as a hidden system.")  # fmt: skip
    protocol: ProtocolConfig = knob(ProtocolConfig(score=True, spans=True), "What is asked.")
    sampling: SamplingConfig = knob(SamplingConfig(), "Which documents.")
    assignment: AssignmentConfig = knob(AssignmentConfig(), "Who judges what.")
    controls: ControlsConfig = knob(ControlsConfig(), "Attention checks, degraded copies, repeats.")
    practice: tuple[PracticeConfig, ...] = knob((), "The tutorial: items with known answers and feedback.")
    about: dict[str, Any] = knob({}, "For the methods section: recruitment, pay, exclusion rules fixed beforehand.")

    @field_validator("source_lang", "target_lang", mode="after")
    @classmethod
    def _spelt(cls, code: str) -> str:
        try:
            return canonical(code)
        except UsageError as error:
            raise ValueError(f"{error.what}; {error.mend}") from None

    @model_validator(mode="after")
    def _whole(self) -> CampaignConfig:
        given = [name for name in ("texts", "wmt", "outputs", "express") if getattr(self, name) is not None]
        if len(given) != 1:
            what = f"{' and '.join(given)} are given" if given else "nothing is given to judge"
            raise ValueError(f"{what}; give one of texts, wmt, outputs and express")
        if self.source_lang == self.target_lang:
            raise ValueError("source_lang and target_lang are one language; give two")
        return self

    def words(self, given: str | dict[str, str]) -> dict[str, str]:
        """`given` by language."""
        return _words(given) if given else {}
