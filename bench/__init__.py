"""Measures Watchkeeper, and the fastest peer beside it in the same run. `python -m bench --help` says how."""
