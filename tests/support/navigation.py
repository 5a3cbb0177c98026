"""Open the pages of the dashboard in a browser, as a user does."""

from playwright.sync_api import Page

NEW, OF_MODEL = ("Text", "Settings"), ("Watch", "Write", "Details")


def wait_for_menu(page: Page) -> None:
    """Wait until the page can be used."""
    page.get_by_role("navigation", name="Models").wait_for()


def open_tab(page: Page, title: str, *, model: str = "") -> None:
    """Open a page by its title, as a user does.

    Args:
        page: The dashboard.
        title: Title of the page.
        model: Name of the model in the menu that the page is about; needed unless its tabs are shown.
    """
    menu = page.get_by_role("navigation", name="Models")
    if title == "Models":
        menu.get_by_role("button", name="Models", exact=True).click()
        return
    if title in NEW:
        menu.get_by_role("button", name="New model", exact=True).click()
    elif model:
        menu.get_by_role("listitem").filter(has_text=model).get_by_role("button").click()
    page.get_by_role("tab", name=title, exact=True).click()
