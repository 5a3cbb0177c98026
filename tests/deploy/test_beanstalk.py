"""Test deploy/beanstalk: its compose file, and the script that passes a bundle to the AWS CLI.

The CLI is a fake that records its arguments; Elastic Beanstalk itself is not simulated.
"""

import json
import os
import shlex
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

from tests.deploy.conftest import ROOT, SOURCE

FOLDER = ROOT / "deploy/beanstalk"
ANSWERS = {
    "create-storage-location": "eb-bucket",
    "list-platform-versions": "arn:aws:elasticbeanstalk:eu-central-1::platform/Docker/4.9",
}
AWS = """
import json, shutil, sys
log, folder, answers, *arguments = sys.argv[1:]
with open(log, "a") as file:
    file.write(json.dumps(arguments) + "\\n")
if arguments[:2] == ["s3", "cp"]:
    shutil.copy(arguments[3], folder + "/bundle.zip")
responses = json.loads(answers)
query = arguments[arguments.index("--query") + 1] if "--query" in arguments else ""
print(responses.get(arguments[1], responses.get(query, "")))
"""
Deploy = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def deploy(tmp_path: Path) -> Deploy:
    """Run the script with a fake AWS CLI, in an account with or without an environment."""
    (tmp_path / "authorities.pem").write_text("PEM")
    (tmp_path / "bin").mkdir()
    (tmp_path / "aws.py").write_text(AWS)

    def run(image: str = SOURCE, *, exists: bool = True, **environment: str) -> subprocess.CompletedProcess[str]:
        answers = ANSWERS | {
            "length(Applications)": str(int(exists)),
            "Environments[0].Status": "Ready" if exists else "None",
            "Environments[0].CNAME": "charrnn-web.eu-central-1.elasticbeanstalk.com",
        }
        arguments = [tmp_path / "aws.py", tmp_path / "aws.log", tmp_path, json.dumps(answers)]
        command = " ".join(shlex.quote(str(each)) for each in [sys.executable, *arguments])
        (tmp_path / "bin/aws").write_text(f'#!/bin/sh\nexec {command} "$@"\n')
        (tmp_path / "bin/aws").chmod(0o755)
        settings = {
            "PATH": f"{tmp_path}/bin:{os.environ['PATH']}",
            "AWS_REGION": "eu-central-1",
            "AUTHORITIES": str(tmp_path / "authorities.pem"),
            "CERTIFICATE": "arn:aws:acm:eu-central-1:123456789012:certificate/c",
            "DATABASE_URL_SECRET": "arn:aws:secretsmanager:eu-central-1:123456789012:secret:url",
            "HOST": "studio.example.org",
        }
        return subprocess.run(
            [FOLDER / "deploy", image], env=settings | environment, capture_output=True, text=True, cwd=tmp_path
        )

    return run


def calls(folder: Path, name: str) -> list[list[str]]:
    found = [json.loads(line) for line in (folder / "aws.log").read_text().splitlines()]
    return [each for each in found if each[1] == name]


def test_podman_compose_parses_the_compose_file(tmp_path: Path) -> None:
    (tmp_path / "podman").write_text("#!/bin/sh\necho podman version 5.4.2\n")  # all that parsing asks of podman
    (tmp_path / "podman").chmod(0o755)
    program = Path(sys.executable).with_name("podman-compose")
    environment = os.environ | {
        "CHARRNN_IMAGE": SOURCE, "CHARRNN_DATABASE_URL": "mysql://u@h/d", "PATH": f"{tmp_path}:{os.environ['PATH']}",
    }  # fmt: skip
    command = [program, "--file", FOLDER / "docker-compose.yml", "config"]
    result = subprocess.run(command, env=environment, capture_output=True, text=True)
    assert result.returncode == 0, result.stderr
    dashboard = yaml.safe_load(result.stdout)["services"]["dashboard"]
    assert (dashboard["image"], dashboard["read_only"]) == (SOURCE, True)


def test_the_bundle_contains_the_image_digest_and_the_options(deploy: Deploy, tmp_path: Path) -> None:
    result = deploy()
    assert result.returncode == 0, result.stderr
    with zipfile.ZipFile(tmp_path / "bundle.zip") as bundle:
        assert set(bundle.namelist()) >= {"docker-compose.yml", "authorities.pem", ".ebextensions/options.config"}
        compose = yaml.safe_load(bundle.read("docker-compose.yml"))
        options = yaml.safe_load(bundle.read(".ebextensions/options.config"))["option_settings"]
    assert compose["services"]["dashboard"]["image"] == SOURCE
    assert options["aws:elbv2:listener:443"]["Protocol"] == "HTTPS"
    assert options["aws:elbv2:listener:default"]["ListenerEnabled"] is False
    assert options["aws:elasticbeanstalk:environment:process:default"]["StickinessEnabled"] is True


def test_the_first_deployment_creates_application_and_environment(deploy: Deploy, tmp_path: Path) -> None:
    result = deploy(exists=False)
    assert "Point the name studio.example.org at charrnn-web.eu-central-1" in result.stdout, result.stderr
    assert calls(tmp_path, "create-application")
    [created] = calls(tmp_path, "create-environment")
    assert created[created.index("--platform-arn") + 1] == ANSWERS["list-platform-versions"]
    assert not calls(tmp_path, "update-environment")


def test_a_later_deployment_updates_the_environment_and_passes_secrets_by_arn(deploy: Deploy, tmp_path: Path) -> None:
    deploy()
    [updated] = calls(tmp_path, "update-environment")
    assert not calls(tmp_path, "create-environment")
    namespace = "Namespace=aws:elasticbeanstalk:application:environmentsecrets"
    [secret] = [each for each in updated if each.startswith(namespace)]
    assert secret.partition(",")[2].startswith("OptionName=CHARRNN_DATABASE_URL,Value=arn:aws:secretsmanager:")
    [version] = calls(tmp_path, "create-application-version")
    assert updated[updated.index("--version-label") + 1] == version[version.index("--version-label") + 1]


@pytest.mark.parametrize("image", ["", "charrnn-studio:latest"])
def test_an_image_without_a_digest_is_rejected(deploy: Deploy, tmp_path: Path, image: str) -> None:
    result = deploy(image)
    assert (result.returncode, "expected it by its digest" in result.stderr) == (2, True)
    assert not (tmp_path / "aws.log").exists()


@pytest.mark.parametrize("name", ["CERTIFICATE", "DATABASE_URL_SECRET", "HOST"])
def test_a_missing_setting_is_reported_before_anything_is_created(deploy: Deploy, tmp_path: Path, name: str) -> None:
    result = deploy(**{name: ""})
    assert result.returncode != 0
    assert f"{name}: is missing" in result.stderr
    assert not (tmp_path / "aws.log").exists()
