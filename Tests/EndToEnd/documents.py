"""The project's pages, taken apart: blocks, headings, links and the names of files in them."""

import dataclasses
import os
import pathlib
import re

from processes import TOP

#: What a block may be, by the first word of its info string, and which words may follow.
KINDS = {
    "sh": {"fails", "needs-aws", "needs-root", "needs-minutes"},
    "sql": {"refused", "as-owner", "needs-superuser"},
    # Examples of other languages are run by test_assertion.py.
    "javascript": set(), "go": set(), "java": set(), "swift": set(),
    "python": set(), "yaml": set(), "ini": set(), "output": set(), "text": set(),
}

#: Commands that no test runs: of them only the shell's grammar and the files they name are checked.
NOT_RUN = {"needs-superuser", "needs-aws", "needs-root", "needs-minutes"}


@dataclasses.dataclass
class Block:
    """What stands between two fences."""
    page: str
    line: int
    info: list
    text: str

    @property
    def kind(self):
        return self.info[0] if self.info else ""

    @property
    def is_run(self):
        return self.kind in ("sh", "sql") and not NOT_RUN & set(self.info)

    def __str__(self):
        return f"{self.page}:{self.line}"


def files(folder=""):
    """Every file below a folder of the repository, by its path from the top; what is built or hidden is none."""
    found = []
    for path, folders, names in os.walk(TOP / folder):
        folders[:] = sorted(name for name in folders if not name.startswith(".") and name != "__pycache__")
        found += [str((pathlib.Path(path) / name).relative_to(TOP)) for name in sorted(names)]
    return found


PAGES = [path for path in files() if path.endswith(".md")]


def text(page):
    return (TOP / page).read_text()


def blocks(page):
    found, info, lines, start = [], None, [], 0
    for number, line in enumerate(text(page).splitlines(), 1):
        if line.startswith("```") and info is None:
            info, lines, start = line[3:].split(), [], number
        elif line.startswith("```"):
            found.append(Block(page, start, info, "\n".join(lines) + "\n"))
            info = None
        elif info is not None:
            lines.append(line)
    assert info is None, f"{page}:{start}: the block has no end"
    return found


def prose(page):
    """The page's lines outside its blocks, with their numbers."""
    fenced, found = False, []
    for number, line in enumerate(text(page).splitlines(), 1):
        if line.startswith("```"):
            fenced = not fenced
        elif not fenced:
            found.append((number, line))
    return found


def anchors(page):
    """What a link can name behind its `#`, as GitHub makes it of headings."""
    headings = [match[1] for _, line in prose(page) if (match := re.match(r"#+ (.*)", line))]
    return {anchor(heading) for heading in headings}


def anchor(heading):
    return re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")


def links(page):
    """Line, file and anchor of each link into the repository."""
    for number, line in prose(page):
        for target in re.findall(r"\]\(([^)\s]+)\)", line):
            if not re.match(r"\w+:", target):
                path, _, anchor = target.partition("#")
                yield number, path, anchor


def shows(output, expected):
    """None where the lines expected are in the output, in their order; else the first that is not.

    White space counts as one blank, and an ellipsis stands for whatever is there.
    """
    def plain(line):
        return " ".join(line.split())
    actual = iter(plain(line) for line in output.splitlines())
    for line in filter(None, map(plain, expected.splitlines())):
        pattern = ".*".join(map(re.escape, line.split("…")))
        pattern = re.sub(r"(?:\\ )?\.\*(?:\\ )?", ".*", pattern)
        if not any(re.fullmatch(pattern, found) for found in actual):
            return line
    return None
