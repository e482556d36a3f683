"""Files in their place: whole, replaced in one step, with errors that name them, and nothing left behind."""

import errno
import os
import pickle
import subprocess
import sys
import textwrap
from collections.abc import Callable
from pathlib import Path

import pytest

from headway import files


def names(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*"))


@pytest.mark.parametrize(
    ("content", "found"), [("a°\r\n", b"a\xc2\xb0\r\n"), (b"\x00\xff\n", b"\x00\xff\n"), ("", b"")]
)
def test_a_file_holds_its_content_byte_for_byte(content: str | bytes, found: bytes, tmp_path: Path) -> None:
    files.write(tmp_path / "a", content)
    assert (tmp_path / "a").read_bytes() == found
    assert names(tmp_path) == ["a"]


def test_whoever_reads_the_old_file_reads_it_to_its_end(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("old one")
    with (tmp_path / "a").open() as reader:
        assert reader.read(3) == "old"
        files.write(tmp_path / "a", "new")
        assert reader.read() == " one"
    assert (tmp_path / "a").read_text() == "new"


def test_a_new_file_has_the_rights_that_the_user_gives_his_files(tmp_path: Path) -> None:
    before = os.umask(0o007)
    try:
        files.write(tmp_path / "a", "x")
        with files.writing(tmp_path / "b") as file:
            file.write(b"x")
    finally:
        os.umask(before)
    assert [(tmp_path / name).stat().st_mode & 0o777 for name in "ab"] == [0o660, 0o660]


def test_a_link_is_replaced_and_what_it_points_to_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "elsewhere").write_text("kept")
    (tmp_path / "a").symlink_to(tmp_path / "elsewhere")
    files.write(tmp_path / "a", "new")
    assert not (tmp_path / "a").is_symlink()
    assert [(tmp_path / name).read_text() for name in ("a", "elsewhere")] == ["new", "kept"]


def test_a_stream_takes_its_place_when_its_block_has_ended(tmp_path: Path) -> None:
    with files.writing(tmp_path / "a") as file:
        file.write(b"first ")
        assert not (tmp_path / "a").exists()
        file.write(b"second")
    assert (tmp_path / "a").read_bytes() == b"first second"
    assert names(tmp_path) == ["a"]


def test_a_stream_that_is_given_up_leaves_the_old_file(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("old")
    with pytest.raises(KeyboardInterrupt), files.writing(tmp_path / "a") as file:
        file.write(b"new")
        raise KeyboardInterrupt
    assert (tmp_path / "a").read_text() == "old"
    assert names(tmp_path) == ["a"]


def test_a_folder_replaces_the_one_that_was_there_with_all_its_files(tmp_path: Path) -> None:
    for contents in ({"a": b"1", "b": b"2"}, {"b": b"3", "c": b""}):
        files.write_folder(tmp_path / "new" / "kept", contents)
        found = {path.name: path.read_bytes() for path in (tmp_path / "new" / "kept").iterdir()}
        assert found == contents
    assert names(tmp_path / "new") == ["kept", "kept/b", "kept/c"]


def stream(path: Path, content: bytes) -> None:
    with files.writing(path) as file:
        file.write(content)


@pytest.mark.parametrize("write", [files.write, stream])
def test_an_error_names_the_file_that_was_asked_for(write: Callable[[Path, bytes], None], tmp_path: Path) -> None:
    path = tmp_path / "gone" / "a.csv"
    with pytest.raises(FileNotFoundError) as found:
        write(path, b"x")
    # A process that trains for another hands its errors over.
    for error in (found.value, pickle.loads(pickle.dumps(found.value))):
        assert (error.errno, error.filename) == (errno.ENOENT, str(path))
        assert str(error) == f"[Errno 2] No such file or directory: '{path}'"


def test_an_error_names_the_folder_that_is_none(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("no folder")
    with pytest.raises((FileExistsError, NotADirectoryError)) as found:
        files.write_folder(tmp_path / "file" / "kept", {"a": b""})
    assert found.value.filename == str(tmp_path / "file")


TOO_LARGE = """
    import resource, signal, sys
    from pathlib import Path
    from headway import files
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (10_000, 10_000))
    folder = Path(sys.argv[1])
    def stream(path):
        with files.writing(path) as file:
            for _ in range(30):
                file.write(bytes(1000))
    for write in (
        lambda: files.write(folder / "a", bytes(10_001)),
        lambda: stream(folder / "b"),
        lambda: files.write_folder(folder / "c", {"d": bytes(10_001)}),
    ):
        try:
            write()
        except OSError as error:
            print(error.errno, error.filename)
"""


def test_what_the_system_refuses_in_the_middle_of_a_write_leaves_the_old(tmp_path: Path) -> None:
    for name in "ab":
        (tmp_path / name).write_text("old")
    words = [sys.executable, "-c", textwrap.dedent(TOO_LARGE), str(tmp_path)]
    done = subprocess.run(words, capture_output=True, text=True, check=True)
    assert done.stdout.splitlines() == [f"{errno.EFBIG} {tmp_path / name}" for name in ("a", "b", "c/d")]
    assert done.stderr == ""
    assert names(tmp_path) == ["a", "b"]
    assert [(tmp_path / name).read_text() for name in "ab"] == ["old", "old"]


def test_two_folders_change_places(tmp_path: Path) -> None:
    for name in "ab":
        (tmp_path / name).mkdir()
        (tmp_path / name / name).write_text(name)
    if not files.exchange(tmp_path / "a", tmp_path / "b"):
        pytest.skip("this system cannot")
    assert names(tmp_path) == ["a", "a/b", "b", "b/a"]
    with pytest.raises(FileNotFoundError):
        files.exchange(tmp_path / "a", tmp_path / "c")


def test_a_folder_is_removed_whole(tmp_path: Path) -> None:
    files.write_folder(tmp_path / "a", {"b": b"", "c": b"1"})
    files.remove_folder(tmp_path / "a")
    assert names(tmp_path) == []
    with pytest.raises(FileNotFoundError):
        files.remove_folder(tmp_path / "a")


def left_over(folder: Path) -> None:
    """A hidden file, a hidden folder with a file, a link that looks like one, all but the first below another folder."""
    (folder / "sub").mkdir()
    files.hidden(folder / "a.csv").write_text("half")
    files.hidden(folder / "sub" / "b").mkdir()
    (next((folder / "sub").glob(".b.*.tmp")) / "c").write_text("half")
    (folder / "sub" / ".d.tmp").symlink_to(folder / "sub")
    (folder / "sub" / "kept.tmp").write_text("kept")
    (folder / ".headway.lock").touch()


def test_what_kills_have_left_goes_and_nothing_else(tmp_path: Path) -> None:
    left_over(tmp_path)
    files.remove_left_over(tmp_path)
    assert names(tmp_path) == [".headway.lock", "sub", "sub/kept.tmp"]
    files.remove_left_over(tmp_path / "gone")


def test_what_is_young_may_still_be_written(tmp_path: Path) -> None:
    left_over(tmp_path)
    before = names(tmp_path)
    files.remove_left_over(tmp_path, older_than=3600)
    assert names(tmp_path) == before
    old = next(tmp_path.glob(".a.csv.*.tmp"))
    os.utime(old, (0, 0))
    files.remove_left_over(tmp_path, older_than=3600)
    assert names(tmp_path) == [name for name in before if name != old.name]


def test_hidden_names_are_found_again_and_never_the_same(tmp_path: Path) -> None:
    found = {files.hidden(tmp_path / "a.csv") for _ in range(31)}
    assert len(found) == 31
    assert all(path.parent == tmp_path and path.match(".*.tmp") and ".a.csv." in path.name for path in found)
    assert all(files.is_hidden(path / "in it", below=tmp_path) for path in found)
    assert not any(files.is_hidden(path / "in it", below=path) for path in found)
    assert not any(files.is_hidden(tmp_path / name, below=tmp_path) for name in ("a.tmp", ".a", "tmp/a.csv"))
