"""In a real browser, on a real server: what a visitor does, and that nothing is lost."""

import re
from collections.abc import Callable
from pathlib import Path

from playwright.sync_api import Page, expect

from charrnn.services import open_services
from tests.dashboard.conftest import PATIENCE, Server, Trained
from tests.services.conftest import TEXT

expect.set_options(timeout=1000 * PATIENCE)
LINES = re.compile(r"step: \d+")


def tab(page: Page, name: str) -> None:
    page.get_by_role("tab", name=name).click()


def press(page: Page, name: str) -> None:
    page.get_by_role("button", name=name, exact=True).click()


def test_from_a_file_to_a_written_text_and_still_there_after_a_restart(
    server: Server, trained: Trained, open_page: Callable[..., Page], tmp_path: Path
) -> None:
    page = open_page(f"{server.url}/?tab=text&model={trained.model.id}")
    (tmp_path / "geese.txt").write_text(TEXT.replace("ducks", "geese").replace("\n", "\r\n"), "utf-8")
    page.locator("input[type=file]").set_input_files(tmp_path / "geese.txt")
    expect(page.get_by_text("CRLF line ends were turned into LF")).to_be_visible()

    press(page, "Choose options")
    press(page, "Copy options of ducks")
    page.get_by_label("Layers").fill("99")
    expect(page.get_by_text("it must be a whole number from 1 to 8")).to_be_visible()
    expect(page.get_by_role("button", name="Train", exact=True)).to_be_disabled()
    page.get_by_label("Layers").fill("1")
    page.get_by_label("Steps", exact=True).fill("1000000")
    press(page, "Train")

    expect(page.get_by_role("log")).to_contain_text(LINES)
    expect(page.get_by_role("heading", name="geese")).to_be_visible()
    press(page, "Stop")
    expect(page.get_by_role("button", name="Resume", exact=True)).to_be_visible()
    expect(page.locator(".state.stopped")).to_be_visible()
    press(page, "Resume")
    expect(page.locator(".state.training")).to_be_visible()

    tab(page, "Write")
    page.get_by_label("Prompt").fill("little ")
    press(page, "Write")
    expect(page.get_by_text("characters, ").last).to_be_visible()
    text = page.get_by_role("textbox", name="Written text").inner_text()
    assert text.startswith("little ")

    page.reload()
    expect(page.get_by_role("textbox", name="Written text")).to_have_text(text, use_inner_text=True)
    assert "Traceback" not in server.stop()
    server.start()
    page.reload()
    expect(page.get_by_role("textbox", name="Written text")).to_have_text(text, use_inner_text=True)
    tab(page, "Training")
    expect(page.get_by_role("log")).to_contain_text(LINES)
    expect(page.get_by_role("button", name="Resume", exact=True)).to_be_visible()


def test_two_tabs_show_the_same(server: Server, trained: Trained, open_page: Callable[..., Page]) -> None:
    one, other = (open_page(f"{server.url}/?tab=library&model={trained.model.id}") for _ in range(2))
    one.get_by_label("Name", exact=True).fill("drakes")
    press(one, "Save")
    expect(other.get_by_role("button", name="drakes", exact=True)).to_be_visible()
    tab(other, "Training")
    expect(other.get_by_role("heading", name="drakes")).to_be_visible()


def test_what_is_shown_can_be_taken_along(server: Server, trained: Trained, open_page: Callable[..., Page]) -> None:
    page = open_page(f"{server.url}/?tab=training&model={trained.model.id}")
    expect(page.get_by_role("log")).to_contain_text(LINES)
    found = {name: downloaded(page, name) for name in ("CSV", "PNG", "SVG", "Download")}
    assert found["CSV"].startswith(b"step,")
    assert b"val_loss" in found["CSV"]
    assert found["PNG"].startswith(b"\x89PNG")
    assert b"<svg" in found["SVG"]
    assert found["Download"].decode() == page.get_by_role("log").inner_text().rstrip("\n") + "\n"


def downloaded(page: Page, name: str) -> bytes:
    """Press a button and return the file that comes of it."""
    with page.expect_download() as download:
        page.get_by_text(name, exact=True).click()
    return Path(download.value.path()).read_bytes()


def test_compared_deleted_and_brought_back(server: Server, home: Path, open_page: Callable[..., Page]) -> None:
    with open_services(home, environ={}) as services:
        services.models.create("drakes", options={"cell": "lstm"})
    page = open_page(f"{server.url}/?tab=library")
    for name in ("ducks", "drakes"):
        page.get_by_label(f"Compare {name}").check()
    expect(page.get_by_role("columnheader", name="drakes")).to_be_visible()
    expect(
        page.get_by_role("row", name="cell gru lstm").or_(page.get_by_role("row", name="cell lstm gru"))
    ).to_be_visible()

    press(page, "drakes")
    press(page, "Delete")
    expect(page.get_by_role("button", name="drakes", exact=True)).to_be_hidden()
    press(page, "Bring drakes back")
    expect(page.get_by_role("button", name="drakes", exact=True)).to_be_visible()


def test_every_page_of_an_empty_folder_says_what_to_do_next(
    serve: Callable[..., Server], open_page: Callable[..., Page], tmp_path: Path
) -> None:
    server = serve(tmp_path / "new")
    page = open_page(server.url)
    expect(page.get_by_role("heading", name="Begin with a text")).to_be_visible()
    for name, title in {
        "Library": "No models yet",
        "Options": "First a text",
        "Training": "No model chosen",
        "Write": "Nothing to write with yet",
    }.items():
        tab(page, name)
        expect(page.get_by_role("heading", name=title)).to_be_visible()
    assert f"is at {server.url}" in server.stop()
