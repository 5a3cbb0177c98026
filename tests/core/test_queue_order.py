"""Test which waiting training starts next, and the forecast of all starts."""

from charrnn.core.queue_order import Capacity, Load, forecast, next_to_start

GB = 10**9


def load(name: str, seconds: float = 60, *, owner: str = "", memory: float = 0, priority: int = 0) -> Load:
    return Load(name, owner, memory, seconds, priority)


def chosen(waiting: list[Load], running: list[Load], capacity: Capacity, starts: dict[str, float] | None = None) -> str:
    found = next_to_start(waiting, running, starts or {}, capacity)
    return found.id if found else ""


def order(waiting: list[Load], running: list[Load], capacity: Capacity, starts: dict[str, float] | None = None) -> list:
    return [(each.id, round(seconds)) for each, seconds in forecast(waiting, running, starts or {}, capacity)]


def test_trainings_start_in_their_order_while_there_are_slots() -> None:
    waiting, one = [load("a"), load("b")], [load("running")]
    assert chosen(waiting, one, Capacity(2)) == "a"
    assert chosen(waiting, one, Capacity(1)) == ""
    assert chosen(waiting, one * 50, Capacity()) == "a"
    assert chosen([], [], Capacity(2)) == ""


def test_owners_take_turns() -> None:
    waiting = [load(f"ada {n}", owner="ada") for n in range(3)] + [load(f"bob {n}", owner="bob") for n in range(2)]
    planned = order(waiting, [], Capacity(1))
    assert planned == [("ada 0", 0), ("bob 0", 60), ("ada 1", 120), ("bob 1", 180), ("ada 2", 240)]


def test_the_owner_whose_last_training_started_first_is_next() -> None:
    waiting = [load("ada", owner="ada"), load("bob", owner="bob")]
    assert chosen(waiting, [], Capacity(1), {"ada": -5, "bob": -9}) == "bob"
    assert chosen(waiting, [], Capacity(1), {"ada": -5}) == "bob"


def test_the_owner_with_fewer_running_trainings_is_next() -> None:
    waiting = [load("ada 2", owner="ada"), load("bob", owner="bob")]
    assert chosen(waiting, [load("ada 1", owner="ada")], Capacity(2), {"ada": -9, "bob": -5}) == "bob"


def test_an_owner_at_the_limit_waits_and_lets_others_pass() -> None:
    waiting = [load("ada 2", owner="ada"), load("bob", owner="bob")]
    running = [load("ada 1", 30, owner="ada"), load("bob 0", 90, owner="bob")]
    assert chosen(waiting[:1], running[:1], Capacity(3, 1)) == ""
    assert chosen(waiting, running[:1], Capacity(3, 1)) == "bob"
    assert order(waiting, running, Capacity(3, 1)) == [("ada 2", 30), ("bob", 90)]


def test_a_training_starts_when_it_fits_into_memory() -> None:
    large, running = load("large", memory=5 * GB), [load("running", 40, memory=4 * GB)]
    assert chosen([large], running, Capacity(2, memory_bytes=9 * GB)) == "large"
    assert chosen([large], running, Capacity(2, memory_bytes=8 * GB)) == ""
    assert order([large], running, Capacity(2, memory_bytes=8 * GB)) == [("large", 40)]
    assert chosen([large], [], Capacity(2, memory_bytes=3 * GB)) == "large", "alone, it always fits"


def test_small_trainings_do_not_pass_a_large_one_that_waits_for_memory() -> None:
    waiting, running = [load("large", memory=5 * GB), load("small", memory=GB)], [load("running", 40, memory=4 * GB)]
    assert order(waiting, running, Capacity(3, memory_bytes=8 * GB)) == [("large", 40), ("small", 40)]


def test_a_higher_priority_comes_first_whoever_owns_it() -> None:
    waiting = [load("bob", owner="bob", priority=1), load("ada", owner="ada")]
    assert chosen(waiting, [load("bob 0", owner="bob")], Capacity(2), {"bob": -1}) == "bob"


def test_the_forecast_fills_all_slots() -> None:
    waiting = [load("a", 100), load("b", 10), load("c", 7)]
    assert order(waiting, [load("running", 20)], Capacity(2)) == [("a", 0), ("b", 20), ("c", 30)]
