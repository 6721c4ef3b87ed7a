"""The names of everything in Redis. Scripts build the same names from the prefix; they run on one server, not on a Redis cluster."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Keys:
    """Keys under a prefix.

    ``job:ID`` hash of a record, ``files:ID`` hash of a result's files, ``fair:ROUTE`` servers with waiting jobs by virtual
    start, ``fair:ROUTE:SERVER`` their people, ``line:ROUTE:SERVER:USER`` a person's waiting jobs, ``finished:…`` and ``virtual`` the rest of the fair
    line (see :mod:`contracts.fairness`), ``shares`` weights of servers, ``sent:ROUTE`` dispatched jobs by turn, ``running:ROUTE`` claimed ones,
    ``open``, ``user:ID`` and ``server:ID`` jobs that have not ended, ``leases`` running jobs by the end of their lease, ``deadlines`` waiting jobs
    by deadline, ``workers`` and ``announcements`` live workers, ``serving:ROUTE`` jobs that each worker can hold, ``cost`` mean device seconds a
    job, and a unit of its size, by route, ``events`` the stream of ended jobs.
    """

    prefix: str = "aigc:"

    def job(self, job_id: str) -> str:
        """The record of a job."""
        return f"{self.prefix}job:{job_id}"

    def files(self, job_id: str) -> str:
        """The files of a result."""
        return f"{self.prefix}files:{job_id}"

    def sent(self, route: str) -> str:
        """The jobs of a route whose message is sent and that nobody has claimed yet."""
        return f"{self.prefix}sent:{route}"

    def fair(self, route: str) -> str:
        """The servers that have jobs waiting in a route, by virtual start."""
        return f"{self.prefix}fair:{route}"

    @property
    def shares(self) -> str:
        """The weight of each server; 1 for those that are not in it."""
        return f"{self.prefix}shares"

    def user(self, user_id: str) -> str:
        """A person's jobs that have not ended."""
        return f"{self.prefix}user:{user_id}"

    @property
    def open(self) -> str:
        """All jobs that have not ended."""
        return f"{self.prefix}open"

    @property
    def events(self) -> str:
        """The stream of ended jobs."""
        return f"{self.prefix}events"

    @property
    def workers(self) -> str:
        """Live workers by the time of their last announcement."""
        return f"{self.prefix}workers"

    @property
    def announcements(self) -> str:
        """What each worker announced."""
        return f"{self.prefix}announcements"


GROUP = "bots"
"""The consumer group of the event stream that all bots share."""
