"""The two commands of the README stand on these scripts and locks: a mistake here meets people before any page."""

import os
import re
import shutil
import stat
import subprocess
import sys
from pathlib import Path

import brotli
import pytest

from config import Environment, Settings
from tools import demonstration, migration
from tools.squeeze import squeeze

ROOT = Path(__file__).parent.parent
LOCKS = ["requirements", "requirements-test"]


def locked(name: str) -> dict[str, list[str]]:
    """Package -> the hashes its version may have."""
    found: dict[str, list[str]] = {}
    package = ""
    for line in (ROOT / f"{name}.txt").read_text("utf-8").splitlines():
        if new := re.match(r"([a-z0-9._-]+)==", line):
            package = new[1]
            found[package] = []
        found.get(package, []).extend(re.findall(r"--hash=sha256:([0-9a-f]{64})", line))
    return found


def asked_for(name: str) -> set[str]:
    lines = (ROOT / f"{name}.in").read_text("utf-8").splitlines()
    return {found[0].lower().replace("_", "-") for line in lines if (found := re.match(r"[A-Za-z0-9._-]+", line))}


@pytest.mark.parametrize("name", LOCKS)
def test_every_package_is_locked_by_hash(name: str) -> None:
    assert locked(name)
    assert [package for package, hashes in locked(name).items() if not hashes] == []


@pytest.mark.parametrize("name", LOCKS)
def test_what_is_asked_for_is_in_the_lock(name: str) -> None:
    assert asked_for(name) - locked(name).keys() - {"-r"} == set()


@pytest.mark.parametrize("name", LOCKS)
def test_a_lock_says_nothing_about_the_machine_it_was_made_on(name: str) -> None:
    words = [line for line in (ROOT / f"{name}.txt").read_text("utf-8").splitlines() if "--hash" not in line]
    assert [line for line in words if re.search(r"://|index-url|find-links|trusted-host|\s/|file:", line)] == []


def test_both_locks_agree() -> None:
    run_lock, test_lock = ((ROOT / f"{name}.txt").read_text("utf-8") for name in LOCKS)
    versions = dict(re.findall(r"^([a-z0-9._-]+)==(\S+)", test_lock, re.MULTILINE))
    for package, version in re.findall(r"^([a-z0-9._-]+)==(\S+)", run_lock, re.MULTILINE):
        assert versions.get(package) == version, package


