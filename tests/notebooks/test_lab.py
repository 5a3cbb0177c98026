"""Test the dashboard in JupyterLab cells, with Chromium."""

from pathlib import Path

import nbformat
import pytest
from playwright.sync_api import Frame, Page

from charrnn.services import open_services
from tests.notebooks.conftest import NOTEBOOKS, Lab, training_for
from tests.support.waiting import wait_until

POINTS = """() => Math.max(
  0,
  ...(window.Bokeh?.documents ?? []).flatMap((document) => [...document._all_models.values()])
    .filter((model) => model.type === "ColumnDataSource").map((model) => model.get_length()),
)"""
"""Number of points of the longest curve on a page."""
LESSON = NOTEBOOKS[0]
WAITS, PLAYS = 3, 6
"""Code cells of the first lesson: the one that waits for the training, and the last one."""


def frame(lab: Lab, part: str) -> Frame:
    """Wait for the frame of a cell and return it."""
    lab.wait_until(lambda: [f for f in lab.page.frames if f"part={part}" in f.url])
    return next(f for f in lab.page.frames if f"part={part}" in f.url)


def see_it_move(lab: Lab, shown: Page | Frame, while_runs: int) -> None:
    """Wait until the plot had three different lengths while a cell was running."""
    seen: set[int] = set()

    def moved() -> bool:
        count = shown.evaluate(POINTS)
        if lab.prompt(while_runs) == "[*]:":
            seen.add(count)
        return len(seen) >= 3

    lab.wait_until(moved)


def stop(folder: Path, name: str, *, once_validated: bool = False) -> None:
    """Stop a training of the notebook from this process."""
    with open_services(folder / "home") as elsewhere:
        if once_validated:  # the lesson prints the best loss
            wait_until(lambda: elsewhere.models.resolve(name).best_loss is not None)
        elsewhere.training.stop(elsewhere.models.resolve(name).id)


@pytest.mark.slow
def test_the_first_lesson_runs_and_its_plot_updates_while_a_later_cell_runs(lab: Lab, tmp_path: Path) -> None:
    lab.open(training_for(LESSON, 30))
    lab.run_all()
    see_it_move(lab, frame(lab, "loss"), while_runs=WAITS)
    stop(tmp_path, "lesson", once_validated=True)
    lab.wait_for(PLAYS)
    lab.page.locator("iframe").last.scroll_into_view_if_needed()
    frame(lab, "write").get_by_label("Prompt").wait_for()


BEGIN = """
from dashboard import Dashboard
studio = Dashboard(inline=True)
options = {"num_seqs": 4, "num_steps": 16, "lstm_size": 8, "num_layers": 1, "max_steps": 10**6}
options |= {"max_minutes": 0, "max_epochs": 0, "eval_every_n": 500, "patience": 0}
text = "a duck and a goose and " * 200
model = studio.services.training.start(text, name="ducks", preset="quick", options=options)
"""
WATCH = "studio.loss(model)"
WAIT = """
import time
lines, over = 0, model
while not over.finished_at:
    for _ in range(100):
        time.sleep(0.002)
        lines += 1
        print("line", lines)
    over = studio.services.models.get(model.id)
print("lines:", lines)
print(over.state)
"""
WRITE = "studio.write"


@pytest.mark.slow
def test_an_inline_plot_updates_while_a_cell_runs(lab: Lab, tmp_path: Path) -> None:
    cells = [nbformat.v4.new_code_cell(source.strip()) for source in (BEGIN, WATCH, WAIT, WRITE)]
    kernel = nbformat.read(LESSON, as_version=4).metadata
    lab.open(nbformat.v4.new_notebook(cells=cells, metadata=kernel))
    for number in (0, 1):
        lab.run(number)
        lab.wait_for(number)
    lab.wait_until(lambda: lab.page.evaluate(POINTS) > 0)
    lab.run(2)
    see_it_move(lab, lab.page, while_runs=2)

    stop(tmp_path, "ducks")
    lab.wait_for(2)
    *lines, count, state = lab.printed(2)
    assert state == "stopped"
    assert count == f"lines: {len(lines)}"
    lab.run(3)
    lab.page.get_by_label("Prompt").fill("a goose")
    lab.page.get_by_role("button", name="Write", exact=True).click()
    lab.page.get_by_text("characters, ").wait_for()
