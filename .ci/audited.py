"""Say what pip-audit found, by its JSON: status 0 nothing, 1 vulnerabilities, 2 not all was looked at."""

from __future__ import annotations

import json
import sys
from pathlib import Path


def main(path: str, service: str) -> int:
    """Print the findings."""
    try:
        packages = json.loads(Path(path).read_text())["dependencies"]
    except (ValueError, KeyError):
        return 2
    found = [(each, gap) for each in packages for gap in each.get("vulns", [])]
    for each, gap in found:
        mended = ", ".join(gap["fix_versions"]) or "no release yet"
        names = ", ".join([gap["id"], *gap["aliases"]])
        sys.stdout.write(f"audit: {each['name']} {each['version']}: {names}; mended in: {mended}\n")
    skipped = [each["name"] for each in packages if "skip_reason" in each]
    if skipped:
        sys.stdout.write(f"audit: not looked at by {service}: {', '.join(skipped)}\n")
    if found:
        return 1
    if skipped or not packages:
        return 2
    sys.stdout.write(f"audit: {len(packages)} packages, no known vulnerabilities ({service})\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
