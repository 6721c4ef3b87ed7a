"""Start-time fair queueing over servers, then over the people of a server (Goyal, Vin & Cheng 1996, section 2), in plain Python.

A flow that gets its turn at virtual start S with a job of cost c and weight w may start again at ``S + c / w``; the flow with the smallest
start is next. A flow that comes back from idling starts at the virtual time of the one served last, so nobody saves up turns. One person's
jobs run in the order in which they came. The Lua of :mod:`contracts.scripts` does the same steps; this is their readable reference.
"""

from __future__ import annotations

from collections.abc import Iterator
from copy import deepcopy
from dataclasses import dataclass, field

ARRIVAL = 1e-6
"""The virtual time of one arrival. Without it all flows that come while one job runs have the same start, and whoever breaks such ties, for
instance by name, lets those with the wrong name wait as long as newcomers keep coming."""


@dataclass(frozen=True, kw_only=True)
class Place:
    """Who waits: a job of a person on a server. ``cost`` is in units common to the line, ``weight`` the person's, ``share`` the server's."""

    job_id: str
    server: str
    user: str
    cost: float
    weight: float = 1.0
    share: float = 1.0


@dataclass
class Flows:
    """Flows by virtual start; ``finished`` remembers where flows without waiting jobs may start again."""

    starts: dict[str, float] = field(default_factory=dict)
    finished: dict[str, float] = field(default_factory=dict)
    now: float = 0.0

    def enter(self, name: str) -> None:
        """A flow has a job waiting."""
        if name not in self.starts:
            self.now += ARRIVAL
            self.starts[name] = max(self.now, self.finished.pop(name, 0.0))

    def head(self) -> str:
        """The flow whose turn it is."""
        return min(self.starts, key=lambda name: (self.starts[name], name))

    def served(self, name: str, cost: float, more: bool) -> None:
        """A flow had its turn; ``more`` jobs of it wait."""
        start = self.starts[name]
        self.now = max(self.now, start)
        finish = start + cost
        if more:
            self.starts[name] = finish
        else:
            self.leave(name, finish)
        self.finished = {other: tag for other, tag in self.finished.items() if tag > start}

    def leave(self, name: str, tag: float | None = None) -> None:
        """A flow has no job waiting any more."""
        start = self.starts.pop(name)
        self.finished[name] = start if tag is None else tag
        if not self.starts:
            self.now, self.finished = 0.0, {}


@dataclass
class FairLine:
    """The waiting jobs of one route."""

    servers: Flows = field(default_factory=Flows)
    users: dict[str, Flows] = field(default_factory=dict)
    lines: dict[tuple[str, str], list[Place]] = field(default_factory=dict)

    def enter(self, place: Place) -> None:
        """Get in line."""
        self.lines.setdefault((place.server, place.user), []).append(place)
        self.users.setdefault(place.server, Flows()).enter(place.user)
        self.servers.enter(place.server)

    def take(self) -> Place | None:
        """Whose turn it is, taken out of the line."""
        if not self.servers.starts:
            return None
        server = self.servers.head()
        users = self.users[server]
        user = users.head()
        place = self.lines[server, user].pop(0)
        users.served(user, place.cost / place.weight, bool(self.lines[server, user]))
        self.servers.served(server, place.cost / place.share, bool(users.starts))
        self._forget_empty(server, user)
        return place

    def remove(self, place: Place) -> bool:
        """Leave the line; False if the job is not in it."""
        line = self.lines.get((place.server, place.user), [])
        if place not in line:
            return False
        line.remove(place)
        if not line:
            self.users[place.server].leave(place.user)
            if not self.users[place.server].starts:
                self.servers.leave(place.server)
        self._forget_empty(place.server, place.user)
        return True

    def _forget_empty(self, server: str, user: str) -> None:
        if not self.lines[server, user]:
            del self.lines[server, user]
        if not self.users[server].starts:
            del self.users[server]

    def __len__(self) -> int:
        return sum(map(len, self.lines.values()))

    def in_order(self) -> Iterator[str]:
        """The jobs as they would be taken if nobody else came."""
        future = deepcopy(self)
        while place := future.take():
            yield place.job_id
