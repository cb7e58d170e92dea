"""Files of jobs.

Written by scripts/python_client.py from docs/reference/openapi.json.
"""

from __future__ import annotations

from typing import TypedDict, Unpack

from watchkeeper.client.calling import Group, Operation


class ArtifactsDownloadSaid(TypedDict, total=False):
    project: str


_DOWNLOAD = Operation("GET", "/api/artifacts/{artifact_id}")


class ArtifactsGroup(Group):
    """Files of jobs."""

    def download(self, artifact_id: str, **said: Unpack[ArtifactsDownloadSaid]) -> bytes:
        """Give an artifact's bytes, with the hash that was recorded as ETag."""
        return self._connection.content(_DOWNLOAD, {"artifact_id": artifact_id}, said)
