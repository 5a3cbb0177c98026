#!/bin/sh
exec mariadb-admin --no-defaults --host=127.0.0.1 --silent ping
