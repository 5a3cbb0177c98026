"""Patch the JavaScript of Panel and Bokeh with scripts that the page template includes.

* Without es-module-shims and WebGL, a page loads two fewer scripts, and its modules a second earlier.
* Bokeh 3.10 builds views asynchronously. A resize during this time fails with "this.layout is undefined".

Upstream: not reported; https://github.com/bokeh/bokeh/issues/13104 is the same race elsewhere in Bokeh.
Remove the first part when Panel loads es-module-shims only for components with an import map, and the second when
`PlotView._measure_layout` returns early without a layout.
"""

from pathlib import Path

import panel.ui as pui
from bokeh.util.paths import static_path
from panel.io.resources import DIST_DIR

from dashboard.patches.compatibility import require

SCRIPTS = Path(__file__).with_suffix(".html").read_text("utf-8")


def bundle_url() -> str:
    """Return the URL of the JavaScript bundle of all Material UI components, relative to the page."""
    return str(pui.Page._render_esm(server=True))


def page_scripts() -> str:
    """Return the scripts as part of a Jinja template, which replaces Panel's `bokeh_js`."""
    return SCRIPTS.replace("BUNDLE", bundle_url())


def apply() -> None:
    """Check the scripts that are patched; the page template includes the patches."""
    require("panel-material-ui" in bundle_url(), "panel-material-ui", "its components share one bundle")
    require("importShim" in (DIST_DIR / "panel.min.js").read_text("utf-8"), "panel", "modules load through importShim")
    bokeh_js = (static_path() / "js" / "bokeh.min.js").read_text("utf-8")
    for name in ("_measure_layout", "_after_layout"):
        require(name in bokeh_js, "bokeh", f"PlotView has {name}")
