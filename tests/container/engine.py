"""Build and run containers without a daemon or registry, with buildah, podman, runc and separate storage."""

import os
import shutil
import subprocess
import time
from pathlib import Path

ROOT = Path(__file__).parents[2]
BASE = "docker.io/library/debian:trixie-slim"
IMAGE = "localhost/charrnn-studio:latest"
REQUIRED = ("buildah", "podman", "runc", "mmdebstrap", "iptables")
BASE_DAYS = 7

CONTAINERS_CONF = """\
[containers]
default_ulimits = ["nofile=4096:4096", "nproc=4096:4096"]
log_driver = "k8s-file"

[engine]
runtime = "runc"
cgroup_manager = "cgroupfs"
events_logger = "file"

[network]
network_backend = "netavark"
network_config_dir = "{folder}/networks"
"""
STORAGE_CONF = """\
[storage]
driver = "overlay"
graphroot = "{folder}/storage"
runroot = "{folder}/run"
"""
# As in the Dockerfile of debian:trixie-slim, so that sizes can be compared.
SLIM = [
    "--variant=minbase",
    "--dpkgopt=path-exclude=/usr/share/doc/*",
    "--dpkgopt=path-include=/usr/share/doc/*/copyright",
    *(f"--dpkgopt=path-exclude=/usr/share/{name}/*" for name in ("man", "info", "locale", "lintian")),
]


def missing() -> str:
    """Return why containers cannot be built and run here, or an empty string."""
    programs = [name for name in REQUIRED if shutil.which(name, path=f"{os.environ['PATH']}:/usr/sbin:/sbin") is None]
    programs += [name for name in ("netavark", "aardvark-dns") if not Path("/usr/lib/podman", name).exists()]
    if programs:
        return f"Missing: {', '.join(programs)}. Install them with `sudo scripts/install-test-packages --containers`."
    if os.geteuid() != 0:
        return "The tests of the image need root, for mmdebstrap, chroots and networks: sudo make testimage."
    return ""


class Engine:
    """Podman and buildah with images, volumes and settings in one folder, separate from those of the user.

    Args:
        folder: Folder that is kept between test runs, because the base and cached layers save minutes.
    """

    def __init__(self, folder: Path):
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "containers.conf").write_text(CONTAINERS_CONF.format(folder=folder))
        (folder / "storage.conf").write_text(STORAGE_CONF.format(folder=folder))
        self._folder = folder
        self.environment = os.environ | {
            "CONTAINERS_CONF": str(folder / "containers.conf"),
            "CONTAINERS_STORAGE_CONF": str(folder / "storage.conf"),
        }

    def podman(self, *arguments: str, check: bool = True, stdin: str = "", seconds: float = 300) -> str:
        """Run podman; return its standard output, with `check=False` also its standard error."""
        return self._run(["podman", *arguments], check, stdin, seconds)

    def buildah(self, *arguments: str) -> str:
        """Run buildah; return its output."""
        return self._run(["buildah", *arguments], True, "", 600)

    def _run(self, command: list[str], check: bool, stdin: str, seconds: float) -> str:
        result = subprocess.run(
            command, env=self.environment, capture_output=True, text=True, input=stdin, timeout=seconds
        )
        if check:
            assert result.returncode == 0, f"{' '.join(command)}:\n{result.stdout}{result.stderr}"
            return result.stdout
        return result.stdout + result.stderr

    def run(self, *arguments: str, user: str = "10001", stdin: str = "") -> str:
        """Run a command in a new container with a read-only root; return its output."""
        return self.podman(
            *("run", "--rm", "--interactive", "--network=host", "--read-only", "--tmpfs", "/tmp"),
            f"--user={user}", IMAGE, *arguments, stdin=stdin,
        )  # fmt: skip

    def exists(self, image: str) -> bool:
        """Return whether an image exists and is less than a week old."""
        found = self.podman("images", "--filter", f"reference={image}", "--format", "{{.CreatedAt}}", check=False)
        stamp = self._folder / "base.tar"
        return bool(found) and stamp.exists() and time.time() - stamp.stat().st_mtime < BASE_DAYS * 86_400

    def make_base(self) -> None:
        """Build the contents of debian:trixie-slim from Debian packages, and tag it with that name locally."""
        if self.exists(BASE):
            return
        tar = self._folder / "base.tar"
        tar.unlink(missing_ok=True)
        command = ["mmdebstrap", "--quiet", *SLIM, "trixie", str(tar), *mirror()]
        result = subprocess.run(command, capture_output=True, text=True)
        assert result.returncode == 0, result.stderr
        self.podman("import", str(tar), BASE)

    def build(self, *flags: str, **environment: str) -> str:
        """Build the unmodified Dockerfile like `make image`; return the output."""
        result = subprocess.run(
            ["make", "image", f"IMAGE_ARGS=--isolation chroot --pull-never {' '.join(flags)}"],
            cwd=ROOT, env=self.environment | {"IMAGE_BUILDER": "buildah"} | environment, capture_output=True, text=True,
        )  # fmt: skip
        assert result.returncode == 0, result.stdout + result.stderr
        return result.stdout + result.stderr

    def prune(self) -> None:
        """Remove images that no test used for a week."""
        self.podman("image", "prune", "--force", "--filter", f"until={24 * BASE_DAYS}h", check=False)


def mirror() -> list[str]:
    """Return the Debian mirror of apt on this machine, if there is one."""
    targets = subprocess.run(
        ["apt-get", "indextargets", "--format", "$(REPO_URI)", "Created-By: Packages"], capture_output=True, text=True
    ).stdout.split()
    return [uri for uri in targets if uri.rstrip("/").endswith("/debian")][:1]
