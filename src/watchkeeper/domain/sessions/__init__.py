"""What is known of an agent's session, and what that means: no I/O, no clock."""
