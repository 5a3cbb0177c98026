"""Features of each tab, in a real browser; the tests share a server, and do not change its models."""

import io
import re
import zipfile
from collections.abc import Callable
from pathlib import Path

from playwright.sync_api import Page, expect

from charrnn.core.cpu_info import cpu_name
from tests.support.dashboard_server import Server
from tests.support.navigation import open_tab
from tests.support.trained_home import TrainedHome
from tests.support.waiting import TIMEOUT

expect.set_options(timeout=1000 * TIMEOUT)
BAD_FILES = {
    "empty": (b"", "empty"),
    "binary": (b"\x89PNG\r\n\x1a\n" + bytes(range(256)), "not plain text: it seems to be a PNG"),
    "one character": (b"aaaaaaaaaaaaaaaa", "only one character"),
    "undecodable": ("Grüße aus Köln ß".encode()[:-1], "ends in the middle of a character"),
    "larger than the server takes": (b"quack " * 200_000, "larger than 1 MB"),
}


def press(page: Page, name: str) -> None:
    page.get_by_role("button", name=name, exact=True).click()


def open_model(page: Page, name: str) -> None:
    """Open a model from the table of models."""
    page.get_by_role("table").get_by_role("button", name=name, exact=True).click()


def upload(page: Page, name: str, data: bytes) -> None:
    page.locator("input[type=file]").set_input_files({"name": name, "mimeType": "text/plain", "buffer": data})


def downloaded(page: Page, name: str) -> bytes:
    """Press a button and return the downloaded file."""
    with page.expect_download() as download:
        page.get_by_text(name, exact=True).click()
    return Path(download.value.path()).read_bytes()


def test_bad_files_are_rejected_with_reasons_and_settings_are_adjusted_to_a_short_text(
    shared: Server, open_page: Callable[..., Page]
) -> None:
    page = open_page(f"{shared.url}/?tab=text", allowed_error="Upload error")
    notice = page.get_by_role("alert")
    for name, (data, words) in BAD_FILES.items():
        upload(page, f"{name}.txt", data)
        expect(notice).to_contain_text(words)
        press(page, "Close")
        expect(notice).to_be_hidden()
    assert page.evaluate("location.search.includes('text=')") is False

    upload(page, "short.txt", b"one duck, two ducks\n" * 3)
    expect(page.get_by_role("heading", name="short", exact=True)).to_be_visible()
    press(page, "Continue")
    page.get_by_label("Preset").click()
    page.get_by_role("menuitem", name="Article", exact=True).click()
    expect(page.get_by_role("alert")).to_contain_text("The text has 60 characters")
    expect(page.get_by_role("button", name="Train", exact=True)).to_be_disabled()
    press(page, "Adjust settings to fit")
    expect(page.get_by_text("Estimated time")).to_be_visible()
    expect(page.get_by_role("button", name="Train", exact=True)).to_be_enabled()


def test_a_text_is_decoded_again_with_another_encoding(shared: Server, open_page: Callable[..., Page]) -> None:
    page = open_page(f"{shared.url}/?tab=text")
    upload(page, "greeting.txt", ("Grüße aus Köln, schöne Straße!\r\n" * 30).encode("cp1252"))
    expect(page.get_by_text("Grüße aus Köln").first).to_be_visible()
    press(page, "Keep original line endings")
    expect(page.get_by_role("button", name="Convert line endings to LF")).to_be_visible()
    page.get_by_label("Encoding").click()
    page.get_by_role("menuitem", name="koi8-r", exact=True).click()
    expect(page.get_by_text("Grüße aus Köln")).to_have_count(0)
    expect(page.get_by_text("aus K").first).to_be_visible()


def test_two_browser_tabs_show_the_same(shared: Server, open_page: Callable[..., Page]) -> None:
    one, other = (open_page(f"{shared.url}/?tab=library") for _ in range(2))
    for page in (one, other):
        open_model(page, "teals")
        open_tab(page, "Details")
    name = one.get_by_label("Name", exact=True)
    expect(name).to_have_value("teals")
    name.fill("pintails")
    press(one, "Save")
    expect(other.get_by_role("button", name=re.compile("pintails"))).to_be_visible()
    open_tab(other, "Watch")
    expect(other.get_by_role("heading", name="pintails")).to_be_visible()


