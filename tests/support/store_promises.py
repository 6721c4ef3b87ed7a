"""What both forms of the job records promise. ``Stores`` come from the fixture ``stores`` of the module that imports these tests."""

from __future__ import annotations

from contracts.outcomes import ErrorCode, Failure, Progress, State
from contracts.ports import Beat, Claim
from tests.support.jobs import announcement, job, pictures, write
from tests.support.stores import Stores


def claim(stores: Stores, job_id: str) -> Claim:
    claimed = stores.ledger.claim(job_id, "w1")
    assert claimed is not None
    return claimed


async def states(stores: Stores, *job_ids: str) -> list[State | None]:
    return [snapshot.state if snapshot else None for snapshot in await stores.queue.snapshots(job_ids)]


async def test_a_job_goes_its_way_once(stores: Stores) -> None:
    """Queued, running, succeeded, delivered; the files arrive whole; a second delivery finds it delivered."""
    one = job()
    assert await stores.queue.submit(one) is None
    assert await states(stores, one.id) == [State.QUEUED]
    claimed = claim(stores, one.id)
    assert claimed.attempt == 1 and claimed.job == one
    assert stores.ledger.finish(claimed, State.SUCCEEDED, pictures(), [b"sheet", b"\x00\xff"], 0.5)
    (event,) = await stores.queue.events("bot", 1.0, 60)
    ended = await stores.queue.ended(event.job_id)
    assert ended and ended.state is State.SUCCEEDED and ended.files == (b"sheet", b"\x00\xff") and not ended.delivered
    assert stores.ledger.files(one.id) == ended.files and stores.ledger.files("999") == ()
    await stores.queue.acknowledge(event)
    again = await stores.queue.ended(one.id)
    assert again and again.delivered
    assert await stores.queue.events("bot", 0.05, 0) == []


async def test_submitting_twice_is_submitting_once(stores: Stores) -> None:
    one = job()
    await stores.queue.submit(one)
    claim(stores, one.id)
    assert await stores.queue.submit(one) is None
    assert await states(stores, one.id) == [State.RUNNING]


async def test_the_bounds_refuse_with_a_reason(stores: Stores) -> None:
    for _ in range(3):
        assert await stores.queue.submit(job(user_id="1")) is None
    refused = await stores.queue.submit(job(user_id="1"))
    assert refused and refused.code is ErrorCode.TOO_MANY_OF_YOURS and refused.details == {"limit": "3"}
    for _ in range(2):
        assert await stores.queue.submit(job(user_id="2")) is None
    full = await stores.queue.submit(job(user_id="3"))
    assert full and full.code is ErrorCode.QUEUE_FULL


async def test_only_one_claims(stores: Stores) -> None:
    one = job()
    await stores.queue.submit(one)
    claim(stores, one.id)
    assert stores.ledger.claim(one.id, "w2") is None
    assert stores.ledger.claim("unknown", "w2") is None


async def test_positions_and_time_left_are_those_of_the_model(stores: Stores) -> None:
    """Places count the jobs of one's own model; a job that nobody serves is told so and delays nobody."""
    stores.ledger.announce(announcement("digits"))
    warm = job(user_id="9")
    await stores.queue.submit(warm)
    stores.ledger.finish(claim(stores, warm.id), State.SUCCEEDED, pictures(), [], 2.0)
    first, other, second = job(user_id="1"), job(write(), user_id="2"), job(user_id="3")
    for waiting in (first, other, second):
        await stores.queue.submit(waiting)
    a, b, c = await stores.queue.snapshots([first.id, other.id, second.id])
    assert a and b and c
    assert (a.position, b.position, c.position) == (1, 1, 2)
    assert (a.seconds_left, c.seconds_left) == (2.0, 4.0)
    assert a.has_worker and not b.has_worker and b.seconds_left is None


