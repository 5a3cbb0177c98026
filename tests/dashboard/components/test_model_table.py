"""The table of models in a real browser, without a server."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page

from dashboard.components import model_table

SCRIPT = Path(model_table.__file__).with_suffix(".js").read_text("utf-8")
LOSSES = {"ducks": 1.31, "drakes": None, "geese": 2.07, "teals": 0.98, "<b>swans": None}


def row(name: str, loss: float | None, step: int) -> dict[str, Any]:
    return {
        "id": name,
        "name": name,
        "state": "completed",
        "shown_state": "completed",
        "step": step,
        "loss": loss,
        "curve": [],
        "note": "",
        "updated": f"2026-01-{step:02}",
        "search_text": name,
    }


@pytest.fixture
def table(chromium: Browser) -> Iterator[Page]:
    """The table of models with and without a loss."""
    page = chromium.new_page()
    page.add_script_tag(content=SCRIPT.replace("export function render", "window.render = function"))
    page.evaluate(
        """(rows) => {
          const model = { rows, chosen: "", compared: [], on() {}, send_msg(message) { window.sent = message } }
          document.body.append(render({ model }))
        }""",
        [row(name, loss, step) for step, (name, loss) in enumerate(LOSSES.items(), 1)],
    )
    yield page
    page.close()


def names(table: Page) -> list[str]:
    return table.locator("tbody th button").all_inner_texts()


def test_the_newest_model_is_first(table: Page) -> None:
    assert names(table) == list(LOSSES)[::-1]


def test_defect_sorting_by_best_loss_starts_with_the_best_and_blanks_stay_last(table: Page) -> None:
    header = table.get_by_role("button", name="Best loss")
    header.click()
    assert names(table)[:3] == ["teals", "ducks", "geese"]
    assert header.locator("..").get_attribute("aria-sort") == "ascending"
    header.click()
    assert names(table)[:3] == ["geese", "ducks", "teals"]
    assert set(names(table)[3:]) == {"drakes", "<b>swans"}


def test_sorting_by_step_starts_with_the_most_steps(table: Page) -> None:
    table.get_by_role("button", name="Step", exact=True).click()
    assert names(table) == list(LOSSES)[::-1]


def test_the_filter_hides_other_models_and_counts(table: Page) -> None:
    table.get_by_role("searchbox").fill("D")
    assert set(names(table)) == {"ducks", "drakes"}
    assert table.get_by_role("status").inner_text() == "2 of 5"


def test_a_click_sends_the_id_of_the_model(table: Page) -> None:
    table.get_by_role("button", name="geese").click()
    assert table.evaluate("window.sent") == {"type": "choose", "id": "geese"}
    table.get_by_label("Compare geese").check()
    assert table.evaluate("window.sent") == {"type": "compare", "id": "geese", "on": True}
