"""How long lists are handed out: so many rows a page, each page with the cursor that leads to the next."""

from __future__ import annotations

from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import Path, Query
from pydantic import BeforeValidator

from watchkeeper.domain.errors import NotFound
from watchkeeper.services.operations import as_uuid

MAX_PAGE = 1000

Format = Annotated[Literal["json", "csv"], Query(alias="format", description="csv: its table alone.")]
Limit = Annotated[int, Query(ge=1, le=MAX_PAGE, description="Rows a page.")]
AfterName = Annotated[
    str | None, Query(alias="cursor", max_length=200, description="`next_cursor` of the page before.")
]
AfterId = Annotated[UUID | None, Query(alias="cursor", description="`next_cursor` of the page before.")]


def _item_id(given: Any) -> UUID:
    if (found := as_uuid(str(given))) is None:
        raise NotFound
    return found


ItemId = Annotated[UUID, BeforeValidator(_item_id), Path(description="The id; what is none names nothing.")]
