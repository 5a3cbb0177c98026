"""How it looks: colours, type, and the style sheet of our own markup."""

from pathlib import Path
from typing import Any

import panel as pn

ASSETS = Path(__file__).parent / "assets"

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
            # fields to choose from as high as fields to type in
            "MuiOutlinedInput": {"styleOverrides": {"root": {"minHeight": 40}}},
            # all five fit on a phone
            "MuiTab": {"styleOverrides": {"root": {"minWidth": 0, "padding": "12px clamp(9px, 2vw, 20px)"}}},
            # the page's own busy bar has no name, which screen readers want
            "MuiLinearProgress": {"defaultProps": {"aria-label": "The page is busy"}},
        },
    }

PAGE = {"padding": "4px clamp(12px, 3vw, 40px) 48px", "box-sizing": "border-box"}
"""Space around everything; little of it on a phone."""

TRAINING_COLOR, VALIDATION_COLOR = "#3288cc", "#d96a1f"
"""Blue and orange: told apart by nearly everybody, on white and on black; the lines also differ in dash and width."""
BASELINE_COLOR = "#8a8f98"

CONTENT = (ASSETS / "content.css").read_text("utf-8")
"""The style sheet of our own markup."""


def markup(html: str = "", **params: Any) -> pn.pane.HTML:
    """Make a pane of our own markup; whatever in it was stored must have passed through `escaped`."""
    return pn.pane.HTML(html, stylesheets=[CONTENT], margin=params.pop("margin", 0), **_stretched(params))


def empty(title: str, words: str, *actions: pn.viewable.Viewable) -> pn.Column:
    """Make what a page shows while there is nothing to show: what to do next, and the button for it."""
    return pn.Column(
        markup(f'<div class="empty"><h2>{title}</h2><p>{words}</p></div>'),
        pn.FlexBox(*actions, justify_content="center"),
        sizing_mode="stretch_width",
        margin=0,
    )


def _stretched(params: dict[str, Any]) -> dict[str, Any]:
    return {"sizing_mode": "stretch_width", **params}
