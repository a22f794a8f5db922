"""The papers go into the wheel: an installed greedyrank has their sweeps and figures too. See pyproject.toml."""

import shutil
from pathlib import Path

from setuptools import setup
from setuptools.command.build_py import build_py


class BuildWithPapers(build_py):
    """Copy workflow/papers into the package, where `greedyrank.plugins.PAPERS` looks for them."""

    def run(self) -> None:
        """Build; an editable install takes the papers from the repository."""
        super().run()
        if not self.editable_mode:
            target = Path(self.build_lib, "greedyrank", "papers")
            ignored = shutil.ignore_patterns("__pycache__")
            shutil.copytree("workflow/papers", target, ignore=ignored, dirs_exist_ok=True)


setup(cmdclass={"build_py": BuildWithPapers})
