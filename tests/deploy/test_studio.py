"""Test how deploy/aws/studio changes an installation on moto, and its error messages."""

import os

import pytest

from tests.deploy.conftest import SOURCE, Cloud


def test_deploy_runs_a_digest_and_rollback_the_previous_one(cloud: Cloud) -> None:
    cloud.create()
    first = cloud.image()
    second = cloud.studio("push", "charrnn-studio", "--tag", "v9").stdout.strip()
    assert second not in ("", first)
    result = cloud.studio("deploy", second.partition("@")[2])
    assert (result.returncode, cloud.image()) == (0, second), result.stderr
    assert "is already running" in cloud.studio("deploy", second).stdout
    assert cloud.studio("rollback").returncode == 0
    assert cloud.image() == first
    assert cloud.studio("rollback").returncode == 0, "a second rollback reverts the first"
    assert cloud.image() == second


def test_update_changes_the_given_parameters_only(cloud: Cloud) -> None:
    cloud.create("--set", "Cpu=2048", "--set", "DatabaseBackupDays=21")
    image = cloud.image()
    result = cloud.studio("update", "--set", "WebTasks=0", "--authorities", cloud.authorities)
    assert result.returncode == 0, result.stderr
    found = cloud.parameters()
    assert (found["Cpu"], found["DatabaseBackupDays"], found["WebTasks"]) == ("2048", "21", "0")
    assert found["Image"] == image


def test_create_continues_where_it_stopped_and_users_replaces_the_login_file(cloud: Cloud) -> None:
    cloud.create()
    cloud.users.write_text('{"ada": "hash", "bob": "hash"}')
    result = cloud.create()
    assert result.returncode == 0, result.stderr
    assert cloud.stacks() == ["charrnn-data", "charrnn-service"]
    cloud.users.write_text('{"cleo": "hash"}')
    result = cloud.studio("users", cloud.users)
    assert result.returncode == 0, result.stderr
    secret = cloud.outputs("charrnn-data")["Users"]
    assert cloud.client("secretsmanager").get_secret_value(SecretId=secret)["SecretString"] == '{"cleo": "hash"}'


def test_delete_keeps_the_data_and_create_reuses_it(cloud: Cloud) -> None:
    cloud.create()
    result = cloud.studio("delete")
    assert result.returncode == 0, result.stderr
    assert cloud.stacks() == ["charrnn-data"]
    assert cloud.client("rds").describe_db_instances()["DBInstances"]
    assert cloud.create().returncode == 0
    assert cloud.stacks() == ["charrnn-data", "charrnn-service"]


def test_delete_with_data_removes_the_protections_first(cloud: Cloud) -> None:
    cloud.create()
    [database] = cloud.client("rds").describe_db_instances()["DBInstances"]
    protect = {"DBInstanceIdentifier": database["DBInstanceIdentifier"], "DeletionProtection": True}
    cloud.client("rds").modify_db_instance(**protect)
    result = cloud.studio("delete", "--with-data", "charrnn")
    # moto may fail here: it deletes network resources in any order and ignores what a template retains.
    assert "Deleting charrnn-data" in result.stdout
    assert "charrnn-service" not in cloud.stacks()
    for found in cloud.client("rds").describe_db_instances()["DBInstances"]:
        assert not found["DeletionProtection"]


def test_an_unknown_parameter_is_rejected_before_anything_is_created(cloud: Cloud) -> None:
    result = cloud.create("--set", "Processors=4")
    assert (result.returncode, "--set names Processors; known are AlarmEmail" in result.stderr) == (1, True)
    assert not cloud.stacks()


@pytest.mark.parametrize("text", ["", "{}", "[1]", "ada: hash"])
def test_an_invalid_login_file_is_rejected_before_anything_is_created(cloud: Cloud, text: str) -> None:
    cloud.users.write_text(text)
    result = cloud.create()
    assert (result.returncode, "charrnn user add" in result.stderr) == (1, True)
    assert not cloud.stacks()


def test_a_file_without_certificates_is_rejected_before_anything_is_created(cloud: Cloud) -> None:
    cloud.authorities.write_text("<html>")
    result = cloud.create()
    assert (result.returncode, "no certificates in PEM format" in result.stderr) == (1, True)
    assert not cloud.stacks()


@pytest.mark.parametrize("command", [["push", SOURCE], ["deploy", "sha256:" + "b" * 64], ["rollback"], ["status"]])
def test_each_command_explains_how_to_create_a_missing_installation(cloud: Cloud, command: list[str]) -> None:
    result = cloud.studio(*command)
    assert (result.returncode, "Run: studio create --help" in result.stderr) == (1, True), result.stderr


def test_missing_region_or_credentials_are_reported(cloud: Cloud, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_CONFIG_FILE", "/nonexistent")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", "/nonexistent")
    result = cloud.studio("status")
    assert (result.returncode, result.stderr.strip()) == (1, "You must specify a region.")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-central-1")
    result = cloud.studio("status")
    assert (result.returncode, result.stderr.strip()) == (1, "Unable to locate credentials")


def test_upgrade_stops_the_tasks_and_takes_a_snapshot_first(cloud: Cloud) -> None:
    cloud.create("--set", "WebTasks=2")
    before = cloud.image()
    newer = cloud.studio("push", "charrnn-studio", "--tag", "v9").stdout.strip()
    result = cloud.studio("upgrade", newer)
    assert result.returncode == 0, result.stderr
    steps = ["Stopping the tasks", "Taking the snapshot", "Upgrading the database", f"{newer} runs"]
    places = [result.stdout.index(step) for step in steps]
    assert places == sorted(places)
    [snapshot] = cloud.client("rds").describe_db_snapshots(SnapshotType="manual")["DBSnapshots"]
    assert snapshot["DBSnapshotIdentifier"] in result.stdout
    found = cloud.parameters()
    assert (found["Image"], found["PreviousImage"], found["WebTasks"]) == (newer, before, "2")


def test_a_failed_upgrade_leaves_no_task_running_and_explains_how_to_roll_back(cloud: Cloud) -> None:
    cloud.create()
    broken = cloud.studio("push", "charrnn-studio", "--tag", "broken").stdout.strip()
    result = cloud.studio("upgrade", broken)
    assert result.returncode == 1
    assert "The database could not be upgraded" in result.stderr
    [snapshot] = cloud.client("rds").describe_db_snapshots(SnapshotType="manual")["DBSnapshots"]
    assert f"--set DatabaseSnapshot={snapshot['DBSnapshotIdentifier']}" in result.stderr
    assert cloud.parameters()["WebTasks"] == "0"
