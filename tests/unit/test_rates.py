import pytest

from service.store.rates import parse_rate, rate_text


@pytest.mark.parametrize(
    ("text", "amount", "seconds", "shown"),
    [
        ("600/minute", 600, 60, "600/minute"),
        ("20 per 10 seconds", 20, 10, "20/10 second"),
        ("1/day", 1, 86_400, "1/day"),
        ("100000/24hours", 100_000, 86_400, "100000/24 hour"),
    ],
)
def test_rates_are_read_and_shown(text: str, amount: int, seconds: int, shown: str) -> None:
    rate = parse_rate(text)
    assert (rate.amount, rate.get_expiry()) == (amount, seconds)
    assert rate_text(rate) == shown
    assert parse_rate(shown) == rate


@pytest.mark.parametrize(
    "text",
    [
        "",
        "600",
        "minute",
        "0/minute",
        "-1/minute",
        "1.5/minute",
        "5/fortnight",
        "5/year",
        "5/25hours",
        "100001/hour",
        "5/minute;100/hour",
    ],
)
def test_what_is_no_rate_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        parse_rate(text)
