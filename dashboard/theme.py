"""Define the look of the pages: colors, fonts, and the stylesheet of HTML panes."""

from pathlib import Path
from typing import Any

import panel as pn

FONT = "system-ui, -apple-system, 'Segoe UI', Roboto, 'Noto Sans', 'Noto Sans CJK SC', sans-serif"

THEME: dict[str, Any] = {
    "light": {
        "palette": {
            "primary": {"main": "#1f5f8b"},
            "secondary": {"main": "#b3541e"},
            "background": {"default": "#f6f7f9", "paper": "#ffffff"},
        }
    },
    "dark": {
        "palette": {
            "primary": {"main": "#7fb8e0", "contrastText": "#0d1a24"},
            "secondary": {"main": "#f0a878"},
            "error": {"main": "#ff9a8f"},
            "background": {"default": "#14181d", "paper": "#1c2229"},
        }
    },
}
for _mode, _bar in (("light", "#1f5f8b"), ("dark", "#17303f")):
    THEME[_mode] |= {
        "typography": {"fontFamily": FONT, "button": {"textTransform": "none"}},
        "shape": {"borderRadius": 8},
        "components": {
            "MuiAppBar": {
                "styleOverrides": {"root": {"backgroundColor": _bar, "color": "#fff", "backgroundImage": "none"}}
            },
            # Selects get the height of text fields.
            "MuiOutlinedInput": {"styleOverrides": {"root": {"minHeight": 40}}},
            # All five tabs fit on a phone.
            "MuiTab": {"styleOverrides": {"root": {"minWidth": 0, "padding": "12px clamp(9px, 2vw, 20px)"}}},
            # The busy bar of the page needs a name for screen readers.
            "MuiLinearProgress": {"defaultProps": {"aria-label": "The page is busy"}},
        },
    }

PAGE = {"padding": "4px clamp(12px, 3vw, 40px) 48px", "box-sizing": "border-box"}
"""Style of the page's content: padding that is small on a phone."""

TRAINING_COLOR, VALIDATION_COLOR = "#3288cc", "#d96a1f"
"""Blue and orange are distinct for nearly everybody, on white and on black; the lines also differ in dash and width."""
BASELINE_COLOR = "#8a8f98"

STYLESHEET = Path(__file__).with_suffix(".css").read_text("utf-8")
"""Stylesheet of HTML panes."""


def markup(html: str = "", **params: Any) -> pn.pane.HTML:
    """Create a pane of HTML written by the dashboard; stored text in it must have passed through `escaped`."""
    return pn.pane.HTML(html, stylesheets=[STYLESHEET], **{"sizing_mode": "stretch_width", "margin": 0, **params})


def section(title: str, content: pn.viewable.Viewer) -> pn.Column:
    """Create a titled part of a view."""
    return pn.Column(markup(f"<h3>{title}</h3>", margin=(0, 0, 8, 0)), content, sizing_mode="stretch_width", margin=0)


def side_by_side(*parts: pn.Column) -> pn.FlexBox:
    """Create a row of equally wide parts, which are placed below each other where the page is narrow."""
    for part in parts:
        part.styles = {"flex": "1 1 400px", "min-width": "0"}
    return pn.FlexBox(*parts, gap="12px 32px", align_items="flex-start", sizing_mode="stretch_width", margin=0)


def placeholder(title: str, text: str, *buttons: pn.viewable.Viewable) -> pn.Column:
    """Create what a view shows while it has nothing to show: what to do next, and the buttons for it."""
    return pn.Column(
        markup(f'<div class="empty"><h2>{title}</h2><p>{text}</p></div>'),
        pn.FlexBox(*buttons, justify_content="center"),
        sizing_mode="stretch_width",
        margin=0,
    )
