"""The supervisor of agent sessions, in parts; `services.supervise` puts them together."""
