"""Agent sessions: which there are, and one as it happens: what it says and does, its clocks, its cost."""

from watchkeeper.interfaces.console.acts.sessions import ACTS
from watchkeeper.interfaces.console.ground import Family, Page
from watchkeeper.interfaces.console.pages.sessions.listing import sessions
from watchkeeper.interfaces.console.pages.sessions.session import session

FAMILY = Family("sessions", (Page("/sessions", sessions), Page("/sessions/{session}", session)), ACTS)
