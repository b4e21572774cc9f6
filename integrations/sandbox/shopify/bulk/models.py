"""One bulk operation. Its result is kept beside it, in memory alone."""

from __future__ import annotations

from msgspec import Struct

RUNNING = frozenset({"CREATED", "RUNNING", "CANCELING"})


class BulkOperation(Struct):
    """``is_grouped``: children stand right below their parents in the result."""

    id: int
    query: str
    created_at: int
    status: str = "CREATED"
    type: str = "QUERY"
    completed_at: int | None = None
    error_code: str | None = None
    object_count: int = 0
    root_object_count: int = 0
    file_size: int | None = None
    url: str | None = None
    partial_data_url: str | None = None
    is_grouped: bool = True
