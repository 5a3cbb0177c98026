"""Rules for the CloudFormation templates that cfn-lint does not check. Each rule yields its violations."""

import re
from collections.abc import Callable, Iterator
from typing import Any

Resources = dict[str, dict[str, Any]]
Rule = Callable[[Resources], Iterator[str]]

WITHOUT_RESOURCES = {
    "ecr:GetAuthorizationToken",
    "ecs:DeregisterTaskDefinition",
    "ecs:DescribeTaskDefinition",
    "ecs:RegisterTaskDefinition",
}
"""Actions that AWS grants on all resources only."""


def of_type(resources: Resources, kind: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield name and properties of each resource of a type, such as `RDS::DBInstance`."""
    for name, resource in resources.items():
        if resource["Type"] == f"AWS::{kind}":
            yield name, resource.get("Properties", {})


def attributes(properties: dict[str, Any], key: str) -> dict[str, str]:
    """Return a list of keys and values as a mapping."""
    return {each["Key"]: each["Value"] for each in properties.get(key, [])}


def containers(resources: Resources) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield all containers."""
    for _, task in of_type(resources, "ECS::TaskDefinition"):
        for container in task["ContainerDefinitions"]:
            yield container["Name"], container


def statements(resources: Resources) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield the policy statements of all roles."""
    for name, role in of_type(resources, "IAM::Role"):
        for policy in role.get("Policies", []):
            for statement in policy["PolicyDocument"]["Statement"]:
                yield name, statement


def stop_timeout(resources: Resources) -> Iterator[str]:
    for name, container in containers(resources):
        if container["Essential"] and not 30 <= container.get("StopTimeout", 0) <= 120:
            yield f"{name}: StopTimeout is not between 30 and 120 seconds, Fargate's maximum"


def tls_to_database(resources: Resources) -> Iterator[str]:
    for name, database in of_type(resources, "RDS::DBInstance"):
        group = database.get("DBParameterGroupName", {}).get("Ref")
        parameters = resources[group]["Properties"]["Parameters"] if group else {}
        if parameters.get("require_secure_transport") != "1":
            yield f"{name}: accepts connections without TLS"
    for name, container in containers(resources):
        if "mysql://" in str(container.get("Command")) and "ssl_ca=" not in str(container["Command"]):
            yield f"{name}: does not check the database's certificate"


def https(resources: Resources) -> Iterator[str]:
    listeners = dict(of_type(resources, "ElasticLoadBalancingV2::Listener"))
    for name, listener in listeners.items():
        actions = listener["DefaultActions"]
        if listener["Protocol"] == "HTTPS":
            if not listener.get("Certificates") or "TLS13-1-2" not in listener.get("SslPolicy", ""):
                yield f"{name}: has no certificate, or accepts TLS older than 1.2"
        elif [action.get("RedirectConfig", {}).get("Protocol") for action in actions] != ["HTTPS"]:
            yield f"{name}: serves without TLS"
    if not any(listener["Protocol"] == "HTTPS" for listener in listeners.values()):
        yield "no listener has HTTPS"


def stickiness(resources: Resources) -> Iterator[str]:
    for name, group in of_type(resources, "ElasticLoadBalancingV2::TargetGroup"):
        if attributes(group, "TargetGroupAttributes").get("stickiness.enabled") != "true":
            yield f"{name}: a websocket may reach a task that did not build its page"


def long_connections(resources: Resources) -> Iterator[str]:
    for name, balancer in of_type(resources, "ElasticLoadBalancingV2::LoadBalancer"):
        idle = attributes(balancer, "LoadBalancerAttributes").get("idle_timeout.timeout_seconds", "60")
        if int(idle) < 120:
            yield f"{name}: ends websockets that are idle for {idle} seconds"


def only_the_load_balancer_is_reached_from_outside(resources: Resources) -> Iterator[str]:
    public = {
        group["Fn::GetAtt"][0]
        for _, balancer in of_type(resources, "ElasticLoadBalancingV2::LoadBalancer")
        for group in balancer["SecurityGroups"]
    }
    for name, group in of_type(resources, "EC2::SecurityGroup"):
        for ingress in group.get("SecurityGroupIngress", []):
            if name not in public and not ingress.get("SourceSecurityGroupId"):
                yield f"{name}: is reached from addresses, not from a security group"
    for name, ingress in of_type(resources, "EC2::SecurityGroupIngress"):
        if not ingress.get("SourceSecurityGroupId"):
            yield f"{name}: is reached from addresses, not from a security group"


def nothing_has_a_public_address(resources: Resources) -> Iterator[str]:
    for name, subnet in of_type(resources, "EC2::Subnet"):
        if subnet.get("MapPublicIpOnLaunch") is not False:
            yield f"{name}: assigns public addresses"
    for name, database in of_type(resources, "RDS::DBInstance"):
        if database.get("PubliclyAccessible") is not False:
            yield f"{name}: is public"
    for name, service in of_type(resources, "ECS::Service"):
        if service["NetworkConfiguration"]["AwsvpcConfiguration"].get("AssignPublicIp") != "DISABLED":
            yield f"{name}: its tasks have public addresses"
    for name, bucket in of_type(resources, "S3::Bucket"):
        if list(bucket.get("PublicAccessBlockConfiguration", {}).values()) != [True] * 4:
            yield f"{name}: can be made public"


def encryption(resources: Resources) -> Iterator[str]:
    required = {
        "RDS::DBInstance": "StorageEncrypted",
        "EFS::FileSystem": "Encrypted",
        "S3::Bucket": "BucketEncryption",
        "ECR::Repository": "EncryptionConfiguration",
        "SNS::Topic": "KmsMasterKeyId",
    }
    for kind, key in required.items():
        for name, properties in of_type(resources, kind):
            if not properties.get(key):
                yield f"{name}: {key} is missing"
    for name, task in of_type(resources, "ECS::TaskDefinition"):
        for volume in task["Volumes"]:
            if volume.get("EFSVolumeConfiguration", {"TransitEncryption": "ENABLED"})["TransitEncryption"] != "ENABLED":
                yield f"{name}: files are transferred without TLS"


def persistent_resources_are_retained(resources: Resources) -> Iterator[str]:
    policies = {
        "RDS::DBInstance": "Snapshot", "EFS::FileSystem": "Retain", "S3::Bucket": "Retain", "ECR::Repository": "Retain",
        "Logs::LogGroup": "Retain",
    }  # fmt: skip
    for kind, policy in policies.items():
        for name, _ in of_type(resources, kind):
            for when in ("DeletionPolicy", "UpdateReplacePolicy"):
                # If the first creation fails, there is nothing to keep.
                if resources[name].get(when, "").removesuffix("ExceptOnCreate") != policy:
                    yield f"{name}: {when} is not {policy}"
    for name, bucket in of_type(resources, "S3::Bucket"):
        if bucket.get("VersioningConfiguration", {}).get("Status") != "Enabled":
            yield f"{name}: keeps no older versions"


def deletion_is_protected(resources: Resources) -> Iterator[str]:
    for name, database in of_type(resources, "RDS::DBInstance"):
        if database.get("DeletionProtection") is not True:
            yield f"{name}: has no deletion protection"
    for name, balancer in of_type(resources, "ElasticLoadBalancingV2::LoadBalancer"):
        if attributes(balancer, "LoadBalancerAttributes").get("deletion_protection.enabled") != "true":
            yield f"{name}: has no deletion protection"


def log_retention(resources: Resources) -> Iterator[str]:
    for name, group in of_type(resources, "Logs::LogGroup"):
        if not group.get("RetentionInDays"):
            yield f"{name}: keeps its lines forever"


def images(resources: Resources) -> Iterator[str]:
    for name, repository in of_type(resources, "ECR::Repository"):
        if repository.get("ImageTagMutability") != "IMMUTABLE":
            yield f"{name}: a tag can be moved to another image"
        if not repository.get("ImageScanningConfiguration", {}).get("ScanOnPush"):
            yield f"{name}: does not scan images"
    for name, container in containers(resources):
        if container["Image"] != {"Ref": "Image"}:
            yield f"{name}: its image is not the parameter, which accepts digests only"


def containers_are_confined(resources: Resources) -> Iterator[str]:
    for name, container in containers(resources):
        if container.get("ReadonlyRootFilesystem") is not True:
            yield f"{name}: can write to its root"
        if container.get("LinuxParameters", {}).get("Capabilities", {}).get("Drop") != ["ALL"]:
            yield f"{name}: keeps capabilities"
        if container["Essential"] and container.get("User", "10001") in ("0", "root"):
            yield f"{name}: serves as root"


def secrets_are_not_in_plain_text(resources: Resources) -> Iterator[str]:
    secret = re.compile(r"(PASSWORD|SECRET|TOKEN|KEY|DATABASE_URL|USERS)$")
    for name, container in containers(resources):
        for entry in container.get("Environment", []):
            if secret.search(entry["Name"]) or "resolve:" in str(entry["Value"]):
                yield f"{name}: {entry['Name']} is a plain environment value"
    for name, database in of_type(resources, "RDS::DBInstance"):
        if "{{resolve:secretsmanager:" not in str(database["MasterUserPassword"]):
            yield f"{name}: its password is in the template or a parameter"


def least_privilege(resources: Resources) -> Iterator[str]:
    for name, statement in statements(resources):
        actions = statement["Action"] if isinstance(statement["Action"], list) else [statement["Action"]]
        if any("*" in action for action in actions):
            yield f"{name}: allows actions by a wildcard"
        if statement["Resource"] == "*" and not set(actions) <= WITHOUT_RESOURCES:
            yield f"{name}: allows {actions} on all resources"
        if "iam:PassRole" in actions and "iam:PassedToService" not in str(statement.get("Condition")):
            yield f"{name}: may pass its roles to any service"


def github_roles_are_restricted(resources: Resources) -> Iterator[str]:
    allowed = re.compile(r"repo:\$\{GitHubRepository\}:(ref:refs/heads/main|ref:refs/tags/v\*|environment:\$\{\w+\})")
    for name, role in of_type(resources, "IAM::Role"):
        for statement in role["AssumeRolePolicyDocument"]["Statement"]:
            if statement["Action"] != "sts:AssumeRoleWithWebIdentity":
                continue
            found = {key: value for kind in statement["Condition"].values() for key, value in kind.items()}
            subjects = found.get("token.actions.githubusercontent.com:sub", [])
            subjects = subjects if isinstance(subjects, list) else [subjects]
            if not subjects or not all(allowed.fullmatch(each["Fn::Sub"]) for each in subjects):
                yield f"{name}: can be assumed by other repositories or branches"
            if found.get("token.actions.githubusercontent.com:aud") != "sts.amazonaws.com":
                yield f"{name}: accepts tokens for other audiences"


def alarms_have_actions(resources: Resources) -> Iterator[str]:
    for name, alarm in of_type(resources, "CloudWatch::Alarm"):
        if not alarm.get("AlarmActions"):
            yield f"{name}: has no action"


RULES: dict[str, Rule] = {
    rule.__name__: rule
    for rule in (
        stop_timeout, tls_to_database, https, stickiness, long_connections, 
        only_the_load_balancer_is_reached_from_outside, nothing_has_a_public_address, encryption,
        persistent_resources_are_retained, deletion_is_protected, log_retention, images, containers_are_confined,
        secrets_are_not_in_plain_text, least_privilege, github_roles_are_restricted, alarms_have_actions,
    )
}  # fmt: skip
