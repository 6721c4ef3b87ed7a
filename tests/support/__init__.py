"""What several tiers of tests use."""
