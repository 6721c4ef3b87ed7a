"""Start-time fair queueing: shares hold, nobody starves, nobody saves up turns."""

from __future__ import annotations

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from contracts.fairness import FairLine, Place


def place(number: int, server: str = "s", user: str = "u", cost: float = 1.0, weight: float = 1.0, share: float = 1.0) -> Place:
    return Place(job_id=f"j{number}", server=server, user=user, cost=cost, weight=weight, share=share)


def served(line: FairLine, count: int) -> list[Place]:
    return [taken for _ in range(count) if (taken := line.take())]


def test_one_persons_jobs_keep_their_order() -> None:
    line = FairLine()
    for number in range(5):
        line.enter(place(number))
    assert [taken.job_id for taken in served(line, 9)] == ["j0", "j1", "j2", "j3", "j4"]


def test_a_hog_does_not_keep_the_others() -> None:
    """A thousand jobs came before: the newcomer is next but one."""
    line = FairLine()
    for number in range(1000):
        line.enter(place(number, user="hog"))
    served(line, 10)
    line.enter(place(5000, user="modest"))
    assert "modest" in [taken.user for taken in served(line, 2)]


def test_servers_share_before_people_do() -> None:
    """A server with ten busy people gets no more than one with a single one."""
    line = FairLine()
    for number in range(200):
        line.enter(place(number, server="large", user=f"u{number % 10}"))
        line.enter(place(1000 + number, server="small", user="only"))
    turns = Counter(taken.server for taken in served(line, 100))
    assert turns == {"large": 50, "small": 50}


def test_weights_and_costs_decide_the_shares() -> None:
    """Three times the weight gets three times the cost, whatever the sizes of the jobs."""
    line = FairLine()
    for number in range(400):
        line.enter(place(number, user="heavy", weight=3.0, cost=2.0))
        line.enter(place(1000 + number, user="light", cost=1.0))
    cost: Counter[str] = Counter()
    for taken in served(line, 200):
        cost[taken.user] += int(taken.cost)
    assert abs(cost["heavy"] / cost["light"] - 3) < 0.1


def test_newcomers_queue_up_behind_those_who_wait() -> None:
    """Each person asks once, and somebody new comes whenever one is served: nobody waits longer than the line is long."""
    line = FairLine()
    people = [number * 7919 % 1000 for number in range(200)]  # names in no order
    for person in people[:20]:
        line.enter(place(person, user=str(person)))
    taken = []
    for person in people[20:]:
        taken += served(line, 1)
        line.enter(place(person, user=str(person)))
    assert [first.user for first in taken] == [str(person) for person in people[:180]]


def test_idling_saves_nothing_up() -> None:
    line = FairLine()
    for number in range(100):
        line.enter(place(number, user="busy"))
    served(line, 50)
    for number in range(100):
        line.enter(place(1000 + number, user="late"))
    turns = Counter(taken.user for taken in served(line, 20))
    assert turns == {"busy": 10, "late": 10}


def test_coming_back_at_once_is_no_way_around() -> None:
    """Who keeps just one job waiting gets no more than who keeps many."""
    line = FairLine()
    for number in range(300):
        line.enter(place(number, user="many"))
    line.enter(place(1000, user="one"))
    turns: Counter[str] = Counter()
    for number in range(100):
        (taken,) = served(line, 1)
        turns[taken.user] += 1
        if taken.user == "one":
            line.enter(place(1001 + number, user="one"))
    assert abs(turns["one"] - 50) <= 1


@given(st.lists(st.tuples(st.sampled_from(["enter", "take", "remove"]), st.integers(0, 3), st.integers(0, 3), st.integers(1, 5)), max_size=60))
def test_the_foretold_order_is_the_order(steps: list[tuple[str, int, int, int]]) -> None:
    """Whatever happened: the line foretells in which order it will be taken, all of it, and ends empty and forgetful."""
    line, waiting = FairLine(), []
    for number, (action, server, user, cost) in enumerate(steps):
        if action == "enter":
            waiting.append(place(number, server=str(server), user=str(user), cost=float(cost)))
            line.enter(waiting[-1])
        elif action == "take" and (taken := line.take()):
            waiting.remove(taken)
        elif action == "remove" and waiting:
            assert line.remove(waiting.pop(server % len(waiting)))
    foretold = list(line.in_order())
    assert sorted(foretold) == sorted(one.job_id for one in waiting) and len(line) == len(foretold)
    assert [taken.job_id for taken in served(line, len(foretold) + 1)] == foretold
    assert line == FairLine()
