"""Serve the dashboard: HTTP, websockets, logins, limits and health checks."""
