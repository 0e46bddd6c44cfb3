"""Libraries lent to mongod: found under their hashed names, linked, and only where the system has none."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path

import pytest

from sqlbulk import embedded
from sqlbulk.embedded import directory, libraries, process
from sqlbulk.embedded.diagnosis import explain_exit, missing_library
from sqlbulk.errors import ConnectionFailed, UsageError

NOT_FOUND = "cannot open shared object file: No such file or directory"
CARRIED = [
    "libcom_err-04a6d4a9.so.3.0", "libcrypto-fa202293.so.3", "libcurl-330bcbb6.so.4.8.0", "libssl-8b66dd34.so.3",
    "libngtcp2_crypto_ossl-741c35a5.so.0.3.1", "libcurl-gnutls-0f0f0f0f.so.4.8.0", "libunknown.so.1",
]


@pytest.fixture
def data_dir(tmp_path: Path) -> Iterator[Path]:
    """A data directory; whatever still runs there at the end is killed."""
    path = tmp_path / "data"
    path.mkdir()
    yield path
    directory.kill_server(path)


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The only place that Python packages are installed in: it holds pycurl without libraries."""
    path = tmp_path / "site"
    described = path / "pycurl-7.45.6.dist-info" / "METADATA"
    described.parent.mkdir(parents=True)
    described.write_text("Metadata-Version: 2.1\nName: pycurl\nVersion: 7.45.6\n")
    monkeypatch.setattr(sys, "path", [str(path)])
    return path


@pytest.fixture
def carried(site: Path) -> Path:
    """The libraries of the wheel, as empty files."""
    path = site / "pycurl.libs"
    path.mkdir()
    for name in CARRIED:
        (path / name).touch()
    return path


def pretend_mongod(monkeypatch: pytest.MonkeyPatch, folder: Path, script: str) -> None:
    """Put a shell script named mongod in front of PATH."""
    path = folder / "bin" / "mongod"
    path.parent.mkdir()
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)
    monkeypatch.setenv("PATH", f"{path.parent}{os.pathsep}{os.environ['PATH']}")


def lacking(*names: str, then: str) -> str:
    """A script that ends as the loader does, unless all the libraries are on the path it is given."""
    checks = [
        f'[ -e "${{LD_LIBRARY_PATH##*:}}/{name}" ] || '
        f"{{ echo 'mongod: error while loading shared libraries: {name}: {NOT_FOUND}' >&2; exit 127; }}"
        for name in names
    ]
    return "\n".join([*checks, then])


# Finding and linking


