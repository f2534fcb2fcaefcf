"""``python -m crudspec``: the command line."""

from crudspec.cli import main

main(prog_name="crudspec")
