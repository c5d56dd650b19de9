"""The page as files: small, from this agent alone, under a policy that allows nothing else."""

import re
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from edge_agent.local_api.page_files import PAGE_FILES, page_file
from tests.edge_agent.local_api.served import Screen
from tests.edge_agent.local_api.test_guard import ask

PAGE_BYTES_MAX = 60_000
ROOT = Path(__file__).parents[3]
FOLDER = ROOT / "edge_agent" / "local_api" / "page"
URL_OF_SVG = "http://www.w3.org/2000/svg"
"""A name, not an address: nothing is asked there."""


def text_of(path: str) -> str:
    found = page_file(path)
    assert found is not None
    return found[0].decode()


def test_the_whole_page_is_small() -> None:
    assert sum(len(text_of(path).encode()) for path in PAGE_FILES) <= PAGE_BYTES_MAX


def test_every_file_of_the_folder_is_served_and_no_other() -> None:
    assert {name for name, _ in PAGE_FILES.values()} == {path.name for path in FOLDER.iterdir()}
    assert page_file("/page/../access.py") is None
    assert page_file("/page/") is None


@pytest.mark.parametrize("path", PAGE_FILES)
def test_nothing_names_an_address_outside(path: str) -> None:
    assert re.findall(r"(?:https?:)?//[\w.]+\.\w+[^\s\"']*", text_of(path)) in ([], [URL_OF_SVG])


def test_the_page_holds_no_inline_script_or_style() -> None:
    page = text_of("/")
    assert re.findall(r"<script(?![^>]*src=)|<style|\son\w+=|\sstyle=", page) == []
    assert not any("innerHTML" in text_of(path) for path in PAGE_FILES)


@pytest.mark.parametrize("path", PAGE_FILES)
def test_a_file_comes_with_its_type_and_a_strict_policy(screen: Screen, path: str) -> None:
    status, headers, body = ask(screen, "GET", path, {})
    assert (status, body.decode()) == (200, text_of(path))
    assert headers["Content-Type"] == PAGE_FILES[path][1]
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Cache-Control"] == "no-cache"
    policy = headers["Content-Security-Policy"]
    assert policy.startswith("default-src 'none'; script-src 'self'; style-src 'self'")
    assert "unsafe" not in policy
    assert "Python" not in headers["Server"]


def test_the_page_can_be_asked_with_a_query(screen: Screen) -> None:
    assert ask(screen, "GET", "/?kiosk=1", {})[0] == 200


@pytest.mark.real_parts
def test_the_wheel_holds_the_page(tmp_path: Path) -> None:
    pytest.importorskip("hatchling", reason="hatchling builds the wheel")
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path)]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True, timeout=60)
    (wheel,) = tmp_path.glob("*.whl")
    names = set(zipfile.ZipFile(wheel).namelist())
    assert {f"edge_agent/local_api/page/{name}" for name, _ in PAGE_FILES.values()} <= names
