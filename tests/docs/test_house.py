"""Files tell one story and functions fit on a screen: the two house rules that no linter of ours knows."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[2]
MOST_LINES_OF_A_FILE = 300
MOST_LINES_OF_A_FUNCTION = 40
# What was released is history: a migration stays as it was written.
HISTORY = ROOT / "src" / "watchkeeper" / "storage" / "sql" / "migrations"


def files(suffix: str) -> Iterator[Path]:
    for folder in ("src", "tests", "bench", "soak"):
        for file in sorted((ROOT / folder).rglob(f"*{suffix}")):
            if HISTORY not in file.parents:
                yield file


def long_functions(source: str) -> Iterator[tuple[str, int]]:
    """Give each function over the limit; of a command, whose signature is its options, the body is counted alone."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            lines = (node.end_lineno or node.lineno) - node.lineno + 1
            if lines > MOST_LINES_OF_A_FUNCTION and "typer." in ast.unparse(node.args):
                lines -= node.body[0].lineno - node.lineno
            if lines > MOST_LINES_OF_A_FUNCTION:
                yield node.name, lines


def test_no_file_is_longer_than_one_story() -> None:
    """Python and SQL files have 300 lines at most, migrations apart."""
    found = [*files(".py"), *files(".sql")]
    assert len(found) > 300
    lengths = {file: file.read_bytes().count(b"\n") for file in found}
    long = {str(file.relative_to(ROOT)): n for file, n in lengths.items() if n > MOST_LINES_OF_A_FILE}
    assert long == {}


def test_no_function_is_longer_than_a_screen() -> None:
    """Functions have 40 lines at most, decorators apart; a command's signature is not counted."""
    long = {
        f"{file.relative_to(ROOT)}:{name}": lines
        for file in files(".py")
        for name, lines in long_functions(file.read_text(encoding="utf-8"))
    }
    assert long == {}


def test_a_command_may_have_many_options() -> None:
    """The signature of a command is left out of the count; its body, and any other signature, are not."""
    numbers = "".join(f"    option{n}: int,\n" for n in range(50))
    options = numbers.replace("int", "Annotated[int, typer.Option()]")
    body = "    pass\n" * 41
    assert list(long_functions(f"def make(\n{options}) -> None:\n    pass\n")) == []
    assert list(long_functions(f"def make(\n{options}) -> None:\n{body}")) == [("make", 41)]
    assert list(long_functions(f"def make(\n{numbers}) -> None:\n    pass\n")) == [("make", 53)]
