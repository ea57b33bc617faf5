"""Write problem_codes.md anew from the tables of the rules.

python docs/write_problem_codes.py
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from tui.domain.rows.check_options import DEFAULT_OPTIONS, LIMITS
from tui.domain.rows.problems import GROUPS, KINDS, SWITCHABLE, Kind
from tui.domain.rules.providers import SERVICES, Service

PAGE = Path(__file__).with_name("problem_codes.md")

HEAD = """\
# The codes of problems

Written by `docs/write_problem_codes.py` from the tables in `tui/domain`; do not edit it by hand.

`ftui check FILE` tells every problem of every row: the line, the place in the row, what is wrong
and what to do. An *error* makes a row or file unusable, a *warning* does not. A code never changes
its meaning, so scripts can rely on it.

Codes marked *off* can be switched off, limits can be set: for good in the config file, or once with
flags. Whose rules apply decides a few severities and limits (see the last section).

```toml
[check]
off = ["personal-data", "output-too-long"]
rules_of = "openai"
longest_output = 8000
```

```sh
ftui check FILE --off personal-data,output-too-long --rules-of openai --limit longest_output=8000
```
"""


def page() -> str:
    """The whole page."""
    parts = [HEAD, *(_group(name, kinds) for name, kinds in GROUPS.items()), _limits(), _services()]
    return "\n".join(parts)


def _group(name: str, kinds: Mapping[str, Kind]) -> str:
    rows = (
        (f"`{code}`", kind.severity, kind.what, kind.why, kind.fix, _switch(code, kind))
        for code, kind in kinds.items()
    )
    return _table(name, ("code", "severity", "what", "why", "fix", "switch, limit"), rows)


def _switch(code: str, kind: Kind) -> str:
    limit = f"`{kind.limit}`" if kind.limit else ""
    return ", ".join(filter(None, ("off" if code in SWITCHABLE else "", limit)))


def _limits() -> str:
    rows = (
        (
            f"`{name}`",
            f"{getattr(DEFAULT_OPTIONS, name):,}",
            ", ".join(f"`{code}`" for code, kind in KINDS.items() if kind.limit == name),
        )
        for name in LIMITS
    )
    return _table("Limits", ("limit", "default", "decides"), rows)


def _services() -> str:
    rows = (
        (f"`{name}`", service.name, _size(service), "; ".join(_wishes(service)))
        for name, service in SERVICES.items()
    )
    return _table("Services", ("rules_of", "service", "largest file", "differs in"), rows)


def _size(service: Service) -> str:
    return f"{service.largest_file // 1_000_000:,} MB" if service.largest_file else "any"


def _wishes(service: Service) -> Iterator[str]:
    for code, severity in service.severities.items():
        yield f"`{code}` is {'an error' if severity == 'error' else 'a warning'}"
    unknown = SERVICES["openai"].roles - service.roles
    if unknown:
        yield f"no roles {' and '.join(sorted(unknown))}"
    if service.most_tools:
        yield f"at most {service.most_tools} functions an example"
    if service.described_tools:
        yield "functions need a description and parameters"
    if service.one_answer:
        yield "one message an answer of a preference row"
    if service.images == "inline":
        yield "images as base64 only"
    if service.images == "none":
        yield "text only"


def _table(title: str, heads: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    names = list(heads)
    lines = [f"## {title}", "", _line(names), _line("---" for _ in names), *map(_line, rows)]
    return "\n".join(lines) + "\n"


def _line(cells: Iterable[str]) -> str:
    return f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |"


def main() -> None:
    """Write the page."""
    PAGE.write_text(page(), encoding="utf-8")


if __name__ == "__main__":
    main()
