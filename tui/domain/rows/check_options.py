"""The options of a check: limits, switched-off codes, and whose rules apply."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass, fields
from difflib import get_close_matches
from functools import cache
from typing import Annotated, Any, ClassVar, Final, Literal, get_args

from pydantic import AfterValidator, ConfigDict, Field, TypeAdapter, ValidationError

from tui.domain.rows.problems import KINDS, SWITCHABLE
from tui.domain.validation import first_error

RulesOf = Literal["openai", "together", "mistral", "local"]
"""The service whose rules apply in addition to the common ones."""


def _switchable(codes: frozenset[str]) -> frozenset[str]:
    for code in sorted(codes):
        if code not in KINDS:
            raise ValueError(f"There is no problem code {code!r}.{_hint(code, KINDS)}")
        if code not in SWITCHABLE:
            raise ValueError(f"{code} cannot be switched off: {KINDS[code].what}")
    return codes


def _hint(typed: str, known: Iterable[str]) -> str:
    near = get_close_matches(typed, list(known), 1)
    return f" Did you mean {near[0]}?" if near else ""


@dataclass(frozen=True, slots=True)
class CheckOptions:
    """The table `[check]` of the config file, or the flags of `ftui check`.

    Attributes:
        off: codes that are not checked; structure errors cannot be switched off.
        rules_of: the service whose own rules apply too.
        model: the model whose tokenizer counts; empty for OpenAI's `o200k_base`, whatever is on
            this machine.
        context: context length of the model in tokens; 0 if unknown.
        tools_supported: whether the model's chat template supports tools; None if unknown. Both
            are found in the model's files where they are on this machine.
        shortest_output: an answer must be longer than this many characters. Both
            length limits are the length filter of the guide to fine-tuning whose decision
            framework ftui ships (`sample_data/decision_framework.yaml`).
        longest_output: an answer must be shorter than this many characters.
        fewest_examples: fewer are an error (OpenAI refuses fewer than 10).
        few_examples: fewer are a warning; improvement is seen from 50 to 100 on.
        similarity: Jaccard similarity of word shingles from which two rows are near duplicates;
            0 turns the search off.
        refusal_share: share of refusals from which the file gets a warning.
        system_prompts: more distinct system prompts than this give a warning.
        length_spread: median absolute deviations of the logarithm of an answer's length from
            which it is an outlier.
    """

    __pydantic_config__: ClassVar[ConfigDict] = ConfigDict(extra="forbid")

    off: Annotated[frozenset[str], AfterValidator(_switchable)] = frozenset()
    rules_of: RulesOf = "openai"
    model: str = ""
    context: Annotated[int, Field(ge=0)] = 0
    tools_supported: bool | None = None
    shortest_output: Annotated[int, Field(ge=0)] = 10
    longest_output: Annotated[int, Field(ge=1)] = 2000
    fewest_examples: Annotated[int, Field(ge=1)] = 10
    few_examples: Annotated[int, Field(ge=0)] = 50
    similarity: Annotated[float, Field(ge=0, le=1)] = 0.8
    refusal_share: Annotated[float, Field(ge=0, le=1)] = 0.2
    system_prompts: Annotated[int, Field(ge=1)] = 1
    length_spread: Annotated[float, Field(gt=0)] = 6.0


DEFAULT_OPTIONS = CheckOptions()

LIMITS: Final = tuple(
    option.name
    for option in fields(CheckOptions)
    if option.name not in ("off", "rules_of", "model", "tools_supported")
)
"""Names of the limits that can be set."""


@cache
def _adapter() -> TypeAdapter[CheckOptions]:
    """Built when first used: it takes 7 ms, and the first paint would wait for them."""
    return TypeAdapter(CheckOptions)


def override_options(
    options: CheckOptions,
    *,
    off: Iterable[str] = (),
    limits: Iterable[str] = (),
    rules_of: str | None = None,
    model: str | None = None,
) -> CheckOptions:
    """Override options with values from the command line.

    Args:
        options: the options of the settings.
        off: further codes to switch off; each may be a comma-separated list.
        limits: `NAME=VALUE`, with - or _ in the name.
        rules_of: the service whose rules apply; None leaves it.
        model: the model whose tokenizer counts; None leaves it.

    Raises:
        ValueError: a code, limit or value is invalid; the message is shown to the user.
    """
    typed = {code.strip() for codes in off for code in codes.split(",") if code.strip()}
    values: dict[str, Any] = asdict(options)
    values["off"] = _switchable(options.off | typed)
    for limit in limits:
        name, value = _limit(limit)
        values[name] = value
    if rules_of is not None:
        values["rules_of"] = _known_service(rules_of)
    if model is not None:
        values["model"] = model
    try:
        return _adapter().validate_python(values)
    except ValidationError as error:
        raise ValueError(first_error(error, "The limit {}".format)) from error


def _limit(typed: str) -> tuple[str, str]:
    name, sign, value = typed.partition("=")
    name = name.strip().replace("-", "_")
    if name not in LIMITS:
        hint = _hint(name, LIMITS) or f" Use one of {', '.join(LIMITS)}."
        raise ValueError(f"There is no limit {name!r}.{hint}")
    if not sign:
        raise ValueError(f"The limit {name} has no value; write {name}=NUMBER.")
    return name, value.strip()


def _known_service(name: str) -> str:
    known = get_args(RulesOf)
    if name not in known:
        raise ValueError(f"There are no rules for {name!r}; use {', '.join(known)}.")
    return name
