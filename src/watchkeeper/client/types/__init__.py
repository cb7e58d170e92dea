"""The types of each group, written by scripts/python_client.py."""