async def test_a_worker_that_went_silent_is_not_believed(stores: Stores) -> None:
    stores.ledger.announce(announcement("digits"))
    assert [worker.worker_id for worker in await stores.queue.workers()] == ["w1"]
    stores.wait(0.4)
    assert await stores.queue.workers() == []
    assert [card.name for card in await stores.queue.cards()] == ["digits"]
    stores.ledger.announce(announcement("digits", worker_id="w2"))
    stores.ledger.withdraw("w2")
    assert await stores.queue.workers() == []


async def test_heartbeats_carry_progress_and_bring_cancellations(stores: Stores) -> None:
    one = job()
    await stores.queue.submit(one)
    claimed = claim(stores, one.id)
    beat = Beat(job_id=one.id, attempt=claimed.attempt, progress=Progress(done=1, total=4, text="so far"))
    assert stores.ledger.heartbeat([beat]) == ["ok"]
    (snapshot,) = await stores.queue.snapshots([one.id])
    assert snapshot and snapshot.progress and snapshot.progress.text == "so far"
    assert await stores.queue.cancel(one.id) is State.RUNNING
    assert stores.ledger.heartbeat([beat]) == ["cancel"]
    assert stores.ledger.heartbeat([Beat(job_id=one.id, attempt=9, progress=None)]) == ["lost"]


async def test_cancelling_a_waiting_job_ends_it_at_once(stores: Stores) -> None:
    one = job()
    await stores.queue.submit(one)
    assert await stores.queue.cancel(one.id) is State.QUEUED
    assert stores.ledger.claim(one.id, "w1") is None
    assert await stores.queue.cancel(one.id) is State.CANCELLED
    assert await stores.queue.cancel("unknown") is None
    assert [event.job_id for event in await stores.queue.events("bot", 1.0, 60)] == [one.id]


async def test_a_lost_lease_is_run_again_and_the_old_worker_publishes_nothing(stores: Stores) -> None:
    """The attempt number fences: whoever lost the lease can neither finish nor release."""
    one = job()
    await stores.queue.submit(one)
    old = claim(stores, one.id)
    stores.wait(0.3)
    found = stores.ledger.recover({})
    assert found.requeued == (one.id,) and found.unsent == ((one.id, "digits"),)
    new = claim(stores, one.id)
    assert new.attempt == 2
    assert not stores.ledger.finish(old, State.SUCCEEDED, pictures(), [b"old"], 1)
    assert not stores.ledger.release(old)
    assert stores.ledger.finish(new, State.SUCCEEDED, pictures(), [b"new"], 1)
    ended = await stores.queue.ended(one.id)
    assert ended and ended.files == (b"new",)


async def test_a_clock_that_is_set_back_leaves_no_job_lying(stores: Stores) -> None:
    """A dead worker's lease and a lost message, both written an hour "later": they are found within the usual time all the same."""
    running, lost = job(user_id="1"), job(user_id="2")
    stores.ledger.announce(announcement("digits"))
    for one in (running, lost):
        await stores.queue.submit(one)
    await stores.queue.dispatch(["digits"])
    old = claim(stores, running.id)
    stores.wait(-3600)
    found = stores.ledger.recover({"digits": 0})
    assert found.requeued == () and found.unsent == ((lost.id, "digits"),)
    stores.wait(0.3)
    assert stores.ledger.recover({}).requeued == (running.id,)
    assert not stores.ledger.finish(old, State.SUCCEEDED, pictures(), [b"old"], 1)


async def test_a_job_that_keeps_ending_its_worker_is_given_up(stores: Stores) -> None:
    one = job()
    await stores.queue.submit(one)
    for _ in range(2):
        claim(stores, one.id)
        stores.wait(0.3)
        found = stores.ledger.recover({})
    assert found.given_up == (one.id,)
    ended = await stores.queue.ended(one.id)
    assert ended and ended.state is State.FAILED
    assert ended.outcome == Failure(code=ErrorCode.WORKER_LOST, details={"attempts": "2"})


async def test_a_heartbeat_keeps_the_lease(stores: Stores) -> None:
    one = job()
    await stores.queue.submit(one)
    claimed = claim(stores, one.id)
    for _ in range(4):
        stores.wait(0.08)
        assert stores.ledger.heartbeat([Beat(job_id=one.id, attempt=claimed.attempt, progress=None)]) == ["ok"]
        assert stores.ledger.recover({}).requeued == ()


