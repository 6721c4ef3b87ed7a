"""The names of everything in Redis. Scripts build the same names from the prefix; they run on one server, not on a Redis cluster."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Keys:
    """Keys under a prefix.

    ``job:ID`` hash of a record, ``files:ID`` hash of a result's files, ``waiting:ROUTE`` sorted set of waiting jobs in order,
    ``open`` and ``user:ID`` sorted sets of jobs that have not ended, ``leases`` running jobs by the end of their lease, ``sent`` waiting jobs
    by the time of their last message, ``deadlines`` waiting jobs by deadline, ``workers`` and ``announcements`` live workers, ``cost`` mean device
    seconds a job by route, ``events`` the stream of ended jobs.
    """

    prefix: str = "aigc:"

    def job(self, job_id: str) -> str:
        """The record of a job."""
        return f"{self.prefix}job:{job_id}"

    def files(self, job_id: str) -> str:
        """The files of a result."""
        return f"{self.prefix}files:{job_id}"

    def waiting(self, route: str) -> str:
        """The jobs that wait in a route."""
        return f"{self.prefix}waiting:{route}"

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
