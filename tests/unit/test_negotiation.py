import pytest

from service.negotiation import best_of

OFFERED = ("application/json", "text/csv")


@pytest.mark.parametrize(
    ("accept", "chosen"),
    [
        ("*/*", "application/json"),
        ("", "application/json"),
        ("text/csv", "text/csv"),
        ("TEXT/CSV; charset=utf-8", "text/csv"),
        ("text/*", "text/csv"),
        ("text/csv;q=0.5, application/json;q=0.4", "text/csv"),
        ("text/csv;q=0.5, */*;q=0.4", "text/csv"),
        ("application/json;q=0, */*", "text/csv"),
        ("image/png", None),
        ("text/csv;q=0", None),
        ("text/csv;q=high", None),
    ],
)
def test_the_best_offered_type_wins(accept: str, chosen: str | None) -> None:
    assert best_of(accept, OFFERED) == chosen
