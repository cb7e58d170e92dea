"""The file list of a foreign page that was fetched. What lists look like is domain/foreign_lists.py."""

from __future__ import annotations

from watchkeeper.domain.foreign_addresses import ForeignUrl
from watchkeeper.domain.foreign_lists import FileList, read_list
from watchkeeper.services.fetch import Fetched, Fetching


async def list_files(fetching: Fetching, page: Fetched) -> FileList | None:
    """Read the file list of a page; None where none can be had. Fetches none of the files."""
    text = await fetching.text(page) if page.status == 200 else None
    if text is None:
        return None
    return await fetching.in_time(read_list, ForeignUrl.parse(page.url), page.media_type, text)
