#!/usr/bin/env python3
"""Every relative link of the Markdown files leads to a file that git knows, and to a heading in it.

Usage: scripts/check-links.py, from anywhere in the checkout. Says each broken link with its file and line; ends with 1
when there is one. Links with a scheme (https:) are not followed.
"""

import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
LINK = re.compile(r"(?<!!)\[[^\]]*\]\(([^)\s]+)\)")


def tracked() -> set[str]:
    listed = subprocess.run(["git", "ls-files", "--cached", "--others", "--exclude-standard"], cwd=ROOT, check=True,
                            capture_output=True, text=True)
    files = set(listed.stdout.splitlines())
    return files | {str(parent) for file in files for parent in Path(file).parents}


def lines_of(page: Path) -> list[tuple[int, str]]:
    """Numbered lines outside of code blocks, without inline code (which may look like a link)."""
    kept, fenced = [], False
    for number, line in enumerate(page.read_text().splitlines(), 1):
        if line.lstrip().startswith("```"):
            fenced = not fenced
        elif not fenced:
            kept.append((number, line))
    return kept


def anchors(page: Path) -> set[str]:
    """Headings as the usual renderers make anchors of them: lower case, spaces to '-', punctuation gone."""
    found = set()
    for _, line in lines_of(page):
        if heading := re.match(r"#{1,6}\s+(.*)", line):
            plain = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading[1].replace("`", ""))
            found.add(re.sub(r"[^\w\- ]", "", plain.strip().lower()).replace(" ", "-"))
        found.update(re.findall(r'<a (?:id|name)="([^"]+)"', line))
    return found


def problem(page: Path, target: str, known: set[str]) -> str | None:
    path, _, anchor = target.partition("#")
    goal = (page.parent / path).resolve() if path else page
    if not goal.is_relative_to(ROOT):
        return "leads out of the repository"
    if str(goal.relative_to(ROOT)) not in known:
        return "there is no such file"
    if anchor and goal.suffix == ".md" and anchor not in anchors(goal):
        return f"{goal.relative_to(ROOT)} has no such heading"
    return None


def main() -> int:
    known, broken = tracked(), 0
    for name in sorted(file for file in known if file.endswith(".md")):
        page = ROOT / name
        for number, line in lines_of(page):
            for target in LINK.findall(re.sub(r"`[^`]*`", "", line)):
                if re.match(r"[a-z]+:", target):
                    continue
                if wrong := problem(page, target, known):
                    print(f"{name}:{number}: {target}: {wrong}")
                    broken += 1
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main())
