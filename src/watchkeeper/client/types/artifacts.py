"""Types: Files of jobs.

Written by scripts/python_client.py from docs/reference/openapi.json.
"""

from __future__ import annotations
