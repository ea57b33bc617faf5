"""The schema of the decision framework file: reasons, questions and takeaways.

The required keys are those of the original guide. Optional keys refine a question: why it is
asked, how to test it, and the effect of its answers.
"""

from __future__ import annotations

import re
from enum import StrEnum
from typing import Annotated, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator


class Answer(StrEnum):
    """An answer to a question."""

    YES = "yes"
    NO = "no"
    UNSURE = "unsure"


class Effect(StrEnum):
    """The effect of the answer that does not favour fine-tuning."""

    DO_NOT = "do not fine-tune"
    NOT_YET = "not yet"
    WEAKER = "weaker"


_SPOKEN = {True: "yes", False: "no", "true": "yes", "false": "no", "y": "yes", "n": "no"}
_SPOKEN |= {"not sure": "unsure", "not_sure": "unsure", "u": "unsure", "unknown": "unsure"}


def normalise_answer(value: object) -> object:
    """Convert spellings of an answer (`yes`, true, "Not sure") to the value of an `Answer`."""
    if isinstance(value, bool):
        return _SPOKEN[value]
    if isinstance(value, str):
        plain = value.strip().lower()
        return _SPOKEN.get(plain, plain)
    return value


AnswerField = Annotated[Answer, BeforeValidator(normalise_answer)]
Text = Annotated[str, Field(min_length=1)]


class _Part(BaseModel):
    model_config = ConfigDict(
        extra="forbid", frozen=True, str_strip_whitespace=True, defer_build=True
    )


class GoodReason(_Part):
    """A reason that can justify fine-tuning, and its alternative."""

    description: Text
    example: str = ""
    alternative: str = ""
    when: str = ""
    test: str = ""
    needs: list[str] = Field(default_factory=list)

    @property
    def caution(self) -> str:
        """The alternative to try first, and when the reason holds, as short sentences."""
        parts = [
            f"Alternative: {self.alternative}." if self.alternative else "",
            f"When: {self.when}." if self.when else "",
        ]
        return " ".join(part for part in parts if part)


class BadReason(_Part):
    """A reason that does not justify fine-tuning, and what to do instead."""

    problem: Text
    solution: Text
    example: str = ""


class Step(_Part):
    """One question with the answers yes, no and not sure."""

    question: Text
    if_no: str = ""
    if_yes: str = ""
    label: str = ""
    why: str = ""
    test: str = ""
    yes_means: str = ""
    no_means: str = ""
    speaks_for: AnswerField | None = None
    otherwise: Effect | None = None
    go_to: Literal["data", "jobs", "evaluate"] | None = None

    @model_validator(mode="after")
    def _says_something(self) -> Step:
        if not (self.if_no or self.if_yes):
            raise ValueError("if_no or if_yes is required")
        if self.speaks_for is Answer.UNSURE:
            raise ValueError("speaks_for must be yes or no")
        return self

    def advice(self, answer: Answer) -> str:
        """The advice on an answer; empty where there is none."""
        return {Answer.YES: self.if_yes, Answer.NO: self.if_no}.get(answer, "")

    @property
    def favours(self) -> Answer:
        """The answer that favours fine-tuning.

        By default an answer with advice is one where something is missing, so the other answer
        favours fine-tuning, unless the advice itself does ("Fine-tuning may be justified").
        """
        if self.speaks_for is not None:
            return self.speaks_for
        if not self.if_yes:
            return Answer.YES
        if _is_for_it(self.if_yes):
            return Answer.YES
        return Answer.YES if self.if_no and not _is_for_it(self.if_no) else Answer.NO

    @property
    def effect(self) -> Effect:
        """The effect of the other answer.

        By default it only weakens the verdict where there is no advice; advice on a "no" is
        something to do first; advice on a "yes" is something better than fine-tuning.
        """
        if self.otherwise is not None:
            return self.otherwise
        if self.favours is Answer.YES:
            return Effect.NOT_YET if self.if_no else Effect.WEAKER
        return Effect.DO_NOT if self.if_yes else Effect.WEAKER


def _is_for_it(advice: str) -> bool:
    plain = advice.lower()
    against = re.search(r"\b(not|never|no|avoid|instead|unnecessary|rarely|without)\b|n't", plain)
    return bool(re.search(r"fine-?tun", plain)) and not against


class Framework(BaseModel):
    """All questions and the meaning of their answers.

    Raises:
        ValidationError: a key is missing, unknown or wrong; its location names it.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True, defer_build=True)

    steps: dict[str, Step] = Field(alias="fine_tuning_decision", min_length=1)
    good_reasons: dict[str, GoodReason] = Field(
        alias="fine_tuning_good_reasons", default_factory=dict
    )
    bad_reasons: dict[str, BadReason] = Field(alias="fine_tuning_bad_reasons", default_factory=dict)
    takeaways: list[str] = Field(alias="key_takeaways", default_factory=list)
    introduction: str = ""
    motto: str = ""
    opening: str = "Why do you want to fine-tune?"

    @model_validator(mode="after")
    def _keys_are_told_apart(self) -> Framework:
        twice = set(self.good_reasons) & set(self.bad_reasons)
        if twice:
            raise ValueError(f"{', '.join(sorted(twice))} is both a good and a bad reason")
        if self.bad_reasons and not self.good_reasons:
            raise ValueError("fine_tuning_bad_reasons requires fine_tuning_good_reasons")
        if "reason" in self.steps:
            raise ValueError("a step cannot be named reason: that is the opening question")
        for name, reason in self.good_reasons.items():
            missing = [key for key in reason.needs if key not in self.steps]
            if missing:
                raise ValueError(f"{name}.needs names {missing[0]}, which is not a step")
        return self
