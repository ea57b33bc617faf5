"""Rows of chat files for tests."""

from __future__ import annotations


def chat_row(question: str, answer: str, **more: object) -> dict[str, object]:
    """One training example: a question and its answer."""
    return {
        "messages": [
            {"role": "user", "content": question},
            {"role": "assistant", "content": answer},
        ],
        **more,
    }


def good_rows(count: int = 12) -> list[dict[str, object]]:
    """Examples without a problem, each different from the others."""
    return [
        chat_row(f"What is {n} plus {n}?", f"The answer to that is {2 * n}, as always.")
        for n in range(count)
    ]


def pair_rows(count: int = 12) -> list[dict[str, object]]:
    """Preference rows without a problem, each different from the others."""
    return [
        {
            "input": {"messages": [{"role": "user", "content": f"What is {n} plus {n}?"}]},
            "preferred_output": [{"role": "assistant", "content": f"The answer is {2 * n}."}],
            "non_preferred_output": [{"role": "assistant", "content": f"Who knows, {n} maybe?"}],
        }
        for n in range(count)
    ]
