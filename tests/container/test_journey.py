"""Use the image with Chromium and a database server, with a power cut in the middle."""

from collections.abc import Callable
from pathlib import Path

import pymysql
from playwright.sync_api import Page, expect

from charrnn.core.options import options
from tests.container.conftest import log_in
from tests.container.test_start import Containers
from tests.dashboard.test_journey import LINES, press
from tests.support.navigation import open_tab
from tests.support.small_training import TEXT

STOP_SECONDS = 10
OPTIONS = {
    "lstm_size": 24, "num_layers": 1, "max_steps": 1_000_000, "max_epochs": 0, "patience": 0, "log_every_n": 20,
    "eval_every_n": 200, "save_every_n": 200,
}  # fmt: skip
"""Options of a training that ends only when it is stopped, within the minutes that the page suggests."""


def test_upload_train_interrupt_resume_and_generate(
    container: Containers, studio_database: dict[str, str], open_page: Callable[[str], Page], tmp_path: Path
) -> None:
    studio = container(studio_database).start()
    page = open_page(f"{studio.url}/?tab=text")
    log_in(page, *studio.login())
    address = train(page, tmp_path)

    studio.kill()
    studio.start_again()
    page.goto(address)
    expect(page.locator(".state.interrupted")).to_be_visible()
    before = last_step(page)
    press(page, "Resume")
    expect(page.locator(".state.training")).to_be_visible()
    page.wait_for_function(f"before => ({LAST_STEP})() > before", arg=before)

    open_tab(page, "Write")
    page.get_by_label("Prompt").fill("little ")
    press(page, "Write")
    expect(page.get_by_role("button", name="Continue", exact=True)).to_be_visible()
    assert page.get_by_role("textbox", name="Generated text").inner_text().startswith("little ")

    page.goto("about:blank")
    seconds, code = studio.stop()
    assert (code, states(studio_database)) == (0, ["interrupted"])
    assert seconds < STOP_SECONDS
    assert "Traceback" not in studio.log()


def train(page: Page, folder: Path) -> str:
    """Upload a text, start an endless training and wait for 200 steps; return the URL of the page."""
    (folder / "geese.txt").write_text(TEXT * 20, "utf-8")
    open_tab(page, "Text")
    page.locator("input[type=file]").set_input_files(folder / "geese.txt")
    press(page, "Continue")
    press(page, "All settings")
    for name, value in OPTIONS.items():
        page.get_by_label(options("training")[name].title, exact=True).fill(str(value))
    press(page, "Train")
    expect(page.get_by_role("log")).to_contain_text(LINES)
    page.wait_for_function(f"({LAST_STEP})() > 0")
    before = last_step(page)
    page.wait_for_function(f"before => ({LAST_STEP})() > before + 200", arg=before)
    return page.url


def last_step(page: Page) -> float:
    """Return the last step of the loss curve on the page."""
    return float(page.evaluate(LAST_STEP))


def states(database: dict[str, str]) -> list[str]:
    """Return the state of each model from the database."""
    with pymysql.connect(
        host=database["MYSQL_HOST"], port=int(database["MYSQL_PORT"]), user=database["MYSQL_USER"],
        password=database["MYSQL_PASSWORD"], database=database["MYSQL_DATABASE"],
    ) as connection, connection.cursor() as cursor:  # fmt: skip
        cursor.execute("SELECT state FROM model")
        return [row[0] for row in cursor.fetchall()]


LAST_STEP = """() => Math.max(0, ...[...Bokeh.documents[0]._all_models.values()]
    .filter((m) => m.type === "ColumnDataSource").map((m) => m.data.x?.at(-1) ?? 0))"""
