"""What is checked in a training file and how strictly: limits, switches, whose rules."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, ClassVar, Literal

from pydantic import ConfigDict, Field

RulesOf = Literal["openai", "together", "mistral", "local"]
"""Whose rules apply beside those that all services share."""


@dataclass(frozen=True, slots=True)
class CheckOptions:
    """The table `[check]` of the config file, or the flags of `ftui check`.

    Attributes:
        off: codes of problems that are not looked for; structure errors cannot be switched off.
        rules_of: the service whose own rules apply too.
        model: the model whose tokenizer counts; empty for OpenAI's `o200k_base`.
        context: tokens that the model takes at the most; 0 where nobody knows.
        shortest_output: an answer must be longer than this many characters (the seed's rule).
        longest_output: an answer must be shorter than this many characters (the seed's rule).
        fewest_examples: fewer are an error (OpenAI refuses fewer than 10).
        few_examples: fewer are a warning; improvement is seen from 50 to 100 on.
        similarity: Jaccard similarity of word shingles from which two rows are near duplicates;
            0 turns the search off.
        refusal_share: share of refusing answers from which the file is warned of.
        system_prompts: more different system prompts than this are warned of.
        length_spread: median absolute deviations of the logarithm of an answer's length from
            which it is an outlier.
    """

    __pydantic_config__: ClassVar[ConfigDict] = ConfigDict(extra="forbid")

    off: frozenset[str] = frozenset()
    rules_of: RulesOf = "openai"
    model: str = ""
    context: Annotated[int, Field(ge=0)] = 0
    shortest_output: Annotated[int, Field(ge=0)] = 10
    longest_output: Annotated[int, Field(ge=1)] = 2000
    fewest_examples: Annotated[int, Field(ge=1)] = 10
    few_examples: Annotated[int, Field(ge=0)] = 50
    similarity: Annotated[float, Field(ge=0, le=1)] = 0.8
    refusal_share: Annotated[float, Field(ge=0, le=1)] = 0.2
    system_prompts: Annotated[int, Field(ge=1)] = 1
    length_spread: Annotated[float, Field(gt=0)] = 6.0


DEFAULT_OPTIONS = CheckOptions()
