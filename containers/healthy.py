"""Whether the server of the project in this folder is ready, by exit status; for a container's health check.

It imports nothing but the standard library, since it runs every few seconds.
"""

from __future__ import annotations

import ssl
import sys
import tomllib
import urllib.error
import urllib.request
from pathlib import Path


def main() -> int:
    """Ask the server that tilth.toml describes."""
    section = tomllib.loads(Path("tilth.toml").read_text(encoding="utf-8")).get("serve", {})
    scheme, context = "http", None
    if "tls_certificate" in section:
        # The certificate is made for the name that clients use, not for this one; nothing secret is sent.
        scheme, context = "https", ssl.create_default_context()
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    url = f"{scheme}://127.0.0.1:{section.get('port', 8080)}/v2/health/ready"
    try:
        with urllib.request.urlopen(url, timeout=4, context=context) as answer:  # noqa: S310 - see above
            return int(answer.status != 200)
    except (urllib.error.URLError, TimeoutError, ConnectionError) as error:
        sys.stderr.write(f"not ready: {error}\n")
        return 1


if __name__ == "__main__":
    sys.exit(main())
