"""The console for people: pages rendered by the server, kept fresh by one small script, useful without it."""

from watchkeeper.interfaces.console.router import add_console, session_reader

__all__ = ["add_console", "session_reader"]
