"""A complete user journey in a real browser, across a restart of the server."""

import re
from collections.abc import Callable
from pathlib import Path

from playwright.sync_api import Page, expect

from tests.support.dashboard_server import Server
from tests.support.navigation import open_tab
from tests.support.small_training import TEXT
from tests.support.trained_home import TrainedHome
from tests.support.waiting import TIMEOUT

expect.set_options(timeout=1000 * TIMEOUT)
LINES = re.compile(r"step: \d+")


def press(page: Page, name: str) -> None:
    page.get_by_role("button", name=name, exact=True).click()


def test_from_an_uploaded_file_to_generated_text_across_a_restart(
    server: Server, trained: TrainedHome, open_page: Callable[..., Page], tmp_path: Path
) -> None:
    page = open_page(f"{server.url}/?tab=text&model={trained.model.id}")
    (tmp_path / "geese.txt").write_text(TEXT.replace("ducks", "geese").replace("\n", "\r\n"), "utf-8")
    page.locator("input[type=file]").set_input_files(tmp_path / "geese.txt")
    expect(page.get_by_text("CRLF line endings were converted to LF")).to_be_visible()

    set_options(page)
    press(page, "Train")
    expect(page.get_by_role("heading", name="geese")).to_be_visible()
    expect(page.get_by_role("log")).to_contain_text(LINES)

    address = page.url
    other = open_page(address)
    expect(other.get_by_role("log")).to_contain_text(LINES)
    check_that_a_panned_plot_stays_in_place_while_it_grows(other)
    press(other, "Stop")
    expect(page.locator(".state.stopped")).to_be_visible()
    press(page, "Resume")
    expect(other.locator(".state.training")).to_be_visible()
    expect(other.get_by_role("button", name="Resume", exact=True)).to_be_hidden()

    open_tab(page, "Write")
    page.get_by_label("Prompt").fill("little ")
    press(page, "Write")
    expect(page.get_by_role("button", name="Continue", exact=True)).to_be_visible()  # the text is complete
    text = page.get_by_role("textbox", name="Generated text").inner_text()
    assert text.startswith("little ")
    address = page.url
    page.reload()
    expect(page.get_by_role("textbox", name="Generated text")).to_have_text(text, use_inner_text=True)

    for visited in (page, other):
        visited.goto("about:blank")
    assert "Traceback" not in server.stop()
    server.start()
    page.goto(address)
    expect(page.get_by_role("textbox", name="Generated text")).to_have_text(text, use_inner_text=True)
    open_tab(page, "Watch")
    expect(page.get_by_role("log")).to_contain_text(LINES)
    expect(page.locator(".state.interrupted")).to_be_visible()
    expect(page.get_by_role("button", name="Resume", exact=True)).to_be_visible()


def set_options(page: Page) -> None:
    """Copy the options of `ducks`, correct an invalid value, and set an endless training with few log lines."""
    press(page, "Continue")
    press(page, "Copy settings from ducks")
    press(page, "All settings")
    layers = page.get_by_label("Layers")
    expect(layers).to_have_value("1")
    layers.fill("99")
    expect(page.get_by_text("it must be a whole number between 1 and 8")).to_be_visible()
    expect(page.get_by_role("button", name="Train", exact=True)).to_be_disabled()
    layers.fill("1")
    for name, value in {"Steps": 1_000_000, "Log every": 100, "Validate every": 500, "Save every": 10_000}.items():
        page.get_by_label(name, exact=True).fill(str(value))
    expect(page.get_by_text("it must be a whole number between 1 and 8")).to_be_hidden()


def check_that_a_panned_plot_stays_in_place_while_it_grows(page: Page) -> None:
    canvas = page.locator(".bk-Figure").first
    canvas.scroll_into_view_if_needed()
    page.wait_for_function(f"({PLOT_STATE})().last > 0")
    before = page.evaluate(PLOT_STATE)
    box = canvas.bounding_box()
    assert box
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x + 60, y, steps=5)
    page.mouse.up()
    page.wait_for_function(f"start => ({PLOT_STATE})().start !== start", arg=before["start"])
    page.evaluate(STEADY)  # a busy browser moves the plot in several steps
    moved = page.evaluate(PLOT_STATE)
    page.wait_for_function(f"last => ({PLOT_STATE})().last > last", arg=moved["last"])
    assert page.evaluate(PLOT_STATE)["start"] == moved["start"]


PLOT_STATE = """() => {
  const models = [...Bokeh.documents[0]._all_models.values()]
  const { x_range } = models.find((m) => m.type === "Figure")
  const last = Math.max(0, ...models.filter((m) => m.type === "ColumnDataSource").map((m) => m.data.x.at(-1) ?? 0))
  return { start: x_range.start, last }
}"""
"""Returns the start of the x range, and the last step in the plot."""
STEADY = f"""async () => {{
  const start = () => ({PLOT_STATE})().start
  const frame = () => new Promise((done) => requestAnimationFrame(done))
  for (let before; before !== start();) {{
    before = start()
    for (let i = 0; i < 10; i++) await frame()
  }}
}}"""
"""Waits until the plot has not moved for ten frames."""


def test_every_page_of_an_empty_folder_says_what_to_do_next(
    serve: Callable[..., Server], open_page: Callable[..., Page], tmp_path: Path
) -> None:
    server = serve(tmp_path / "new")
    page = open_page(server.url)
    expect(page.get_by_role("heading", name="Start with a text")).to_be_visible()
    for name, title in {
        "library": "No models yet",
        "options": "Choose a text first",
        "training": "No model chosen",
        "write": "No trained model chosen",
        "details": "No model chosen",
    }.items():
        page.goto(f"{server.url}/?tab={name}")
        expect(page.get_by_role("heading", name=title)).to_be_visible()
    page.goto("about:blank")
    assert f"is at {server.url}" in server.stop()
