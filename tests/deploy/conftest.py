"""Fixtures that run deploy/aws/studio against moto, a simulation of AWS, on a free loopback port."""

import json
import os
import shlex
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import boto3
import certifi
import pytest
import requests

ROOT = Path(__file__).parents[2]
REGION = "eu-central-1"
SOURCE = "ghcr.io/somebody/charrnn-studio@sha256:" + "a1" * 32


class Cloud:
    """An empty AWS account, and a fake docker that records its commands.

    Args:
        folder: Folder for the input files of commands.
    """

    def __init__(self, folder: Path):
        self.folder, self._log = folder, folder / "docker.log"
        self.users = folder / "users.json"
        self.users.write_text('{"ada": "hash"}')
        # Replaces the certificates of the RDS authorities, which only AWS serves.
        self.authorities = folder / "authorities.pem"
        end = "-----END CERTIFICATE-----\n"
        self.authorities.write_text(Path(certifi.where()).read_text(encoding="utf-8").partition(end)[0] + end)
        (folder / "bin").mkdir()
        docker = folder / "bin/docker"
        fake = ROOT / "tests/deploy/fake_docker.py"
        docker.write_text(f'#!/bin/sh\nexec {shlex.quote(sys.executable)} {fake} {self._log} "$@"\n')
        docker.chmod(0o755)

    def client(self, service: str) -> Any:
        """Return the client of a service, such as `ecr`."""
        return boto3.client(service)

    def studio(self, *arguments: object) -> subprocess.CompletedProcess[str]:
        """Run deploy/aws/studio."""
        command = [sys.executable, ROOT / "deploy/aws/studio", *map(str, arguments)]
        return subprocess.run(command, capture_output=True, text=True)

    def create(self, *more: object) -> subprocess.CompletedProcess[str]:
        """Run `studio create` with all required arguments and the given ones."""
        certificate = self.client("acm").request_certificate(DomainName="studio.example.org")["CertificateArn"]
        github = "GitHubProviderArn=arn:aws:iam::123456789012:oidc-provider/token.actions.githubusercontent.com"
        return self.studio(
            *("create", "--host", "studio.example.org", "--certificate", certificate, "--image", SOURCE),
            *("--users", self.users, "--authorities", self.authorities),
            *("--set", "GitHubRepository=somebody/charrnn", "--set", github, *more),
        )

    def docker(self) -> list[dict[str, Any]]:
        """Return the commands that docker received, oldest first."""
        return [json.loads(line) for line in self._log.read_text().splitlines()] if self._log.exists() else []

    def stacks(self) -> list[str]:
        """Return the names of all stacks."""
        return sorted(each["StackName"] for each in self.client("cloudformation").describe_stacks()["Stacks"])

    def parameters(self) -> dict[str, str]:
        """Return the parameters of all stacks."""
        stacks = self.client("cloudformation").describe_stacks()["Stacks"]
        return {each["ParameterKey"]: each["ParameterValue"] for stack in stacks for each in stack["Parameters"]}

    def outputs(self, stack: str) -> dict[str, str]:
        """Return the outputs of a stack."""
        found = self.client("cloudformation").describe_stacks(StackName=stack)["Stacks"][0]
        return {each["OutputKey"]: each["OutputValue"] for each in found["Outputs"]}

    def image(self) -> str:
        """Return the image in the task definition of the service."""
        return self.outputs("charrnn-service")["Image"]


@pytest.fixture(scope="session")
def aws_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
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


@contextmanager
def empty_cloud(server: str, folder: Path) -> Iterator[Cloud]:
    """Empty the account and point this process and its children to it."""
    requests.post(f"{server}/moto-api/reset", timeout=30).raise_for_status()
    settings = {
        "AWS_ENDPOINT_URL": server,
        "AWS_DEFAULT_REGION": REGION,
        "AWS_ACCESS_KEY_ID": "testing",
        "AWS_SECRET_ACCESS_KEY": "testing",
        "AWS_EC2_METADATA_DISABLED": "true",
        "NO_PROXY": "127.0.0.1",
        "PATH": f"{folder}/bin:{os.environ['PATH']}",
    }
    with pytest.MonkeyPatch.context() as patch:
        for name in [name for name in os.environ if name.startswith("AWS_")]:
            patch.delenv(name)
        for name, value in settings.items():
            patch.setenv(name, value)
        yield Cloud(folder)


@pytest.fixture
def cloud(aws_server: str, tmp_path: Path) -> Iterator[Cloud]:
    """An empty account for one test."""
    with empty_cloud(aws_server, tmp_path) as found:
        yield found


@pytest.fixture(scope="module")
def installed(aws_server: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cloud]:
    """A shared account in which `studio create` has run; tests must not change it."""
    with empty_cloud(aws_server, tmp_path_factory.mktemp("installed")) as found:
        result = found.create()
        assert result.returncode == 0, result.stderr
        assert "Point the name studio.example.org at charrnn-service-" in result.stdout
        yield found