def test_back_and_forward_show_the_pages_that_were_visited(shared: Server, open_page: Callable[..., Page]) -> None:
    page = open_page(f"{shared.url}/?tab=library")
    open_model(page, "drakes")
    expect(page.get_by_role("heading", name="drakes")).to_be_visible()
    open_tab(page, "Details")
    expect(page.get_by_label("Name", exact=True)).to_have_value("drakes")
    page.wait_for_function("location.search.includes('tab=details')")

    page.go_back()
    expect(page.get_by_role("heading", name="drakes")).to_be_visible()
    page.go_back()
    expect(page.get_by_role("heading", name="Models", exact=True)).to_be_visible()
    for _ in range(2):
        page.go_forward()
    expect(page.get_by_label("Name", exact=True)).to_have_value("drakes")


def test_the_title_of_the_browser_tab_is_the_state_of_the_model(
    shared: Server, trained: TrainedHome, open_page: Callable[..., Page]
) -> None:
    page = open_page(f"{shared.url}/?tab=training&model={trained.model.id}")
    page.wait_for_function("document.title === 'completed · ducks'")
    open_tab(page, "Models")
    open_model(page, "drakes")
    page.wait_for_function("document.title === 'draft · drakes'")


def test_samples_and_loss_are_side_by_side_in_the_first_screen(
    shared: Server, trained: TrainedHome, open_page: Callable[..., Page]
) -> None:
    page = open_page(f"{shared.url}/?tab=training&model={trained.model.id}", height=800)
    sample, plot = page.get_by_role("region", name="Sample"), page.locator(".bk-Figure").first
    expect(sample).to_be_visible()
    left, right = sample.bounding_box(), plot.bounding_box()
    assert left and right
    assert left["x"] + left["width"] <= right["x"]
    assert left["y"] < 800 and right["y"] + right["height"] <= 800


def test_control_and_enter_generate_a_text(
    shared: Server, trained: TrainedHome, open_page: Callable[..., Page]
) -> None:
    page = open_page(f"{shared.url}/?tab=write&model={trained.model.id}")
    page.get_by_label("Prompt").fill("little ")
    page.keyboard.press("Control+Enter")
    expect(page.get_by_role("textbox", name="Generated text", exact=True)).to_contain_text("little ")
    expect(page.get_by_role("button", name="Continue", exact=True)).to_be_visible()


LINKS = """() => {
  const types = {}, make = URL.createObjectURL, click = HTMLAnchorElement.prototype.click
  window.links = []
  URL.createObjectURL = (blob) => { const url = make.call(URL, blob); types[url] = blob.type; return url }
  HTMLAnchorElement.prototype.click = function () {
    if (this.href.startsWith("blob:")) window.links.push([this.download, types[this.href]])
    return click.call(this)
  }
}"""
"""Records file name and type of each download."""


def test_log_metrics_plots_and_models_are_downloaded(
    shared: Server, trained: TrainedHome, open_page: Callable[..., Page]
) -> None:
    page = open_page(f"{shared.url}/?tab=training&model={trained.model.id}")
    page.evaluate(LINKS)
    expect(page.get_by_role("log")).to_contain_text("step: 8")
    expect(page.get_by_text(re.compile("lowest .* Lower is better"))).to_be_visible()
    press(page, "Show log")
    found = {name: downloaded(page, name) for name in ("CSV", "PNG", "SVG", "Download")}
    assert found["CSV"].startswith(b"step,")
    assert b"val_loss" in found["CSV"]
    assert found["PNG"].startswith(b"\x89PNG")
    assert b"<svg" in found["SVG"]
    assert found["Download"].decode() == page.get_by_role("log").inner_text().rstrip("\n") + "\n"

    open_tab(page, "Details")
    expect(page.get_by_text(cpu_name(), exact=True)).to_be_visible()
    exported = zipfile.ZipFile(io.BytesIO(downloaded(page, "Export")))
    assert exported.testzip() is None
    assert {"model.json", "log.txt", "metrics.csv", "samples.json"} < set(exported.namelist())
    assert any(name.startswith("checkpoint/") for name in exported.namelist())
    web_page = downloaded(page, "Export as web page").decode()
    assert web_page.startswith("<!DOCTYPE html>") and "<title>ducks</title>" in web_page

    # Browsers save all files, and never render downloaded text as HTML.
    kinds = dict(page.evaluate("window.links"))
    assert set(kinds) == {"metrics.csv", "loss.png", "loss.svg", "log.txt", "ducks.zip", "ducks.html"}
    assert kinds["metrics.csv"] == kinds["log.txt"] == "text/plain"
    assert kinds["ducks.zip"] == kinds["ducks.html"] == "application/octet-stream"


