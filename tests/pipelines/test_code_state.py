"""What is recorded of a project's code: the commit and what differs from it, and never what may be secret."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from repositories import git, repository
from tilth.pipelines.code_state import CodeState, code_state


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A committed project in a folder of a larger repository."""
    top = repository(tmp_path / "team")
    folder = top / "sales"
    folder.mkdir()
    (folder / "tilth.toml").write_text("seed = 0\n")
    (folder / "features.py").write_text("x = 1\n")
    (top / "shared.py").write_text("y = 1\n")
    commit(top)
    return folder


def commit(folder: Path) -> None:
    git(folder, "add", "--all")
    git(folder, "commit", "--quiet", "--message", "state")


def test_a_clean_tree_is_its_commit(project: Path) -> None:
    found = code_state(project)
    assert found == CodeState(commit=git(project, "rev-parse", "HEAD").strip(), branch="main")
    assert found.summary == f"{found.commit[:7] if found.commit else ''} on main"
    assert CodeState.from_json(found.to_json()) == found


def test_what_is_changed_can_be_applied_to_the_commit(project: Path, tmp_path: Path) -> None:
    (project / "tilth.toml").write_text("seed = 1\n")
    (project.parent / "shared.py").unlink()
    (project / "größe und mehr.bin").write_bytes(bytes(range(256)))
    (project / "features.py").chmod(0o755)
    git(project, "add", "größe und mehr.bin")
    found = code_state(project)
    assert found.dirty
    assert found.changed == ("sales/features.py", "sales/größe und mehr.bin", "sales/tilth.toml", "shared.py")
    assert found.withheld == ()
    assert found.summary.endswith("on main, 4 files changed")
    patch = tmp_path / "changes.patch"
    patch.write_bytes(found.diff)
    again = tmp_path / "again"
    git(tmp_path, "clone", "--quiet", str(project.parent), str(again))
    git(again, "apply", str(patch))
    assert (again / "sales/tilth.toml").read_text() == "seed = 1\n"
    assert (again / "sales/größe und mehr.bin").read_bytes() == bytes(range(256))
    assert os.access(again / "sales/features.py", os.X_OK)
    assert not (again / "shared.py").exists()


def test_git_itself_is_left_as_it_was(project: Path) -> None:
    os.utime(project / "features.py", (1, 1))  # what makes git want to write its index anew
    index = project.parent / ".git/index"
    before = index.read_bytes()
    assert not code_state(project).dirty
    assert index.read_bytes() == before


def test_untracked_files_are_named_and_never_read(project: Path) -> None:
    (project / ".gitignore").write_text("data.csv\n")
    git(project, "add", ".gitignore")
    (project / "data.csv").write_text("ignored")
    (project / "notes.txt").write_text("password")
    found = code_state(project)
    assert found.untracked == ("sales/notes.txt",)
    assert b"password" not in found.diff
    assert b"data.csv" in found.diff  # as a line of .gitignore


@pytest.mark.parametrize(
    ("name", "text"),
    [
        (".env", "MODE=fast\n"),
        ("deploy/server.pem", "certain\n"),
        ("secrets/a.toml", "pin = 4711\n"),
        ("config.py", 'API_KEY = "0123456789abcdef"\n'),
        ("config.py", 'db = "postgresql://me:hunter2@db.example.com/x"\n'),
        ("config.py", "-----BEGIN RSA PRIVATE KEY-----\n"),
        ("notes.md", "AKIAABCDEFGHIJKLMNOP\n"),
        ("notes.md", "ghp_" + "a" * 36 + "\n"),
    ],
)
def test_what_may_be_secret_is_withheld_and_said_so(project: Path, name: str, text: str) -> None:
    path = project / name
    path.parent.mkdir(exist_ok=True)
    path.write_text("\n")
    commit(project)
    path.write_text(text)
    (project / "features.py").write_text('token = "<missing>"\n')
    found = code_state(project)
    assert found.withheld == (f"sales/{name}",)
    assert text.strip().encode() not in found.diff
    assert b'+token = "<missing>"' in found.diff
    assert found.dirty


def test_a_secret_that_is_taken_out_is_withheld_too(project: Path) -> None:
    (project / "config.py").write_text('password = "correct-horse-battery"\n')
    commit(project)
    (project / "config.py").write_text("password = None\n")
    assert code_state(project).withheld == ("sales/config.py",)


def test_a_long_change_is_left_out_whole(project: Path) -> None:
    (project / "data.csv").write_text("a\n")
    commit(project)
    (project / "data.csv").write_text("12345\n" * 50_000)
    (project / "features.py").write_text("x = 2\n")
    found = code_state(project, largest_diff=100_000)
    assert found.changed == ("sales/data.csv", "sales/features.py")
    assert found.withheld == ("sales/data.csv",)
    assert b"+x = 2" in found.diff
    assert len(found.diff) < 1_000


def test_more_files_than_are_kept_are_said_so(project: Path) -> None:
    for number in range(60):
        (project / f"{number:02}.txt").write_text("a\n")
    commit(project)
    for number in range(60):
        (project / f"{number:02}.txt").write_text("b\n")
    found = code_state(project)
    assert len(found.changed) == 50
    assert found.note == "more than 50 files differ from the commit; the changes of the others are not kept"


def test_where_there_is_no_git_the_note_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert code_state(tmp_path).note in ("not in a git working tree", "git is not installed")
    monkeypatch.setenv("PATH", str(tmp_path))
    found = code_state(tmp_path)
    assert found == CodeState(note="git is not installed")
    assert found.summary == "git is not installed"


def test_before_the_first_commit(tmp_path: Path) -> None:
    folder = repository(tmp_path / "new")
    (folder / "tilth.toml").write_text("seed = 0\n")
    found = code_state(folder)
    assert (found.commit, found.branch, found.dirty) == (None, "main", False)
    assert found.untracked == ("tilth.toml",)
    assert found.summary == "nothing has been committed yet"


def test_a_project_that_is_not_tracked_is_told_from_one_that_is(project: Path) -> None:
    other = project.parent / "other"
    other.mkdir()
    (other / "tilth.toml").write_text("seed = 0\n")
    assert (
        code_state(other).note == "tilth.toml is not tracked by git, so the commit does not tell what it says"
    )


def test_a_detached_head_has_no_branch_and_a_remote_no_credentials(project: Path) -> None:
    git(project, "remote", "add", "origin", "https://me:token@git.example.com/team.git")
    git(project, "checkout", "--quiet", "--detach")
    found = code_state(project)
    assert (found.branch, found.remote) == (None, "https://git.example.com/team.git")


def test_the_variables_of_another_repositorys_hook_do_not_mislead(
    project: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = repository(tmp_path / "other")
    monkeypatch.setenv("GIT_DIR", str(other / ".git"))
    monkeypatch.setenv("GIT_WORK_TREE", str(other))
    assert code_state(project).commit == git(project, "rev-parse", "HEAD").strip()


def test_a_git_that_hangs_is_not_waited_for(
    project: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    slow = tmp_path / "bin/git"
    slow.parent.mkdir()
    slow.write_text(f"#!{sys.executable}\nimport time\ntime.sleep(60)\n")
    slow.chmod(0o755)
    monkeypatch.setenv("PATH", str(slow.parent))
    monkeypatch.setattr("tilth.pipelines.code_state._PATIENCE_S", 0.3)
    assert code_state(project).note == "git did not answer within 0 seconds"
