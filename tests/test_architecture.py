"""The packages are layers, as ARCHITECTURE.md has them."""

import re
from pathlib import Path

import pytest
from importlinter.cli import lint_imports

ROOT = Path(__file__).parent.parent
PACKAGE = ROOT / "src" / "crudspec"


def test_a_package_imports_only_what_stands_below_it(capsys: pytest.CaptureFixture[str]) -> None:
    status = lint_imports(config_filename=str(ROOT / "pyproject.toml"), no_cache=True)
    assert status == 0, capsys.readouterr().out


def test_every_package_is_explained() -> None:
    text = (ROOT / "ARCHITECTURE.md").read_text("utf-8")
    packages = {path.name for path in PACKAGE.iterdir() if (path / "__init__.py").is_file()}
    modules = {path.name for path in PACKAGE.glob("[a-z]*.py")}

    assert [name for name in sorted(packages) if not re.search(rf"^  {name}/ ", text, re.MULTILINE)] == []
    assert [name for name in sorted(modules) if name not in text] == []
