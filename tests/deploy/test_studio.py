"""deploy/aws/studio against moto's AWS: create, push, deploy, roll back, update and delete, and its messages.

Not checked here, since moto does not do it: whether tasks start, whether CloudFormation waits for them, whether roles
suffice, what an alarm does, and some properties, such as stickiness; tests/deploy/template_rules.py reads those in the
templates.
"""

import json
import os
import shlex
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import certifi
import pytest

from charrnn.store.address import parse_url
from tests.deploy.conftest import ROOT
from tests.deploy.templates import SERVICE, read

Run = Callable[..., subprocess.CompletedProcess[str]]
SOURCE = "ghcr.io/somebody/charrnn-studio@sha256:" + "a1" * 32


@pytest.fixture
def docker(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[], list[dict[str, Any]]]:
    """A docker that writes down what it is told; the function returns that."""
    folder, log = tmp_path / "bin", tmp_path / "docker.log"
    folder.mkdir()
    program = folder / "docker"
    fake = ROOT / "tests/deploy/fake_docker.py"
    program.write_text(f'#!/bin/sh\nexec {shlex.quote(sys.executable)} {fake} {log} "$@"\n')
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}:{os.environ['PATH']}")
    return lambda: [json.loads(line) for line in log.read_text().splitlines()] if log.exists() else []


@pytest.fixture
def users(tmp_path: Path) -> Path:
    path = tmp_path / "users.json"
    path.write_text('{"ada": "hash"}')
    return path


@pytest.fixture
def authorities(tmp_path: Path) -> Path:
    """Certificates in the place of RDS's, which only AWS has."""
    text = Path(certifi.where()).read_text(encoding="utf-8")
    path = tmp_path / "authorities.pem"
    path.write_text(text[: text.index("-----END CERTIFICATE-----")] + "-----END CERTIFICATE-----\n")
    return path


@pytest.fixture
def create(
    aws: Callable[[str], Any], docker: object, studio: Run, users: Path, authorities: Path
) -> Callable[..., subprocess.CompletedProcess[str]]:
    """Run `studio create` with all that it needs, and these arguments more."""
    certificate = aws("acm").request_certificate(DomainName="studio.example.org")["CertificateArn"]
    needed = ["--host", "studio.example.org", "--certificate", certificate, "--users", users, "--image", SOURCE]
    github = "GitHubProviderArn=arn:aws:iam::123456789012:oidc-provider/token.actions.githubusercontent.com"
    needed += ["--set", "GitHubRepository=somebody/charrnn", "--set", github]
    return lambda *more: studio("create", *needed, "--authorities", authorities, *more)


def outputs(aws: Callable[[str], Any], stack: str) -> dict[str, str]:
    found = aws("cloudformation").describe_stacks(StackName=stack)["Stacks"][0]
    return {each["OutputKey"]: each["OutputValue"] for each in found["Outputs"]}


def image(aws: Callable[[str], Any]) -> str:
    """Return the image that the service is told to run."""
    return outputs(aws, "charrnn-service")["Image"]


def test_create_makes_everything_in_one_command(aws: Callable[[str], Any], create: Run) -> None:
    result = create()
    assert result.returncode == 0, result.stderr
    found = outputs(aws, "charrnn-service")
    assert f"Point the name studio.example.org at {found['LoadBalancerName']}" in result.stdout
    [database] = aws("rds").describe_db_instances()["DBInstances"]
    assert (database["Engine"], database["EngineVersion"][:4], database["StorageEncrypted"]) == ("mysql", "8.4.", True)
    assert database["PubliclyAccessible"] is False
    group = database["DBParameterGroups"][0]["DBParameterGroupName"]
    parameters = aws("rds").describe_db_parameters(DBParameterGroupName=group)["Parameters"]
    assert {"1"} == {each["ParameterValue"] for each in parameters if "secure_transport" in each["ParameterName"]}
    [system] = aws("efs").describe_file_systems()["FileSystems"]
    [folder] = aws("efs").describe_access_points()["AccessPoints"]
    assert (system["Encrypted"], folder["PosixUser"]["Uid"]) == (True, 10001)
    [repository] = aws("ecr").describe_repositories()["repositories"]
    assert repository["imageTagMutability"] == "IMMUTABLE"
    bucket = outputs(aws, "charrnn-data")["Objects"]
    assert aws("s3").get_bucket_encryption(Bucket=bucket)["ServerSideEncryptionConfiguration"]["Rules"]


