"""Fixtures that run shortened copies of the notebooks in JupyterLab and Chromium."""

import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import nbformat
import pytest
from playwright.sync_api import Browser, Page

from tests.support.browser import is_external
from tests.support.waiting import TIMEOUT, wait_until

NOTEBOOKS = sorted((Path(__file__).parents[2] / "notebooks").glob("*.ipynb"))
LENGTHS = {
    "01_first_lesson": ("minutes = ", 1, 0.2),
    "02_comparing_options": ("steps = ", 150, 30),
    "03_writing": ("minutes = ", 1, 0.05),
}
"""Training length per notebook: the line that sets it, its value, and the value for tests."""


def training_for(path: Path, length: float | None = None) -> nbformat.NotebookNode:
    """Read a notebook and change the length of its training, to a short one by default."""
    notebook = nbformat.read(path, as_version=4)
    line, usual, short = LENGTHS[path.stem]
    said = f"{line}{usual}\n"
    cells = [cell for cell in notebook.cells if said in cell.source]
    assert len(cells) == 1, f"{path.stem} sets the length of its training {len(cells)} times; expected once"
    cells[0].source = cells[0].source.replace(said, f"{line}{short if length is None else length}\n")
    return notebook


@pytest.fixture
def own_folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Redirect everything that Jupyter and the notebooks write to the folder of the test."""
    for name, folder in {
        "CHARRNN_HOME": "home", "JUPYTER_RUNTIME_DIR": "runtime", "JUPYTER_CONFIG_DIR": "config",
        "JUPYTER_DATA_DIR": "data", "JUPYTERLAB_SETTINGS_DIR": "settings", "JUPYTERLAB_WORKSPACES_DIR": "workspaces",
        "IPYTHONDIR": "ipython",
    }.items():  # fmt: skip
        monkeypatch.setenv(name, str(tmp_path / folder))


class Lab:
    """A JupyterLab server, and its page with one notebook open."""

    def __init__(self, folder: Path, chromium: Browser):
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self._port = probe.getsockname()[1]
        self._folder = folder
        self.complaints: list[str] = []
        with (folder / "server.log").open("w") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "jupyter", "lab", "--no-browser", "--allow-root", "--ServerApp.ip=127.0.0.1",
                 f"--ServerApp.port={self._port}", "--IdentityProvider.token=secret",
                 f"--ServerApp.root_dir={folder}", "--LabApp.extension_manager=readonly"],
                cwd=folder, env=dict(os.environ), stdout=log, stderr=log,
            )  # fmt: skip
        wait_until(self._answers)
        self._context = chromium.new_context(viewport={"width": 1280, "height": 1000}, reduced_motion="reduce")
        self._context.set_default_timeout(1000 * TIMEOUT)
        self.page: Page = self._context.new_page()
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.on("request", lambda r: self.complaints.append(r.url) if is_external(r.url) else None)

    def _answers(self) -> bool:
        assert self._process.poll() is None, (self._folder / "server.log").read_text()
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self._port)) == 0

    def open(self, notebook: nbformat.NotebookNode) -> None:
        """Open a notebook and wait for its kernel."""
        nbformat.write(notebook, self._folder / "lesson.ipynb")
        self.page.goto(f"http://127.0.0.1:{self._port}/lab/tree/lesson.ipynb?token=secret")
        self.page.get_by_text("| Idle").wait_for()

    def run_all(self) -> None:
        """Run all cells from the menu."""
        self.page.get_by_role("menuitem", name="Run").click()
        self.page.get_by_text("Run All Cells", exact=True).click()

    def run(self, number: int) -> None:
        """Run a code cell by its index, starting at 0, without waiting for it."""
        self.page.locator(".jp-CodeCell .cm-content").nth(number).click()
        self.page.keyboard.press("Control+Enter")

    def prompt(self, number: int) -> str:
        """Return the prompt of a code cell: `[ ]:` before it runs, `[*]:` while it runs, `[3]:` afterwards."""
        # JupyterLab does not lay out cells that are scrolled out of sight: their inner text is empty, their text
        # content is not.
        return self.page.locator(".jp-CodeCell .jp-InputPrompt").nth(number).text_content() or ""

    def wait_for(self, number: int) -> None:
        """Wait until a code cell has run; fail if any cell failed."""
        self.wait_until(lambda: self.prompt(number).strip("[]:").isdigit() or self._failed())
        assert not self._failed()

    def printed(self, number: int) -> list[str]:
        """Return the lines that a code cell printed."""
        cell = self.page.locator(".jp-CodeCell").nth(number)
        streams = cell.locator('[data-mime-type="application/vnd.jupyter.stdout"]').all_text_contents()
        return "".join(streams).splitlines()

    def _failed(self) -> list[str]:
        outputs = self.page.locator(".jp-OutputArea-output")
        return outputs.filter(has_text="Traceback (most recent call last)").all_text_contents()

    def _prompts(self) -> list[str]:
        return self.page.locator(".jp-CodeCell .jp-InputPrompt").all_text_contents()

    def wait_until(self, holds: Callable[[], object]) -> None:
        """Wait for a condition while the browser processes events."""
        end = time.monotonic() + TIMEOUT
        while not holds():
            assert time.monotonic() < end, f"waited in vain: {self._failed()}; prompts: {self._prompts()}"
            self.page.wait_for_timeout(100)

    def close(self) -> None:
        """Close the page and stop the server with its kernels."""
        self._context.close()
        self._process.terminate()
        self._process.wait(TIMEOUT)


@pytest.fixture
def lab(own_folders: None, tmp_path: Path, chromium: Browser) -> Iterator[Lab]:
    """A JupyterLab; the test fails if its page reports an error or requests anything from another machine."""
    lab = Lab(tmp_path, chromium)
    yield lab
    lab.close()
    assert not lab.complaints
