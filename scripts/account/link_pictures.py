"""What chats show beside a link to a guest page, and the icon: drawn on this machine, put where pages look for it.

The function never draws: a page has a picture's name, which holds a digest of what is drawn. So the pictures must be there before a
version that names them, and none that is there is ever wrong or removed.
"""

from __future__ import annotations

import subprocess
import tempfile
from pathlib import Path

from .account import Account
from .settings import Refused

# A picture never changes under its name, and an icon may be a day old.
HEADERS = {"ContentType": "image/png", "CacheControl": "public, max-age=86400"}


def draw(account: Account, parameters: dict[str, str], program: Path) -> dict[str, bytes]:
    """All that pages may name with the operator file that these parameters name: file names and PNGs."""
    with tempfile.TemporaryDirectory() as folder:
        drawn, words = Path(folder) / "drawn", []
        bucket, key = parameters.get("ConfigurationBucket"), parameters.get("OperatorKey")
        if bucket and key:
            file = Path(folder) / "operator.toml"
            file.write_bytes(account.client("s3").get_object(Bucket=bucket, Key=key)["Body"].read())
            words = [str(file)]
        try:
            ended = subprocess.run([str(program), *words, str(drawn)], capture_output=True, text=True, check=False)
        except OSError as error:
            raise Refused(f"{program}, which draws the pictures of links, cannot be run: {error}. Build it: cargo build --workspace --bins") from error
        if ended.returncode:
            what = f"s3://{bucket}/{key}" if words else "the defaults"
            raise Refused(f"The pictures of links cannot be drawn from {what}: {ended.stderr.strip()}")
        return {file.name: file.read_bytes() for file in sorted(drawn.iterdir())}


def put(account: Account, bucket: str, pictures: dict[str, bytes]) -> None:
    s3 = account.client("s3")
    for name, picture in pictures.items():
        s3.put_object(Bucket=bucket, Key=f"g/{name}", Body=picture, **HEADERS)
