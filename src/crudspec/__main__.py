"""``python -m crudspec``: the command line."""

from crudspec.cli import main

if __name__ == "__main__":  # a process that is started for mutants imports this once more
    main(prog_name="crudspec")
