"""Saves the database and brings its tables to the version of the program, while no task runs."""

from datetime import UTC, datetime

import boto3
from botocore.exceptions import WaiterError
from problem import Problem

PATIENCE = {"Delay": 10, "MaxAttempts": 180}


def save(database: str) -> str:
    """Make a snapshot of the database; return its name."""
    name = f"{database}-{datetime.now(UTC):%Y%m%d-%H%M%S}"
    print(f"Saving the database as the snapshot {name} …", flush=True)
    client = boto3.client("rds")
    client.create_db_snapshot(DBInstanceIdentifier=database, DBSnapshotIdentifier=name)
    client.get_waiter("db_snapshot_available").wait(DBSnapshotIdentifier=name, WaiterConfig=PATIENCE)
    return name


def upgrade(service: str, data: dict[str, str], snapshot: str) -> None:
    """Run `charrnn db upgrade` in a task of its own.

    Args:
        service: The service's stack, whose cluster and newest task definition it takes.
        data: Outputs of the data stack.
        snapshot: Names the database as it was, for the message.

    Raises:
        Problem: The command failed.
    """
    print("Changing the tables …", flush=True)
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
        client.get_waiter("tasks_stopped").wait(cluster=service, tasks=[task["taskArn"]], WaiterConfig=PATIENCE)
    except WaiterError as error:
        raise Problem(f"The task that changes the tables did not end ({error}). {_what_now(snapshot)}") from error
    [ended] = client.describe_tasks(cluster=service, tasks=[task["taskArn"]])["tasks"]
    codes = {each["name"]: each.get("exitCode") for each in ended["containers"]}
    if codes.get("web") != 0:
        reason = ended.get("stoppedReason", "see the log")
        raise Problem(f"The tables could not be changed ({reason}). {_what_now(snapshot)}")


def _what_now(snapshot: str) -> str:
    return (
        f"No task runs now. Read the log (studio status names it) and run the command again, or go back: "
        f"studio update --set DatabaseSnapshot={snapshot}, studio rollback, studio update --set WebTasks=1"
    )
