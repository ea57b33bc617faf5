"""A job's file -> tokenized training rows, each with its line number."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from tui.engine.jobs.failures import PermanentFailure
from tui.engine.jobs.spec import MethodName
from tui.engine.jobs.worker_reports import Reporter
from tui.engine.training.tokens import (
    ChatTokenizer,
    Pair,
    Tokens,
    Unrenderable,
    read_lines,
    tokenize,
    tokenize_pair,
)


@dataclass(frozen=True, slots=True)
class TrainingRow:
    """One row to train on.

    Attributes:
        line: line number in the file, from 1; one conversation may yield several rows.
        tokens: the conversation; for a pair the one with the preferred answer.
        rejected: the conversation with the rejected answer; None for supervised rows.
    """

    line: int
    tokens: Tokens
    rejected: Tokens | None = None

    @property
    def length(self) -> int:
        """Number of tokens of the longer conversation."""
        rejected = len(self.rejected.input_ids) if self.rejected else 0
        return max(len(self.tokens.input_ids), rejected)

    @property
    def learned(self) -> int:
        """Number of labelled tokens; 0 where one of the two answers has none."""
        if self.rejected is None:
            return self.tokens.learned
        both = (self.tokens.learned, self.rejected.learned)
        return sum(both) if all(both) else 0

    def truncated(self, length: int) -> TrainingRow:
        """The row with its conversations cut to their first `length` tokens."""
        rejected = self.rejected.truncated(length) if self.rejected else None
        return TrainingRow(self.line, self.tokens.truncated(length), rejected)


def read_training_rows(
    path: Path,
    method: MethodName,
    tokenizer: ChatTokenizer,
    length: int,
    *,
    param: str,
    reporter: Reporter,
    check_control: Callable[[], None],
) -> list[TrainingRow]:
    """Read and tokenize a file; rows without labelled tokens after truncation are dropped.

    Args:
        path: the file.
        method: supervised files hold conversations, DPO files pairs of answers.
        tokenizer: the model's tokenizer.
        length: maximum number of tokens per conversation.
        param: request parameter that names the file, for errors.
        reporter: receives a warning when rows were truncated.
        check_control: called every thousand lines; may raise to stop.

    Raises:
        PermanentFailure: a row cannot be rendered for this model, or no row is left.
    """
    rows: list[TrainingRow] = []
    truncated = 0
    for line, example in read_lines(path):
        try:
            if method == "dpo":
                pair: Pair = tokenize_pair(tokenizer, example)
                line_rows = [TrainingRow(line, pair.preferred, pair.rejected)]
            else:
                line_rows = [TrainingRow(line, tokens) for tokens in tokenize(tokenizer, example)]
        except Unrenderable as error:
            raise PermanentFailure(
                f"invalid_{param}",
                f"Line {line} cannot be used with this model: {error}. Change the line, or "
                "choose another model.",
                param,
            ) from error
        truncated += any(row.length > length for row in line_rows)
        cut_rows = (row.truncated(length) for row in line_rows)
        rows += [row for row in cut_rows if row.learned]
        if line % 1000 == 0:
            check_control()
    if truncated:
        reporter.write_message(
            f"{truncated} examples of the {param.replace('_', ' ')} exceed {length} tokens and "
            "were truncated",
            "warn",
        )
    if not rows:
        raise PermanentFailure(
            f"invalid_{param}",
            f"No assistant text is left when examples are truncated to {length} tokens. Set a "
            "larger max_length, or shorten the examples.",
            param,
        )
    return rows
