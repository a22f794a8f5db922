"""The generated tables of the READMEs."""

import pytest

from greedyrank.config.papers import Paper
from greedyrank.errors import UserError
from greedyrank.report import paper_tables

FIGURE = "title: A | b\nminutes: {}\n"
CLAIMS = """
- {id: one, basis: published}
- {id: two, basis: ours, known: differs, because: of the seed}
- {id: three, basis: ours}
"""


@pytest.fixture
def repository(tmp_path):
    """A repository of one paper with two figures, and READMEs with marks."""
    paper = tmp_path / "workflow" / "papers" / "example_2020"
    for name, minutes in (("first", 0.5), ("second", 3)):
        (paper / name).mkdir(parents=True)
        (paper / name / "figure.yaml").write_text(FIGURE.format(minutes), encoding="utf-8")
        (paper / name / "claims.yaml").write_text(CLAIMS, encoding="utf-8")
    (paper / "sweeps.yaml").write_text("{}\n", encoding="utf-8")
    (paper / "README.md").write_text(
        "\n".join(["# A & B: On c. 2020", "before", *paper_tables.PAPER_MARKS, "after\n"]), encoding="utf-8"
    )
    (tmp_path / "README.md").write_text("\n".join(["# x", *paper_tables.MAIN_MARKS, "the rest\n"]), encoding="utf-8")
    return tmp_path


def test_the_tables_in_the_repository_are_up_to_date():
    for path, text in paper_tables.readmes().items():
        assert path.read_text(encoding="utf-8") == text, f"{path}: run `python -m greedyrank.report.paper_tables`"


def test_what_a_table_says_of_a_figure(repository):
    paper = Paper(repository / "workflow" / "papers" / "example_2020")
    assert paper_tables.figures_table(paper).splitlines()[2:] == [
        "| figure | title | minutes | published | theorem | ours | known to differ |",
        "| --- | --- | ---: | ---: | ---: | ---: | --- |",
        r"| [first](first) | A \| b | 0.5 | 1 | 0 | 2 | `two` |",
        r"| [second](second) | A \| b | 3 | 1 | 0 | 2 | `two` |",
        "| all |  |  | 2 | 0 | 4 | 2 ours |",
    ]


def test_only_what_stands_between_the_marks_is_written(repository):
    paper = repository / "workflow" / "papers" / "example_2020" / "README.md"
    assert sorted(paper_tables.write(repository)) == sorted([paper, repository / "README.md"])
    assert paper_tables.write(repository) == []
    lines = paper.read_text(encoding="utf-8").splitlines()
    assert lines[:3] == ["# A & B: On c. 2020", "before", paper_tables.PAPER_MARKS[0]]
    assert lines[-2:] == [paper_tables.PAPER_MARKS[1], "after"]
    (_, _, row) = (
        line for line in (repository / "README.md").read_text(encoding="utf-8").splitlines() if line.startswith("|")
    )
    figures = "[example_2020](workflow/papers/example_2020) | A & B: On c. 2020 | `first` `second`"
    assert row == f"| {figures} | 0.5 to 3 | 2 | 0 | 4 |"


@pytest.mark.parametrize(
    "text",
    [
        "# Title\n",
        "# Title\n{0}\n",
        "# Title\n{1}\n{0}\n",
        "# Title\n{0}\n{0}\n{1}\n",
    ],
)
def test_marks_that_are_missing_are_named(repository, text):
    path = repository / "workflow" / "papers" / "example_2020" / "README.md"
    path.write_text(text.format(*paper_tables.PAPER_MARKS), encoding="utf-8")
    with pytest.raises(UserError, match=r"README.md needs these two lines, once each: <!-- table"):
        paper_tables.write(repository)


def test_a_readme_without_a_heading_is_named(repository):
    path = repository / "workflow" / "papers" / "example_2020" / "README.md"
    path.write_text(path.read_text(encoding="utf-8").removeprefix("# "), encoding="utf-8")
    with pytest.raises(UserError, match=r"README.md does not begin with a heading"):
        paper_tables.readmes(repository)
