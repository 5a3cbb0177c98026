"""Test `charrnn db`."""

import json


def test_db_where_prints_the_locations(charrnn, home):
    assert json.loads(charrnn("db", "where", "--json").out) == {
        "home": str(home),
        "database": f"sqlite:///{home}/charrnn.sqlite3",
    }
    assert str(home) in charrnn("db", "where").out


def test_a_password_is_hidden(charrnn):
    out = charrnn("--database", "mysql://ann:secret@db.example:3307/texts", "db", "where").out
    assert "secret" not in out
    assert "ann:***@db.example:3307/texts" in out


def test_db_upgrade_creates_a_database(charrnn, home):
    result = charrnn("db", "upgrade")
    assert (result.code, result.out) == (0, "")
    assert (home / "charrnn.sqlite3").exists()


def test_an_invalid_database_url_is_reported(charrnn):
    result = charrnn("models", "--database", "oracle://x/y")
    assert result.code == 1
    assert "mysql://user:password@host:3306/database" in result.err
