"""Logs of every form that is read, and every bad line that must not end the reading."""

import csv
import gzip
import io
import json
import re
import tracemalloc
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mining.logs import LogError, LoggedDialogue, LogOptions, Refusal, read_log
from taskflow.model import Speaker

TURNS = [
    {"speaker": "user", "text": "My cup came broken."},
    {"speaker": "agent", "text": "A new one is on its way."},
]
CHINESE = [{"speaker": "用户", "text": "杯子碎了，怎么退款？"}, {"speaker": "客服", "text": "请发一张照片。"}]
in_one_folder = settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)


def line(name="d1", turns=TURNS, **more):
    return json.dumps({"dialogue_id": name, "turns": turns, **more}, ensure_ascii=False)


@pytest.fixture
def read(tmp_path):
    """Reads a log of the given content: what went in, then what was refused."""

    def read_content(content, name="log.jsonl", **options):
        path = tmp_path / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return split(read_log(path, LogOptions(**options)))

    return read_content


def split(entries):
    entries = list(entries)
    went_in = [entry for entry in entries if isinstance(entry, LoggedDialogue)]
    return went_in, [entry for entry in entries if isinstance(entry, Refusal)]


def texts(logged):
    return [utterance.text for utterance in logged.dialogue.utterances]


def only_refusal(read, content, **options):
    """The refusal of line 2, between two good lines that go in."""
    went_in, refused = read(b"\n".join([line("a").encode(), content, line("b").encode()]), **options)
    assert [logged.dialogue.id for logged in went_in] == ["a", "b"]
    assert [refusal.line for refusal in refused] == [2]
    return refused[0].reason


# Forms


def test_a_line_says_all_that_a_dialogue_can(read):
    turns = [
        *TURNS,
        {
            "speaker": "system",
            "text": "refund",
            "action": "refund_call",
            "result": {"ok": True, "left": [1, None]},
        },
        {"speaker": "user", "text": None, "attachments": ["photo.jpg"], "mood": "calm"},
    ]
    about = {
        "need": "damaged item",
        "outcome": "refunded",
        "satisfaction": 4,
        "started_at": "2024-05-01T10:00:00Z",
    }
    [logged], refused = read(line("d1", turns, domain="shop", **about))
    assert not refused
    dialogue = logged.dialogue
    assert (dialogue.id, dialogue.need, dialogue.outcome) == ("d1", "damaged item", "refunded")
    assert (dialogue.satisfaction, dialogue.started_at) == (4.0, "2024-05-01T10:00:00Z")
    assert [utterance.speaker for utterance in dialogue.utterances] == ["user", "agent", "system", "user"]
    assert dialogue.utterances[2].label == "refund_call"
    assert dialogue.utterances[2].result == {"ok": True, "left": [1, None]}
    assert dialogue.utterances[3].text == ""
    assert dialogue.utterances[3].attachments == ("photo.jpg",)


def test_what_is_said_and_answered_comes_out_masked(read):
    turns = [
        {"speaker": "user", "text": "Write to ann.lee@example.com"},
        {"speaker": "system", "text": "", "result": {"customer": {"mail": "ann.lee@example.com"}}},
    ]
    [logged], _ = read(line(turns=turns))
    assert "ann.lee" not in repr(logged)


@pytest.mark.parametrize("name", ["log.jsonl", "log.ndjson", "log.json", "log.jsonl.gz", "log", "log.txt"])
@pytest.mark.parametrize("pack", [bytes, gzip.compress])
def test_json_lines_are_known_by_name_or_content(read, name, pack):
    went_in, refused = read(pack(f"\n{line('a')}\r\n\r\n{line('b')}".encode()), name)
    assert [(logged.line, logged.dialogue.id) for logged in went_in] == [(2, "a"), (4, "b")]
    assert not refused


@pytest.mark.parametrize("delimiter", [",", "\t", ";"])
@pytest.mark.parametrize("name", ["log.csv", "log.tsv.gz", "log", "log.txt"])
@pytest.mark.parametrize("pack", [bytes, gzip.compress])
def test_tables_are_known_by_name_or_content(read, delimiter, name, pack):
    rows = ["session_id,role,message", "s1,Customer,Hello", "s1,Support,Hi", "s2,visitor,Bye"]
    went_in, _ = read(pack("\r\n".join(rows).replace(",", delimiter).encode()), name)
    assert [(logged.line, logged.dialogue.id, texts(logged)) for logged in went_in] == [
        (2, "s1", ["Hello", "Hi"]),
        (4, "s2", ["Bye"]),
    ]


