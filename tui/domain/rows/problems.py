"""Problems of training data, and the one table of their codes."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal

Severity = Literal["error", "warning"]


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong with a row, or with the file.

    Attributes:
        line: number of the line in the file, from 1; None for the file as a whole.
        code: stable name out of `KINDS`.
        severity: an error makes the row (or file) unusable, a warning does not.
        where: the place in the row, such as `messages[2].content`; empty for all of it.
        message: what is wrong, as a sentence; foreign text in it is quoted, not yet scrubbed.
        fix: what to do about it, as a sentence.
    """

    line: int | None
    code: str
    severity: Severity
    where: str
    message: str
    fix: str


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of problem: what it is, why it matters, what to do.

    Attributes:
        limit: name of the limit in `check_options.CheckOptions` that decides; empty for none.
    """

    severity: Severity
    what: str
    why: str
    fix: str
    limit: str = ""


def _error(what: str, why: str, fix: str, limit: str = "") -> Kind:
    return Kind("error", what, why, fix, limit)


def _warning(what: str, why: str, fix: str, limit: str = "") -> Kind:
    return Kind("warning", what, why, fix, limit)


_REFUSED = "Training services reject files with such rows."

_FILE: Final = {
    "empty-file": _error("The file has no rows.", "There is nothing to train on.", "Add examples."),
    "too-few-examples": _error(
        "The file has fewer than 10 examples.",
        "OpenAI rejects fewer than 10; improvements usually show from 50 to 100.",
        "Add examples: at least 10, preferably 50.",
        "fewest_examples",
    ),
    "few-examples": _warning(
        "The file has few examples.",
        "Improvements usually show from 50 to 100 good examples.",
        "Add examples; if 50 good ones do not help, rethink the task before adding more.",
        "few_examples",
    ),
    "file-too-large": _error(
        "The file is larger than the service accepts.",
        "The service rejects it only after the whole upload.",
        "Remove the weaker examples: a few hundred good ones beat thousands of poor ones.",
    ),
    "truncated-container": _error(
        "The file is truncated.",
        "Rows are missing at the end; the rows before are shown.",
        "Download or export it again.",
    ),
    "unescaped-quotes": _warning(
        "Quotes within quoted cells are not doubled.",
        "They were read as text of the cell, which is a guess.",
        "Look at these rows; export the table with doubled quotes.",
    ),
    "other-encoding": _error(
        "The file is not UTF-8.",
        "Training services read UTF-8 only.",
        "Open it in its encoding with --encoding, or with i on the screen.",
    ),
    "mixed-formats": _error(
        "The file mixes rows of different formats.",
        "All rows of a training file must have the same format.",
        "Split the file, or convert the rows to one format.",
    ),
    "needs-conversion": _warning(
        "The rows are not chat examples yet.",
        "Models are trained on conversations.",
        "Convert them with `ftui prepare FILE -o OUT`, or with w on the screen.",
    ),
    "unconvertible-format": _error(
        "The rows cannot be converted to training examples.",
        "Parts of a training example are missing.",
        "Export the data in another format, or add the missing parts.",
    ),
    "unknown-format": _error(
        "The rows have an unknown format.",
        "Without `messages` or known keys, question and answer cannot be identified.",
        "Give each row `messages`, or `input` and `ideal_output`.",
    ),
    "several-system-prompts": _warning(
        "The rows have different system prompts.",
        "The model learns one task per prompt and answers poorly with any other prompt.",
        "Use one system prompt: the one you will send after training.",
        "system_prompts",
    ),
    "many-refusals": _warning(
        "A large share of the answers are refusals.",
        "A model trained on many refusals refuses what it should answer.",
        "Remove refusals until their share is as intended.",
        "refusal_share",
    ),
    "needs-validation": _warning(
        "Reinforcement fine-tuning also needs a validation file.",
        "OpenAI rejects reinforcement jobs without one.",
        "Add a validation file of the same format: --validation FILE.",
    ),
    "shared-rows": _warning(
        "The validation and test files share rows or near duplicates.",
        "A model chosen by validation loss then looks better on the test file than it is.",
        "Remove them from one of the two files.",
    ),
}

_LINE: Final = {
    "not-utf8": _error(
        "The line is not valid UTF-8.",
        _REFUSED,
        "Export the file again as UTF-8. If all of it is in another encoding, read it in that: "
        "--encoding, or i on the screen.",
    ),
    "byte-order-mark": _warning(
        "The file begins with a byte order mark.",
        "Some services then cannot read the first row.",
        "Save the file as UTF-8 without a byte order mark.",
    ),
    "not-json": _error(
        "The line is not JSON.", _REFUSED, "Write one complete JSON object on the line."
    ),
    "not-a-number": _error(
        "The row contains NaN or Infinity, which are not valid JSON.",
        _REFUSED,
        "Replace it with a number or null.",
    ),
    "lone-surrogate": _error(
        "The row contains a lone surrogate, which is not a character.",
        _REFUSED,
        "Remove the broken \\u escape or complete the pair.",
    ),
    "duplicate-key": _error(
        "An object has a duplicate key.",
        "Parsers keep one of the values, and not always the same one.",
        "Remove one of them.",
    ),
    "not-object": _error(
        "The line is JSON, but not an object.", _REFUSED, 'Write an object: {"messages": [...]}.'
    ),
    "unknown-field": _warning(
        "The row has an unknown field.",
        "Some services reject extra fields.",
        "Remove the field.",
    ),
    "dropped-field": _warning(
        "The conversion drops a field.",
        "The format has no place for it, so the model does not see it.",
        "Move what the model should see into the question, the answer or the system prompt.",
    ),
    "null-text": _warning(
        "A field holds the text that tables write for an empty cell, such as nan or NULL.",
        "The model learns to read it, or to answer with it.",
        "Write the text that is meant, or remove the row.",
    ),
    "missing-field": _error("A required field is missing.", _REFUSED, "Add the field."),
    "bad-field": _error(
        "A field has a value that cannot be used.",
        _REFUSED,
        "Correct the value, or leave the row out.",
    ),
    "other-format": _error(
        "The row has a different format from the rest of the file.",
        "All rows of a training file must have the same format.",
        "Convert the row, or move it to a file of its own.",
    ),
    "ragged-row": _error(
        "The record has more cells than the header has columns.",
        "It is unclear which cell belongs to which column.",
        "Quote cells that contain the separator or a line break.",
    ),
}

_MESSAGES: Final = {
    "no-messages": _error(
        "The row has no messages.", "There is nothing to train on.", "Add a `messages` list."
    ),
    "message-not-object": _error(
        "A message is not an object.", _REFUSED, 'Write {"role": ..., "content": ...}.'
    ),
    "missing-role": _error(
        "A message has no role.",
        "It is unclear who says it.",
        "Add a role: system, user, assistant or tool.",
    ),
    "unknown-role": _error(
        "A message has an unknown role.",
        _REFUSED,
        "Use system, user, assistant or tool.",
    ),
    "unknown-key": _error("A message has an unknown key.", _REFUSED, "Remove the key."),
    "misspelled-key": _error(
        "A key of a message has capitals or spaces.", _REFUSED, "Write it in lower case."
    ),
    "no-assistant": _error(
        "There is no assistant message.",
        "The model learns from the assistant's messages.",
        "Add the answer that the model should give, or remove the row.",
    ),
    "no-user": _warning(
        "There is no user message.",
        "The model learns to answer without a question.",
        "Add the user's message.",
    ),
    "last-not-assistant": _warning(
        "The example does not end with an assistant message.",
        "Nothing after the last assistant message is learned.",
        "Add the assistant's answer, or remove everything after the last one.",
    ),
    "not-alternating": _warning(
        "Two consecutive messages have the same role.",
        "Some chat templates reject this.",
        "Merge the two messages, or add the missing one between them.",
    ),
    "system-not-first": _warning(
        "A system message is not the first message.",
        "Most chat templates accept it only at the beginning.",
        "Move it to the beginning.",
    ),
    "missing-content": _error(
        "A message has no content.", _REFUSED, "Add text, or tool_calls for an assistant message."
    ),
    "empty-content": _error(
        "A message is empty.", "An empty message teaches nothing.", "Add text."
    ),
    "empty-system": _warning(
        "The system message is empty.", "It has no effect.", "Write it or remove it."
    ),
    "bad-content": _error(
        "The content is neither text nor a list of parts.", _REFUSED, "Make it a string."
    ),
    "bad-part": _error(
        "A part of the content is invalid.",
        _REFUSED,
        'Write {"type": "text", "text": ...} or, in user messages only, '
        '{"type": "image_url", "image_url": {"url": ...}}.',
    ),
    "bad-weight": _error(
        "A weight is invalid.",
        _REFUSED,
        "Use 0 or 1, on assistant messages only.",
    ),
    "nothing-to-learn": _error(
        "Every assistant message has weight 0.",
        "Messages with weight 0 are not learned.",
        "Set the weight of the message to be learned to 1.",
    ),
    "bad-name": _error("A name is not a string.", _REFUSED, "Make it a string or remove it."),
}

_TOOLS: Final = {
    "bad-tools": _error(
        "The tool declarations are invalid.",
        _REFUSED,
        'Write a list of {"type": "function", "function": {"name": ..., "parameters": {...}}}.',
    ),
    "bad-tool-call": _error(
        "A tool call is invalid.",
        _REFUSED,
        'Write {"id": ..., "type": "function", "function": {"name": ..., "arguments": "..."}}.',
    ),
    "tool-call-on-wrong-role": _error(
        "A message other than the assistant's calls a tool.",
        "Only the assistant can call tools.",
        "Move the call to an assistant message.",
    ),
    "tool-arguments-not-string": _error(
        "The arguments of a call are not a string.",
        "OpenAI's format requires a JSON string.",
        "Write the arguments as a JSON string.",
    ),
    "tool-arguments-not-json": _error(
        "The arguments of a call are not JSON.",
        "The model learns to call tools with arguments that cannot be parsed.",
        "Write the arguments as a JSON object inside the string.",
    ),
    "tool-arguments-mismatch": _warning(
        "The arguments of a call do not match the parameters of the function.",
        "The model learns to call the function with arguments that it does not accept.",
        "Correct the arguments, or the parameters in `tools`.",
    ),
    "tool-call-without-answer": _error(
        "A tool call is not answered before the next message.",
        _REFUSED,
        "Add a tool message with its tool_call_id right after it.",
    ),
    "tool-without-call": _error(
        "A tool message answers a call that does not exist.",
        _REFUSED,
        "Use the tool_call_id of an earlier call.",
    ),
    "missing-tool-call-id": _error(
        "A tool message has no tool_call_id.",
        "It is unclear which call it answers.",
        "Add the id of the call.",
    ),
    "duplicate-tool-call-id": _error(
        "Two tool calls have the same id.",
        "It is unclear which one is answered.",
        "Give each call a unique id.",
    ),
    "unknown-tool": _warning(
        "A call names a function that the row's tools do not declare.",
        "The model learns to call functions that do not exist.",
        "Declare the function in `tools`, or correct the name.",
    ),
}

_PROVIDER: Final = {
    "bad-image": _error(
        "An image cannot be used.",
        "Services accept JPEG, PNG and WEBP of at most 10 MB.",
        'Write {"url": ...} with an https URL, or data:image/png;base64,... of a smaller image.',
    ),
    "too-many-images": _error(
        "The row has more than 10 images.",
        "Services accept at most 10 images per example.",
        "Split the example, or remove images.",
    ),
    "unsupported-part": _error(
        "The service cannot train on a part of the content.",
        "The local engine trains on text only.",
        "Remove the row, or use a service that supports images and audio.",
    ),
    "template-without-tools": _warning(
        "The model's chat template does not support tools.",
        "The local engine refuses such rows; elsewhere the model does not see the tools.",
        "Choose a model whose chat template supports tools, or remove the row.",
    ),
    "bad-tool-name": _error(
        "The name of a function is invalid.",
        "Function names have at most 64 letters, digits, _ and -.",
        "Rename the function in the declaration and in every call.",
    ),
    "bad-tool-call-id": _error(
        "The id of a tool call is not 9 letters and digits.",
        "Mistral's validators before V13 refuse any other id.",
        "Use ids of 9 letters and digits, the same in the call and in its answer.",
    ),
    "content-beside-calls": _error(
        "A message has both content and tool calls.",
        "Mistral's validator V3 refuses such messages; later ones accept them.",
        "Remove the content, or switch the code off if your model accepts both.",
    ),
    "missing-tool-description": _error(
        "A function declaration lacks a description or parameters.",
        "Mistral rejects declarations without them.",
        "Add `description` and `parameters` to the function.",
    ),
    "too-many-tools": _error(
        "The row declares more than 128 functions.",
        "OpenAI accepts at most 128 functions per example.",
        "Declare only the functions that the example needs.",
    ),
    "deprecated-key": _warning(
        "The row uses the deprecated form of tool calls.",
        "Newer models and most services support only `tools` and `tool_calls`.",
        "Use `tools`, `tool_calls` and the role tool instead.",
    ),
    "prompt-not-asking": _warning(
        "The prompt of a preference row does not end with a user or tool message.",
        "Both answers would then follow another answer.",
        "End `input.messages` with the message that both answers reply to.",
    ),
}

_PREFERENCE: Final = {
    "bad-preference": _error(
        "An answer of a preference row is invalid.",
        _REFUSED,
        "Write both answers as lists of assistant or tool messages.",
    ),
    "same-preference": _error(
        "The preferred and the non-preferred answer are the same.",
        "There is nothing to prefer.",
        "Give two different answers, or remove the row.",
    ),
}

_QUALITY: Final = {
    "output-too-short": _warning(
        "The answer has 10 characters or fewer.",
        "So little text rarely teaches how to answer.",
        "Write the full answer, or keep it if answers are meant to be this short.",
        "shortest_output",
    ),
    "output-too-long": _warning(
        "The answer has 2,000 characters or more.",
        "Long answers make training expensive and may be truncated.",
        "Shorten the answer or split the example.",
        "longest_output",
    ),
    "refusal": _warning(
        "The answer is a refusal or boilerplate.",
        "A model trained on many refusals refuses too often.",
        "Write the answer that you want, or remove the row.",
    ),
    "placeholder": _warning(
        "The answer contains a placeholder.",
        "The model learns to write the placeholder.",
        "Replace it with the real text.",
    ),
    "truncated-output": _warning(
        "The answer looks cut off.",
        "The model learns to stop in the middle.",
        "Complete the answer, or remove the row.",
    ),
    "encoding-damage": _warning(
        "The text contains damaged characters.",
        "The text was decoded with the wrong encoding, and the model learns the damaged text.",
        "Export the text again as UTF-8.",
    ),
    "control-characters": _warning(
        "The text contains control, zero-width or bidirectional characters.",
        "They are invisible, and the model learns to write them.",
        "Remove them.",
    ),
    "outer-whitespace": _warning(
        "The answer begins or ends with whitespace.",
        "The model learns to write it, and exact comparisons fail.",
        "Strip it.",
    ),
    "secret": _warning(
        "The text contains what looks like a key or password.",
        "Anyone who can query the model may extract it, and the file is sent to a server.",
        "Replace it with a made-up one, and revoke the real one.",
    ),
    "personal-data": _warning(
        "The text contains an e-mail address or a card number.",
        "The model may repeat it to others, and sending it to a server may be illegal.",
        "Replace it with a made-up one, such as name@example.com.",
    ),
    "length-outlier": _warning(
        "The answer is far longer or shorter than the others.",
        "Outliers are often export errors, and a long one costs as much as many others.",
        "Review the row; correct or remove it.",
        "length_spread",
    ),
    "over-context": _warning(
        "The row has more tokens than the model's context.",
        "Tokens beyond the context are truncated, often the answer.",
        "Shorten the row, or choose a model with a larger context.",
        "context",
    ),
    "duplicate-row": _warning(
        "The row is a duplicate of an earlier one, apart from capitals and spaces within lines.",
        "Duplicates get too much weight in training.",
        "Remove one of the two.",
    ),
    "near-duplicate": _warning(
        "The row is a near duplicate of an earlier one: only ordinary words differ.",
        "Duplicates get too much weight in training.",
        "Keep the better of the two.",
        "similarity",
    ),
    "contradiction": _warning(
        "The same input has a different output in an earlier row.",
        "The model cannot learn both, and learns to guess.",
        "Keep the better of the two.",
    ),
    "near-leak": _warning(
        "The row is a near duplicate of a row in the validation or test file.",
        "A score on rows similar to the training rows says little.",
        "Remove it from one of the two files.",
        "similarity",
    ),
    "leaked-row": _error(
        "The row is also in the validation or test file.",
        "A score on training rows says nothing.",
        "Remove it from one of the two files.",
    ),
}

GROUPS: Final[Mapping[str, Mapping[str, Kind]]] = {
    "The file": _FILE,
    "The line": _LINE,
    "Messages": _MESSAGES,
    "Tools": _TOOLS,
    "Preferences": _PREFERENCE,
    "Service rules": _PROVIDER,
    "Quality": _QUALITY,
}
"""The kinds by what they are about."""

KINDS: Final[Mapping[str, Kind]] = {
    code: kind for kinds in GROUPS.values() for code, kind in kinds.items()
}
"""Every kind of problem by its code; codes never change their meaning."""

SWITCHABLE: Final = frozenset(
    code
    for code, kind in KINDS.items()
    if kind.severity == "warning" or code in _PROVIDER or code in _QUALITY
) | {"too-few-examples", "file-too-large"}
"""Codes that may be switched off: everything but errors that make a row or file unreadable."""


def problem(
    code: str,
    line: int | None,
    where: str = "",
    message: str = "",
    severity: Severity | None = None,
) -> Problem:
    """A problem of a kind.

    Args:
        code: key of `KINDS`.
        line: number of the line, from 1; None for the file.
        where: the place in the row.
        message: what is wrong here; the kind's own sentence where empty.
        severity: where a service takes the kind more or less strictly than the table.
    """
    kind = KINDS[code]
    return Problem(line, code, severity or kind.severity, where, message or kind.what, kind.fix)


def quote(value: object, limit: int = 40) -> str:
    """A foreign value for a message: short, in quotes, on one line."""
    text = value if isinstance(value, str) else json.dumps(value, default=str)
    return f'"{text[:limit]}…"' if len(text) > limit else f'"{text}"'
