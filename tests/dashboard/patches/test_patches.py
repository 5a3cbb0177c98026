"""Each patch checks the library that it changes."""

import inspect
import re
from pathlib import Path

import pytest
import pyviz_comms
from bokeh.protocol.receiver import Receiver
from bokeh.server.tornado import BokehTornado
from panel.io.server import WSHandler
from panel.io.state import _state
from panel.links import Callback

from dashboard import patches
from dashboard.patches import browser_scripts
from dashboard.patches.compatibility import IncompatibleLibrary

FILES = sorted(set(Path(inspect.getfile(patches)).parent.glob("*.py")) - {Path(inspect.getfile(patches))})
PATCHES = [path for path in FILES if path.stem != "compatibility"]


def test_there_are_at_most_six_patches() -> None:
    assert len(PATCHES) <= 6


@pytest.mark.parametrize("path", PATCHES, ids=lambda path: path.stem)
def test_a_patch_names_its_upstream_issue_and_says_when_it_can_be_removed(path: Path) -> None:
    text = path.read_text("utf-8")
    docstring = text.split('"""')[1]
    assert re.search(r"^Upstream: (not reported|https://github\.com/)", docstring, re.MULTILINE)
    assert re.search(r"Remove .*(when|if)", docstring)
    assert "def apply() -> None:" in text
    assert "require(" in text


def test_patches_can_be_applied_twice() -> None:
    patches.apply()
    patches.apply()


def test_each_changed_assumption_is_an_error_at_startup(monkeypatch: pytest.MonkeyPatch) -> None:
    changes = {
        "busy_flag": lambda m: m.delattr(_state, "_busy_cleanup_scheduled"),
        "thread_safe_links": lambda m: m.setattr(Callback, "registry", {}),
        "browser_scripts": lambda m: m.setattr(browser_scripts, "bundle_url", lambda: "./elsewhere.js"),
        "request_handlers": lambda m: m.delitem(BokehTornado.__annotations__, "_applications"),
        "websocket_hooks": lambda m: m.setattr(WSHandler, "_receive", None),
        "notebook_messages": lambda m: m.setattr(pyviz_comms.Comm, "_handle_msg", Receiver.consume),
    }
    assert set(changes) == {path.stem for path in PATCHES}
    for change in changes.values():
        with monkeypatch.context() as changed:
            change(changed)
            with pytest.raises(IncompatibleLibrary, match=r"is installed\. The dashboard patches this library"):
                patches.apply(notebook=True)
