"""Start Chromium and inspect its pages."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, sync_playwright


@contextmanager
def browser() -> Iterator[Browser]:
    """Start Chromium.

    Raises:
        FileNotFoundError: Chromium is not installed.
    """
    program = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if program is None:
        raise FileNotFoundError(
            "Chromium is not installed: run scripts/install-test-packages as root, or install it from your system."
        )
    quiet = ["--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking",
             "--disable-component-update", "--disable-sync"]  # fmt: skip
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=quiet)
        yield browser
        browser.close()


def is_external(url: str) -> bool:
    """Return whether a URL leads out of this machine."""
    return not url.startswith(("http://127.0.0.1:", "data:", "blob:"))


def accessibility_violations(page: Page) -> dict[str, list[str]]:
    """Return the serious accessibility violations that axe finds on a page: markup by rule."""
    found = Axe().run(page).response["violations"]
    return {
        v["id"]: [n["html"][:120] + n["failureSummary"] for n in v["nodes"]]
        for v in found
        if v["impact"] in ("serious", "critical")
    }
