"""The checkout's own pytest configuration; crudspec's plugin is loaded from its entry point."""

pytest_plugins = ["pytester"]
