import math
import time

import pytest

from conftest import table_of
from ml_pipeline.errors import BadInput
from ml_pipeline.table import MAX_COLUMNS


def refused(text, **limits) -> str:
    with pytest.raises(BadInput) as error:
        table_of(text, **limits)
    return str(error.value)


def test_cells_are_numbers_and_texts():
    table = table_of('a,b\n1,"x, y"\n2.5e1,\n')
    a, b = table.columns
    assert list(a.numbers) == [1, 25] and a.not_number_count == 0
    assert b.cells() == ["x, y", ""] and b.missing == [3]
    assert math.isnan(b.numbers[0]) and b.values() == ["x, y"]


def test_a_byte_order_mark_windows_line_ends_and_empty_lines_are_nothing():
    table = table_of("\ufeffa,b\r\n1,2\r\n\r\n3,4\r\n\r\n".encode())
    assert [column.name for column in table.columns] == ["a", "b"] and table.rows == 2


def test_a_cell_may_hold_lines():
    assert table_of('a,b\n"one\ntwo",3\n').columns[0].cells() == ["one\ntwo"]


@pytest.mark.parametrize("text, words", [
    ("", "the file is empty"),
    ("\n\n1,2", "the first line is empty"),
    ("a,b\n", "a header, but no rows"),
    ("1,2\n3,4\n", "the header is missing"),
    ("a,a\n1,2\n", "'a' twice"),
    ("a,,c\n1,2,3\n", "column 2 has no name"),
    ("a;b;target\n1;2;x\n", "no comma, but ';'"),
    ("a\tb\n1\t2\n", "no comma, but '\\t'"),
    ("a,b\n1," + "x" * 200_000 + "\n", "no CSV: field larger than"),
    ("a,b\n1,2\n".encode("utf-16"), "not UTF-8"),
    ("größe,b\n1,2\n".encode("latin-1"), "not UTF-8"),
    ("a,b\n1,2\n3\n", "line 3 has 1 values, but the header has 2"),
    ('a,b\n1,"2\n', "no CSV"),
    (b"a,b\n\xff\xfe,1\n", "not UTF-8"),
    (b"\x1f\x8b\x08\x00junk", "not UTF-8"),
])
def test_what_is_no_table_is_told_with_its_place(text, words):
    assert words in refused(text)


def test_a_file_over_the_limit_is_not_read_to_its_end():
    read = []

    def chunks():
        yield b"a\n"
        for _ in range(1000):
            read.append(1)
            yield b"1\n" * 500
    from ml_pipeline.table import read_table
    with pytest.raises(BadInput, match="larger than 5,000 bytes"):
        read_table(chunks(), 5000)
    assert len(read) < 10


def test_too_many_cells_are_told_where_they_begin_to_be():
    text = "a,b\n" + "1,2\n" * 10
    assert table_of(text, max_cells=20).rows == 10
    assert "down to line 7 there are more than 10 values, in 2 columns; raise --max-cells" in refused(text, max_cells=10)


def test_a_header_is_checked_in_no_more_time_than_it_takes_to_read():
    names = [f"c{number}" for number in range(MAX_COLUMNS)]
    began = time.process_time()
    assert len(table_of(f"{','.join(names)}\n{'1,' * (MAX_COLUMNS - 1)}1\n").columns) == MAX_COLUMNS
    assert time.process_time() - began < 2  # with a look through all of them for each it is 5
    assert "20,001 columns, and 20,000 is the most" in refused(f"{','.join(names)},more\n")


def test_odd_words_are_no_numbers():
    numbers = table_of("a,b\ninf,x\n1_000,x\nnan,x\n0x10,x\n1e39,x\n-1e999,x\nnone,x\n").columns[0]
    assert all(math.isnan(number) for number in numbers.numbers) and numbers.missing_count == 1
