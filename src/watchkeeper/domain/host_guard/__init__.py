"""The host guard's judgement, pure: what processes of a machine are, whose they are, and what may be said of them."""
