"""Define the appearance of the pages: colors, fonts, and the style sheet of HTML panes."""

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
            # Give selects the height of text fields.
            "MuiOutlinedInput": {"styleOverrides": {"root": {"minHeight": 40}}},
            # Fit all five tabs on a phone.
            "MuiTab": {"styleOverrides": {"root": {"minWidth": 0, "padding": "12px clamp(9px, 2vw, 20px)"}}},
            # The busy bar of the page needs a name for screen readers.
            "MuiLinearProgress": {"defaultProps": {"aria-label": "The page is busy"}},
        },
    }

PAGE = {"padding": "4px clamp(12px, 3vw, 40px) 48px", "box-sizing": "border-box"}
"""Style of the page's content, with a padding that is small on a phone."""

WIDE: dict[str, Any] = {"sizing_mode": "stretch_width", "margin": 0}
"""Parameters of a layout that is as wide as the page."""
SMALL: dict[str, Any] = {"size": "small", "margin": 0}
"""Parameters of a small button or field."""

TRAINING_COLOR, VALIDATION_COLOR = "#3288cc", "#d96a1f"
"""Blue and orange can be distinguished with most kinds of color blindness, on white and on black. The lines also differ
in dash and width."""
BASELINE_COLOR = "#8a8f98"

STYLESHEET = Path(__file__).with_suffix(".css").read_text("utf-8")
"""Style sheet of HTML panes."""


def markup(html: str = "", **params: Any) -> pn.pane.HTML:
    """Create a pane for HTML of the dashboard; stored text in it must have passed through `escaped`."""
    return pn.pane.HTML(html, stylesheets=[STYLESHEET], **{**WIDE, **params})


def section(title: str, content: pn.viewable.Viewer) -> pn.Column:
    """Create a titled part of a view."""
    return pn.Column(markup(f"<h3>{title}</h3>", margin=(0, 0, 8, 0)), content, **WIDE)


def side_by_side(*parts: pn.Column) -> pn.FlexBox:
    """Create a row of equally wide parts, which are placed below each other where the page is narrow."""
    for part in parts:
        part.styles = {"flex": "1 1 400px", "min-width": "0"}
    return pn.FlexBox(*parts, gap="12px 32px", align_items="flex-start", **WIDE)


def placeholder(title: str, text: str, *buttons: pn.viewable.Viewable) -> pn.Column:
    """Create the placeholder of an empty view: what to do next, with buttons for it."""
    empty = markup(f'<div class="empty"><h2>{title}</h2><p>{text}</p></div>')
    return pn.Column(empty, pn.FlexBox(*buttons, justify_content="center"), **WIDE)
