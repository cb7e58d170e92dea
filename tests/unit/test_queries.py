"""The named queries: each name belongs to one text."""

from watchkeeper.storage.queries import query


def test_every_query_has_a_name_of_its_own() -> None:
    """Two files that name a query alike are told apart before anything asks a database."""
    assert query("claim").startswith("WITH")
