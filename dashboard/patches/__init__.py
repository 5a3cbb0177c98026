"""Patch Panel, Bokeh and pyviz_comms where their public APIs are not sufficient: one patch per file.

Other modules may not use private attributes of these libraries, of Tornado or of param, which
`tests/dashboard/patches/test_private_attributes.py` enforces.
"""


def apply(*, notebook: bool = False) -> None:
    """Check that each patch fits the installed libraries, and apply it; repeated calls have no effect.

    Args:
        notebook: Also apply the patches for pages that Panel renders inside a notebook cell.

    Raises:
        IncompatibleLibrary: An installed library is not what a patch expects.
    """
    # Importing Panel takes seconds, and `python -m dashboard --help` imports this package.
    from dashboard.patches import (
        browser_scripts,
        busy_flag,
        notebook_messages,
        request_handlers,
        thread_safe_links,
        websocket_hooks,
    )

    for patch in (busy_flag, thread_safe_links, browser_scripts, request_handlers, websocket_hooks):
        patch.apply()
    if notebook:
        notebook_messages.apply()
