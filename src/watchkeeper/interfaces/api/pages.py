"""How long lists are handed out: so many rows a page, each page with the cursor that leads to the next."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from fastapi import Query

MAX_PAGE = 1000

Limit = Annotated[int, Query(ge=1, le=MAX_PAGE, description="Rows a page.")]
AfterName = Annotated[
    str | None, Query(alias="cursor", max_length=200, description="`next_cursor` of the page before.")
]
AfterId = Annotated[UUID | None, Query(alias="cursor", description="`next_cursor` of the page before.")]
