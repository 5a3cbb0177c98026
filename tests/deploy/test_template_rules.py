"""Check that the CloudFormation templates pass cfn-lint and the rules, and that each rule finds a broken template."""

import copy
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.deploy.template_rules import RULES
from tests.deploy.templates import DATA, SERVICE, resources

REMOVED = object()
BROKEN: list[tuple[str, str, Any]] = [
    ("stop_timeout", "WebTask.Properties.ContainerDefinitions.1.StopTimeout", 500),
    ("stop_timeout", "WebTask.Properties.ContainerDefinitions.1.StopTimeout", REMOVED),
    ("tls_to_database", "DatabaseParameters.Properties.Parameters.require_secure_transport", "0"),
    ("tls_to_database", "Database.Properties.DBParameterGroupName", REMOVED),
    ("tls_to_database", "WebTask.Properties.ContainerDefinitions.0.Command", ["echo mysql://h/d >database-url"]),
    ("https", "SecureListener.Properties.Protocol", "HTTP"),
    ("https", "SecureListener.Properties.SslPolicy", "ELBSecurityPolicy-2016-08"),
    ("https", "RedirectListener.Properties.DefaultActions", [{"Type": "forward"}]),
    ("stickiness", "TargetGroup.Properties.TargetGroupAttributes.0.Value", "false"),
    ("stickiness", "TargetGroup.Properties.TargetGroupAttributes", REMOVED),
    ("long_connections", "LoadBalancer.Properties.LoadBalancerAttributes.1.Value", "60"),
    ("nothing_has_a_public_address", "Database.Properties.PubliclyAccessible", True),
    ("nothing_has_a_public_address", "PrivateSubnetA.Properties.MapPublicIpOnLaunch", True),
    ("only_the_load_balancer_is_reached_from_outside", "TaskIngress.Properties.SourceSecurityGroupId", REMOVED),
    (
        "only_the_load_balancer_is_reached_from_outside",
        "DatabaseSecurityGroup.Properties.SecurityGroupIngress.0",
        {"CidrIp": "0.0.0.0/0"},
    ),
    (
        "nothing_has_a_public_address",
        "WebService.Properties.NetworkConfiguration.AwsvpcConfiguration.AssignPublicIp",
        "ENABLED",
    ),
    ("nothing_has_a_public_address", "Objects.Properties.PublicAccessBlockConfiguration.BlockPublicAcls", False),
    ("encryption", "Database.Properties.StorageEncrypted", False),
    ("encryption", "FileSystem.Properties.Encrypted", REMOVED),
    ("encryption", "Objects.Properties.BucketEncryption", REMOVED),
    ("encryption", "Alarms.Properties.KmsMasterKeyId", REMOVED),
    ("encryption", "WebTask.Properties.Volumes.0.EFSVolumeConfiguration.TransitEncryption", "DISABLED"),
    ("persistent_resources_are_retained", "Database.DeletionPolicy", "Delete"),
    ("deletion_is_protected", "Database.Properties.DeletionProtection", False),
    ("persistent_resources_are_retained", "FileSystem.UpdateReplacePolicy", REMOVED),
    ("deletion_is_protected", "LoadBalancer.Properties.LoadBalancerAttributes.0.Value", "false"),
    ("persistent_resources_are_retained", "Objects.Properties.VersioningConfiguration", REMOVED),
    ("log_retention", "Logs.Properties.RetentionInDays", REMOVED),
    ("images", "Images.Properties.ImageTagMutability", "MUTABLE"),
    ("images", "Images.Properties.ImageScanningConfiguration", REMOVED),
    ("images", "WebTask.Properties.ContainerDefinitions.1.Image", "charrnn-studio:latest"),
    ("containers_are_confined", "WebTask.Properties.ContainerDefinitions.1.ReadonlyRootFilesystem", REMOVED),
    ("containers_are_confined", "WebTask.Properties.ContainerDefinitions.0.LinuxParameters.Capabilities", REMOVED),
    ("containers_are_confined", "WebTask.Properties.ContainerDefinitions.1.User", "0"),
    (
        "secrets_are_not_in_plain_text",
        "WebTask.Properties.ContainerDefinitions.1.Environment.0",
        {"Name": "MYSQL_PASSWORD", "Value": "ducks"},
    ),
    (
        "secrets_are_not_in_plain_text",
        "WebTask.Properties.ContainerDefinitions.1.Environment.0.Value",
        {"Fn::Sub": "{{resolve:secretsmanager:${DatabasePassword}}}"},
    ),
    ("secrets_are_not_in_plain_text", "Database.Properties.MasterUserPassword", {"Ref": "Password"}),
    ("least_privilege", "TaskRole.Properties.Policies.0.PolicyDocument.Statement.0.Action", "elasticfilesystem:*"),
    ("least_privilege", "TaskRole.Properties.Policies.0.PolicyDocument.Statement.0.Resource", "*"),
    ("least_privilege", "DeployRole.Properties.Policies.0.PolicyDocument.Statement.6.Condition", REMOVED),
    (
        "github_roles_are_restricted",
        "DeployRole.Properties.AssumeRolePolicyDocument.Statement.0.Condition.StringEquals",
        {"token.actions.githubusercontent.com:aud": "sts.amazonaws.com"},
    ),
    (
        "github_roles_are_restricted",
        "PushRole.Properties.AssumeRolePolicyDocument.Statement.0.Condition.StringLike",
        {"token.actions.githubusercontent.com:sub": [{"Fn::Sub": "repo:${GitHubRepository}:*"}]},
    ),
    (
        "github_roles_are_restricted",
        "PushRole.Properties.AssumeRolePolicyDocument.Statement.0.Condition.StringEquals",
        {},
    ),
    ("alarms_have_actions", "UnhealthyHosts.Properties.AlarmActions", REMOVED),
]


def changed(path: str, value: Any) -> dict[str, dict[str, Any]]:
    """Return the resources with one value replaced, or removed."""
    found: Any = copy.deepcopy(resources())
    whole, *steps, last = found, *path.split(".")
    for step in steps:
        found = found[int(step) if isinstance(found, list) else step]
    key: Any = int(last) if isinstance(found, list) else last
    if value is REMOVED:
        del found[key]
    else:
        found[key] = value
    return whole


@pytest.mark.parametrize("template", [DATA, SERVICE], ids=lambda path: path.stem)
def test_templates_pass_cfn_lint(template: Path) -> None:
    result = subprocess.run([Path(sys.executable).with_name("cfn-lint"), template], capture_output=True, text=True)
    assert (result.returncode, result.stdout) == (0, "")


@pytest.mark.parametrize("name", RULES)
def test_templates_pass_each_rule(name: str) -> None:
    assert list(RULES[name](resources())) == []


@pytest.mark.parametrize(("name", "path", "value"), BROKEN, ids=[f"{name}-{path}" for name, path, _ in BROKEN])
def test_a_rule_finds_a_template_that_breaks_it(name: str, path: str, value: Any) -> None:
    assert list(RULES[name](changed(path, value)))


def test_each_rule_has_a_template_that_breaks_it() -> None:
    assert {name for name, _, _ in BROKEN} == RULES.keys()