def test_a_table_may_end_its_lines_with_carriage_returns(read):
    [logged], _ = read("chat_id,role,text\rs1,user,Hello\rs1,agent,Hi\r", "log.csv")
    assert texts(logged) == ["Hello", "Hi"]


def test_chinese_column_names_and_gb18030(read):
    table = "会话ID,发送时间,角色,消息内容,满意度\n甲,2024-05-01,顾客,杯子碎了,5\n甲,2024-05-02,人工客服,抱歉,\n"
    [logged], refused = read(table.encode("gb18030"), "log.csv")
    assert not refused
    assert logged.dialogue.id == "甲"
    assert [utterance.speaker for utterance in logged.dialogue.utterances] == ["user", "agent"]
    assert (logged.dialogue.started_at, logged.dialogue.satisfaction) == ("2024-05-01", 5.0)


def test_columns_are_mapped_by_hand_before_they_are_guessed(read):
    table = "text,case,who,plain,time\nraw,c1,user,Hello,10:00\n"
    columns = {"text": "plain", "dialogue_id": "case", "speaker": "who", "started_at": ""}
    [logged], _ = read(table, "log.csv", columns=columns)
    assert texts(logged) == ["Hello"]
    assert logged.dialogue.started_at is None


def test_mixed_rows_come_back_by_dialogue_and_turn(read):
    table = "chat_id,turn,role,text\nb,10,user,b10\na,2,user,a2\nb,9,agent,b9\na,1,agent,a1\na,2,user,a2 again\n"
    went_in, _ = read(table, "log.csv")
    assert [(logged.line, texts(logged)) for logged in went_in] == [
        (2, ["b9", "b10"]),
        (3, ["a1", "a2", "a2 again"]),
    ]


def test_cells_may_hold_line_breaks_delimiters_and_quotes(read):
    table = 'chat_id,role,text\n\na,user,"one\n\ntwo, ""three"""\n,,\na,robot,x\n'
    _, [refusal] = read(table, "log.csv")
    assert refusal.line == 7
    [logged], _ = read(table, "log.csv", speakers={"Robot": Speaker.AGENT})
    assert texts(logged) == ['one\n\ntwo, "three"', "x"]


def test_a_table_says_all_that_a_line_can(read):
    call = {
        "speaker": "system",
        "text": "",
        "action": "find",
        "result": {"ok": [1]},
        "attachments": ["a.jpg", "b c.jpg"],
    }
    about = {"need": "return", "outcome": "done", "satisfaction": 3.5, "started_at": "today"}
    rows = io.StringIO()
    table = csv.writer(rows)
    table.writerow(["dialogue_id", "speaker", "text", "action", "result", "attachments", *about])
    table.writerow(["d1", "user", "Hello", "", "", "", "", "", "", "today"])
    table.writerow(["d1", "tool", "", "find", '{"ok": [1]}', "a.jpg; b c.jpg", "return", "done", "3.5", "tomorrow"])
    [from_line], _ = read(line("d1", [{"speaker": "user", "text": "Hello"}, call], **about))
    [from_table], _ = read(rows.getvalue(), "log.csv")
    assert from_table.dialogue == from_line.dialogue
    assert from_table.digest == from_line.digest


@pytest.mark.parametrize(
    ("name", "speaker"),
    [("Customer", "user"), (" VISITOR ", "user"), ("买家", "user"), ("坐席", "agent"), ("Tool", "system")],
)
def test_usual_names_of_speakers(read, name, speaker):
    [logged], _ = read(line(turns=[{"speaker": name, "text": ""}]))
    assert logged.dialogue.utterances[0].speaker == speaker


def test_numbers_are_taken_as_ids(read):
    [logged], _ = read(line(name=17))
    assert logged.dialogue.id == "17"


# Digests


def test_a_digest_is_of_what_was_said_before_masking(read):
    first, second = ("ann@example.com", "bob@example.com")
    [one], _ = read(line(turns=[{"speaker": "user", "text": first}]))
    [same], _ = read(" " + line(turns=[{"text": first, "action": None, "speaker": "customer"}], domain="x"))
    [other], _ = read(line(turns=[{"speaker": "user", "text": second}]))
    assert one.digest == same.digest
    assert one.digest != other.digest


