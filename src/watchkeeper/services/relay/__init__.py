"""Guarding somebody else's helper: the decisions of domain/heartbeat.py performed with processes, files and HTTP."""