def test_the_load_balancer_redirects_to_https_and_asks_tasks_whether_they_are_ready(
    aws: Callable[[str], Any], create: Run
) -> None:
    create()
    balancers = aws("elbv2")
    [balancer] = balancers.describe_load_balancers()["LoadBalancers"]
    listeners = balancers.describe_listeners(LoadBalancerArn=balancer["LoadBalancerArn"])["Listeners"]
    actions = {each["Port"]: each["DefaultActions"][0] for each in listeners}
    assert actions[80]["RedirectConfig"]["Protocol"] == "HTTPS"
    assert actions[443]["Type"] == "forward"
    [group] = balancers.describe_target_groups()["TargetGroups"]
    assert group["HealthCheckPath"] == "/readyz"


def test_the_task_gets_its_secrets_as_files(aws: Callable[[str], Any], create: Run, users: Path) -> None:
    create()
    task = aws("ecs").describe_task_definition(taskDefinition="charrnn-service-web")["taskDefinition"]
    first, web = task["containerDefinitions"]
    secrets = {
        each["name"]: aws("secretsmanager").get_secret_value(SecretId=each["valueFrom"])["SecretString"]
        for each in first["secrets"]
    }
    assert secrets["USERS"] == users.read_text()
    assert "-----BEGIN CERTIFICATE-----" in secrets["DATABASE_AUTHORITIES"]
    assert len(secrets["COOKIE_SECRET"]) == 64
    plain = {each["name"]: each["value"] for each in web["environment"] + first["environment"]}
    assert not set(secrets.values()) & set(plain.values())
    assert web["stopTimeout"] == 120


def test_the_first_container_turns_secrets_into_the_files_that_the_program_reads(tmp_path: Path) -> None:
    secrets, web = read(SERVICE)["Resources"]["WebTask"]["Properties"]["ContainerDefinitions"]
    for name in ("tmp", "secrets"):
        (tmp_path / name).mkdir()
    values = {"DATABASE_HOST": "db.example.org", "DATABASE_PASSWORD": "Pa55", "DATABASE_AUTHORITIES": "-----\nPEM"}
    script = secrets["Command"][0].replace("/tmp", f"{tmp_path}/tmp").replace("cd /run", f"cd {tmp_path}")
    environment = {**os.environ, **values, "COOKIE_SECRET": "oats", "USERS": '{"ada": "$2a 100%"}'}
    subprocess.run([*secrets["EntryPoint"], script], env=environment, check=True)
    written = {f"/run/secrets/{path.name}": path.read_text() for path in (tmp_path / "secrets").iterdir()}
    settings = {each["Name"]: each["Value"] for each in web["Environment"]}
    assert written[settings["CHARRNN_COOKIE_SECRET_FILE"]] == "oats"
    assert written[settings["CHARRNN_LOGIN_FILE"]] == '{"ada": "$2a 100%"}'
    url = parse_url(written[settings["CHARRNN_DATABASE_URL_FILE"]])
    assert (url.host, url.username, url.password, url.database) == ("db.example.org", "charrnn", "Pa55", "charrnn")
    assert written[str(url.query["ssl_ca"])] == "-----\nPEM"
    assert (tmp_path / "tmp").stat().st_mode & 0o1777 == 0o1777


def test_push_copies_an_image_with_all_its_architectures_and_never_shows_the_password(
    aws: Callable[[str], Any], create: Run, docker: Callable[[], list[dict[str, Any]]]
) -> None:
    create()
    login, copy = docker()
    assert (login["arguments"][0], "--password-stdin" in login["arguments"]) == ("login", True)
    assert login["stdin"] and login["stdin"] not in login["arguments"]
    repository = outputs(aws, "charrnn-data")["Repository"]
    assert copy["arguments"] == ["buildx", "imagetools", "create", "--tag", f"{repository}:sha256-{'a1' * 8}", SOURCE]


def test_an_image_that_is_in_the_registry_is_not_pushed_again(
    aws: Callable[[str], Any], create: Run, studio: Run, docker: Callable[[], list[dict[str, Any]]]
) -> None:
    create()
    before = docker()
    result = studio("push", SOURCE)
    assert (result.returncode, result.stdout.strip()) == (0, image(aws))
    assert docker() == before


def test_deploy_runs_a_digest_and_rollback_the_one_before(aws: Callable[[str], Any], create: Run, studio: Run) -> None:
    create()
    first = image(aws)
    second = studio("push", "charrnn-studio", "--tag", "v9").stdout.strip()
    assert second not in ("", first)
    result = studio("deploy", second.partition("@")[2])
    assert (result.returncode, image(aws)) == (0, second), result.stderr
    assert "runs already" in studio("deploy", second).stdout
    assert studio("rollback").returncode == 0
    assert image(aws) == first
    assert studio("rollback").returncode == 0, "a rollback can be taken back"
    assert image(aws) == second