def test_carried_libraries_are_linked(data_dir: Path, carried: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("LD_LIBRARY_PATH", raising=False)
    lent = libraries.lend(data_dir, ["libcurl.so.4", "libssl.so.3"])
    folder = data_dir / "libraries"
    assert lent == os.environ | {"LD_LIBRARY_PATH": str(folder)}
    assert "LD_LIBRARY_PATH" not in os.environ, "our own process keeps its libraries"
    assert folder.stat().st_mode & 0o777 == 0o700
    assert sorted(path.name for path in folder.iterdir()) == sorted([*CARRIED, "libcurl.so.4", "libssl.so.3"])
    assert (folder / "libcurl.so.4").readlink() == carried / "libcurl-330bcbb6.so.4.8.0"
    assert (folder / "libssl.so.3").readlink() == carried / "libssl-8b66dd34.so.3"
    assert "pycurl" not in sys.modules


def test_links_are_made_anew(data_dir: Path, carried: Path) -> None:
    """A library that the system lacked at the last start may be there now, and then it is taken."""
    libraries.lend(data_dir, ["libssl.so.3"])
    (carried / "libcurl-330bcbb6.so.4.8.0").rename(carried / "libcurl-11111111.so.4.9.0")
    libraries.lend(data_dir, ["libcurl.so.4"])
    assert not (data_dir / "libraries" / "libssl.so.3").exists()
    assert (data_dir / "libraries" / "libcurl.so.4").readlink() == carried / "libcurl-11111111.so.4.9.0"


@pytest.mark.parametrize(("set_before", "first"), [("/opt/lib", "/opt/lib:"), ("", "")])
@pytest.mark.usefixtures("carried")
def test_a_library_path_of_the_user_comes_first(
    set_before: str, first: str, data_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LD_LIBRARY_PATH", set_before)
    lent = libraries.lend(data_dir, ["libcurl.so.4"])
    assert lent is not None
    assert lent["LD_LIBRARY_PATH"] == f"{first}{data_dir / 'libraries'}"


@pytest.mark.parametrize("name", ["libcurl.so.3", "libcurl.so.40", "libcrypto.so", "liblzma.so.5", "unknown", "lib.ss"])
def test_what_is_not_carried(name: str, data_dir: Path, carried: Path) -> None:
    assert carried.is_dir()
    assert libraries.lend(data_dir, ["libcurl.so.4", name]) is None
    assert list(data_dir.iterdir()) == []


def test_a_package_built_against_the_system(data_dir: Path, site: Path) -> None:
    assert metadata.version("pycurl") == "7.45.6"
    assert site.is_dir()
    assert libraries.lend(data_dir, ["libcurl.so.4"]) is None


def test_no_package(data_dir: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "path", [str(tmp_path)])
    assert libraries.lend(data_dir, ["libcurl.so.4"]) is None


@pytest.mark.parametrize("sign", ":;$")
@pytest.mark.usefixtures("carried")
def test_a_directory_that_the_loader_would_misread(sign: str, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"libcurl\.so\.4, which can't be lent") as caught:
        libraries.lend(tmp_path / f"my{sign}data", ["libcurl.so.4"])
    assert caught.value.code == "E6008"
    assert "--data-dir" in str(caught.value)


@pytest.mark.parametrize(
    ("printed", "library"),
    [
        (f"mongod: error while loading shared libraries: libcurl.so.4: {NOT_FOUND}\n", "libcurl.so.4"),
        ("mongod: error while loading shared libraries: libcurl.so.4: file too short\n", None),
        (f"mongod: error while loading shared libraries: /opt/libcurl.so.4: {NOT_FOUND}\n", None),
        ("dyld[7]: Library not loaded: /opt/lib/libcurl.4.dylib", None),
        ("", None),
    ],
)
def test_missing_library(printed: str, library: str | None) -> None:
    assert missing_library(printed) == library


def test_the_loaders_warning_is_not_blamed() -> None:
    printed = "mongod: /d/libcurl.so.4: no version information available (required by mongod)\nstrange failure\n"
    error = explain_exit(Path("mongod"), Path("/data"), status=3, log="", printed=printed, free=10**9)
    assert "strange failure" in str(error)
    assert "no version information" not in str(error)


# Starting


@pytest.mark.usefixtures("carried")
def test_one_library_after_the_other(data_dir: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    script = lacking("libcurl.so.4", "libcrypto.so.3", "libssl.so.3", then="echo 'all are there' >&2; exit 3")
    pretend_mongod(monkeypatch, tmp_path, script)
    with pytest.raises(ConnectionFailed, match="all are there"):
        embedded.start(data_dir)


@pytest.mark.usefixtures("carried")
def test_another_library_is_missing_too(data_dir: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pretend_mongod(monkeypatch, tmp_path, lacking("libcurl.so.4", "liblzma.so.5", then="exit 3"))
    with pytest.raises(ConnectionFailed, match=r"shared library liblzma\.so\.5") as caught:
        embedded.start(data_dir)
    assert caught.value.code == "E6005"


@pytest.mark.usefixtures("carried")
def test_lending_does_not_help(data_dir: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tries = tmp_path / "tries"
    pretend_mongod(monkeypatch, tmp_path, f"echo >> {tries}; unset LD_LIBRARY_PATH\n" + lacking("libcurl.so.4", then=""))
    with pytest.raises(ConnectionFailed, match=r"shared library libcurl\.so\.4"):
        embedded.start(data_dir)
    assert len(tries.read_text()) == 2, "it is tried once more, not for ever"


def test_nothing_to_lend(data_dir: Path, site: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert not (site / "pycurl.libs").exists()
    pretend_mongod(monkeypatch, tmp_path, lacking("libssl.so.3", then="exit 3"))
    with pytest.raises(ConnectionFailed, match=r"shared library libssl\.so\.3") as caught:
        embedded.start(data_dir)
    assert caught.value.code == "E6005"
    assert "apt-get install libssl3" in str(caught.value)
    assert "pycurl" in str(caught.value)


@pytest.mark.server
@pytest.mark.skipif(sys.platform != "linux", reason="only Linux's mongod needs it")
def test_a_server_with_lent_libraries(data_dir: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The loader searches LD_LIBRARY_PATH first, so the real mongod runs with what is lent, whatever the system has."""
    assert metadata.version("pycurl"), "the extra `embedded` installs it"
    monkeypatch.delenv("LD_LIBRARY_PATH", raising=False)
    lent = ("libcurl.so.4", "libcrypto.so.3", "libssl.so.3")
    pretend_mongod(monkeypatch, tmp_path, lacking(*lent, then=f'exec {embedded.find_mongod()} "$@"'))
    with embedded.start(data_dir):
        number = process.holder(data_dir)
        mapped = Path(f"/proc/{number}/maps").read_text()
        files = {path.name: path.resolve() for path in (data_dir / "libraries").iterdir()}
        for name in lent:
            assert "pycurl.libs" in str(files[name])
            assert str(files[name]) in mapped
        directory.kill_server(data_dir)
    assert "LD_LIBRARY_PATH" not in os.environ


@pytest.mark.server
@pytest.mark.skipif(sys.platform != "linux", reason="only Linux's mongod needs it")
def test_the_systems_libraries_are_taken_first(data_dir: Path) -> None:
    complete = subprocess.run([embedded.find_mongod(), "--version"], capture_output=True, check=False).returncode == 0
    with embedded.start(data_dir):
        mapped = Path(f"/proc/{process.holder(data_dir)}/maps").read_text()
        assert ("pycurl.libs" in mapped) == (not complete)
        assert (data_dir / "libraries").exists() == (not complete)
        directory.kill_server(data_dir)
