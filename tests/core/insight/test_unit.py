"""Test the names and the order of units."""

import pytest

from charrnn.core.errors import OptionError
from charrnn.core.insight.unit import Unit, UnitLayout


def test_each_unit_of_an_lstm_has_a_name_that_leads_back_to_it():
    layout = UnitLayout(layers=3, hidden=5, has_cell_state=True)
    names = [str(layout.unit(index)) for index in range(len(layout))]
    assert (names[0], names[4], names[5], names[-1]) == ("1:1", "1:5", "1:c1", "3:c5")
    assert [layout.index(Unit.parse(name)) for name in names] == list(range(30))


@pytest.mark.parametrize("name", ["5", "5:", ":5", "5:x3", "-1:2", "5:2:3", "٥:٢", "1:99999999"])
def test_a_name_that_is_no_unit_is_rejected(name):
    with pytest.raises(OptionError, match="expected LAYER:NUMBER"):
        Unit.parse(name)


@pytest.mark.parametrize("name", ["0:1", "4:1", "1:0", "1:6", "1:c1"])
def test_a_unit_that_the_network_does_not_have_is_rejected_with_those_it_has(name):
    with pytest.raises(OptionError, match="1:1 to 3:5"):
        UnitLayout(layers=3, hidden=5).index(Unit.parse(name))