# Text


def test_text_is_left_visible_and_whole(read):
    raw = "a\x00\x1b[31mb\u202ec\u200bd\r\ne\tf \u00ad<script>alert(1)</script> cafe\u0301 \U000e0041"
    [logged], _ = read(line(turns=[{"speaker": "user", "text": raw}]))
    assert texts(logged) == ["a[31mbcd\ne\tf <script>alert(1)</script> café "]


def test_raw_control_characters_in_a_line_are_read(read):
    [logged], _ = read(b'{"dialogue_id": "a\x01", "turns": [{"speaker": "user", "text": "x\x00\ty"}]}')
    assert (logged.dialogue.id, texts(logged)) == ("a", ["x\ty"])


def test_lone_surrogates_are_replaced(read):
    turn = {"speaker": "user", "text": "a\ud800", "result": {"\udfff": "\ud83d"}, "action": "\udc00"}
    [logged], _ = read(json.dumps({"dialogue_id": "\ud800", "turns": [turn]}))
    assert texts(logged) == ["a\ufffd"]
    repr(logged.dialogue).encode()


# Bad lines


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b'{"dialogue_id": "x", "turns": [', "no JSON .column 32: .*: write one dialogue a line"),
        (b"[" * 100_000, "nested too deeply|no JSON"),
        (b'{"a":' * 100_000, "nested too deeply|no JSON"),
        (b"[1]", "no JSON object"),
        (line(turns=[]).encode(), "dialogue 'd1': it has no turns: leave it out"),
        (b'{"dialogue_id": "x"}', "no list of turns"),
        (b'{"dialogue_id": "x", "turns": [1]}', "dialogue 'x', turn 0: it is no JSON object"),
        (b'{"turns": []}', "no dialogue_id: give it"),
        (line(name=" \u200b").encode(), "no dialogue_id"),
        (line(name="x" * 300).encode(), "dialogue_id is 300, over the limit of 200"),
        (line(name=True).encode(), "no dialogue_id"),
        (
            line(turns=[*TURNS, {"speaker": "robot"}]).encode(),
            "turn 2: its speaker 'robot' .* --speaker 'robot=agent'",
        ),
        (line(turns=[{"text": "x"}]).encode(), "turn 0: it has no speaker"),
        (line(turns=[{"speaker": "user", "text": ["x"]}]).encode(), "turn 0: its text is no string"),
        (
            line(turns=[{"speaker": "user", "text": "x" * 5_000_000}]).encode(),
            "turn 0: .* 5,000,000, over .* 20,000",
        ),
        (line(turns=[{"speaker": "user", "text": ""}] * 10_001).encode(), "10,001, over the limit of 10,000"),
        (line(satisfaction="good").encode(), "satisfaction is no number"),
        (line(satisfaction=float("nan")).encode(), "satisfaction is no number"),
        (line(satisfaction=10**400).encode(), "satisfaction is no number"),
        (line(need=["x"]).encode(), "its need is no string"),
        (line(turns=[{"speaker": "user", "result": float("inf")}]).encode(), "turn 0: .* not finite"),
        (line(turns=[{"speaker": "user", "result": "x" * 20_001}]).encode(), "turn 0: .* result is 20,001"),
        (line(turns=[{"speaker": "user", "attachments": "x"}]).encode(), "turn 0: its attachments"),
        (b'{"dialogue_id": "x", "dialogue_id": "y", "turns": []}', "key 'dialogue_id' twice"),
        (b'{"dialogue_id": 1' + b"0" * 5_000 + b"}", "thousands of digits"),
        (b"caf\xe9 \xff", "neither UTF-8 nor GB18030"),
    ],
)
def test_a_bad_line_is_refused_and_the_others_go_in(read, content, reason):
    refused = only_refusal(read, content)
    assert re.search(reason, refused)
    assert "\n" not in refused
    assert len(refused) < 250


def test_a_deep_result_is_refused(read):
    deep = '{"dialogue_id": "x", "turns": [{"speaker": "user", "result": ' + "[" * 60 + "]" * 60 + "}]}"
    assert "nested deeper than 50 levels" in only_refusal(read, deep.encode())


