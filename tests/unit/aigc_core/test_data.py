from __future__ import annotations

import gzip
import hashlib
import http.server
import struct
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from aigc_core.data import mnist, shakespeare
from aigc_core.data.sources import DataError, Source, locate
from aigc_core.rnn.tokenizer import CharacterTokenizer

CONTENT = b"some data"


def source(url: str = "http://127.0.0.1:9/none") -> Source:
    return Source(path="set/file.bin", url=url, sha256=(hashlib.sha256(CONTENT).hexdigest(),), licence="CC0", credit="nobody")


@pytest.fixture
def folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("AIGC_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path


@pytest.fixture
def web_server(tmp_path: Path) -> Iterator[str]:
    (tmp_path / "www").mkdir()
    (tmp_path / "www" / "good").write_bytes(CONTENT)
    (tmp_path / "www" / "bad").write_bytes(b"something else")

    class Handler(http.server.SimpleHTTPRequestHandler):
        def __init__(self, *args: object) -> None:
            super().__init__(*args, directory=str(tmp_path / "www"))  # type: ignore[arg-type]

        def log_message(self, *args: object) -> None:
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


def test_a_local_file_is_used_after_a_check(folders: Path) -> None:
    path = folders / "data" / "set" / "file.bin"
    path.parent.mkdir(parents=True)
    path.write_bytes(CONTENT)
    assert locate(source()) == path


def test_a_damaged_file_is_refused_by_name(folders: Path) -> None:
    path = folders / "data" / "set" / "file.bin"
    path.parent.mkdir(parents=True)
    path.write_bytes(b"rot")
    with pytest.raises(DataError, match=r"file\.bin is damaged"):
        locate(source())


def test_a_missing_file_is_downloaded_once_and_kept(folders: Path, web_server: str) -> None:
    found = locate(source(f"{web_server}/good"))
    assert found.read_bytes() == CONTENT and "cache" in str(found)
    assert locate(source("http://127.0.0.1:9/none")) == found


def test_a_wrong_download_is_not_kept(folders: Path, web_server: str) -> None:
    with pytest.raises(DataError, match="damaged"):
        locate(source(f"{web_server}/bad"))
    assert not list((folders / "cache").rglob("*.*"))


def test_no_way_to_the_data_says_where_to_put_it(folders: Path) -> None:
    with pytest.raises(DataError, match=r"put the file at \$AIGC_DATA_DIR/set/file\.bin"):
        locate(source())


def test_idx_files_are_read_and_others_refused(tmp_path: Path) -> None:
    path = tmp_path / "x.gz"
    path.write_bytes(gzip.compress(b"\x00\x00\x08\x02" + struct.pack(">ii", 2, 3) + bytes(range(6))))
    assert mnist.read_idx(path).tolist() == [[0, 1, 2], [3, 4, 5]]
    path.write_bytes(gzip.compress(b"nonsense"))
    with pytest.raises(DataError, match="not an IDX file"):
        mnist.read_idx(path)


def test_the_corpus_is_split_in_order() -> None:
    corpus = shakespeare.split_corpus("abcabcabca")
    assert corpus.tokenizer == CharacterTokenizer("abc") and len(corpus.train_N) == 9 and corpus.validation_N.tolist() == [0]


def test_the_real_sets_load(needs_data: None) -> None:
    """The published sizes: 60,000 and 10,000 digits, 65 characters, 1,003,854 to train on."""
    assert (len(mnist.load_mnist("train")), len(mnist.load_mnist("test"))) == (60_000, 10_000)
    corpus = shakespeare.load_shakespeare()
    assert (corpus.tokenizer.vocab_size, len(corpus.train_N), len(corpus.validation_N)) == (65, 1_003_854, 111_540)
