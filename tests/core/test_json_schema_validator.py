"""Tests of JSON schema validators and their imports."""

import subprocess
import sys

from charrnn.core.json_schema_validator import validator


def test_validator_reports_the_path_of_an_error():
    errors = validator({"properties": {"layers": {"maximum": 7}}}).iter_errors({"layers": 9, "size": 8})
    assert [(list(error.absolute_path), error.message) for error in errors] == [
        (["layers"], "9 is greater than the maximum of 7")
    ]


def test_defect_checking_options_imported_slow_grammars():
    """If Jupyter is installed, importing jsonschema built dozens of grammars for a format that no schema uses."""

    code = (
        "import sys; from charrnn.core.json_schema_validator import validator\n"
        "print(validator({'minimum': 3}).is_valid(3), 'lark' in sys.modules)\n"
        "import rfc3987_syntax; print('lark' in sys.modules)"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert result.stdout.split() == ["True", "False", "True"], result.stderr