async def test_a_released_job_goes_back_to_the_head_without_a_mark(stores: Stores) -> None:
    """A worker that ends gives its jobs back; that is no crash, and the place in line is kept."""
    first, second = job(user_id="1"), job(user_id="2")
    await stores.queue.submit(first)
    await stores.queue.submit(second)
    for _ in range(3):
        assert stores.ledger.release(claim(stores, first.id))
    (snapshot,) = await stores.queue.snapshots([first.id])
    assert snapshot and snapshot.position == 1
    assert (first.id, "digits") in stores.ledger.recover({"digits": 0}).unsent


async def test_a_message_that_got_lost_is_sent_again(stores: Stores) -> None:
    """Only if the broker's queue is empty and the job has waited: then its message is gone."""
    one = job()
    await stores.queue.submit(one)
    stores.ledger.announce(announcement("digits"))
    assert await stores.queue.dispatch(["digits"]) == [(one.id, "digits")]
    assert stores.ledger.waiting_routes() == ["digits"]
    assert stores.ledger.recover({"digits": 0}).unsent == ()
    stores.wait(0.2)
    assert stores.ledger.recover({"digits": 1}).unsent == ()
    assert stores.ledger.recover({"digits": 0}).unsent == ((one.id, "digits"),)
    assert stores.ledger.recover({"digits": 0}).unsent == ()


async def test_a_job_past_its_deadline_expires(stores: Stores) -> None:
    one = job(deadline_at=1.0)
    await stores.queue.submit(one)
    assert stores.ledger.recover({}).expired == (one.id,)
    assert await states(stores, one.id) == [State.EXPIRED]
    assert await stores.queue.open_jobs() == []


async def test_open_jobs_are_listed_by_person_and_age(stores: Stores) -> None:
    first, second, third = job(user_id="1"), job(user_id="2"), job(user_id="1")
    for one in (first, second, third):
        await stores.queue.submit(one)
    assert await stores.queue.open_jobs("1") == [first.id, third.id]
    assert await stores.queue.open_jobs() == [first.id, second.id, third.id]
    assert await stores.queue.job(first.id) == first
    assert await stores.queue.job("unknown") is None


async def test_another_bot_takes_over_what_was_left_lying(stores: Stores) -> None:
    """An event that a bot took and never acknowledged goes to the next one after a while, and only then."""
    one = job()
    await stores.queue.submit(one)
    stores.ledger.finish(claim(stores, one.id), State.SUCCEEDED, pictures(), [], 0)
    (taken,) = await stores.queue.events("first", 1.0, 60)
    assert await stores.queue.events("second", 0.05, 60) == []
    stores.wait(0.1)
    (again,) = await stores.queue.events("second", 0.05, 0.05)
    assert again.job_id == taken.job_id
    await stores.queue.acknowledge(again)
    assert await stores.queue.events("third", 0.05, 0) == []


async def test_the_message_of_an_answer_is_remembered(stores: Stores) -> None:
    one = job()
    await stores.queue.submit(one)
    assert await stores.queue.message_of(one.id) is None
    await stores.queue.set_message(one.id, "777")
    assert await stores.queue.message_of(one.id) == "777"


async def test_workers_of_different_versions_share_the_work(stores: Stores) -> None:
    """While a model is replaced worker by worker, both serve it, and people see one model: the last that was announced."""
    old = announcement("digits", worker_id="w1")
    newer = old.models[0].model_copy(update={"version": "ffff0000"})
    stores.ledger.announce(old)
    stores.ledger.announce(old.model_copy(update={"worker_id": "w2", "models": (newer,)}))
    jobs = [job(user_id=str(number)) for number in range(5)]
    for one in jobs:
        await stores.queue.submit(one)
    assert len(await stores.queue.dispatch(["digits"])) == 5  # each of them holds four
    assert [card.version for card in await stores.queue.cards()] == ["ffff0000"]
    assert len(await stores.queue.workers()) == 2
