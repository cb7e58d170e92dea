"""One module for each group of operations, written by scripts/python_client.py."""
