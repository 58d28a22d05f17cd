"""Files that the service answers with are saved, and an invoice is told from what stands beside it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from smsc_command import Done, Fetched, Runner

from gateway.cli.smsc import files
from protocols.smsc_http.answers import Failure

PDF = b"%PDF-1.4\r\n\xff\x00\r\n--x\r\n%%EOF"
MULTIPART = (
    b"--cut\r\nContent-Type: application/json\r\n\r\n"
    b'{"id": 17, "sum": "500.00"}'
    b"\r\n--cut\r\nContent-Type: application/pdf\r\n\r\n" + PDF + b"\r\n--cut--\r\n"
)


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Runner:
    return Runner(monkeypatch, capsys)


@pytest.mark.parametrize(
    ("words", "operation"),
    [
        ("documents invoice 17 --user branch", "doc_get_account"),
        ("documents act --number 3 --user-id 9", "doc_get_act"),
        ("captcha", "imgcode"),
    ],
)
def test_a_file_is_saved_as_it_came(run: Runner, tmp_path: Path, words: str, operation: str) -> None:
    path = tmp_path / "file"
    done = run(*words.split(), "--output", str(path), answers={operation: PDF})
    assert done.out == f"file    {path}\noctets  {len(PDF)}\n"
    assert path.read_bytes() == PDF
    done = run(*words.split(), "--output", str(path), "--force", "--json", answers={operation: PDF})
    assert json.loads(done.out) == {"file": str(path), "octets": len(PDF)}


def test_nothing_is_asked_if_the_file_is_there(run: Runner, tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"mine")
    done = run("captcha", "--output", str(path), answers={"imgcode": PDF})
    assert (done.code, done.calls, path.read_bytes()) == (2, [], b"mine")


def test_a_refused_document_leaves_no_file(run: Runner, tmp_path: Path) -> None:
    words = ["documents", "invoice", "17", "--user", "branch", "--output", str(tmp_path / "file")]
    done = run(*words, answers={"doc_get_account": Failure(7, "", None)})
    assert done.code == 1
    assert "document not found" in done.err
    assert list(tmp_path.iterdir()) == []
    assert run(*words, answers={"doc_get_account": {"id": 1}}).err.endswith("answered with no file\n")


def new_invoice(run: Runner, path: Path, octets: bytes, content_type: str, *more: str) -> Done:
    words = ["documents", "new-invoice", "500", "--user", "branch", "--output", str(path), *more]
    return run(*words, answers={"doc_add_account": Fetched(octets, content_type)})


def test_a_new_invoice_is_saved_and_its_id_shown(run: Runner, tmp_path: Path) -> None:
    path = tmp_path / "invoice.pdf"
    done = new_invoice(run, path, MULTIPART, 'multipart/mixed; boundary="cut"')
    assert done.out.splitlines()[:2] == ["id      17", "sum     500.00"]
    assert path.read_bytes() == PDF
    assert done.calls[0].params == {"user": "branch", "sum": "500"}
    done = new_invoice(run, path, MULTIPART, "multipart/mixed; boundary=cut", "--force", "--json")
    assert json.loads(done.out) == {"id": 17, "sum": "500.00", "file": str(path), "octets": len(PDF)}


def test_an_invoice_that_was_not_made_leaves_no_file(run: Runner, tmp_path: Path) -> None:
    refusal = b'{"error": "x", "error_code": 5}'
    done = new_invoice(run, tmp_path / "invoice.pdf", refusal, "application/json")
    assert done.code == 1
    assert "invoice not created (error 5 of documents.php)" in done.err
    assert new_invoice(run, tmp_path / "invoice.pdf", b"{}", "application/json").code == 1
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "content_type", ['multipart/mixed; boundary="cut"', "multipart/form-data; boundary=cut", "text/html", ""]
)
def test_the_parts_of_an_answer_are_found(content_type: str) -> None:
    assert files.parts(MULTIPART, content_type) == [b'{"id": 17, "sum": "500.00"}', PDF]


@pytest.mark.parametrize("octets", [b"", PDF, b"{}", b"--cut", b"--\r\n\r\n", b"--a\r\n--a--"])
def test_what_has_no_parts_stays_whole_or_is_nothing(octets: bytes) -> None:
    assert files.parts(octets, "multipart/mixed; boundary=x") in ([octets], [])
