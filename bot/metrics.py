"""What a bot counts for Prometheus. No label carries a person, a server or a prompt."""

from __future__ import annotations

from collections.abc import Callable

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, start_http_server

SECONDS = (0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 900, 3600)


class BotMetrics:
    """Counters and histograms of one bot process."""

    def __init__(self) -> None:
        self.registry = registry = CollectorRegistry()
        self.accepted = Counter("aigc_requests_accepted", "Requests that were queued", ["model"], registry=registry)
        self.refused = Counter("aigc_requests_refused", "Requests that were refused, by code", ["code"], registry=registry)
        self.deliveries = Counter("aigc_deliveries", "Deliveries: delivered, postponed, undeliverable, failed", ["result"], registry=registry)
        self.answered = Histogram("aigc_answer_seconds", "From a command to its final answer", ["model"], buckets=SECONDS, registry=registry)
        self.edits = Counter("aigc_progress_edits", "Edits that show progress: shown, not_shown", ["result"], registry=registry)
        self.guilds = Gauge("aigc_guilds", "Servers that the bot is on", registry=registry)

    def serve(self, address: str, port: int) -> Callable[[], None]:
        """Answer Prometheus on a thread of its own; returns how to stop."""
        server, thread = start_http_server(port, address, self.registry)

        def stop() -> None:
            server.shutdown()
            server.server_close()
            thread.join()

        return stop
