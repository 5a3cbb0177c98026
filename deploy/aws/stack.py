"""Create, update and delete CloudFormation stacks from the templates of this folder."""

from pathlib import Path
from typing import Any

import boto3
from botocore.exceptions import ClientError, WaiterError
from problem import Problem

FOLDER = Path(__file__).parent


class Stack:
    """A CloudFormation stack from a template of this folder."""

    def __init__(self, name: str, template: str):
        self.name = name
        self._template = (FOLDER / template).read_text(encoding="utf-8")
        self._cloud = boto3.client("cloudformation")

    def describe(self) -> dict[str, Any] | None:
        """Return the description of the stack, or None if it does not exist."""
        try:
            return self._cloud.describe_stacks(StackName=self.name)["Stacks"][0]
        except ClientError as error:
            if "does not exist" in str(error):
                return None
            raise

    def outputs(self) -> dict[str, str]:
        """Return the outputs of the stack.

        Raises:
            Problem: The stack does not exist.
        """
        description = self.describe()
        if description is None:
            raise Problem(f"There is no stack {self.name} in {self._cloud.meta.region_name}. Run: studio create --help")
        return {each["OutputKey"]: each["OutputValue"] for each in description.get("Outputs", [])}

    def parameters(self) -> dict[str, str]:
        """Return the values of the parameters of the stack."""
        return _values(self.describe() or {})

    def parameter_names(self) -> set[str]:
        """Return the names of the parameters of the template."""
        return {
            each["ParameterKey"] for each in self._cloud.get_template_summary(TemplateBody=self._template)["Parameters"]
        }

    def put(self, parameters: dict[str, str]) -> None:
        """Create or update the stack with these parameters; other parameters keep their values."""
        description = self.describe()
        if description is None or description["StackStatus"] == "ROLLBACK_COMPLETE":
            if description:  # A failed creation can only be deleted.
                self.delete()
            print(f"Creating {self.name} …", flush=True)
            self._cloud.create_stack(
                StackName=self.name, TemplateBody=self._template, Capabilities=["CAPABILITY_NAMED_IAM"],
                Parameters=_pairs(parameters),
            )  # fmt: skip
            self._wait("stack_create_complete")
        else:
            names = self.parameter_names()
            kept = {name: value for name, value in _values(description).items() if name in names}
            self._update(kept | parameters, TemplateBody=self._template)

    def change(self, parameters: dict[str, str]) -> None:
        """Change parameters only, with the current template of the stack."""
        self._update(_values(self.describe() or {}) | parameters, UsePreviousTemplate=True)

    def protect(self, is_protected: bool) -> None:
        """Enable or disable termination protection."""
        self._cloud.update_termination_protection(StackName=self.name, EnableTerminationProtection=is_protected)

    def delete(self) -> None:
        """Delete the stack, except for retained resources."""
        print(f"Deleting {self.name} …", flush=True)
        self._cloud.delete_stack(StackName=self.name)
        self._wait("stack_delete_complete")

    def _update(self, parameters: dict[str, str], **template: Any) -> None:
        print(f"Updating {self.name} …", flush=True)
        try:
            self._cloud.update_stack(
                StackName=self.name,
                Capabilities=["CAPABILITY_NAMED_IAM"],
                Parameters=_pairs(parameters),
                **template,
            )
        except ClientError as error:
            if "No updates are to be performed" not in str(error):
                raise
            print(f"{self.name} is up to date.")
            return
        self._wait("stack_update_complete")

    def _wait(self, state: str) -> None:
        try:
            self._cloud.get_waiter(state).wait(StackName=self.name, WaiterConfig={"Delay": 10, "MaxAttempts": 360})
        except WaiterError as error:
            events = self._cloud.describe_stack_events(StackName=self.name)["StackEvents"]
            reasons = [
                f"{each['LogicalResourceId']}: {each.get('ResourceStatusReason')}"
                for each in events
                if each["ResourceStatus"].endswith("_FAILED")
            ]
            # Events come newest first, and the first failure is the cause of the others.
            raise Problem(f"{self.name} failed. {reasons[-1] if reasons else error}") from error


def _pairs(parameters: dict[str, str]) -> list[dict[str, Any]]:
    return [{"ParameterKey": name, "ParameterValue": value} for name, value in parameters.items()]


def _values(description: dict[str, Any]) -> dict[str, str]:
    return {each["ParameterKey"]: each["ParameterValue"] for each in description.get("Parameters", [])}
