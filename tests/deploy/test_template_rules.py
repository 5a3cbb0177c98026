"""Check that the CloudFormation templates pass cfn-lint and the rules, and that each rule finds a broken template."""

import copy
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.deploy.template_rules import RULES
from tests.deploy.templates import DATA, SERVICE, resources

GONE = object()
BROKEN: list[tuple[str, str, Any]] = [
    ("stop_timeout", "WebTask.Properties.ContainerDefinitions.1.StopTimeout", 500),
    ("stop_timeout", "WebTask.Properties.ContainerDefinitions.1.StopTimeout", GONE),
    ("tls_to_database", "DatabaseParameters.Properties.Parameters.require_secure_transport", "0"),
    ("tls_to_database", "Database.Properties.DBParameterGroupName", GONE),
    ("tls_to_database", "WebTask.Properties.ContainerDefinitions.0.Command", ["echo mysql://h/d >database-url"]),
    ("https", "SecureListener.Properties.Protocol", "HTTP"),
    ("https", "SecureListener.Properties.SslPolicy", "ELBSecurityPolicy-2016-08"),
    ("https", "RedirectListener.Properties.DefaultActions", [{"Type": "forward"}]),
    ("stickiness", "TargetGroup.Properties.TargetGroupAttributes.0.Value", "false"),
    ("stickiness", "TargetGroup.Properties.TargetGroupAttributes", GONE),
    ("long_connections", "LoadBalancer.Properties.LoadBalancerAttributes.1.Value", "60"),
    ("nothing_has_a_public_address", "Database.Properties.PubliclyAccessible", True),
    ("nothing_has_a_public_address", "PrivateSubnetA.Properties.MapPublicIpOnLaunch", True),
    ("only_the_load_balancer_is_reached_from_outside", "TaskIngress.Properties.SourceSecurityGroupId", GONE),
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
    ("encryption", "FileSystem.Properties.Encrypted", GONE),
    ("encryption", "Objects.Properties.BucketEncryption", GONE),
    ("encryption", "Alarms.Properties.KmsMasterKeyId", GONE),
    ("encryption", "WebTask.Properties.Volumes.0.EFSVolumeConfiguration.TransitEncryption", "DISABLED"),
    ("what_lasts_is_retained", "Database.DeletionPolicy", "Delete"),
    ("deletion_is_protected", "Database.Properties.DeletionProtection", False),
    ("what_lasts_is_retained", "FileSystem.UpdateReplacePolicy", GONE),
    ("deletion_is_protected", "LoadBalancer.Properties.LoadBalancerAttributes.0.Value", "false"),
    ("what_lasts_is_retained", "Objects.Properties.VersioningConfiguration", GONE),
    ("log_retention", "Logs.Properties.RetentionInDays", GONE),
    ("images", "Images.Properties.ImageTagMutability", "MUTABLE"),
    ("images", "Images.Properties.ImageScanningConfiguration", GONE),
    ("images", "WebTask.Properties.ContainerDefinitions.1.Image", "charrnn-studio:latest"),
    ("containers_are_confined", "WebTask.Properties.ContainerDefinitions.1.ReadonlyRootFilesystem", GONE),
    ("containers_are_confined", "WebTask.Properties.ContainerDefinitions.0.LinuxParameters.Capabilities", GONE),
    ("containers_are_confined", "WebTask.Properties.ContainerDefinitions.1.User", "0"),
    (
        "secrets_are_not_plain",
        "WebTask.Properties.ContainerDefinitions.1.Environment.0",
        {"Name": "MYSQL_PASSWORD", "Value": "ducks"},
    ),
    (
        "secrets_are_not_plain",
        "WebTask.Properties.ContainerDefinitions.1.Environment.0.Value",
        {"Fn::Sub": "{{resolve:secretsmanager:${DatabasePassword}}}"},
    ),
    ("secrets_are_not_plain", "Database.Properties.MasterUserPassword", {"Ref": "Password"}),
    ("least_privilege", "TaskRole.Properties.Policies.0.PolicyDocument.Statement.0.Action", "elasticfilesystem:*"),
    ("least_privilege", "TaskRole.Properties.Policies.0.PolicyDocument.Statement.0.Resource", "*"),
    ("least_privilege", "DeployRole.Properties.Policies.0.PolicyDocument.Statement.6.Condition", GONE),
    (
        "github_is_bound",
        "DeployRole.Properties.AssumeRolePolicyDocument.Statement.0.Condition.StringEquals",
        {"token.actions.githubusercontent.com:aud": "sts.amazonaws.com"},
    ),
    (
        "github_is_bound",
        "PushRole.Properties.AssumeRolePolicyDocument.Statement.0.Condition.StringLike",
        {"token.actions.githubusercontent.com:sub": [{"Fn::Sub": "repo:${GitHubRepository}:*"}]},
    ),
    ("github_is_bound", "PushRole.Properties.AssumeRolePolicyDocument.Statement.0.Condition.StringEquals", {}),
    ("alarms_tell_somebody", "UnhealthyHosts.Properties.AlarmActions", GONE),
]


def changed(path: str, value: Any) -> dict[str, dict[str, Any]]:
    """Return the resources with one value replaced, or removed."""
    found: Any = copy.deepcopy(resources())
    whole, *steps, last = found, *path.split(".")
    for step in steps:
        found = found[int(step) if isinstance(found, list) else step]
    key: Any = int(last) if isinstance(found, list) else last
    if value is GONE:
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
