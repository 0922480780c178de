#!/usr/bin/env python3
"""Fails on text that should not be in the project.

Every file: at most 1.5 MB; no tabs, no white space at line ends, no work left for later, no paths of one machine.
src: headers up to 200 lines, sources up to 350, functions up to 60.
Documents (*.md): the files they link or name exist, and so do the flags of scripts/* and simclr that they name.

usage: check_text.py [ROOT]
"""

import re
import subprocess
import sys
from pathlib import Path

MAX_BYTES = 1_500_000
MAX_LINES = {".h": 200, ".cpp": 350}
MAX_FUNCTION_LINES = 60

# Put together from pieces, so that this file passes its own check.
LINE_FAULTS = [
    (re.compile(r"\t"), "a tab"),
    (re.compile(r"[ \r]$"), "white space at the end"),
    (re.compile(r"\b(TO" r"DO|FIX" r"ME|XX" r"X|HA" r"CK)\b"), "work left for later"),
    (re.compile(r"(?<![\w.}])/(wor" r"k|roo" r"t|hom" r"e|tm" r"p|mn" r"t|User" r"s)/"), "a path of one machine"),
]

NOT_CODE = re.compile(
    r'//[^\n]*|/\*.*?\*/|R"(\w*)\(.*?\)\1"|"(?:\\.|[^"\\\n])*"|(?<!\w)\'(?:\\.|[^\'\\\n])+\'|^[ ]*#[^\n]*',
    re.DOTALL | re.MULTILINE)
CONTAINER = re.compile(r"(?:\w+\s*:(?!:)\s*|template\s*<[^{}]*?>\s*|inline\s+|static\s+|typedef\s+)*"
                       r"(namespace|class|struct|union|enum|extern)\b")

LINK = re.compile(r"\]\(([^)#\s]+)[^)]*\)")
SNIPPET = re.compile(r"^```[^\n]*\n(.*?)^```|`([^`\n]+)`", re.DOTALL | re.MULTILINE)
PATH = re.compile(r"[\w.<>*-]+(?:/[\w.<>*-]*)+|[A-Z]+\.md")
COMMAND = re.compile(r"^(?:\S*/)?simclr\b|^scripts/|^--")
FLAG = re.compile(r"(?<![\w-])--([a-z][a-z0-9-]+)")


def project_files(root):
    """Everything that git tracks or would add."""
    listed = subprocess.run(["git", "-c", "safe.directory=*", "ls-files", "-z", "-co", "--exclude-standard"],
                            cwd=root, capture_output=True,
                            check=True, text=True)
    names = sorted(set(filter(None, listed.stdout.split("\0"))))
    return [Path(name) for name in names if (root / name).is_file()]


def read_text(path):
    """The text of the file, or None if it is binary."""
    content = path.read_bytes()
    return None if b"\0" in content else content.decode("utf-8", errors="replace")


def check_lines(name, text):
    for number, line in enumerate(text.split("\n"), 1):
        for pattern, what in LINE_FAULTS:
            if pattern.search(line):
                yield f"{name}:{number}: {what}"


def functions(text):
    """(first line, last line) of every function body with its signature; lambdas belong to the function around them.

    A heuristic: an outermost block that is not a namespace or a type, has a parameter list or a constructor's
    initialisers before it, and is not the value of a variable.
    """
    code = NOT_CODE.sub(lambda match: "\n" * match[0].count("\n"), text)
    found, blocks, boundary = [], [], 0  # blocks: what each open brace began, "container", "function" or "other"
    for token in re.finditer(r"[{};]", code):
        head = code[boundary:token.start()]
        boundary = token.end()
        if token[0] == "{":
            if CONTAINER.match(head.strip()):
                blocks.append(("container", 0))
            elif "function" in (kind for kind, _ in blocks) or head.rstrip().endswith("=") or not (
                    ")" in head or head.strip() == "" or head.lstrip().startswith(",")):
                blocks.append(("other", 0))
            else:
                blocks.append(("function", token.start() - len(head.lstrip())))
        elif token[0] == "}" and blocks:
            kind, start = blocks.pop()
            if kind == "function":
                found.append((code.count("\n", 0, start) + 1, code.count("\n", 0, token.start()) + 1))
    return found


def check_size(name, text):
    limit = MAX_LINES.get(name.suffix)
    if name.parts[0] != "src" or limit is None:
        return
    lines = text.count("\n")
    if lines > limit:
        yield f"{name}: {lines} lines; at most {limit}"
    for first, last in functions(text):
        if last - first + 1 > MAX_FUNCTION_LINES:
            yield f"{name}:{first}: a function of {last - first + 1} lines; at most {MAX_FUNCTION_LINES}"


def known_flags(root, files):
    """Every --flag in the text of the scripts and the program, and the names of the settings as flags."""
    flags, words = {"help", "version"}, set()
    for name in files:
        if name.parts[0] in ("src", "scripts"):
            text = read_text(root / name) or ""
            flags.update(FLAG.findall(text))
            if name.name.endswith("fields.h"):
                words |= {word.replace("_", "-") for word in re.findall(r'"([a-z][a-z0-9_-]*)"', text)}
    # A name that two sections share is a flag with its section before it: --finetune-epochs.
    return flags | words | {f"{section}-{word}" for section in words for word in words}


def named_files(snippet, top_folders, layers):
    """(path as written, pattern from the root) for what looks like a file of this project in a piece of code text."""
    for path in PATH.findall(snippet):
        pattern = re.sub(r"<[^>]*>", "*", path).rstrip("/.")
        first = path.split("/")[0]
        if first in top_folders or "/" not in path:
            yield path, pattern
        elif first in layers and path.endswith((".h", ".cpp")):
            yield path, "src/simclr/" + pattern


def check_document(root, name, text, files, flags):
    top_folders = {file.parts[0] for file in files if len(file.parts) > 1}
    layers = {file.parts[2] for file in files if file.parts[:2] == ("src", "simclr") and len(file.parts) > 3}
    for target in LINK.findall(text):
        if "://" not in target and not target.startswith("mailto:") and not (root / name.parent / target).exists():
            yield f"{name}: links {target}, which does not exist"
    for block, inline in SNIPPET.findall(text):
        for line in (block or inline).splitlines():
            for path, pattern in named_files(line, top_folders, layers):
                if not any(root.glob(pattern)):
                    yield f"{name}: names {path}, which does not exist"
            if COMMAND.match(line.strip()):
                for flag in FLAG.findall(line):
                    if flag not in flags:
                        yield f"{name}: names --{flag}, which neither scripts/* nor simclr knows"


def faults(root):
    files = project_files(root)
    flags = known_flags(root, files)
    found = []
    for name in files:
        size = (root / name).stat().st_size
        if size > MAX_BYTES:
            found.append(f"{name}: {size} bytes; at most {MAX_BYTES}")
            continue
        text = read_text(root / name)
        if text is None:
            continue
        found += check_lines(name, text)
        found += check_size(name, text)
        if name.suffix == ".md":
            found += check_document(root, name, text, files, flags)
    return found


def main():
    root = Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).resolve().parent.parent
    found = faults(root)
    print("\n".join(found) if found else "check_text: nothing that should not be there")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
