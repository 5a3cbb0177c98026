"""Tests of database URLs."""

from pathlib import Path

import pytest

from charrnn.core.errors import StoreError
from charrnn.store.database import Database
from charrnn.store.database_url import parse_url, url_from_environment

HOME = Path("/data")
SECRET = "p@ss:/%word"


def test_default_database_is_a_file_in_the_data_folder():
    assert str(url_from_environment({"MYSQL_HOST": ""}, HOME)) == "sqlite:////data/charrnn.sqlite3"


def test_one_variable_of_the_article_selects_mysql_with_its_defaults():
    url = url_from_environment({"MYSQL_PASSWORD": SECRET}, HOME)
    assert (url.drivername, url.host, url.port) == ("mysql+pymysql", "localhost", 3306)
    assert (url.username, url.password, url.database) == ("root", SECRET, "rnn_generator")
    assert not url.query


def test_all_variables_of_the_article_are_used():
    names = {"HOST": "db", "PORT": "3307", "USER": "u", "PASSWORD": "p", "DATABASE": "d", "SSL": "TRUE"}
    url = url_from_environment({f"MYSQL_{name}": value for name, value in names.items()}, HOME)
    assert url.render_as_string(hide_password=False) == "mysql+pymysql://u:p@db:3307/d?tls=verify"


def test_url_has_priority_over_the_variables_of_the_article():
    url = url_from_environment({"CHARRNN_DATABASE_URL": "sqlite:///x.db", "MYSQL_HOST": "db"}, HOME)
    assert str(url) == "sqlite:///x.db"


@pytest.mark.parametrize("kind", ["mysql", "mariadb", "mysql+pymysql", "mariadb+pymysql"])
def test_every_mysql_url_uses_pymysql(kind):
    assert parse_url(f"{kind}://u@h/d").drivername == "mysql+pymysql"


@pytest.mark.parametrize(
    ("environ", "message"),
    [
        ({"MYSQL_PORT": "33o6"}, "MYSQL_PORT is '33o6'; expected a whole number from 1 to 65535"),
        ({"MYSQL_PORT": "65536"}, "MYSQL_PORT is '65536'"),
        ({"MYSQL_SSL": "maybe"}, "MYSQL_SSL is 'maybe'; expected true or false"),
        ({"CHARRNN_DATABASE_URL": "postgresql://u@h/d"}, "starts with postgresql://, which is not supported. Use"),
        ({"CHARRNN_DATABASE_URL": "mysql://u@h"}, "has no database name"),
        ({"CHARRNN_DATABASE_URL": "mysql://u@h/d?tls=off"}, "tls=off; expected tls=verify"),
        ({"CHARRNN_DATABASE_URL": "mysql://u@h:65536/d"}, "has port 65536; expected a whole number from 1"),
        (
            {"CHARRNN_DATABASE_URL": "mysql://u@h/d?sql_mode=ANSI&x=1"},
            "has the unknown setting sql_mode, x after the question mark",
        ),
        ({"CHARRNN_DATABASE_URL": "charrnn.db"}, "is invalid. Use the form sqlite:///"),
    ],
)
def test_invalid_setting_error_shows_the_expected_form(environ, message):
    with pytest.raises(StoreError, match=message):
        url_from_environment(environ, HOME)


@pytest.mark.parametrize(
    "url",
    [f"mysql://u:{SECRET}@h:x/d", f"nosql://u:{SECRET}@h/d", "mysql://u:hidden@h", "mysql://u@h/d?passwd=hidden"],
)
def test_error_messages_hide_the_password(url):
    with pytest.raises(StoreError) as caught:
        parse_url(url)
    assert "word" not in str(caught.value).partition("Use ")[0]
    assert "hidden" not in str(caught.value)
    assert caught.value.__cause__ is None


def test_repr_of_a_database_hides_the_password():
    database = Database("mysql://u:hidden@h/d")
    assert "hidden" not in f"{database!r} {database.url!r} {database.engine!r}"
    assert "h/d" in repr(database)
