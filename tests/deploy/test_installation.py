"""Test what `deploy/aws/studio create` creates, as moto reports it.

moto does not simulate whether tasks start, whether CloudFormation waits for them, whether the permissions of roles
suffice, alarms, and some properties such as stickiness; tests/deploy/template_rules.py checks those in the templates.
"""

import os
import subprocess
from pathlib import Path

import pytest

from charrnn.store.database_url import parse_url
from tests.deploy.conftest import SOURCE, Cloud
from tests.deploy.templates import SERVICE, read


def test_the_database_requires_tls_and_is_private(installed: Cloud) -> None:
    [database] = installed.client("rds").describe_db_instances()["DBInstances"]
    assert (database["Engine"], database["EngineVersion"][:4], database["StorageEncrypted"]) == ("mysql", "8.4.", True)
    assert database["PubliclyAccessible"] is False
    group = database["DBParameterGroups"][0]["DBParameterGroupName"]
    parameters = installed.client("rds").describe_db_parameters(DBParameterGroupName=group)["Parameters"]
    assert {"1"} == {each["ParameterValue"] for each in parameters if "secure_transport" in each["ParameterName"]}


def test_files_objects_and_images_are_encrypted_and_image_tags_immutable(installed: Cloud) -> None:
    [system] = installed.client("efs").describe_file_systems()["FileSystems"]
    [folder] = installed.client("efs").describe_access_points()["AccessPoints"]
    assert (system["Encrypted"], folder["PosixUser"]["Uid"]) == (True, 10001)
    [repository] = installed.client("ecr").describe_repositories()["repositories"]
    assert repository["imageTagMutability"] == "IMMUTABLE"
    bucket = installed.outputs("charrnn-data")["Objects"]
    assert installed.client("s3").get_bucket_encryption(Bucket=bucket)["ServerSideEncryptionConfiguration"]["Rules"]


def test_the_load_balancer_redirects_to_https_and_checks_readiness(installed: Cloud) -> None:
    balancers = installed.client("elbv2")
    [balancer] = balancers.describe_load_balancers()["LoadBalancers"]
    listeners = balancers.describe_listeners(LoadBalancerArn=balancer["LoadBalancerArn"])["Listeners"]
    actions = {each["Port"]: each["DefaultActions"][0] for each in listeners}
    assert actions[80]["RedirectConfig"]["Protocol"] == "HTTPS"
    assert actions[443]["Type"] == "forward"
    [group] = balancers.describe_target_groups()["TargetGroups"]
    assert group["HealthCheckPath"] == "/readyz"


def test_the_task_runs_the_digest_and_keeps_secrets_out_of_its_environment(installed: Cloud) -> None:
    task = installed.client("ecs").describe_task_definition(taskDefinition="charrnn-service-web")["taskDefinition"]
    first, web = task["containerDefinitions"]
    assert first["image"] == web["image"] == installed.image()
    get_secret = installed.client("secretsmanager").get_secret_value
    secrets = {each["name"]: get_secret(SecretId=each["valueFrom"])["SecretString"] for each in first["secrets"]}
    assert secrets["USERS"] == installed.users.read_text()
    assert "-----BEGIN CERTIFICATE-----" in secrets["DATABASE_AUTHORITIES"]
    assert len(secrets["COOKIE_SECRET"]) == 64
    plain = {each["name"]: each["value"] for each in web["environment"] + first["environment"]}
    assert not set(secrets.values()) & set(plain.values())
    assert web["stopTimeout"] == 120


def test_the_init_container_writes_secrets_to_files(tmp_path: Path) -> None:
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


def test_push_copies_all_architectures_without_revealing_the_password(installed: Cloud) -> None:
    login, copy = installed.docker()
    assert (login["arguments"][0], "--password-stdin" in login["arguments"]) == ("login", True)
    assert login["stdin"] and login["stdin"] not in login["arguments"]
    target = f"{installed.outputs('charrnn-data')['Repository']}:sha256-{'a1' * 8}"
    assert copy["arguments"] == ["buildx", "imagetools", "create", "--tag", target, SOURCE]


def test_push_skips_an_image_that_is_in_the_registry(installed: Cloud) -> None:
    before = installed.docker()
    result = installed.studio("push", SOURCE)
    assert (result.returncode, result.stdout.strip()) == (0, installed.image())
    assert installed.docker() == before


def test_rollback_without_a_previous_image_fails(installed: Cloud) -> None:
    result = installed.studio("rollback")
    assert (result.returncode, "has no previous image" in result.stderr) == (1, True)


@pytest.mark.parametrize("digest", ["latest", "sha256:12", "sha256:" + "0" * 64])
def test_deploy_rejects_a_digest_that_is_not_in_the_registry(installed: Cloud, digest: str) -> None:
    result = installed.studio("deploy", digest)
    assert result.returncode == 1
    assert "expected its digest" in result.stderr or "Push it first" in result.stderr


def test_status_prints_address_image_and_github_variables(installed: Cloud) -> None:
    output = installed.studio("status").stdout
    assert "Address: https://studio.example.org" in output
    assert "AWS_ECR_REPOSITORY=123456789012.dkr.ecr" in output
    assert "AWS_DEPLOY_ROLE=arn:aws:iam::123456789012:role/charrnn-data-DeployRole-" in output


def test_delete_with_data_requires_the_name_of_the_installation(installed: Cloud) -> None:
    result = installed.studio("delete", "--with-data", "another")
    assert (result.returncode, "Nothing was deleted" in result.stderr) == (1, True)
    assert installed.stacks() == ["charrnn-data", "charrnn-service"]
