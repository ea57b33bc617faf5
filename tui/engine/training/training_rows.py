"""A job's file -> the rows that are trained on, as tokens, each with the line it came from."""

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
        line: its line in the file, from 1; a conversation may give several rows.
        tokens: the conversation; of a pair the one with the better answer.
        rejected: the conversation with the worse answer; None for supervised rows.
    """

    line: int
    tokens: Tokens
    rejected: Tokens | None = None

    @property
    def length(self) -> int:
        """Tokens of the longer of its conversations."""
        rejected = len(self.rejected.input_ids) if self.rejected else 0
        return max(len(self.tokens.input_ids), rejected)

    @property
    def learned(self) -> int:
        """How many tokens are learned; 0 where one of two answers has none."""
        if self.rejected is None:
            return self.tokens.learned
        both = (self.tokens.learned, self.rejected.learned)
        return sum(both) if all(both) else 0

    def cut(self, length: int) -> TrainingRow:
        """The row with the first tokens of its conversations."""
        rejected = self.rejected.cut(length) if self.rejected else None
        return TrainingRow(self.line, self.tokens.cut(length), rejected)


def read_training_rows(
    path: Path,
    method: MethodName,
    tokenizer: ChatTokenizer,
    length: int,
    *,
    param: str,
    reporter: Reporter,
    now_and_then: Callable[[], None],
) -> list[TrainingRow]:
    """The rows of a file, cut to length; one with nothing left to learn is left out.

    Args:
        path: the file.
        method: supervised files hold conversations, those of dpo pairs of answers.
        tokenizer: the model's.
        length: tokens of a conversation that are kept.
        param: the parameter that named the file, for errors.
        reporter: is told how many rows were cut.
        now_and_then: is called after every thousand lines.

    Raises:
        PermanentFailure: a row cannot be put to the model, or nothing is left.
    """
    rows: list[TrainingRow] = []
    cut = 0
    for line, row in read_lines(path):
        try:
            if method == "dpo":
                pair: Pair = tokenize_pair(tokenizer, row)
                found = [TrainingRow(line, pair.preferred, pair.rejected)]
            else:
                found = [TrainingRow(line, tokens) for tokens in tokenize(tokenizer, row)]
        except Unrenderable as error:
            raise PermanentFailure(
                f"invalid_{param}",
                f"Line {line} cannot be trained with this model: {error}. Change the line, or "
                "choose another model.",
                param,
            ) from error
        cut += any(one.length > length for one in found)
        rows += [kept for one in found if (kept := one.cut(length)).learned]
        if line % 1000 == 0:
            now_and_then()
    if cut:
        reporter.write_message(
            f"{cut} examples of the {param.replace('_', ' ')} are longer than {length} tokens "
            "and were cut",
            "warn",
        )
    if not rows:
        raise PermanentFailure(
            f"invalid_{param}",
            f"Nothing is left to learn when the examples are cut to {length} tokens. Give a "
            "larger max_length, or shorten the examples.",
            param,
        )
    return rows
