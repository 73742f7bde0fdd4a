#!/usr/bin/env python3
"""Prints, for a package's copyright file, what the program holds of others, as its bill of materials lists it; the full
text of each licence that Debian has no copy of, and each notice, from the sources that were built."""

import json
import pathlib
import sys

CHECKOUTS = pathlib.Path(__file__).resolve().parents[2] / ".build/checkouts"


def sources(component):
    address = next((one["url"] for one in component.get("externalReferences", []) if one["type"] == "vcs"), None)
    return CHECKOUTS / address.removesuffix(".git").rsplit("/", 1)[1] if address else None


def main(path):
    components = [one for one in json.loads(pathlib.Path(path).read_text())["components"]
                  if one.get("scope") == "required" and not one["purl"].startswith("pkg:deb/")]
    print()
    for one in components:
        licence = one.get("licenses", [{"license": {"id": "see its sources"}}])[0]["license"]["id"]
        print(f"{one['name']} {one['version']}: {licence}")
        for carried in one.get("components", []):
            print(f"  with {carried['name']} {carried['version']}")
    for one in components:
        folder = sources(one)
        wanted = ["NOTICE*"] if "Apache-2.0" in json.dumps(one.get("licenses", [])) else ["LICENSE*", "NOTICE*"]
        for text in sorted(found for pattern in wanted if folder for found in folder.glob(pattern)):
            print(f"\n{'=' * 72}\n{one['name']}: {text.name}\n\n{text.read_text(errors='replace').strip()}")


if __name__ == "__main__":
    main(sys.argv[1])
