"""One line an event, in one format, whoever logs."""

import json
import logging

import pytest
import structlog

from marketplace.web import logs


@pytest.fixture(autouse=True)
def as_it_was():
    root = logging.getLogger()
    handlers, level = list(root.handlers), root.level
    structlog.contextvars.clear_contextvars()
    before = structlog.get_config()
    yield
    root.handlers, root.level = handlers, level
    structlog.configure(**before)


def written(capsys):
    return [json.loads(line) for line in capsys.readouterr().err.splitlines()]


def test_ours_and_the_librarys_lines_are_alike(capsys):
    logs.configure("INFO", "json")
    structlog.get_logger("ours").info("request", status=200)
    logging.getLogger("theirs").warning("a %s", "word")
    first, second = written(capsys)
    assert first.keys() - {"status"} == second.keys() == {"event", "level", "logger", "timestamp"}
    assert (first["event"], first["level"], first["logger"]) == ("request", "info", "ours")
    assert (second["event"], second["level"], second["logger"]) == ("a word", "warning", "theirs")


def test_what_is_below_the_level_is_not_written(capsys):
    logs.configure("WARNING", "json")
    structlog.get_logger("ours").info("request")
    structlog.get_logger("ours").error("broken")
    assert [line["event"] for line in written(capsys)] == ["broken"]


def test_an_error_brings_its_traceback_on_the_same_line(capsys):
    logs.configure("INFO", "json")
    try:
        raise RuntimeError("why")
    except RuntimeError as error:
        structlog.get_logger("ours").error("unexpected", exc_info=error)
    (line,) = written(capsys)
    assert "RuntimeError: why" in line["exception"]


def test_a_console_gets_plain_words(capsys):
    logs.configure("INFO", "console")
    structlog.get_logger("ours").info("request", status=200)
    text = capsys.readouterr().err
    assert "request" in text
    assert "status=200" in text
