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


_REFUSED = "Training services refuse a file with such a row."

_FILE: Final = {
    "empty-file": _error(
        "The file holds no rows.", "There is nothing to learn from.", "Put examples into it."
    ),
    "too-few-examples": _error(
        "The file has fewer than 10 examples.",
        "OpenAI refuses fewer than 10; improvement is seen from 50 to 100.",
        "Add examples: at least 10, better 50.",
        "fewest_examples",
    ),
    "few-examples": _warning(
        "The file has few examples.",
        "Improvement is seen from 50 to 100 good examples on.",
        "Add examples; if 50 good ones do not help, think again before adding more.",
        "few_examples",
    ),
    "file-too-large": _error(
        "The file is larger than the service takes.",
        "The service refuses it after the whole upload.",
        "Leave out the weaker examples: a few hundred good ones beat thousands of poor ones.",
    ),
    "truncated-container": _error(
        "The file ends before it is complete.",
        "Rows are missing at its end; those before it are shown.",
        "Download or export it again.",
    ),
    "mixed-formats": _error(
        "The file mixes rows of different formats.",
        "A training file has one format.",
        "Split the file, or convert the rows to one format.",
    ),
    "needs-conversion": _warning(
        "The rows are not chat examples yet.",
        "A model is trained on conversations.",
        "Convert them with `ftui prepare FILE -o OUT`.",
    ),
    "unconvertible-format": _error(
        "The rows are of a format that cannot be made into training examples.",
        "What a training example needs is not in them.",
        "Take another export of the data, or write the missing part.",
    ),
    "unknown-format": _error(
        "The rows are objects of no format that ftui knows.",
        "Without `messages` or a known pair of keys nobody can tell question from answer.",
        "Give each row `messages`, or `input` and `ideal_output`.",
    ),
    "several-system-prompts": _warning(
        "The rows have different system prompts.",
        "The model learns one task a prompt, and answers badly to any other prompt.",
        "Use one system prompt, the one that will be sent after training.",
        "system_prompts",
    ),
    "many-refusals": _warning(
        "A large share of the answers are refusals.",
        "A model that is taught to refuse often refuses what it should answer.",
        "Leave out refusals until their share is the one that is wanted.",
        "refusal_share",
    ),
    "needs-validation": _warning(
        "Reinforcement needs a validation file too.",
        "OpenAI takes no reinforcement job without one.",
        "Give a second file of the same format: --validation FILE.",
    ),
    "shared-rows": _warning(
        "Rows of the validation file stand in the test file too, or nearly.",
        "What was chosen by the validation file looks better on the test file than it is.",
        "Remove them from one of the two files.",
    ),
}

_LINE: Final = {
    "not-utf8": _error(
        "The line is not valid UTF-8.", _REFUSED, "Save the file as UTF-8 from its source."
    ),
    "byte-order-mark": _warning(
        "The file begins with a byte order mark.",
        "Some services cannot read the first row then.",
        "Save the file as UTF-8 without a byte order mark.",
    ),
    "not-json": _error(
        "The line is not JSON.", _REFUSED, "Write one complete JSON object on the line."
    ),
    "not-a-number": _error(
        "The row holds NaN or Infinity, which JSON does not know.",
        _REFUSED,
        "Put a number or null in its place.",
    ),
    "lone-surrogate": _error(
        "The row holds half of a surrogate pair, which is no character.",
        _REFUSED,
        "Remove the broken \\u escape or complete the pair.",
    ),
    "duplicate-key": _error(
        "A key stands twice in one object.",
        "Readers keep one of the two values, and not all the same one.",
        "Remove one of them.",
    ),
    "not-object": _error(
        "The line is JSON, but not an object.", _REFUSED, 'Write an object: {"messages": [...]}.'
    ),
    "unknown-field": _warning(
        "The row has a field that the format does not know.",
        "Some services refuse further fields.",
        "Remove the field.",
    ),
    "missing-field": _error(
        "A field that the format needs is missing.", _REFUSED, "Add the field."
    ),
    "bad-field": _error(
        "A field has a value of the wrong type.", _REFUSED, "Give it a value of the right type."
    ),
    "other-format": _error(
        "The row has another format than the rest of the file.",
        "A training file has one format.",
        "Convert the row, or move it to a file of its own.",
    ),
    "ragged-row": _error(
        "The record has more cells than the header has names.",
        "Nobody can tell which cell belongs to which name.",
        "Put cells that hold the separator or a line break into quotes.",
    ),
}