def test_models_are_compared_deleted_and_restored(shared: Server, open_page: Callable[..., Page]) -> None:
    page = open_page(f"{shared.url}/?tab=library")
    for name in ("ducks", "drakes"):
        page.get_by_label(f"Compare {name}").check()
    expect(page.get_by_role("columnheader", name="drakes")).to_be_visible()
    expect(page.get_by_role("row", name=re.compile("cell (gru lstm|lstm gru)"))).to_be_visible()

    open_model(page, "drakes")
    open_tab(page, "Details")
    press(page, "Delete")
    expect(page.get_by_role("heading", name="Models")).to_be_visible()
    expect(page.get_by_role("button", name="drakes", exact=True)).to_be_hidden()
    press(page, "Restore drakes")
    expect(page.get_by_role("button", name="drakes", exact=True)).to_be_visible()


def test_the_log_is_searched_and_filtered_by_level(
    shared: Server, trained: TrainedHome, open_page: Callable[..., Page]
) -> None:
    page = open_page(f"{shared.url}/?tab=training&model={trained.model.id}")
    log = page.get_by_role("log")
    expect(log).to_contain_text("step: 8")
    press(page, "Show log")
    page.get_by_label("Search the log").fill("step: 8")
    page.keyboard.press("Enter")
    expect(page.get_by_text("1 line found")).to_be_visible()
    expect(log).not_to_contain_text("step: 4")
    page.get_by_label("Level").click()
    page.get_by_role("menuitem", name="Errors", exact=True).click()
    expect(page.get_by_text("0 lines found")).to_be_visible()


def test_alternatives_are_chosen_by_mouse_and_keyboard_and_the_text_is_copied(
    shared: Server, trained: TrainedHome, open_page: Callable[..., Page]
) -> None:
    page = open_page(f"{shared.url}/?tab=write&model={trained.model.id}")
    written, popup = page.get_by_role("textbox", name="Generated text", exact=True), page.locator(".popup")
    page.get_by_label("Prompt").fill("little ")
    press(page, "Write")
    expect(page.get_by_role("button", name="Continue", exact=True)).to_be_visible()

    written.locator("span").filter(has_text=re.compile(r"\S")).nth(3).hover()  # a line feed cannot be hovered over
    expect(popup).to_contain_text(re.compile(r"[\d.]+ nats, [\d.]+% chance"))
    page.keyboard.press("Escape")
    written.focus()
    for key in ("Escape", "ArrowRight", "ArrowRight", "Enter"):
        page.keyboard.press(key)
    expect(popup.get_by_role("button").nth(0)).to_be_focused()
    page.keyboard.press("ArrowDown")
    expect(popup.get_by_role("button").nth(1)).to_be_focused()

    first = page.evaluate(f"({CHARACTERS})()[1]")
    page.keyboard.press("Enter")
    expect(popup).to_be_hidden()
    expect(written.locator(".prompt")).to_have_text(re.compile(f"^little {re.escape(first)}.$", re.DOTALL))
    expect(page.get_by_role("button", name="Continue", exact=True)).to_be_visible()

    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    press(page, "Copy")
    expect(page.get_by_role("button", name="Copied")).to_be_visible()
    copied = page.evaluate("navigator.clipboard.readText()")
    assert copied == "".join(page.evaluate(f"({CHARACTERS})()"))
    assert downloaded(page, "Download").decode() == copied


CHARACTERS = """() => {
  const find = (root) => {
    for (const e of root.querySelectorAll("*")) {
      if (e.getAttribute("aria-label") === "Generated text") return e
      const found = e.shadowRoot && find(e.shadowRoot)
      if (found) return found
    }
  }
  return [...find(document).children].map((span) => span.textContent)
}"""
"""The prompt of the generated text, and each of its characters."""


def test_resizing_a_plot_before_its_layout_exists_is_not_an_error(
    shared: Server, trained: TrainedHome, open_page: Callable[..., Page]
) -> None:
    """Bokeh 3.10 builds views asynchronously; a resize in between would fail without a layout."""
    page = open_page(f"{shared.url}/?tab=training&model={trained.model.id}")
    page.wait_for_function(f"({FIGURE})() !== undefined")
    page.evaluate(f"""async () => {{
      const {{ build_view }} = Bokeh.require("core/build_views")
      const view = await build_view(({FIGURE})(), {{ parent: null }})
      view.compute_layout()
    }}""")


FIGURE = """() => [...Bokeh.documents[0]._all_models.values()].find((m) => m.type === "Figure")"""


def test_a_page_loads_each_script_once_and_no_unused_ones(shared: Server, open_page: Callable[..., Page]) -> None:
    page = open_page(f"{shared.url}/")
    addresses = page.evaluate("performance.getEntriesByType('resource').map((entry) => entry.name)")
    programs = sorted(Path(address.partition("?")[0]).name for address in addresses if ".js" in address)
    assert programs == ["bokeh-widgets.min.js", "bokeh.min.js", "panel-material-ui.bundle.js", "panel.min.js"]
