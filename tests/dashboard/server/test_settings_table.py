"""The settings table of the documentation."""

import re
from pathlib import Path

from dashboard.server import settings

DOCS = Path(__file__).parents[3] / "docs/settings.md"


def test_the_documented_table_is_up_to_date() -> None:
    (shown,) = re.findall(r"<!-- settings: .*? -->\n(.*?)\n<!-- end -->", DOCS.read_text("utf-8"), re.DOTALL)
    assert shown == settings.table(), "run make docs"


def test_each_setting_has_its_own_variable() -> None:
    variables = [setting.variable for setting in settings.SETTINGS + settings.LIMITS]
    assert len(set(variables)) == len(variables)
    assert all(re.fullmatch(r"CHARRNN_[A-Z_]+", variable) for variable in variables)
