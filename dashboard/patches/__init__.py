"""Patch Panel, Bokeh and pyviz_comms where their public interfaces do not suffice: one patch per file.

No other module may use private attributes of these libraries, of Tornado or of param;
`tests/dashboard/patches/test_private_attributes.py` enforces it.
"""


def apply(*, notebook: bool = False) -> None:
    """Check that each patch fits the installed libraries, and apply it; calling this again changes nothing.

    Args:
        notebook: Also apply the patches of pages that Panel renders inside a notebook cell.

    Raises:
        IncompatibleLibrary: A library has changed in a way that a patch does not expect.
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
