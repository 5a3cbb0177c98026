"""What moto lacks of CloudFormation and the templates need; importing this module adds it.

Secrets in stacks, and `!Ref` of a parameter group. Besides, moto passes over bucket policies, OIDC providers,
subscriptions and alarms without a word, so that no test here says anything about those.
"""

import json
from typing import Any

from moto.cloudformation.responses import CloudFormationResponse
from moto.core.common_models import CloudFormationModel
from moto.core.responses import EmptyResult
from moto.ecr.models import Repository
from moto.efs.models import AccessPoint, FileSystem, MountTarget
from moto.rds.models import DBInstance, DBParameterGroup
from moto.secretsmanager.models import secretsmanager_backends


class StackSecret(CloudFormationModel):
    """A secret that belongs to a stack; its physical id is its ARN."""

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
            asked = properties["GenerateSecretString"]
            text = backend.get_random_password(
                password_length=int(asked["PasswordLength"]), exclude_characters="", exclude_numbers=False,
                exclude_punctuation=bool(asked["ExcludePunctuation"]), exclude_uppercase=False,
                exclude_lowercase=False, include_space=False, require_each_included_type=True,
            )  # fmt: skip
            text = json.loads(text)["RandomPassword"]
        made = backend.create_secret(resource_name, text, None, properties["Description"], [], None, None, [], False)
        return cls(json.loads(made)["ARN"] if isinstance(made, str) else made["ARN"])

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
    # AWS makes names in lower case here, since ECR takes no others.
    lambda cls, name, *rest, **more: _create_repository(cls, name.lower(), *rest, **more)
)
AccessPoint.physical_resource_id = property(lambda point: point.access_point_id)
for kind in (AccessPoint, DBInstance, FileSystem, MountTarget):
    # Left alone by updates: moto would delete them and make none.
    kind.update_from_cloudformation_json = classmethod(lambda cls, original_resource, **_: original_resource)
