"""Open the pages of the dashboard in a browser, as a user does."""

from playwright.sync_api import Page

NEW, OF_MODEL = ("Text", "Settings"), ("Watch", "Write", "Details")


def wait_for_menu(page: Page) -> None:
    """Wait until the page can be used."""
    page.get_by_role("navigation", name="Models").wait_for()


def open_tab(page: Page, title: str) -> None:
    """Open a page by its title, through the menu if its tab is not shown.

    From pages without a model, a page of a model opens for the first one in the menu.
    """
    menu, tab = page.get_by_role("navigation", name="Models"), page.get_by_role("tab", name=title, exact=True)
    if title == "Models":
        menu.get_by_role("button", name="Models", exact=True).click()
        return
    if not tab.is_visible():
        if title in NEW:
            menu.get_by_role("button", name="New model", exact=True).click()
        else:
            menu.locator("li button").first.click()
    tab.click()
