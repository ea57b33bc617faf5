"""Test modules import neither torch nor transformers when they are collected."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator
from pathlib import Path

ROOT = Path(__file__).parents[2]
HEAVY = {"torch", "transformers", "trl", "peft", "datasets", "accelerate"}


def imported_at_load(path: Path) -> set[str]:
    """The modules, and names in modules, that a file imports when it is loaded itself."""
    return set(_imports(ast.parse(path.read_text()).body))


def _imports(statements: Iterable[ast.stmt]) -> Iterator[str]:
    for statement in statements:
        match statement:
            case ast.Import(names=names):
                yield from (alias.name for alias in names)
            case ast.ImportFrom(module=str(module), names=names):
                yield module
                yield from (f"{module}.{alias.name}" for alias in names)
            case ast.If(test=ast.Name(id="TYPE_CHECKING")):
                continue
            case ast.If() | ast.Try() | ast.With() | ast.ClassDef():
                yield from _imports(statement.body)


def is_heavy(name: str) -> bool:
    return name.partition(".")[0] in HEAVY


def test_no_test_module_imports_heavy_libraries_at_its_top() -> None:
    modules = {
        ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__"): (
            imported_at_load(path)
        )
        for path in (ROOT / "tui").rglob("*.py")
    }
    heavy = {name for name, imports in modules.items() if any(map(is_heavy, imports))}
    while added := {name for name, imports in modules.items() if imports & heavy} - heavy:
        heavy |= added
    assert "tui.engine.training.run" in heavy
    offenders = {}
    for path in (ROOT / "tests").rglob("*.py"):
        imports = imported_at_load(path)
        if culprits := imports & heavy | set(filter(is_heavy, imports)):
            offenders[str(path.relative_to(ROOT))] = sorted(culprits)
    assert offenders == {}