def test_a_line_over_the_limit_is_passed_over_in_little_memory(tmp_path):
    path = tmp_path / "log.jsonl.gz"
    with gzip.open(path, "wb", compresslevel=1) as file:
        file.write(line("a").encode() + b"\n")
        for _ in range(80):
            file.write(b"x" * (1 << 20))
        file.write(b"\n" + line("b").encode())
    tracemalloc.start()
    went_in, [refusal] = split(read_log(path, LogOptions()))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert [logged.line for logged in went_in] == [1, 3]
    assert (refusal.line, "longer than 64 MiB" in refusal.reason) == (2, True)
    assert peak < 80 << 20


# Encodings


def test_a_byte_order_mark_is_no_text(read):
    assert len(read(b"\xef\xbb\xbf" + line().encode())[0]) == 1
    table = b"\xef\xbb\xbfchat_id,role,text\na,user,x\n"
    assert len(read(table, "log.csv")[0]) == 1


@pytest.mark.parametrize("first", ["utf-8", "gb18030"])
def test_the_first_line_that_is_not_ascii_decides_the_encoding(read, first):
    second = {"utf-8": "gb18030", "gb18030": "utf-8"}[first]
    lines = [line("a").encode(), line("b", CHINESE).encode(first), line("c", CHINESE).encode(second)]
    went_in, [refusal] = read(b"\n".join([*lines, line("d", CHINESE).encode(first)]))
    assert [logged.dialogue.id for logged in went_in] == ["a", "b", "d"]
    assert texts(went_in[2])[1] == "请发一张照片。"
    assert refusal.line == 3
    assert f"not {first.upper()} as the lines before it: convert the file" in refusal.reason


def test_a_row_in_another_encoding_refuses_its_dialogue(read):
    rows = [
        b"chat_id,role,text",
        "a,user,你好".encode(),
        "b,user,你好".encode(),
        "a,agent,您好".encode("gb18030"),
    ]
    [logged], [refusal] = read(b"\n".join(rows), "log.csv")
    assert logged.dialogue.id == "b"
    assert (refusal.line, refusal.reason[:15]) == (4, "dialogue 'a': t")


def test_western_text_is_not_taken_for_chinese(read):
    went_in, [refusal] = read(line(turns=[{"speaker": "user", "text": "it’s"}]).encode("cp1252"))
    assert not went_in
    assert "save the file as UTF-8" in refusal.reason


# Damaged gzip