def test_help_names_every_command() -> None:
    makefile = (ROOT / "Makefile").read_text("utf-8")
    told = subprocess.run(["make", "help"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    listed = set(re.findall(r"^  make ([a-z-]+)", told, re.MULTILINE))
    inner = {"environment", "test-environment"}
    declared = re.search(r"^\.PHONY: (.*)$", makefile, re.MULTILINE)
    assert declared
    assert set(declared[1].split()) - inner == listed


def test_the_continuous_integration_runs_the_command_of_the_readme() -> None:
    script = ROOT / ".ci" / "run"
    assert script.stat().st_mode & stat.S_IXUSR
    lines = script.read_text("utf-8").splitlines()
    assert lines[-1] == "make test"
    assert "set -euo pipefail" in lines


@pytest.mark.parametrize("script", sorted(str(path.relative_to(ROOT)) for path in ROOT.glob("tools/*.sh")))
def test_a_script_can_be_read_by_bash_and_run(script: str) -> None:
    subprocess.run(["bash", "-n", script], cwd=ROOT, check=True)
    assert (ROOT / script).stat().st_mode & stat.S_IXUSR
    assert re.search(r"^set -[eu]*uo? ?pipefail|^set -e?uo pipefail", (ROOT / script).read_text("utf-8"), re.MULTILINE)


# --- the environment ------------------------------------------------------------------------------------------------


def a_checkout(folder: Path) -> Path:
    """Only what tools/environment.sh looks at, with locks of nothing, so that no package is fetched."""
    (folder / "tools").mkdir()
    shutil.copy(ROOT / "tools" / "environment.sh", folder / "tools")
    for name in LOCKS:
        (folder / f"{name}.txt").write_text("")
    return folder


def environment_of(folder: Path, *programs: str) -> dict[str, str]:
    """A PATH with nothing but these programs and what every system has."""
    bin_folder = folder / "bin"
    bin_folder.mkdir()
    for name in ("bash", "env", "dirname", "cksum", "tr", "rm", "touch", *programs):
        found = shutil.which(name)
        assert found, name
        (bin_folder / name).symlink_to(found)
    return {"PATH": str(bin_folder)}


def make_environment(folder: Path, **variables: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        ["bash", "tools/environment.sh", "test"], cwd=folder, env=variables, capture_output=True, text=True, check=False
    )


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A checkout with an environment that is up to date, and stays so from test to test."""
    folder = a_checkout(tmp_path_factory.mktemp("made"))
    first = make_environment(folder, PATH=os.environ["PATH"], PYTHON=sys.executable)
    assert first.returncode == 0, first.stderr
    assert "Making .venv" in first.stdout
    return folder


@pytest.mark.slow
def test_a_second_run_does_nothing(made: Path) -> None:
    folder = made
    second = make_environment(folder, PATH=os.environ["PATH"], PYTHON=sys.executable)
    assert (second.returncode, second.stdout, second.stderr) == (0, "", "")


@pytest.mark.slow
def test_a_changed_lock_is_installed(made: Path) -> None:
    folder = made
    (folder / "requirements-test.txt").write_text("# changed\n")
    again = make_environment(folder, PATH=os.environ["PATH"], PYTHON=sys.executable)
    assert again.returncode == 0
    assert again.stdout.startswith("Installing the packages listed in requirements.txt requirements-test.txt")
    assert "Making" not in again.stdout


@pytest.mark.slow
def test_a_lock_that_cannot_be_installed_is_tried_again_next_time(tmp_path: Path) -> None:
    folder = a_checkout(tmp_path)
    (folder / "requirements.txt").write_text("front-door-has-no-such-package==1.0\n")  # and no hash
    for _ in range(2):
        told = make_environment(folder, PATH=os.environ["PATH"], PYTHON=sys.executable)
        assert told.returncode != 0
        assert "could not be installed" in told.stderr


def test_a_machine_without_a_new_enough_python_is_told_so(tmp_path: Path) -> None:
    folder = a_checkout(tmp_path)
    script = (folder / "tools" / "environment.sh").read_text("utf-8")
    # The places where a system keeps its Python are taken out: this machine has one there.
    (folder / "tools" / "environment.sh").write_text(re.sub(r"/usr/(local/)?bin/python3[^\s;]*", "", script))
    variables = environment_of(tmp_path)
    old = tmp_path / "bin" / "python3"
    old.write_text("#!/bin/sh\nexit 1\n")  # it is there, and says no when asked for 3.11
    old.chmod(0o755)
    told = make_environment(folder, **variables)
    assert told.returncode == 1
    assert "Python 3.11 or later was not found." in told.stderr
    assert "apt-get install python3 python3-venv" in told.stderr


def test_a_python_without_venv_is_told_so(tmp_path: Path) -> None:
    folder = a_checkout(tmp_path)
    bare = tmp_path / "bare-python"
    bare.write_text(f'#!/bin/sh\ncase "$*" in *ensurepip*) exit 1;; esac\nexec {sys.executable} "$@"\n')
    bare.chmod(0o755)
    told = make_environment(folder, PATH=os.environ["PATH"], PYTHON=str(bare))
    assert told.returncode == 1
    assert "apt-get install python3-venv" in told.stderr


# --- the demonstration's secrets ------------------------------------------------------------------------------------


def test_a_demonstration_gets_secrets_of_its_own_once(tmp_path: Path) -> None:
    file = tmp_path / "instance" / "demonstration.env"
    first = demonstration.settings(file)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert demonstration.settings(file) == first
    assert demonstration.settings(tmp_path / "other" / "demonstration.env") != first


def test_the_portal_starts_with_a_demonstration_s_secrets(tmp_path: Path) -> None:
    settings = Settings.from_environment(demonstration.settings(tmp_path / "demonstration.env"))
    assert settings.environment is Environment.DEMONSTRATION


def test_what_the_environment_says_is_not_overruled(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PORTAL_SECRET_KEY", "mine")
    monkeypatch.delenv("PORTAL_ENVIRONMENT", raising=False)
    assert demonstration.main() == 0
    told = capsys.readouterr().out
    assert "PORTAL_SECRET_KEY" not in told
    assert "export PORTAL_ENVIRONMENT=demonstration\n" in told


def test_the_demonstration_s_secrets_stay_out_of_git() -> None:
    assert f"/{demonstration.FILE.parts[0]}/" in (ROOT / ".gitignore").read_text("utf-8").splitlines()


# --- static files ----------------------------------------------------------------------------------------------------


def test_every_static_file_has_a_squeezed_copy_that_is_its_own(tmp_path: Path) -> None:
    sheet, picture = tmp_path / "a.css", tmp_path / "b.png"
    sheet.write_text("p { color: red }")
    picture.write_bytes(b"not text")
    assert squeeze(tmp_path) == [tmp_path / "a.css.br"]
    assert squeeze(tmp_path) == []  # nothing has changed
    sheet.write_text("p { color: green }")
    squeeze(tmp_path)
    assert brotli.decompress((tmp_path / "a.css.br").read_bytes()) == b"p { color: green }"
    sheet.unlink()
    assert squeeze(tmp_path) == [tmp_path / "a.css.br"]  # an orphan would still be served
    assert not (tmp_path / "a.css.br").exists()


def test_a_broken_copy_is_made_again(tmp_path: Path) -> None:
    (tmp_path / "a.js").write_text("go()")
    (tmp_path / "a.js.br").write_bytes(b"half a fi")
    assert squeeze(tmp_path) == [tmp_path / "a.js.br"]


# --- migrations -----------------------------------------------------------------------------------------------------


def test_the_next_migration_takes_the_next_number(tmp_path: Path) -> None:
    assert migration.next_number(tmp_path) == "0001"
    for name in ("0001_first.py", "0007_goal_ratings.py", "notes.py"):
        (tmp_path / name).touch()
    assert migration.next_number(tmp_path) == "0008"


def test_a_migration_without_a_proper_name_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert migration.main("") == 1
    assert migration.main("Goal Ratings") == 1
    assert "small letters" in capsys.readouterr().err
