"""Should you fine-tune at all? Answer the questions and get a verdict with its reasons.

With --answers the answers come from a file (YAML or JSON), such as
{reason: format_reliability, step_1: yes, step_2: unsure}; otherwise ftui asks them here.
Exit code 0: fine-tune; 1: do not, or not yet.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from tui.commands.console.interruption import interruptible
from tui.commands.console.output import EXIT_NO, EXIT_OK, add_json_flag, emit, print_message, show
from tui.services.errors import InputError

if TYPE_CHECKING:
    from tui.domain.decision.framework import Framework
    from tui.domain.decision.verdict import Answers, Decision
    from tui.services.container import Services


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the flags."""
    parser.add_argument("--answers", type=Path, metavar="F", help="file with the answers")
    parser.add_argument("--framework", type=Path, metavar="F", help="your own framework")
    add_json_flag(parser)


async def run(flags: argparse.Namespace, services: Services) -> int:
    """Decide, save the decision in the workspace, print it."""
    from tui.domain.decision.verdict import Verdict, decide

    framework = await services.decisions.framework(flags.framework)
    if flags.answers:
        answers = await services.decisions.answers(flags.answers, framework)
    else:
        with interruptible():
            answers = ask_all(framework)
    decision = decide(framework, answers)
    await services.decisions.save(answers, decision)
    if flags.json:
        emit(as_json(decision))
    else:
        _show(decision, framework)
    return EXIT_OK if decision.verdict is Verdict.FINE_TUNE else EXIT_NO


def as_json(decision: Decision) -> dict[str, object]:
    """The decision as `--json` prints it."""
    return {
        "verdict": decision.verdict.value,
        "strength": decision.strength.value,
        "reasons": decision.reasons,
        "would_change": [change.text for change in decision.would_change],
        "next": decision.next,
    }


def ask_all(framework: Framework) -> Answers:
    """Ask every question on the terminal.

    Raises:
        InputError: standard input is not a terminal, or it ended before the last answer.
    """
    from tui.domain.decision.verdict import Answers, question_keys

    if not sys.stdin.isatty():
        raise InputError(
            "Standard input is not a terminal.", "Use a file with the answers: --answers F."
        )
    if framework.introduction:
        print_message(framework.introduction)
    answers = Answers()
    for key in question_keys(framework):
        answers = _ask(framework, key, answers)
    return answers


def _ask(framework: Framework, key: str, answers: Answers) -> Answers:
    from tui.domain.decision.verdict import REASON
    from tui.services.decision.decisions import parse_answers

    _print_question(framework, key)
    while True:
        sys.stderr.write("> ")
        sys.stderr.flush()
        line = sys.stdin.readline()
        if not line:
            raise InputError("The input ended before the last question.", "Use --answers F.")
        text = line.strip()
        reasons = [*framework.good_reasons, *framework.bad_reasons, "unsure"]
        if key == REASON and text.isdigit() and 1 <= int(text) <= len(reasons):
            text = reasons[int(text) - 1]
        try:
            answer = parse_answers({key: text}, framework).of(key)
        except ValueError as error:
            print_message(str(error))
            continue
        return answers.with_answer(key, str(answer))


def _print_question(framework: Framework, key: str) -> None:
    from tui.domain.decision.verdict import REASON, question_text

    print_message(f"\n{question_text(framework, key)}")
    if key == REASON:
        meanings = [
            *(f"{name}: {reason.description}" for name, reason in framework.good_reasons.items()),
            *(f"{name}: {bad.problem}" for name, bad in framework.bad_reasons.items()),
            "unsure",
        ]
        print_message("\n".join(f"  {index} {what}" for index, what in enumerate(meanings, 1)))
        print_message("Answer with a number or a name.")
        return
    step = framework.steps[key]
    for title, text in (("Why we ask", step.why), ("Test it", step.test)):
        if text:
            print_message(f"  {title}: {text}")
    print_message("Answer yes, no or unsure.")


def _show(decision: Decision, framework: Framework) -> None:
    show(f"{decision.verdict.value.capitalize()} ({decision.strength.value}).")
    for title, lines in (
        ("Because", decision.reasons),
        ("Would change it", [change.text for change in decision.would_change]),
        ("Next", [decision.next]),
        ("Keep in mind", framework.takeaways),
    ):
        if lines:
            show(f"\n{title}")
            show("\n".join(f"  {line}" for line in lines))
    if framework.motto:
        show(f"\n{framework.motto}")
