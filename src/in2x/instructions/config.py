"""Knobs of the instructions room."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, NonNegativeInt, model_validator

from in2x.knob import Config, knob
from in2x.llm.config import LlmConfig, TeacherConfig


class SetConfig(Config):
    """One open instruction set."""

    path: str = knob(
        ..., "File (.jsonl, .jsonl.gz, .json, .parquet), folder of such files, or hub name (owner/name:config#split)."
    )
    format: Literal[
        "auto", "alpaca", "dolly", "oasst", "oasst-tree", "sharegpt", "messages", "preference", "prompted", "question",
        "seed-tasks",
        "plain", "nli", "paraphrase", "sentiment", "reading", "summary", "choice", "translation",
    ] = knob("auto", "Layout of its rows; auto looks at each row's keys.")  # fmt: skip
    license: str | None = knob(
        None, "Licence of the set, recorded with each item that names none itself (a hub set's card may name it)."
    )
    lang: str | None = knob(None, "Language of its answers; none lets the script of the text decide.")
    most: int | None = knob(None, "Items taken of each file, at most, drawn by the seed.", gt=0)
    max_bad_share: float = knob(
        0.05,
        "Share of rows that cannot be read from which the set is refused; up to ten are always set aside.",
        ge=0,
        le=1,
    )


class MagpieConfig(Config):
    """Instructions that the model itself writes when it continues its own user-turn template."""

    turns: int = knob(384, "User turns to sample.", unit="instructions", ge=0)
    temperature: float = knob(1.0, "Sampling temperature of the user turns.", ge=0)
    answer_temperature: float = knob(0.0, "Sampling temperature of the answers (0: the most probable one).", ge=0)
    turn_tokens: int = knob(64, "Longest user turn; a longer one is cut and so rejected.", unit="tokens", gt=0)
    agreement: float = knob(
        0.5, "Least agreement (character ROUGE-L) between two answers to one turn; lower is rejected.", ge=0, le=1
    )
    answer_tokens: int = knob(96, "Longest answer; a longer one is cut and so rejected.", unit="tokens", gt=0)
    systems: tuple[str, ...] = knob((), "System messages that steer what is asked; they take turns.")
    steer: bool = knob(
        False, "Without systems: steer each turn to a language of the recipe, a persona, topic, kind, register and "
        "difficulty.", source="METHOD 2",
    )  # fmt: skip


class RewriteConfig(Config):
    """Rewriting into the target language by the model: how many collected items each rewriter takes."""

    creative: int = knob(0, "Items for original stories, scenes, letters.", source="METHOD 2", ge=0)
    localized: int = knob(0, "Question-answer items for the local world, with reasoning.", source="METHOD 2", ge=0)
    style: int = knob(0, "Items for the target culture's register and conventions.", source="METHOD 2", ge=0)
    deepen: int = knob(0, "Tasks that are made harder by what one must understand.", ge=0)
    constrain: int = knob(0, "Tasks that are made harder by demands.", ge=0)
    concretise: int = knob(0, "Tasks that are put into a situation.", ge=0)


class SelfInstructConfig(Config):
    """New tasks from a growing pool of tasks."""

    tasks: int = knob(0, "Tasks to ask for, in all languages together.", source="METHOD 2", ge=0)
    topics: tuple[str, ...] = knob((), "What they should be about; empty: the topics of the lists.")
    difficulties: tuple[Literal["simple", "moderate", "difficult", "very difficult"], ...] = knob(
        ("simple", "moderate", "difficult", "very difficult"), "Difficulties asked for.", min_length=1
    )
    near_duplicate: float = knob(0.7, "Character ROUGE-L from which a task is a near-duplicate.", gt=0, le=1)


class RulesConfig(Config):
    """Bounds of the rule gates."""

    max_prompt: int = knob(20_000, "Longest user turn.", unit="characters", gt=0)
    max_answer: int = knob(20_000, "Longest answer.", unit="characters", gt=0)
    max_ratio: float = knob(
        5.0, "How many times longer one side of a translation may be (one CJK character counts as 2.6 letters).", gt=1
    )
    skip: tuple[str, ...] = knob((), "Rules that are off, by name.")


class JudgesConfig(Config):
    """The gates that ask a model, for items that a model wrote."""

    assess: bool = knob(False, "Ask for intent, language, quality and difficulty of a task.", source="METHOD 2")
    quality: int = knob(3, "Least quality of a task on assessment.", ge=1, le=5)
    rule_prompts: bool = knob(False, "Ask for each named fault of an instruction.", source="METHOD 2")
    critic: bool = knob(False, "Let the model answer and a critic judge the answers.", source="METHOD 2")
    responses: int = knob(2, "Fresh answers that the critic sees beside the item's own.", ge=0)
    rereading: bool = knob(False, "Let the author read its item again, with its own notes.", source="METHOD 2")
    least: int = knob(4, "Least grade on rereading.", ge=1, le=5)
    collected: bool = knob(False, "Put collected items through these gates too.")
    llm: TeacherConfig | None = knob(None, "The judging model; none means the one that writes.")

    @property
    def on(self) -> bool:
        """Whether any of them is on."""
        return self.assess or self.rule_prompts or self.critic or self.rereading


class InstructConfig(Config):
    """Collect, rewrite, synthesize, verify, balance, split."""

    sets: tuple[SetConfig, ...] = knob(
        (), "Open instruction sets, beside those of the data section.", source="METHOD 2"
    )
    pairs_per_direction: dict[str, NonNegativeInt] = knob(
        {}, 'Translation instructions made from the training pairs, at most, by direction: "en-ja", or "*" for the '
        "directions that are not named. A direction without a number takes all.",
    )  # fmt: skip
    collected: int | None = knob(None, "Instructions taken from the open sets, at most.", ge=0)
    answer_collected: bool = knob(
        False, "Let the model answer collected instructions that come without an answer; the judges see them then."
    )
    license: str | None = knob(
        None, "Terms of what the model writes on its own, recorded per item (a rewriting keeps its source's licence)."
    )
    tagged: float = knob(
        0.0, "Share of the translations made from pairs that carry inline tags as placeholders, where the pair "
        "shows for sure what stands for what; SFT alone reads them.", ge=0, le=1,
    )  # fmt: skip
    rewritten: int = knob(1500, "Register rewritings made from pairs that share a source, at most.", ge=0)
    rewrite: RewriteConfig = knob(RewriteConfig(), "Rewriting by the model.", source="METHOD 2")
    synthesize: bool = knob(True, "Let the model write instructions of its own.", source="METHOD 2")
    magpie: MagpieConfig = knob(MagpieConfig(), "Magpie.", source="METHOD 2")
    self_instruct: SelfInstructConfig = knob(SelfInstructConfig(), "Self-Instruct.", source="METHOD 2")
    themes: str | None = knob(
        None, "Folder of lists by language (ja.yaml) that replace ours: topics, personas, forms, kinds and others."
    )
    llm: TeacherConfig = knob(TeacherConfig(), "The model that rewrites, synthesizes and answers.")
    cache: str | None = knob(
        None, "SQLite file that keeps every answer; none means llm-cache.sqlite beside the run.", keyed=False
    )
    rules: RulesConfig = knob(RulesConfig(), "The rule gates.", source="METHOD 2")
    judges: JudgesConfig = knob(JudgesConfig(), "The gates that ask a model.", source="METHOD 2")
    balance: Literal["answer", "off"] = knob(
        "answer", "Bring the languages of the answers to 1:1:1 by leaving out the surplus.", source="METHOD 2"
    )
    rl_share: float = knob(
        0.25, "Share of the kept instructions for RL, disjoint by near-duplicate.", source="METHOD 2", ge=0, lt=1
    )
    rl_shares: dict[str, Annotated[float, Field(ge=0, lt=1)]] = knob(
        {}, "Share for RL of single tasks, instead of rl_share. A task named here needs no verifier: a judge pays it "
        "(rl.judge.tasks).", source="METHOD 5",
    )  # fmt: skip
    near_duplicate: float = knob(
        0.7, "Jaccard similarity of character 3-grams from which two instructions count as near-duplicates.", gt=0, le=1
    )

    @model_validator(mode="after")
    def _template(self) -> InstructConfig:
        served = self.llm.base_url is not None and self.llm.template is None
        if self.synthesize and self.magpie.turns and served:
            raise ValueError(
                "magpie lets the model continue its own chat template, which a server does not tell: give llm.template "
                "(folder or hub name of its tokenizer), or set magpie.turns to 0"
            )
        return self

    @property
    def asked(self) -> tuple[LlmConfig, ...]:
        """The models that these knobs put questions to (none where the stage only reads)."""
        written = self.synthesize and (self.magpie.turns or self.self_instruct.tasks)
        written = written or self.answer_collected or any(self.rewrite.model_dump().values())
        if not written and not (self.judges.on and self.judges.collected):
            return ()
        return (self.llm, self.judges.llm) if self.judges.on and self.judges.llm else (self.llm,)

    @property
    def spared(self) -> frozenset[str]:
        """Where the run's own model is asked nothing, it is not needed."""
        return frozenset() if any(llm.base_url is None for llm in self.asked) else frozenset({"pretrain"})