def test_a_truncated_gzip_gives_what_can_be_read(read):
    lines = [line(f"d{n}", [{"speaker": "user", "text": f"{n * 0.7321}"}]) for n in range(2000)]
    packed = gzip.compress("\n".join(lines).encode())
    went_in, [refusal] = read(packed[: len(packed) // 2])
    assert [logged.dialogue.id for logged in went_in] == [f"d{n}" for n in range(len(went_in))]
    assert 500 < len(went_in) == refusal.line - 1
    assert "ends in the middle" in refusal.reason


def test_a_truncated_table_refuses_the_dialogue_that_it_cut(read):
    rows = ["chat_id,role,text", *(f"d{n // 4},user,{n * 0.7321}" for n in range(4000))]
    packed = gzip.compress("\n".join(rows).encode())
    went_in, [refusal] = read(packed[: len(packed) // 2], "log.csv.gz")
    assert all(len(logged.dialogue.utterances) == 4 for logged in went_in[:-1])
    assert "ends in the middle" in refusal.reason


@pytest.mark.parametrize("end", ["\n", ""])
def test_what_follows_a_gzip_stream_is_told_once(read, end):
    went_in, [refusal] = read(gzip.compress((line("a") + end).encode()) + b"left over")
    assert [logged.dialogue.id for logged in went_in] == ["a"]
    assert (refusal.line, "damaged" in refusal.reason) == (2, True)


def test_a_flipped_byte_ends_the_reading_in_one_refusal(read):
    packed = bytearray(gzip.compress("\n".join(line(f"d{n}") for n in range(5000)).encode()))
    packed[-4] ^= 1
    went_in, refused = read(bytes(packed))
    assert len(went_in) == 5000
    assert len(refused) == 1


# Bad tables


def test_a_bad_row_refuses_its_dialogue_at_its_line(read):
    table = "chat_id,turn,role,text\na,1,user,x\nb,1,user,x\na,2,bot,x\nb,two,user,x\n,1,user,x\nc,1,user,x\n"
    [logged], refused = read(table, "log.csv")
    assert logged.dialogue.id == "c"
    by_line = {refusal.line: refusal.reason for refusal in refused}
    assert by_line.keys() == {4, 5, 6}
    assert "dialogue 'a', turn 1: its speaker 'bot' is not known" in by_line[4]
    assert "dialogue 'b': the row's turn is no number" in by_line[5]
    assert "no dialogue id" in by_line[6]


@pytest.mark.parametrize("cell", ["x" * 5_000_000, '"' + "x\n" * 100_000 + '"'])
def test_a_long_cell_refuses_its_dialogue(read, cell):
    went_in, [refusal] = read(f"chat_id,role,text\na,user,x\na,agent,{cell}\nb,user,x\n", "log.csv")
    assert [logged.dialogue.id for logged in went_in] == ["b"]
    assert refusal.line == 3
    assert "dialogue 'a', turn 1: the length of its text is" in refusal.reason


@pytest.mark.parametrize("row", ['a,user,"open', 'a,user,"open" end', "a,user", "a,user,more, than, these"])
def test_a_broken_row_takes_no_other_with_it(read, row):
    table = f'chat_id,role,text\na,user,x\n{row}\nb,user,x\nc,user,"y"\n'
    went_in, [refusal] = read(table, "log.csv")
    assert [logged.dialogue.id for logged in went_in] == ["b", "c"]
    assert refusal.line == 3
    assert refusal.reason.startswith("dialogue 'a': the row")


def test_a_row_that_is_only_the_rest_of_a_text_is_not_repeated(read):
    went_in, [refusal] = read("chat_id,role,text\na,user,x\nmy secret\n", "log.csv")
    assert len(went_in) == 1
    assert "secret" not in refusal.reason


# Files that are no log


@pytest.mark.parametrize(
    ("content", "name", "reason"),
    [
        (b"", "log.jsonl", "is empty: give"),
        (b"", "log.csv", "is empty: give"),
        (b"\n \n", "log", "is empty: give"),
        (b"chat_id,role,text\n", "log.csv", "holds no dialogues"),
        (
            b"chat_id,role,note\n1,user,x\n",
            "log.csv",
            "no text column among 'chat_id', 'role', 'note'.*--column text=",
        ),
        (b"role,text\nuser,x\n", "log.csv", "no dialogue_id column"),
        (b"chat_id,text\n1,x\n", "log.csv", "no speaker column"),
        (b",,\n", "log.csv", "no dialogue_id column"),
        (b'chat_id,"role\n', "log.csv", "as a table: the row's quotes"),
        (line().encode("utf-16"), "log.jsonl", "UTF-16 or UTF-32: save it as UTF-8"),
        (line().encode("utf-16-le"), "log.jsonl", "UTF-16 or UTF-32: save it as UTF-8"),
        (line().encode("utf-32-be"), "log.jsonl", "UTF-16 or UTF-32: save it as UTF-8"),
        (b"PK\x03\x04" + bytes(100), "log.csv", "workbook or a zip archive: save it as CSV"),
        (
            json.dumps([json.loads(line())], indent=1).encode(),
            "log.json",
            "over many lines: write one dialogue a line",
        ),
        (
            json.dumps(json.loads(line()), indent=1).encode(),
            "log.json",
            "over many lines: write one dialogue a line",
        ),
    ],
)
def test_a_file_that_is_no_log_is_told_in_one_sentence(read, content, name, reason):
    with pytest.raises(LogError, match=reason) as error:
        read(content, name)
    assert name in str(error.value)


@pytest.mark.parametrize("columns", [{"text": "words"}, {"text": "x"}, {"mood": "x"}])
def test_a_mapping_that_does_not_fit_is_told(read, columns):
    with pytest.raises(LogError, match=r"named 'words'|several columns|no field 'mood'"):
        read("chat_id,role,x,x\n1,user,y,y\n", "log.csv", columns=columns)


def test_a_path_that_cannot_be_read_is_told(tmp_path):
    with pytest.raises(LogError, match=r"nowhere\.jsonl cannot be read \(No such file"):
        list(read_log(tmp_path / "nowhere.jsonl", LogOptions()))
    with pytest.raises(LogError, match=r"cannot be read .*directory"):
        list(read_log(tmp_path, LogOptions()))


# For any input

names = st.sampled_from(["log.jsonl", "log.csv", "log.tsv", "log"])
beginnings = st.sampled_from(
    [b"", b"{", b"chat_id,role,text\n", b"chat_id\trole\ttext\tturn\n", b"\x1f\x8b", b"\xef\xbb\xbf"]
)
pieces = st.lists(
    st.one_of(
        st.binary(max_size=20),
        st.sampled_from(
            [
                b"\n",
                b"\r",
                b'"',
                b",",
                b"a,user,x\n",
                line().encode(),
                "你好".encode(),
                "你好".encode("gb18030"),
            ]
        ),
    ),
    max_size=30,
).map(b"".join)


@in_one_folder
@given(names, beginnings, pieces, st.booleans(), st.integers(0, 40))
def test_no_bytes_do_more_than_refuse(tmp_path, name, beginning, content, packed, lost):
    content = beginning + content
    path = tmp_path / name
    path.write_bytes(gzip.compress(content)[: -lost or None] if packed else content)
    try:
        entries = list(read_log(path, LogOptions()))
    except LogError as error:
        assert str(path) in str(error)
        return
    for entry in entries:
        assert 1 <= entry.line <= content.count(b"\n") + content.count(b"\r") + 2
        repr(entry).encode()


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters(exclude_categories=())),
    lambda children: (
        st.lists(children, max_size=3)
        | st.dictionaries(st.sampled_from(["speaker", "text", "result", "\ud800"]), children, max_size=4)
    ),
    max_leaves=10,
)
keys = st.sampled_from(["dialogue_id", "turns", "need", "outcome", "satisfaction", "started_at"])


@in_one_folder
@given(st.dictionaries(keys, json_values) | json_values)
def test_no_json_does_more_than_refuse(tmp_path, value):
    path = tmp_path / "log.jsonl"
    path.write_text(json.dumps(value))
    for entry in read_log(path, LogOptions()):
        if isinstance(entry, LoggedDialogue):
            results = [utterance.result for utterance in entry.dialogue.utterances]
            json.dumps(results, ensure_ascii=False, allow_nan=False).encode()


plain_text = st.text(st.sampled_from("abc ,;\"'\n\t{[你好，é😀"), max_size=30)
dialogues = st.dictionaries(
    st.text(st.sampled_from("abc你好"), min_size=1, max_size=5),
    st.lists(st.tuples(st.sampled_from(["user", "agent", "system"]), plain_text), min_size=1, max_size=5),
    min_size=1,
    max_size=5,
)


@in_one_folder
@given(dialogues, st.sampled_from(["utf-8", "gb18030"]), st.booleans())
def test_valid_dialogues_come_back_in_order(tmp_path, said, encoding, packed):
    path = tmp_path / "log.jsonl"
    turns = {name: [{"speaker": who, "text": text} for who, text in spoken] for name, spoken in said.items()}
    content = "\n".join([line("你好"), *(line(name, spoken) for name, spoken in turns.items())]).encode(encoding)
    path.write_bytes(gzip.compress(content) if packed else content)
    [_, *went_in], refused = split(read_log(path, LogOptions()))
    assert not refused
    back = {
        logged.dialogue.id: [(turn.speaker, turn.text) for turn in logged.dialogue.utterances] for logged in went_in
    }
    assert list(back.items()) == list(said.items())


@in_one_folder
@given(dialogues, st.randoms(), st.sampled_from([",", "\t", ";"]))
def test_a_mixed_table_tells_the_same_dialogues_as_lines(tmp_path, said, rng, delimiter):
    lines = "\n".join(
        line(name, [{"speaker": who, "text": text.strip() and text} for who, text in spoken])
        for name, spoken in said.items()
    )
    rows = [(name, turn, who, text) for name, spoken in said.items() for turn, (who, text) in enumerate(spoken)]
    rng.shuffle(rows)
    with Path(tmp_path / "log.csv").open("w", newline="", encoding="utf-8") as file:
        csv.writer(file, delimiter=delimiter).writerows([("dialogue_id", "turn", "speaker", "text"), *rows])
    (tmp_path / "log.jsonl").write_text(lines, encoding="utf-8")
    from_table, refused = split(read_log(tmp_path / "log.csv", LogOptions()))
    from_lines, _ = split(read_log(tmp_path / "log.jsonl", LogOptions()))
    assert not refused
    assert {logged.digest for logged in from_table} == {logged.digest for logged in from_lines}
    assert [logged.line for logged in from_table] == sorted(logged.line for logged in from_table)
