"""Panel's registry of links, which is read while it changes."""

from panel.links import Callback

from dashboard import patches
from dashboard.patches.thread_safe_links import LinkRegistry


class Component:
    """Something that can be linked."""


def test_defect_a_page_fails_when_another_one_is_built_at_the_same_time() -> None:
    registry = LinkRegistry()
    kept = [Component() for _ in range(7)]
    for component in kept:
        registry[component] = []
    walked = 0
    for _ in registry.values():
        walked += 1
        kept.append(Component())
        registry[kept[-1]] = []  # "dictionary changed size during iteration"
    assert (walked, len(registry)) == (7, 14)


def test_panel_uses_the_thread_safe_registry() -> None:
    patches.apply()
    assert isinstance(Callback.registry, LinkRegistry)
