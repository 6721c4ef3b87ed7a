"""The heart: one thread that keeps leases alive, announces the worker, and puts lost jobs back."""

from __future__ import annotations

import logging
import os
import threading
import time

import redis
from kombu.exceptions import OperationalError

from contracts.away import is_away
from contracts.cards import Announcement
from contracts.ports import JobLedger, Limits
from workers.app import Broker
from workers.dispatcher import Dispatcher
from workers.engine import EX_SOFTWARE
from workers.runner import Runner

logger = logging.getLogger(__name__)

BEAT_SECONDS = 0.25
ANNOUNCE_SECONDS = 1.5
RECOVER_SECONDS = 1.0


class Heart:
    """Beats until it is stopped. After an outage of Redis it waits one lease before it declares anybody dead: the living renew first."""

    def __init__(
        self,
        ledger: JobLedger,
        runner: Runner,
        broker: Broker,
        dispatcher: Dispatcher,
        announcement: Announcement,
        limits: Limits,
        stuck_seconds: float = 120.0,
    ) -> None:
        self.ledger, self.runner, self.broker, self.dispatcher = ledger, runner, broker, dispatcher
        self.announcement, self.limits, self.stuck_seconds = announcement, limits, stuck_seconds
        self.routes = [card.name for card in announcement.models]
        self._stop = threading.Event()
        self._announce_at = 0.0
        self._recover_at = 0.0
        self._thread = threading.Thread(target=self._run, name="heart", daemon=True)

    def start(self) -> None:
        """Start beating; the worker is announced at once."""
        self._thread.start()

    def stop(self) -> None:
        """Stop beating and withdraw the announcement."""
        self._stop.set()
        if self._thread.is_alive():
            self._thread.join()
        self.stop_announcing()

    def stop_announcing(self) -> None:
        """Withdraw the announcement."""
        try:
            self.ledger.withdraw(self.announcement.worker_id)
        except (redis.ConnectionError, redis.TimeoutError):
            logger.warning("action=withdraw_failed reason=redis_away")  # the announcement ends by itself

    def _run(self) -> None:
        away = False
        while not self._stop.is_set():
            self._end_if_stuck()
            try:
                self.beat()
                if away:
                    logger.info("action=redis_back")
                away = False
            except (redis.RedisError, OperationalError, OSError) as error:
                if not (isinstance(error, OperationalError) or is_away(error)):
                    logger.exception("action=heartbeat_failed")
                elif not away:
                    logger.warning("action=redis_away error=%s", type(error).__name__)
                away = True
                self._announce_at = 0.0
                self._recover_at = time.monotonic() + self.limits.lease_seconds
            except Exception:
                logger.exception("action=heartbeat_failed")
            self._stop.wait(BEAT_SECONDS)

    def _end_if_stuck(self) -> None:
        """A thread that hangs in the device cannot be ended, its process can: the leases run out, and the jobs are run elsewhere or again."""
        if self.runner.engine.stuck_seconds() > self.stuck_seconds:
            logger.critical("action=engine_stuck seconds=%.0f", self.runner.engine.stuck_seconds())
            os._exit(EX_SOFTWARE)

    def beat(self) -> None:
        """One round: heartbeats, and now and then an announcement and a recovery pass."""
        beats = self.runner.beats()
        for beat, answer in zip(beats, self.ledger.heartbeat(beats), strict=True):
            self.runner.heard(beat, answer)
        now = time.monotonic()
        if now >= self._announce_at:
            self.ledger.announce(self.announcement)
            self._announce_at = now + ANNOUNCE_SECONDS
        if now >= self._recover_at:
            self._recover_at = now + RECOVER_SECONDS
            self.recover()
        self.dispatcher.dispatch(self.routes)

    def recover(self) -> None:
        """Put back what was lost, and send the messages that are missing."""
        backlog = {route: self.broker.backlog(route) for route in self.ledger.waiting_routes()}
        found = self.ledger.recover(backlog)
        for job_id, route in found.unsent:
            self.broker.send(job_id, route)
        if found.requeued or found.given_up or found.expired or found.sent_again:
            logger.info(
                "action=recovered requeued=%d given_up=%d expired=%d resent=%d",
                len(found.requeued), len(found.given_up), len(found.expired), found.sent_again,
            )  # fmt: skip
