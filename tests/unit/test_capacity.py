import pytest
from capacity import HOUR_S, erlang_c, least, need


def test_one_server_waits_as_often_as_it_is_busy() -> None:
    assert erlang_c(1, 0.7) == pytest.approx(0.7)


def test_erlang_c_has_its_tabled_value() -> None:
    # Two servers offered one Erlang: 1/3.
    assert erlang_c(2, 1.0) == pytest.approx(1 / 3)


def test_mean_wait_of_one_server_is_pollaczek_khinchines() -> None:
    per_hour, service_s, cv = 0.5 * HOUR_S, 1.0, 0.0  # half the time busy, constant service
    assert need(per_hour, service_s, cv, workers=1).mean_wait_s == pytest.approx(0.5)
    assert need(per_hour, service_s, 1.0, workers=1).mean_wait_s == pytest.approx(1.0)


@pytest.mark.parametrize("per_hour", [1, 1000, 50_000])
def test_the_least_number_is_enough_and_one_fewer_is_not(per_hour: float) -> None:
    found = least(per_hour, seconds_per_clip=2.0, cv=0.5, wait_s=5.0, busy=0.8)
    assert found.mean_wait_s <= 5
    assert found.busy <= 0.8
    if found.workers > 1:
        offered = per_hour / HOUR_S * 2.0
        fewer = found.workers - 1
        assert offered / fewer > 0.8 or need(per_hour, 2.0, 0.5, fewer).mean_wait_s > 5
