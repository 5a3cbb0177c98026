"""AWS on this machine: moto's server on a free port of 127.0.0.1, empty for each test."""

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
import requests

ROOT = Path(__file__).parents[2]
REGION = "eu-central-1"


@pytest.fixture(scope="session")
def _aws_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    command = [sys.executable, "-m", "tests.deploy.aws_on_this_machine"]
    with (tmp_path_factory.mktemp("aws") / "log").open("w") as log:
        server = subprocess.Popen(
            command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log, text=True
        )
        assert server.stdin and server.stdout
        yield server.stdout.readline().strip()
        server.stdin.close()
        server.stdout.close()
        assert server.wait(timeout=30) == 0


@pytest.fixture
def aws(_aws_server: str, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], Any]:
    """A function that makes a client of a service, such as `aws("ecr")`; programs of the test see the same account."""
    requests.post(f"{_aws_server}/moto-api/reset", timeout=30).raise_for_status()
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    settings = {
        "AWS_ENDPOINT_URL": _aws_server,
        "AWS_DEFAULT_REGION": REGION,
        "AWS_ACCESS_KEY_ID": "testing",
        "AWS_SECRET_ACCESS_KEY": "testing",
        "AWS_EC2_METADATA_DISABLED": "true",
        "NO_PROXY": "127.0.0.1",
    }
    for name, value in settings.items():
        monkeypatch.setenv(name, value)
    return lambda service: boto3.client(service)


@pytest.fixture
def studio() -> Callable[..., subprocess.CompletedProcess[str]]:
    """Run deploy/aws/studio with these arguments."""

    def run(*arguments: object) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, ROOT / "deploy/aws/studio", *map(str, arguments)]
        return subprocess.run(command, capture_output=True, text=True)

    return run
