"""Color schemes, phones, accessibility and keyboard in a real browser."""

import base64
import io
from collections.abc import Callable

import pytest
from PIL import Image, ImageStat
from playwright.sync_api import Page, expect

from tests.support.browser import accessibility_violations
from tests.support.dashboard_server import Server
from tests.support.navigation import OF_MODEL, open_tab, wait_for_menu
from tests.support.trained_home import TrainedHome
from tests.support.waiting import TIMEOUT

expect.set_options(timeout=1000 * TIMEOUT)
TABS = {
    "library": "ducks",
    "text": "ducks",
    "options": "Trained on",
    "training": "Lower is better",
    "write": "Write with ducks",
    "details": "SHA-256 of the text",
}
"""Words on each page."""
PHONE = {"width": 390, "height": 844}


@pytest.fixture
def url(shared: Server, trained: TrainedHome) -> str:
    """The URL of the page of a trained model."""
    return f"{shared.url}/?model={trained.model.id}&text={trained.model.corpus_id}"


def wait_for_dark(page: Page, dark: bool) -> None:
    """Wait until the background is dark or light."""
    color = "getComputedStyle(document.body).backgroundColor.match(/\\d+/g)"
    page.wait_for_function(f"dark => ({color}.reduce((sum, part) => sum + +part, 0) < 384) === dark", arg=dark)


def test_the_color_scheme_follows_the_system_until_the_user_chooses(url: str, open_page: Callable[..., Page]) -> None:
    page = open_page(url, dark=True)
    wait_for_dark(page, True)
    page.wait_for_load_state("networkidle")
    page.get_by_label("Toggle theme").click()
    wait_for_dark(page, False)
    page.reload()
    wait_for_menu(page)
    page.wait_for_function("() => localStorage.length === 1")
    wait_for_dark(page, False)

    page.wait_for_load_state("networkidle")
    page.get_by_label("Toggle theme").click()
    wait_for_dark(page, True)
    page.emulate_media(color_scheme="light")
    page.reload()
    wait_for_dark(page, True)


def test_without_a_choice_the_color_scheme_follows_the_system(url: str, open_page: Callable[..., Page]) -> None:
    page = open_page(url)
    wait_for_dark(page, False)
    page.emulate_media(color_scheme="dark")
    wait_for_dark(page, True)
    assert page.evaluate("localStorage.length") == 0


def test_a_dark_page_is_never_white_while_it_loads(url: str, open_page: Callable[..., Page]) -> None:
    page = open_page(url, dark=True)
    frames: list[float] = []
    film = page.context.new_cdp_session(page)

    def see(frame: dict[str, str]) -> None:
        frames.append(brightness(base64.b64decode(frame["data"])))
        film.send("Page.screencastFrameAck", {"sessionId": frame["sessionId"]})

    film.on("Page.screencastFrame", see)
    film.send("Page.startScreencast", {"format": "jpeg", "maxWidth": 160, "maxHeight": 120})
    page.reload()
    open_tab(page, "Models")
    expect(page.get_by_role("button", name="ducks", exact=True)).to_be_visible()
    film.send("Page.stopScreencast")
    assert len(frames) > 2
    assert max(frames) < 90


def brightness(picture: bytes) -> float:
    """Return the mean brightness of an image, from 0 (black) to 255 (white)."""
    return ImageStat.Stat(Image.open(io.BytesIO(picture)).convert("L")).mean[0]


def persistent_violations(page: Page) -> dict[str, list[str]]:
    """Return accessibility violations that persist, since components that are drawn late change their colors late."""
    for _ in range(10):
        if not (found := accessibility_violations(page)):
            break
    return found


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_every_page_fits_a_phone_and_is_accessible(url: str, open_page: Callable[..., Page], dark: bool) -> None:
    page = open_page(url, **PHONE, dark=dark)
    wait_for_dark(page, dark)
    for name, words in TABS.items():
        page.goto(f"{url}&tab={name}")
        expect(page.get_by_text(words).last).to_be_visible()
        assert page.evaluate("document.scrollingElement.scrollWidth") <= PHONE["width"], name
        assert not persistent_violations(page), name


