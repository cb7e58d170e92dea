"""Watchkeeper's MCP servers: the contract for an agent inside its job, and the desk of a person's own agent."""
