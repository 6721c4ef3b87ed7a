"""``aigc doctor`` finds what is wrong and says what to do."""

from __future__ import annotations

from pathlib import Path

import pytest

from aigc import checks
from aigc.main import main
from aigc.settings import LocalSettings
from tests.e2e.conftest import free_port
from tests.support.stores import redis_server


@pytest.fixture(autouse=True)
def alone(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No settings but those of the test."""
    monkeypatch.chdir(tmp_path)
    for name in ("DISCORD_TOKEN", "REDIS_URL"):
        monkeypatch.delenv(name, raising=False)


def test_a_healthy_machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    with redis_server(tmp_path / "redis", free_port()) as (url, _):
        monkeypatch.setenv("REDIS_URL", url)
        assert main(["doctor"]) == 0
    said = capsys.readouterr().out
    assert "✓ Redis: version" in said and "✓ Durability" in said and "digits (image)" in said and "✗" not in said


def test_a_redis_that_does_not_answer(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setenv("REDIS_URL", "redis://:secret@127.0.0.1:1/0")
    assert main(["doctor"]) == 1
    said = capsys.readouterr().out
    assert "✗ Redis: no answer" in said and "correct REDIS_URL" in said and "secret" not in said


@pytest.mark.parametrize(
    ("facts", "clock_off", "name"),
    [
        ({"redis_version": "6.0.16", "aof_enabled": 1, "aof_last_write_status": "ok"}, 0.0, "Redis"),
        ({"redis_version": "7.0.1", "aof_enabled": 0}, 0.0, "Durability"),
        ({"redis_version": "7.0.1", "aof_enabled": 1, "aof_last_write_status": "err"}, 0.0, "Disk of Redis"),
        ({"redis_version": "7.0.1", "aof_enabled": 1, "aof_last_write_status": "ok", "maxmemory": 10}, 0.0, "Memory"),
        ({"redis_version": "7.0.1", "aof_enabled": 1, "aof_last_write_status": "ok"}, 60.0, "Clock"),
    ],
)
def test_what_is_wrong_comes_with_advice(facts: dict[str, object], clock_off: float, name: str) -> None:
    advised = [check.name for check in checks._facts(facts, "allkeys-lru", clock_off) if check.advice]
    assert advised == [name]


def test_a_machine_without_any_redis(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shutil.which", lambda name: None)
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    (check,) = checks.of_redis(LocalSettings())
    assert check.failed and "REDIS_URL" in check.advice