_MESSAGES: Final = {
    "no-messages": _error(
        "The row has no messages.", "There is nothing to learn from.", "Add a list `messages`."
    ),
    "message-not-object": _error(
        "A message is not an object.", _REFUSED, 'Write {"role": ..., "content": ...}.'
    ),
    "missing-role": _error(
        "A message has no role.",
        "Nobody can tell who says it.",
        "Add a role: system, user, assistant or tool.",
    ),
    "unknown-role": _error(
        "A message has a role that does not exist.",
        _REFUSED,
        "Use one of system, user, assistant, tool.",
    ),
    "unknown-key": _error(
        "A message has a key that the format does not know.", _REFUSED, "Remove the key."
    ),
    "no-assistant": _error(
        "No message is the assistant's.",
        "A model learns from the assistant's messages.",
        "Add the answer that the model shall give, or remove the row.",
    ),
    "no-user": _warning(
        "No message is the user's.",
        "The model learns to speak without being asked.",
        "Add what the user says.",
    ),
    "last-not-assistant": _warning(
        "The example does not end with the assistant.",
        "What stands after the assistant's last message is not learned.",
        "Add the assistant's answer, or remove what follows its last one.",
    ),
    "not-alternating": _warning(
        "Two messages of the same role follow each other.",
        "Several models' chat templates refuse that.",
        "Join the two messages, or add the one that is missing between them.",
    ),
    "system-not-first": _warning(
        "A system message is not the first message.",
        "Most models' chat templates take it only at the beginning.",
        "Move it to the beginning.",
    ),
    "missing-content": _error(
        "A message has no content.", _REFUSED, "Add the text, or tool_calls for the assistant."
    ),
    "empty-content": _error(
        "A message is empty.", "An empty message teaches nothing.", "Write the text."
    ),
    "empty-system": _warning(
        "The system message is empty.", "It has no effect.", "Write it or remove it."
    ),
    "bad-content": _error(
        "The content is neither text nor a list of parts.", _REFUSED, "Make it a string."
    ),
    "bad-part": _error(
        "A part of the content is not a known one.",
        _REFUSED,
        'Write {"type": "text", "text": ...}; images only in the user\'s messages.',
    ),
    "bad-weight": _error(
        "A weight is not one that the format allows.",
        _REFUSED,
        "Use 0 or 1, on the assistant's messages only.",
    ),
    "nothing-to-learn": _error(
        "Every assistant message has the weight 0.",
        "Messages of weight 0 are not learned.",
        "Give the message that shall be learned the weight 1.",
    ),
    "bad-name": _error("A name is not text.", _REFUSED, "Make it a string or remove it."),
}

_TOOLS: Final = {
    "bad-tools": _error(
        "The declarations of tools cannot be used.",
        _REFUSED,
        'Write a list of {"type": "function", "function": {"name": ..., "parameters": {...}}}.',
    ),
    "bad-tool-call": _error(
        "A tool call is not complete.",
        _REFUSED,
        'Write {"id": ..., "type": "function", "function": {"name": ..., "arguments": "..."}}.',
    ),
    "tool-call-on-wrong-role": _error(
        "A message that is not the assistant's calls a tool.",
        "Only the assistant calls tools.",
        "Move the call to an assistant message.",
    ),
    "tool-arguments-not-string": _error(
        "The arguments of a call are not a string.",
        "OpenAI's format wants them as JSON inside a string.",
        "Write the arguments as a JSON string.",
    ),
    "tool-arguments-not-json": _error(
        "The arguments of a call are not JSON.",
        "The model learns to call tools with arguments that cannot be read.",
        "Write the arguments as a JSON object inside the string.",
    ),
    "tool-call-without-answer": _error(
        "A tool call is not answered before the conversation goes on.",
        _REFUSED,
        "Add a tool message with its tool_call_id right after it.",
    ),
    "tool-without-call": _error(
        "A tool message answers a call that was not made.",
        _REFUSED,
        "Give it the tool_call_id of a call made before it.",
    ),
    "missing-tool-call-id": _error(
        "A tool message has no tool_call_id.",
        "Nobody can tell which call it answers.",
        "Add the id of the call.",
    ),
    "duplicate-tool-call-id": _error(
        "Two tool calls have the same id.",
        "Nobody can tell which of them is answered.",
        "Give each call an id of its own.",
    ),
    "unknown-tool": _warning(
        "A call names a function that the row's tools do not declare.",
        "The model learns to call what does not exist.",
        "Declare the function in `tools`, or correct the name.",
    ),
}

