"""Every HTTP exchange of the tests before this one, checked against Discord's own API description."""

from __future__ import annotations

from collections import Counter

from tests.support.openapi import Contract, Exchange


def test_every_exchange_is_as_discord_documents_it(contract: Contract, exchanges: list[Exchange]) -> None:
    """No violation but the one known waiver, in both directions, over all operations that the bot uses."""
    assert len(exchanges) > 50, "run the whole tier: the exchanges of the other tests are what is checked"
    violations = Counter(violation for exchange in exchanges for violation in contract.violations(exchange))
    assert not violations, "\n".join(f"{count}x {text}" for text, count in violations.most_common(20))


def test_the_check_finds_what_is_wrong(contract: Contract) -> None:
    """A message without its author, a wrong type and an unknown operation are all found."""
    bad = Exchange(method="get", path="/users/@me", request=None, status=200, response={"id": 5})
    unknown = Exchange(method="get", path="/nothing", request=None, status=200, response=None)
    assert contract.violations(bad) and contract.violations(unknown)
