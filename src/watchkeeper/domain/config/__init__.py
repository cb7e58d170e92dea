"""The sections of a config document: what each may say, and what it means."""
