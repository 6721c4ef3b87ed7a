from __future__ import annotations

import json
import subprocess
import sys

import pytest

SCRIPT = """
import importlib, json, pkgutil, sys
package = importlib.import_module({package!r})
for module in pkgutil.walk_packages(package.__path__, package.__name__ + "."):
    if not module.name.endswith("__main__"):
        importlib.import_module(module.name)
print(json.dumps(sorted({{name.split(".")[0] for name in sys.modules}})))
"""


def loaded_by(package: str) -> set[str]:
    """The top-level modules in memory after every module of ``package`` has been imported, in a process of its own."""
    result = subprocess.run([sys.executable, "-c", SCRIPT.format(package=package)], capture_output=True, text=True, check=True)
    return set(json.loads(result.stdout.splitlines()[-1]))


@pytest.mark.parametrize(
    ("package", "never"),
    [
        ("bot", {"torch", "numpy", "PIL", "safetensors", "workers", "aigc_core", "playground"}),
        ("contracts", {"torch", "numpy", "discord", "celery", "bot", "workers", "aigc_core"}),
        ("workers", {"discord", "aiohttp", "bot", "playground"}),
        ("playground", {"torch", "discord", "celery", "redis", "bot", "workers", "contracts", "aigc_core"}),
        ("aigc_core", {"pydantic", "redis", "celery", "discord", "bot", "workers", "contracts"}),
    ],
)
def test_a_package_never_loads_what_is_behind_the_arrows(package: str, never: set[str]) -> None:
    """What the static check of imports cannot see: nothing behind the arrows is loaded at run time either."""
    assert loaded_by(package) & never == set()


def test_the_command_line_itself_loads_nothing_heavy() -> None:
    """`aigc train` needs torch, numpy, pillow and safetensors only; `aigc --help` needs none of them."""
    code = "import sys, aigc.main\naigc.main._module('train')\nassert not {'torch', 'pydantic', 'redis', 'discord'} & set(sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, check=False).returncode == 0
    code = "import sys, aigc.train, aigc_core.presets\nassert not {'pydantic', 'redis', 'celery', 'discord', 'aiohttp'} & set(sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, check=False).returncode == 0
