"""Define reusable widgets and panes, each next to its JavaScript and CSS."""
