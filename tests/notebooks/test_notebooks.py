"""Test that the notebooks run from top to bottom."""

from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

from tests.notebooks.conftest import NOTEBOOKS, training_for

SECONDS = 600


@pytest.mark.slow
# The first one runs in JupyterLab, in test_lab.py.
@pytest.mark.parametrize("path", NOTEBOOKS[1:], ids=lambda path: path.stem)
@pytest.mark.usefixtures("own_folders")
# The client of Jupyter emits deprecation warnings.
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_a_notebook_runs_from_top_to_bottom(path: Path, tmp_path: Path) -> None:
    notebook = training_for(path)
    NotebookClient(
        notebook, timeout=SECONDS, kernel_name="python3", resources={"metadata": {"path": tmp_path}}
    ).execute()
    html = [o["data"].get("text/html", "") for cell in notebook.cells for o in cell.get("outputs", []) if "data" in o]
    assert any("<iframe" in text for text in html)


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_notebooks_are_stored_without_output(path: Path) -> None:
    cells = nbformat.read(path, as_version=4).cells
    assert not [cell for cell in cells if cell.get("outputs") or cell.get("execution_count")]


def test_there_are_three_notebooks() -> None:
    assert len(NOTEBOOKS) == 3
