"""The host guard has one act: SIGTERM through a pidfd. Nothing else in its sources could end or change anything."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

SOURCE = Path(__file__).parents[2] / "src/watchkeeper"
GUARD = sorted(
    [
        *SOURCE.glob("domain/host_guard/*.py"),
        *SOURCE.glob("services/host_guard/*.py"),
        *SOURCE.glob("interfaces/cli/host*.py"),
        *SOURCE.glob("interfaces/api/host*.py"),
        SOURCE / "app/host_guard.py",
        SOURCE / "host/ending.py",
        SOURCE / "host/scan.py",
        SOURCE / "host/textfile.py",
    ]
)
THE_ACT = SOURCE / "host/ending.py"
WORDS = (
    "systemctl",
    "docker",
    "podman",
    "nginx",
    "kubectl",
    "iptables",
    "nft",
    "ufw",
    "service",
    "amtool",
    "sudo",
)
FORBIDDEN_MODULES = {"subprocess", "ctypes", "multiprocessing", "pty", "watchkeeper.host.signals"}
ENDING = {
    "kill",
    "killpg",
    "tgkill",
    "raise_signal",
    "pthread_kill",
    "pidfd_send_signal",
    "terminate",
    "send_signal",
}
STARTING = {"system", "popen", "execv", "execve", "execvp", "posix_spawn", "spawnv", "create_subprocess_exec"}


def calls(tree: ast.AST) -> Iterator[tuple[str, ast.Call]]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            yield (
                (node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")),
                node,
            )


def imports(tree: ast.AST) -> set[str]:
    found: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module is not None:
            found |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
    return found


@pytest.mark.parametrize("file", GUARD, ids=lambda file: str(file.relative_to(SOURCE)))
def test_no_source_of_the_guard_has_another_act(file: Path) -> None:
    """No other signal, no program started, no service, container, proxy, firewall or cluster spoken to."""
    tree = ast.parse(file.read_text(encoding="utf-8"))
    assert imports(tree) & FORBIDDEN_MODULES == set()
    names = {node.attr for node in ast.walk(tree) if isinstance(node, ast.Attribute)}
    names |= {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
    signals = {name for name in names if name.startswith("SIG") and name.isupper() and name != "SIGNAL"}
    called = {name for name, _ in calls(tree)}
    assert called & STARTING == set()
    if file == THE_ACT:
        assert called & ENDING == {"pidfd_send_signal"}
        assert signals == {"SIGTERM"}
    else:
        assert called & ENDING == set()
        assert signals == set()
    for name, call in calls(tree):
        said = " ".join(
            node.value
            for part in (*call.args, *(each.value for each in call.keywords))
            for node in ast.walk(part)
            if isinstance(node, ast.Constant) and isinstance(node.value, str)
        )
        is_a_sentence = name in {"Option", "Argument", "Typer", "declared"}
        assert is_a_sentence or not [word for word in WORDS if said.split()[:1] == [word]], (name, said)


def test_who_looks_afterwards_cannot_act() -> None:
    """The looks after an act are made by code that loads neither the act nor what carries it out."""
    for name in ("post_checks", "looking", "concluding", "write_back"):
        tree = ast.parse((SOURCE / f"services/host_guard/{name}.py").read_text(encoding="utf-8"))
        loaded = imports(tree)
        assert not [each for each in loaded if each.endswith((".ending", ".acting", ".signals"))], name


def test_the_act_is_in_one_place() -> None:
    """Only what carries an approved act out loads it."""
    users = {
        str(file.relative_to(SOURCE))
        for file in SOURCE.rglob("*.py")
        if "watchkeeper.host.ending" in imports(ast.parse(file.read_text(encoding="utf-8")))
    }
    assert users == {"services/host_guard/acting.py"}
