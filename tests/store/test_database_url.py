"""Where the database is."""

from pathlib import Path

import pytest

from charrnn.core.errors import StoreError
from charrnn.store.database import Database
from charrnn.store.database_url import parse_url, url_from_environment

HOME = Path("/data")
SECRET = "p@ss:/%word"


def test_without_settings_the_database_is_a_file_in_the_data_folder():
    assert str(url_from_environment({"MYSQL_HOST": ""}, HOME)) == "sqlite:////data/charrnn.sqlite3"


def test_one_of_the_articles_variables_is_enough_and_the_others_have_its_defaults():
    url = url_from_environment({"MYSQL_PASSWORD": SECRET}, HOME)
    assert (url.drivername, url.host, url.port) == ("mysql+pymysql", "localhost", 3306)
    assert (url.username, url.password, url.database) == ("root", SECRET, "rnn_generator")
    assert not url.query


def test_the_articles_variables_all_count():
    names = {"HOST": "db", "PORT": "3307", "USER": "u", "PASSWORD": "p", "DATABASE": "d", "SSL": "TRUE"}
    url = url_from_environment({f"MYSQL_{name}": value for name, value in names.items()}, HOME)
    assert url.render_as_string(hide_password=False) == "mysql+pymysql://u:p@db:3307/d?tls=verify"


def test_the_url_comes_before_the_articles_variables():
    url = url_from_environment({"CHARRNN_DATABASE_URL": "sqlite:///x.db", "MYSQL_HOST": "db"}, HOME)
    assert str(url) == "sqlite:///x.db"


@pytest.mark.parametrize("kind", ["mysql", "mariadb", "mysql+pymysql", "mariadb+pymysql"])
def test_every_way_to_write_mysql_means_pymysql(kind):
    assert parse_url(f"{kind}://u@h/d").drivername == "mysql+pymysql"


@pytest.mark.parametrize(
    ("environ", "message"),
    [
        ({"MYSQL_PORT": "33o6"}, "MYSQL_PORT is '33o6', but a port is a whole number from 1 to 65535"),
        ({"MYSQL_PORT": "65536"}, "MYSQL_PORT is '65536'"),
        ({"MYSQL_SSL": "maybe"}, "MYSQL_SSL is 'maybe', but it must be true or false"),
        ({"CHARRNN_DATABASE_URL": "postgresql://u@h/d"}, "begins with postgresql://, which is not known. Write it as"),
        ({"CHARRNN_DATABASE_URL": "mysql://u@h"}, "names no database"),
        ({"CHARRNN_DATABASE_URL": "mysql://u@h/d?tls=off"}, "tls=off, but only tls=verify is known"),
        ({"CHARRNN_DATABASE_URL": "mysql://u@h:65536/d"}, "has port 65536, but a port is a whole number from 1"),
        (
            {"CHARRNN_DATABASE_URL": "mysql://u@h/d?sql_mode=ANSI&x=1"},
            "has the setting sql_mode, x after its question mark",
        ),
        ({"CHARRNN_DATABASE_URL": "charrnn.db"}, "cannot be read. Write it as sqlite:///"),
    ],
)
def test_a_setting_that_cannot_be_understood_says_how_to_write_it(environ, message):
    with pytest.raises(StoreError, match=message):
        url_from_environment(environ, HOME)


@pytest.mark.parametrize(
    "url",
    [f"mysql://u:{SECRET}@h:x/d", f"nosql://u:{SECRET}@h/d", "mysql://u:hidden@h", "mysql://u@h/d?passwd=hidden"],
)
def test_no_message_shows_the_password(url):
    with pytest.raises(StoreError) as caught:
        parse_url(url)
    assert "word" not in str(caught.value).partition("Write it as")[0]
    assert "hidden" not in str(caught.value)
    assert caught.value.__cause__ is None


def test_the_representation_of_a_database_hides_the_password():
    database = Database("mysql://u:hidden@h/d")
    assert "hidden" not in f"{database!r} {database.url!r} {database.engine!r}"
    assert "h/d" in repr(database)
