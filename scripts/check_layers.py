#!/usr/bin/env python3
"""Fails if a layer of src/simclr uses what it may not.

The order of the layers, what each links and which may see LibTorch are read from the simclr_add_layer lines of
src/simclr/CMakeLists.txt. A layer may link layers above it, include itself and what it links, directly or through
another; LibTorch only if it is marked TORCH, and a layer without that mark may not link one with it. No layer includes
src/cli. The table of layers in ARCHITECTURE.md says the same as the CMake file.

usage: check_layers.py [ROOT]
"""

import re
import sys
from dataclasses import dataclass
from pathlib import Path

LAYER = re.compile(r"^\s*simclr_add_layer\(\s*(\w+)((?:\s+[\w:.-]+)*)\s*\)", re.MULTILINE)
INCLUDE = re.compile(r'^\s*#\s*include\s*([<"])([^>"]+)[>"]')
TORCH_INCLUDE = re.compile(r"(torch|ATen|c10|caffe2)/")
TABLE_ROW = re.compile(r"^\| `(\w+)` \|.*\| (yes|no) \|$", re.MULTILINE)


@dataclass(frozen=True)
class Layer:
    name: str
    torch: bool
    links: tuple[str, ...]  # layers it links itself, in the order written


def read_layers(cmake_text):
    """The layers by name, in dependency order."""
    layers = {}
    for name, arguments in LAYER.findall(cmake_text):
        words = arguments.split()
        links = tuple(word.removeprefix("simclr_") for word in words if word.startswith("simclr_"))
        layers[name] = Layer(name, "TORCH" in words, links)
    return layers


def reachable(layers, name):
    """`name` and the layers that it links, directly or through another."""
    found, waiting = set(), [name]
    while waiting:
        layer = layers.get(waiting.pop())
        if layer and layer.name not in found:
            found.add(layer.name)
            waiting.extend(layer.links)
    return found


def check_links(layers, where):
    above = set()
    for layer in layers.values():
        for link in layer.links:
            if link not in layers:
                yield f"{where}: {layer.name} links simclr_{link}, which is no layer"
            elif link not in above:
                yield f"{where}: {layer.name} links {link}, which does not stand above it"
            elif layers[link].torch and not layer.torch:
                yield f"{where}: {layer.name} is not marked TORCH and links {link}, which is"
        above.add(layer.name)


def check_folders(layers, folder, where):
    names = {path.name for path in folder.iterdir() if path.is_dir()}
    for name in sorted(names - layers.keys()):
        yield f"src/simclr/{name}: no layer of this name in {where}"
    for name in sorted(layers.keys() - names):
        yield f"{where}: the layer {name} has no folder"


def include_fault(layers, layer, root, quote, target):
    """What is wrong with this include in `layer`, or None."""
    if re.match(r"(simclr/)?cli/", target) or "/cli/" in target:
        return "no layer may include the program"
    if TORCH_INCLUDE.match(target):
        return None if layer.torch else f"{layer.name} is not marked TORCH"
    own = re.fullmatch(r"simclr/(\w+)/.+", target)
    if not own:
        return 'our own headers are included as "simclr/<layer>/<file>"' if quote == '"' else None
    if own[1] not in layers:
        return f"{own[1]} is no layer"
    order = list(layers)
    if order.index(own[1]) > order.index(layer.name):
        return f"{own[1]} stands below {layer.name}"
    if own[1] not in reachable(layers, layer.name):
        return f"{layer.name} does not link {own[1]}"
    return None if (root / "src" / target).is_file() else "there is no such file"


def check_includes(layers, root):
    for layer in layers.values():
        for path in sorted((root / "src/simclr" / layer.name).rglob("*")):
            if path.suffix not in (".h", ".cpp"):
                continue
            for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
                include = INCLUDE.match(line)
                fault = include and include_fault(layers, layer, root, *include.groups())
                if fault:
                    yield f"{path.relative_to(root)}:{number}: {include[2]}: {fault}"


def check_table(layers, root, where):
    document = root / "ARCHITECTURE.md"
    if not document.is_file():
        return
    rows = [(name, torch == "yes") for name, torch in TABLE_ROW.findall(document.read_text(encoding="utf-8"))]
    expected = [(layer.name, layer.torch) for layer in layers.values()]
    if rows != expected:
        yield f"ARCHITECTURE.md: its table of layers is {rows}, {where} has {expected}"


def faults(root):
    where = "src/simclr/CMakeLists.txt"
    layers = read_layers((root / where).read_text(encoding="utf-8"))
    if not layers:
        return [f"{where}: no simclr_add_layer line found"]
    found = list(check_links(layers, where)) + list(check_folders(layers, root / "src/simclr", where))
    return found + list(check_includes(layers, root)) + list(check_table(layers, root, where))


def main():
    root = Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).resolve().parent.parent
    found = faults(root)
    print("\n".join(found) if found else "check_layers: every layer uses only what stands above it")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
