"""The pages of `reference/api/`: one for each package, with what its modules offer."""

from pathlib import Path

from docs_pages.options import ROOT

PACKAGE = ROOT / "al_runner"
INDEX = "reference/api/index.md"


def packages() -> list[str]:
    """The dotted names of all packages, the outermost first."""
    folders = [path.parent.relative_to(ROOT) for path in sorted(PACKAGE.rglob("__init__.py"))]
    return sorted(".".join(folder.parts) for folder in folders)


def address(package: str) -> str:
    """The page of a package."""
    return INDEX if package == "al_runner" else f"reference/api/{package.removeprefix('al_runner.')}.md"


def page(package: str) -> str:
    """A package: what it says of itself, then each of its modules."""
    folder = ROOT.joinpath(*package.split("."))
    modules = [path.stem for path in sorted(folder.glob("*.py")) if not path.stem.startswith("__")]
    blocks = [f"# {package}\n", f"::: {package}\n    options: {{show_root_toc_entry: false}}\n"]
    blocks += [f"## {name}\n\n::: {package}.{name}\n" for name in modules]
    return "\n".join(blocks) + (_list() if package == "al_runner" else "")


def _list() -> str:
    """Links to the other pages."""
    rows = [f"- [`{name}`]({Path(address(name)).name})" for name in packages()[1:]]
    return "\n".join(["\n## Packages\n", *rows, ""])
