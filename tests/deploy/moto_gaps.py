"""Extend moto with the CloudFormation features that the templates use; importing this module is enough.

Adds secrets in stacks, and `!Ref` of a parameter group. moto silently ignores bucket policies, OIDC providers,
subscriptions and alarms, so the tests do not cover those.
"""

import hashlib
import json
from copy import copy
from typing import Any

from moto.cloudformation.responses import CloudFormationResponse
from moto.core.common_models import CloudFormationModel
from moto.core.responses import EmptyResult
from moto.ecr.models import Repository
from moto.ecs.models import EC2ContainerServiceBackend, Task, TaskDefinition
from moto.efs.models import AccessPoint, FileSystem, MountTarget
from moto.elbv2.models import FakeListener, FakeLoadBalancer, FakeTargetGroup
from moto.rds.models import DBInstance, DBParameterGroup
from moto.secretsmanager.models import secretsmanager_backends

BROKEN = hashlib.sha256(b"broken").hexdigest()
"""Digest of the failing image, which a push with the tag "broken" gets in these tests."""


class StackSecret(CloudFormationModel):
    """A secret of a stack; its physical ID is its ARN."""

    def __init__(self, arn: str):
        self.physical_resource_id = arn

    @staticmethod
    def cloudformation_name_type() -> str:
        return "Name"

    @staticmethod
    def cloudformation_type() -> str:
        return "AWS::SecretsManager::Secret"

    @classmethod
    def has_cfn_attr(cls, attr: str) -> bool:
        return attr == "Id"

    @classmethod
    def create_from_cloudformation_json(
        cls, resource_name: str, cloudformation_json: dict[str, Any], account_id: str, region_name: str, **kwargs: Any
    ) -> "StackSecret":
        properties = cloudformation_json["Properties"]
        backend = secretsmanager_backends[account_id][region_name]
        text = properties.get("SecretString")
        if text is None:
            options = properties["GenerateSecretString"]
            text = backend.get_random_password(
                password_length=int(options["PasswordLength"]), exclude_characters="", exclude_numbers=False,
                exclude_punctuation=bool(options["ExcludePunctuation"]), exclude_uppercase=False,
                exclude_lowercase=False, include_space=False, require_each_included_type=True,
            )  # fmt: skip
            text = json.loads(text)["RandomPassword"]
        secret = backend.create_secret(resource_name, text, None, properties["Description"], [], None, None, [], False)
        return cls(json.loads(secret)["ARN"] if isinstance(secret, str) else secret["ARN"])

    @classmethod
    def update_from_cloudformation_json(cls, original_resource: "StackSecret", **kwargs: Any) -> "StackSecret":
        return original_resource

    @classmethod
    def delete_from_cloudformation_json(
        cls, resource_name: str, cloudformation_json: dict[str, Any], account_id: str, region_name: str
    ) -> None:
        secretsmanager_backends[account_id][region_name].delete_secret(resource_name, None, True)

    def is_created(self) -> bool:
        return True


def _update_termination_protection(request: CloudFormationResponse) -> EmptyResult:
    stack = request.cloudformation_backend.get_stack(request._get_param("StackName"))
    stack.enable_termination_protection = request._get_param("EnableTerminationProtection")
    return EmptyResult()


CloudFormationResponse.update_termination_protection = _update_termination_protection
DBParameterGroup.physical_resource_id = property(lambda group: group.name)
FileSystem.get_cfn_attribute = lambda system, name: {"Arn": system.file_system_arn}[name]
AccessPoint.get_cfn_attribute = lambda point, name: {"Arn": point.access_point_arn}[name]

_create_repository = Repository.create_from_cloudformation_json.__func__
Repository.create_from_cloudformation_json = classmethod(
    # AWS generates lowercase names here, because ECR accepts no others.
    lambda cls, name, *rest, **more: _create_repository(cls, name.lower(), *rest, **more)
)
AccessPoint.physical_resource_id = property(lambda point: point.access_point_id)
for kind in (AccessPoint, DBInstance, FakeListener, FakeLoadBalancer, FakeTargetGroup, FileSystem, MountTarget):
    # Updates skip these: moto would delete them without creating new ones.
    kind.update_from_cloudformation_json = classmethod(lambda cls, original_resource, **_: original_resource)
TaskDefinition.update_from_cloudformation_json = classmethod(
    # The implementation of moto does not translate the contents of containers.
    lambda cls, original_resource, new_resource_name, **rest: cls.create_from_cloudformation_json(
        new_resource_name, **rest
    )
)

_run_task, _needs = (
    EC2ContainerServiceBackend.run_task,
    EC2ContainerServiceBackend._calculate_task_resource_requirements,
)


def _needs_on_fargate(backend: EC2ContainerServiceBackend, definition: TaskDefinition) -> dict[str, Any]:
    # On Fargate, the task has a size, not each container.
    sized = copy(definition)
    sized.container_definitions = [{"memory": 0} | each for each in definition.container_definitions]
    return _needs(sized)


def _run_task_to_its_end(backend: EC2ContainerServiceBackend, *arguments: Any, **more: Any) -> list[Task]:
    tasks = _run_task(backend, *arguments, **more)
    for task in tasks:
        task._status = "STOPPED"
        for container in task.containers:
            # moto models only the first container of a task.
            container.name = "web"
            container.exitCode = int(container.image.endswith(BROKEN))
    return tasks


EC2ContainerServiceBackend._calculate_task_resource_requirements = _needs_on_fargate
EC2ContainerServiceBackend.run_task = _run_task_to_its_end
