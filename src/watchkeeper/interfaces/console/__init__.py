"""The console for people: pages rendered by the server, kept fresh by one small script, useful without it."""

from watchkeeper.interfaces.console.pages import create_console, session_reader

__all__ = ["create_console", "session_reader"]