_PROVIDER: Final = {
    "bad-image": _error(
        "An image cannot be used.",
        "Services take JPEG, PNG and WEBP of at most 10 MB.",
        "Give an https address, or data:image/png;base64,... of a smaller image.",
    ),
    "too-many-images": _error(
        "The row has more than 10 images.",
        "Services take at most 10 images an example.",
        "Split the example, or leave out images.",
    ),
    "unsupported-part": _error(
        "A part of the content is of a kind that the service cannot learn from.",
        "The local engine learns from text alone.",
        "Leave out the row, or train it where images and sound are taken.",
    ),
    "bad-tool-name": _error(
        "The name of a function has other characters than services take.",
        "Names have letters, digits, _ and - only, 64 at the most.",
        "Rename the function in the declaration and in every call.",
    ),
    "missing-tool-description": _error(
        "A declared function has no description or no parameters.",
        "Mistral refuses declarations that lack one of them.",
        "Add `description` and `parameters` to the function.",
    ),
    "too-many-tools": _error(
        "The row declares more than 128 functions.",
        "OpenAI takes at most 128 functions an example.",
        "Declare only the functions that the example needs.",
    ),
    "deprecated-key": _warning(
        "The row uses the deprecated form of tool calls.",
        "Newer models and most services know `tools` and `tool_calls` only.",
        "Write `tools` for `functions`, `tool_calls` for `function_call`, tool for function.",
    ),
    "prompt-not-asking": _warning(
        "The prompt of a preference row does not end with the user or a tool.",
        "Both answers then follow an answer, which no conversation does.",
        "End `input.messages` with what the two answers reply to.",
    ),
}

_PREFERENCE: Final = {
    "bad-preference": _error(
        "An answer of a preference row cannot be used.",
        _REFUSED,
        "Give both answers as lists of assistant or tool messages.",
    ),
    "same-preference": _error(
        "The better and the worse answer are the same.",
        "There is nothing to prefer.",
        "Give two different answers, or remove the row.",
    ),
}

_QUALITY: Final = {
    "output-too-short": _warning(
        "The answer has 10 characters or fewer.",
        "So little text rarely shows how to answer.",
        "Write the whole answer, or leave it if answers are meant to be this short.",
        "shortest_output",
    ),
    "output-too-long": _warning(
        "The answer has 2,000 characters or more.",
        "Long answers cost most of the training and may be cut.",
        "Shorten the answer or split the example.",
        "longest_output",
    ),
    "refusal": _warning(
        "The answer is a refusal or boilerplate.",
        "A model that sees many refusals refuses too much.",
        "Write the answer that is wanted, or remove the row.",
    ),
    "placeholder": _warning(
        "The answer holds a placeholder.",
        "The model learns to write the placeholder.",
        "Put the real text in its place.",
    ),
    "truncated-output": _warning(
        "The answer looks cut off.",
        "The model learns to stop in the middle.",
        "Complete the answer, or remove the row.",
    ),
    "encoding-damage": _warning(
        "The text holds damaged characters.",
        "The text was decoded with the wrong encoding, and the model learns the damage.",
        "Take the text from its source again, as UTF-8.",
    ),
    "control-characters": _warning(
        "The text holds control, zero-width or direction characters.",
        "They are invisible, and the model learns to write them.",
        "Remove them.",
    ),
    "outer-whitespace": _warning(
        "The answer begins or ends with white space.",
        "The model learns to write it, and comparing answers fails on it.",
        "Strip it.",
    ),
    "secret": _warning(
        "The text holds what looks like a key or password.",
        "Whoever can ask the model may get it out again, and the file is sent to a server.",
        "Replace it with an invented one, and withdraw the real one.",
    ),
    "personal-data": _warning(
        "The text holds an e-mail address or a card number.",
        "The model may repeat it to others, and law may forbid to send it to a server.",
        "Replace it with an invented one, such as name@example.com.",
    ),
    "length-outlier": _warning(
        "The answer is far longer or shorter than those of the other rows.",
        "Outliers are often mistakes of an export, and a long one costs as much as many others.",
        "Look at the row: correct it, or remove it.",
        "length_spread",
    ),
    "over-context": _warning(
        "The row has more tokens than the model reads.",
        "What is beyond the context is cut, and often that is the answer.",
        "Shorten the row, or choose a model with a larger context.",
        "context",
    ),
    "duplicate-row": _warning(
        "The row stands in the file already.",
        "What stands twice is learned twice as hard.",
        "Remove one of the two.",
    ),
    "near-duplicate": _warning(
        "The row is nearly the same as an earlier one.",
        "What stands twice is learned twice as hard.",
        "Keep the better of the two.",
        "similarity",
    ),
    "contradiction": _warning(
        "The same input has another output in an earlier row.",
        "The model cannot learn both, and learns to guess.",
        "Keep the better of the two.",
    ),
    "near-leak": _warning(
        "The row is nearly the same as one of the other file.",
        "A score on rows like those that were trained on says little.",
        "Remove it from one of the two files.",
        "similarity",
    ),
    "leaked-row": _error(
        "The row stands in the validation or test file too.",
        "A score on rows that were trained on says nothing.",
        "Remove it from one of the two files.",
    ),
}

GROUPS: Final[Mapping[str, Mapping[str, Kind]]] = {
    "The file": _FILE,
    "The line": _LINE,
    "Messages": _MESSAGES,
    "Tools": _TOOLS,
    "Preferences": _PREFERENCE,
    "Rules of services": _PROVIDER,
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