def test_no_page_has_a_serious_accessibility_violation_on_a_desktop(url: str, open_page: Callable[..., Page]) -> None:
    page = open_page(url)
    for name, words in TABS.items():
        page.goto(f"{url}&tab={name}")
        expect(page.get_by_text(words).last).to_be_visible()
        assert not persistent_violations(page), name


def test_the_layout_does_not_shift_while_a_page_loads(url: str, open_page: Callable[..., Page]) -> None:
    """Cumulative Layout Shift (https://web.dev/articles/cls); below 0.1 is good."""
    page = open_page(url)
    page.add_init_script(SHIFTS)
    for tab, words in TABS.items():
        page.goto(f"{url}&tab={tab}")
        expect(page.get_by_text(words).last).to_be_visible()
        page.wait_for_function(IDLE)
        page.evaluate(DRAWN)
        assert page.evaluate("shifts") < 0.1, tab


IDLE = "() => Bokeh.documents.length > 0 && Bokeh.documents.every((document) => document.is_idle)"
"""Whether all parts of a page are drawn."""
DRAWN = "() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(() => setTimeout(done))))"
"""Waits until observers have got the measurements of all frames so far."""
SHIFTS = """window.shifts = 0;
new PerformanceObserver((list) => { for (const shift of list.getEntries()) shifts += shift.value; })
  .observe({type: "layout-shift", buffered: true});"""


def test_all_tabs_fit_on_a_phone(url: str, open_page: Callable[..., Page]) -> None:
    page = open_page(f"{url}&tab=training", **PHONE)
    boxes = [page.get_by_role("tab", name=name).bounding_box() for name in OF_MODEL]
    assert all(box and box["x"] >= 0 and box["x"] + box["width"] <= PHONE["width"] for box in boxes)


def test_text_is_generated_with_the_keyboard_only(url: str, open_page: Callable[..., Page]) -> None:
    page = open_page(f"{url}&tab=training")
    page.get_by_role("tab", name="Watch").focus()
    page.keyboard.press("ArrowRight")
    expect(page.get_by_role("tab", name="Write")).to_be_focused()
    page.keyboard.press("Enter")
    prompt = page.get_by_label("Prompt")
    expect(prompt).to_be_visible()
    while not prompt.evaluate("field => field.getRootNode().activeElement === field"):  # after the text and its buttons
        page.keyboard.press("Tab")
    page.keyboard.type("little ducks")
    page.keyboard.press("Tab")
    expect(page.get_by_role("button", name="Write", exact=True)).to_be_focused()
    assert page.evaluate(FOCUSED) == ["Write", True]
    page.keyboard.press("Enter")
    expect(page.get_by_role("textbox", name="Generated text")).to_contain_text("little ducks")
    expect(page.get_by_text("characters, ").last).to_be_visible()


def test_keyboard_focus_is_always_visible_and_never_trapped(url: str, open_page: Callable[..., Page]) -> None:
    page = open_page(f"{url}&tab=training")
    expect(page.get_by_role("log")).to_be_visible()
    stops = []
    for _ in range(60):
        page.keyboard.press("Tab")
        name, seen = page.evaluate(FOCUSED)
        if name == "BODY":
            break
        stops.append(name)
        assert seen, f"{name} shows no focus"
    assert name == "BODY", f"Tab never left the page: {stops}"
    assert {"Toggle theme", "Train longer", "Write", "Training log"} <= set(stops)


FOCUSED = """() => {
  let found = document.activeElement
  while (found.shadowRoot?.activeElement) found = found.shadowRoot.activeElement
  if (found === document.body) return ["BODY", true]
  const name = found.ariaLabel || found.innerText || found.getAttribute("aria-labelledby") || found.tagName
  const marked = (e) => {
    const style = getComputedStyle(e)
    return style.outlineStyle !== "none" || e.matches(".Mui-focusVisible, .Mui-focused")
  }
  let seen = false
  for (let e = found, i = 0; e && i < 4; e = e.parentElement, i++) seen ||= marked(e)
  return [name.trim(), seen]
}"""
"""Name of the focused element, and whether the focus is visible."""