def test_rollback_without_an_earlier_image_says_so(create: Run, studio: Run) -> None:
    create()
    result = studio("rollback")
    assert (result.returncode, "has had one image only" in result.stderr) == (1, True)


@pytest.mark.parametrize("asked", ["latest", "sha256:12", "sha256:" + "0" * 64])
def test_only_a_digest_that_is_in_the_registry_is_deployed(
    aws: Callable[[str], Any], create: Run, studio: Run, asked: str
) -> None:
    create()
    before = image(aws)
    result = studio("deploy", asked)
    assert result.returncode == 1
    assert "expected its digest" in result.stderr or "Push it first" in result.stderr
    assert image(aws) == before


def test_update_changes_parameters_and_keeps_the_others(
    aws: Callable[[str], Any], create: Run, studio: Run, authorities: Path
) -> None:
    create("--set", "Cpu=2048", "--set", "DatabaseBackupDays=21")
    result = studio("update", "--set", "WebTasks=0", "--authorities", authorities)
    assert result.returncode == 0, result.stderr
    found = {
        each["ParameterKey"]: each["ParameterValue"]
        for stack in aws("cloudformation").describe_stacks()["Stacks"]
        for each in stack["Parameters"]
    }
    assert (found["Cpu"], found["DatabaseBackupDays"], found["WebTasks"]) == ("2048", "21", "0")


def test_an_unknown_parameter_is_refused_before_anything_is_made(aws: Callable[[str], Any], create: Run) -> None:
    result = create("--set", "Processors=4")
    assert (result.returncode, "--set names Processors; known are AlarmEmail" in result.stderr) == (1, True)
    assert not aws("cloudformation").describe_stacks()["Stacks"]


def test_create_goes_on_where_it_stopped(aws: Callable[[str], Any], create: Run) -> None:
    create()
    result = create()
    assert result.returncode == 0, result.stderr
    assert len(aws("cloudformation").describe_stacks()["Stacks"]) == 2


def test_users_replaces_the_login_file(aws: Callable[[str], Any], create: Run, studio: Run, tmp_path: Path) -> None:
    create()
    (tmp_path / "more.json").write_text('{"ada": "hash", "bob": "hash"}')
    result = studio("users", tmp_path / "more.json")
    assert result.returncode == 0, result.stderr
    secret = outputs(aws, "charrnn-data")["Users"]
    assert "bob" in aws("secretsmanager").get_secret_value(SecretId=secret)["SecretString"]


@pytest.mark.parametrize("text", ["", "{}", "[1]", "ada: hash"])
def test_what_is_not_a_login_file_is_refused(create: Run, studio: Run, tmp_path: Path, text: str) -> None:
    (tmp_path / "wrong.json").write_text(text)
    result = studio("users", tmp_path / "wrong.json")
    assert (result.returncode, "charrnn user add" in result.stderr) == (1, True)


def test_status_shows_address_image_and_the_variables_for_github(create: Run, studio: Run) -> None:
    create()
    said = studio("status").stdout
    assert "Address: https://studio.example.org" in said
    assert "AWS_ECR_REPOSITORY=123456789012.dkr.ecr" in said


def test_delete_keeps_the_data_unless_the_name_is_repeated(aws: Callable[[str], Any], create: Run, studio: Run) -> None:
    create()
    assert studio("delete", "--with-data", "another").returncode == 1
    assert len(aws("cloudformation").describe_stacks()["Stacks"]) == 2
    assert studio("delete").returncode == 0
    [data] = aws("cloudformation").describe_stacks()["Stacks"]
    assert data["StackName"] == "charrnn-data"
    assert aws("rds").describe_db_instances()["DBInstances"]


def test_without_an_installation_each_command_says_how_to_make_one(aws: Callable[[str], Any], studio: Run) -> None:
    for command in (["push", SOURCE], ["deploy", "sha256:" + "b" * 64], ["rollback"], ["status"]):
        result = studio(*command)
        assert (result.returncode, "Run: studio create --help" in result.stderr) == (1, True), result.stderr
        assert "Traceback" not in result.stderr


def test_without_credentials_it_says_so(studio: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_CONFIG_FILE", "/nonexistent")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", "/nonexistent")
    result = studio("status")
    assert (result.returncode, result.stderr.strip()) == (1, "You must specify a region.")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-central-1")
    result = studio("status")
    assert (result.returncode, result.stderr.strip()) == (1, "Unable to locate credentials")
