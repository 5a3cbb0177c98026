"""Reusable widgets and panes, each with its JavaScript and CSS."""
