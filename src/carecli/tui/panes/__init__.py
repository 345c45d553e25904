"""The panes of the desk, each showing one thing the services know."""
