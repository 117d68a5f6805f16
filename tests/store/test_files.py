from __future__ import annotations

import hashlib
import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tilth.errors import StoreError, UsageError
from tilth.store import ArtifactStore, digest_of_bytes, digest_of_file


@pytest.fixture
def files(tmp_path: Path) -> ArtifactStore:
    return ArtifactStore(tmp_path / "artifacts")


def drafts(files: ArtifactStore) -> list[Path]:
    return list((files.root / "drafts").glob("*"))


@given(data=st.binary(max_size=2_000))
def test_what_is_put_is_read_back(tmp_path_factory: pytest.TempPathFactory, data: bytes) -> None:
    files = ArtifactStore(tmp_path_factory.getbasetemp() / "same")
    digest, size = files.put_bytes(data)
    assert (digest, size) == (hashlib.sha256(data).hexdigest(), len(data))
    assert files.read_bytes(digest) == data
    assert digest == digest_of_bytes(data) == digest_of_file(files.path(digest))


def test_files_are_named_by_their_content(files: ArtifactStore, tmp_path: Path) -> None:
    source = tmp_path / "rows.csv.gz"
    source.write_bytes(b"rows")
    digest, size = files.put_file(source)
    path = files.path(digest, ".csv.gz")
    assert path == files.root / digest[:2] / f"{digest}.csv.gz"
    assert (path.read_bytes(), size) == (b"rows", 4)
    assert source.exists()
    assert not stat.S_IMODE(path.stat().st_mode) & 0o222
    assert files.put_file(source) == (digest, size)
    assert files.put_file(source, ".txt").digest == digest
    assert list(files.digests()) == [digest, digest]
    assert drafts(files) == []


def test_a_draft_is_kept_without_a_copy(files: ArtifactStore) -> None:
    draft = files.draft(".parquet")
    draft.write_bytes(b"large")
    inode = draft.stat().st_ino
    digest, _ = files.put_draft(draft)
    assert files.verify(digest, ".parquet").stat().st_ino == inode
    assert not draft.exists()
    again = files.draft(".parquet")
    again.write_bytes(b"large")
    assert files.put_draft(again).digest == digest
    assert drafts(files) == []
    assert files.path(digest, ".parquet").stat().st_ino == inode, "equal bytes are kept once"


def test_only_drafts_are_taken(files: ArtifactStore, tmp_path: Path) -> None:
    mine = tmp_path / "mine.csv"
    mine.write_text("precious")
    with pytest.raises(UsageError, match="is not a draft of this store"):
        files.put_draft(mine)
    with pytest.raises(StoreError, match="No such file"):
        files.put_draft(files.draft())
    assert mine.read_text() == "precious"


def test_missing_and_damaged_files_are_told_apart_and_mended(files: ArtifactStore) -> None:
    digest, size = files.put_bytes(b"model", ".onnx")
    path = files.path(digest, ".onnx")
    assert files.holds(digest, ".onnx", size)
    assert not files.holds(digest, ".onnx", size + 1)
    assert not files.holds(digest)
    path.chmod(0o644)
    path.write_bytes(b"m0del")
    with pytest.raises(StoreError, match=f"the artifact {digest[:12]} is damaged") as caught:
        files.read_bytes(digest, ".onnx")
    assert str(path) in str(caught.value)
    assert "run the step that made it again" in str(caught.value)
    files.put_bytes(b"model", ".onnx")
    assert files.read_bytes(digest, ".onnx") == b"model"
    path.unlink()
    with pytest.raises(StoreError, match=f"the artifact {digest[:12]} is missing"):
        files.verify(digest, ".onnx")


def test_a_failure_leaves_nothing(files: ArtifactStore, tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="cannot be kept or read: No such file") as caught:
        files.put_file(tmp_path / "absent.csv")
    assert "absent.csv" in str(caught.value)
    assert drafts(files) == []
    (files.root / "ff").parent.mkdir(parents=True, exist_ok=True)
    digest = digest_of_bytes(b"x")
    (files.root / digest[:2]).write_text("in the way")
    with pytest.raises(StoreError):
        files.put_bytes(b"x")
    assert drafts(files) == []


def test_a_full_disk_is_said(files: ArtifactStore, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(_self: Path, _data: bytes) -> int:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(StoreError, match="No space left on device"):
        files.put_bytes(b"x")


def test_only_old_leftovers_are_cleaned(files: ArtifactStore) -> None:
    digest, _ = files.put_bytes(b"kept")
    old, new = files.draft(), files.draft(".csv")
    for draft in (old, new):
        draft.write_bytes(b"half")
    os.utime(old, (1, 1))
    assert files.clean() == 1
    assert drafts(files) == [new]
    assert files.clean(older_than_s=0) == 1
    assert files.read_bytes(digest) == b"kept"
    assert ArtifactStore(files.root / "nowhere").clean() == 0


DIES = """
import os, sys
from pathlib import Path
from tilth.store import ArtifactStore
draft = ArtifactStore(sys.argv[1]).draft(".parquet")
draft.write_bytes(b"half")
draft.with_name(f".{draft.name}.123.ab").write_bytes(b"what a writer puts beside it")
print(draft.name, flush=True)
os._exit(9)
"""


def test_drafts_of_processes_that_are_gone_are_cleaned_at_once(files: ArtifactStore) -> None:
    mine = files.draft(".csv")
    mine.write_bytes(b"in the making")
    code = [sys.executable, "-c", DIES, str(files.root)]
    name = subprocess.run(code, capture_output=True, text=True, check=False).stdout.strip()
    # The same pid elsewhere, or of another Tilth, may well be alive.
    place, rest = name.split("-", 1)
    foreign = [mine.with_name(f"{'0' * len(place)}-{rest}"), mine.with_name("999999-0123456789abcdef.csv")]
    for draft in foreign:
        draft.write_bytes(b"of somebody else")
    assert len(drafts(files)) == 5
    assert files.clean() == 2
    assert sorted(drafts(files)) == sorted([mine, *foreign])


@pytest.mark.parametrize("digest", ["", "abc", "../" * 21 + "a", "A" * 64])
def test_paths_are_made_of_digests_only(files: ArtifactStore, digest: str) -> None:
    with pytest.raises(UsageError, match="is not a digest"):
        files.path(digest)


@pytest.mark.parametrize("suffix", ["/x", "..", "csv", ".a/b", ".", ".a.b.c.d", "." + "x" * 17])
def test_suffixes_are_suffixes(files: ArtifactStore, suffix: str) -> None:
    with pytest.raises(UsageError, match="is not the suffix of a file"):
        files.put_bytes(b"x", suffix)


def test_a_file_with_an_odd_suffix_is_kept_without(files: ArtifactStore, tmp_path: Path) -> None:
    source = tmp_path / "file.some thing odd"
    source.write_bytes(b"x")
    digest, _ = files.put_file(source)
    assert files.read_bytes(digest) == b"x"


def test_a_url_is_refused() -> None:
    with pytest.raises(UsageError, match="artifacts are kept in a folder"):
        ArtifactStore("s3://bucket/artifacts")
