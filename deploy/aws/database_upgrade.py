"""Take a snapshot of the database and upgrade its tables, while no task is running."""

from datetime import UTC, datetime

import boto3
from botocore.exceptions import WaiterError
from problem import Problem

WAITER_CONFIG = {"Delay": 10, "MaxAttempts": 180}


def save(database: str) -> str:
    """Take a snapshot of the database and return its name."""
    name = f"{database}-{datetime.now(UTC):%Y%m%d-%H%M%S}"
    print(f"Taking the snapshot {name} of the database …", flush=True)
    client = boto3.client("rds")
    client.create_db_snapshot(DBInstanceIdentifier=database, DBSnapshotIdentifier=name)
    client.get_waiter("db_snapshot_available").wait(DBSnapshotIdentifier=name, WaiterConfig=WAITER_CONFIG)
    return name


def upgrade(service: str, data: dict[str, str], snapshot: str) -> None:
    """Run `charrnn db upgrade` in a separate task.

    Args:
        service: Name of the service stack, which its cluster and its task definitions share.
        data: Outputs of the data stack.
        snapshot: Name of the snapshot from before the upgrade, for the error message.

    Raises:
        Problem: The command failed.
    """
    print("Upgrading the database …", flush=True)
    client = boto3.client("ecs")
    network = {
        "subnets": data["PrivateSubnets"].split(","),
        "securityGroups": [data["TaskSecurityGroup"]],
        "assignPublicIp": "DISABLED",
    }
    [task] = client.run_task(
        cluster=service,
        taskDefinition=f"{service}-web",
        launchType="FARGATE",
        networkConfiguration={"awsvpcConfiguration": network},
        overrides={"containerOverrides": [{"name": "web", "command": ["charrnn", "db", "upgrade"]}]},
    )["tasks"]
    try:
        client.get_waiter("tasks_stopped").wait(cluster=service, tasks=[task["taskArn"]], WaiterConfig=WAITER_CONFIG)
    except WaiterError as error:
        raise Problem(f"The task that upgrades the database did not end ({error}). {_next_steps(snapshot)}") from error
    [stopped] = client.describe_tasks(cluster=service, tasks=[task["taskArn"]])["tasks"]
    codes = {each["name"]: each.get("exitCode") for each in stopped["containers"]}
    if codes.get("web") != 0:
        reason = stopped.get("stoppedReason", "see the log")
        raise Problem(f"The database could not be upgraded ({reason}). {_next_steps(snapshot)}")


def _next_steps(snapshot: str) -> str:
    return (
        f"No task is running. Read the log (see studio status) and run the command again, or roll back: "
        f"studio update --set DatabaseSnapshot={snapshot}, studio rollback, studio update --set WebTasks=1"
    )
