"""What is found in English and Chinese text, what is left alone, and what masking promises for any text."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from taskflow.recognisers import FieldKind, find, mask, mask_json

FOUND = [
    ("Where is TF-20418837?", "order_number", "TF-20418837"),
    ("#W5918442 came broken", "order_number", "#W5918442"),
    ("It says ORD12345678", "order_number", "ORD12345678"),
    ("order number 3348917502", "order_number", "3348917502"),
    ("Order ID: 70412", "order_number", "70412"),
    ("my order #48213 please", "order_number", "48213"),
    ("the order is 1359201615", "order_number", "1359201615"),
    ("order W5918442—the blue one", "order_number", "W5918442"),
    ("订单号：202611030001", "order_number", "202611030001"),
    ("帮我查下订单202611030001", "order_number", "202611030001"),
    ("订单编号是TF-20418837，谢谢", "order_number", "TF-20418837"),
    ("1Z999AA10123456784", "tracking_number", "1Z999AA10123456784"),
    ("快递是SF1234567890123", "tracking_number", "SF1234567890123"),
    ("YT1234567890123到哪了", "tracking_number", "YT1234567890123"),
    ("tracking number: 746342064230", "tracking_number", "746342064230"),
    ("快递单号 773012345678901", "tracking_number", "773012345678901"),
    ("call (977) 625-2661", "phone", "(977) 625-2661"),
    ("470-948-1677 ext. 12", "phone", "470-948-1677 ext. 12"),
    ("+1 470 948 1677", "phone", "+1 470 948 1677"),
    ("+44 20 7946 0958", "phone", "+44 20 7946 0958"),
    ("+86 138 0000 1234", "phone", "+86 138 0000 1234"),
    ("my phone is 4709481677", "phone", "4709481677"),
    ("手机13800001234", "phone", "13800001234"),
    ("1380000xxxx", "phone", "1380000xxxx"),
    ("138****1234", "phone", "138****1234"),
    ("400-820-8820", "phone", "400-820-8820"),
    ("（010）62011234", "phone", "（010）62011234"),
    ("电话是010-62011234。", "phone", "010-62011234"),
    ("write to ana.b+x@mail.example.com.", "email", "ana.b+x@mail.example.com"),
    ("邮箱abc@qq.com谢谢", "email", "abc@qq.com"),
    ("see https://shop.example/a?b=1, thanks", "url", "https://shop.example/a?b=1"),
    ("链接https://item.example.cn/5?id=3打不开", "url", "https://item.example.cn/5?id=3"),
    ("www.example.org", "url", "www.example.org"),
    ("on example.com/returns", "url", "example.com/returns"),
    ("It was $42.50", "amount", "$42.50"),
    ("about 42 dollars", "amount", "42 dollars"),
    ("€1,299.00 in all", "amount", "€1,299.00"),
    ("¥328", "amount", "¥328"),
    ("花了328元", "amount", "328元"),
    ("一共1.5万元", "amount", "1.5万元"),
    ("三百块", "amount", "三百块"),
    ("100-150元的", "amount", "100-150元"),
    ("on 2026-11-03", "date", "2026-11-03"),
    ("11/03/2026", "date", "11/03/2026"),
    ("ordered on 11/3", "date", "11/3"),
    ("by Nov 3rd", "date", "Nov 3rd"),
    ("3 November 2026", "date", "3 November 2026"),
    ("may 7", "date", "may 7"),
    ("11月3日买的", "date", "11月3日"),
    ("2026年11月3号", "date", "2026年11月3号"),
    ("2026年买的", "date", "2026年"),
    ("十一月三日", "date", "十一月三日"),
    ("tomorrow", "date", "tomorrow"),
    ("next Tuesday works", "date", "next Tuesday"),
    ("昨天下的单", "date", "昨天"),
    ("上周三到的", "date", "上周三"),
    ("at 3:30 pm", "time", "3:30 pm"),
    ("10am is fine", "time", "10am"),
    ("下午三点", "time", "下午三点"),
    ("晚上8点半", "time", "晚上8点半"),
    ("17:00前", "time", "17:00"),
    ("4111 1111 1111 1111", "card_number", "4111 1111 1111 1111"),
    ("378282246310005", "card_number", "378282246310005"),
    ("11010519491231002X", "id_number", "11010519491231002X"),
    ("078-05-1120", "id_number", "078-05-1120"),
    ("it is 9756 Primrose Street", "address", "9756 Primrose Street"),
    (
        "to 12 Old Mill Rd., Apt 4B, Newark, NJ 07102 now",
        "address",
        "12 Old Mill Rd., Apt 4B, Newark, NJ 07102",
    ),
    ("221 baker street please", "address", "221 baker street"),
    ("P.O. Box 1180", "address", "P.O. Box 1180"),
    (
        "寄到浙江省杭州市西湖区文三路138号3栋2单元501室",
        "address",
        "浙江省杭州市西湖区文三路138号3栋2单元501室",
    ),
    ("地址是天柱东路甲10号", "address", "天柱东路甲10号"),
    ("我住在北京市海淀区。", "address", "北京市海淀区"),
    ("My name is Ana Lopez and", "name", "Ana Lopez"),
    ("my name is john smith", "name", "john smith"),
    ("Hi, I’m Ben.", "name", "Ben"),
    ("I am Mary O'Brien, calling about", "name", "Mary O'Brien"),
    ("this is John Smith speaking", "name", "John Smith"),
    ("Thank you, Mr. Sanders", "name", "Sanders"),
    ("Name: Ana Lopez", "name", "Ana Lopez"),
    ("我叫王小明想退货", "name", "王小明"),
    ("你好，我是李雷，", "name", "李雷"),
    ("姓名：欧阳娜娜", "name", "欧阳娜娜"),
    ("收件人: 张三", "name", "张三"),
    ("王女士您好", "name", "王"),
    ("the code is 639431", "number", "639431"),
    ("zip code 62838", "number", "62838"),
    ("1,299 pieces", "number", "1,299"),
    ("I want to order 1000 pieces", "number", "1000"),
    ("gift_card_7250692", "number", "7250692"),
    ("1356 2467 0987 5678", "number", "1356 2467 0987 5678"),
    ("in 2024", "number", "2024"),
]

NOT_FOUND = [
    "",
    "size 9, 2 days, 24/7",
    "rated 4.5, 评分4.5分",
    "a 128GB tablet, 20000mAh, the 10 GB Hard Drive",
    "Take the 61A to 5th and Main",
    "It may be 2 or 3; march on",
    "便宜一点，快一点，有两点要求",
    "I'm Sorry",
    "I'm Not Sure",
    "I am the Chief Engineer",
    "I'm Looking For A Refund",
    "I'm American.",
    "This is Great Here",
    "My name is not on the list",
    "What is your first name? Thanks",
    "我是说这个",
    "我是想问一下",
    "我是白金会员，",
    "帮我叫王师傅的车",
    "它的名字是什么",
    "坐地铁5号线",
    "15 minutes from the road",
    "an item in the box; it is.The end",
]

HOSTILE = [
    *(
        "1",
        "a",
        "A",
        "@",
        "a@",
        "a.",
        "1 ",
        "1-",
        "1,111,",
        "(",
        "#",
        "$",
        "一",
        "路",
        "市",
        "北京",
        "王",
        "x*",
        " ",
    ),
    *(
        "order ",
        "订单号：",
        "my name is ",
        "I'm Aa ",
        "Mr ",
        "1 Aa ",
        "http://",
        "www.!",
        "地址是",
        "路1",
        "[name",
        "\n",
    ),
    *(
        "400-111-2222-",
        "2026-11-03-",
        "W5918442#",
        "may 7-",
        "1元",
        "我叫王",
        "123 Main St ",
        "1380000xxxx",
        "a@b.cc",
        "\u200b",
    ),
]

_SAMPLES = [text for text, _, _ in FOUND] + NOT_FOUND + ["[name]", "[order_number]", "[", "]", "-", "1", "号", "\u200f"]
MIXED = st.lists(st.one_of(st.sampled_from(_SAMPLES), st.text(max_size=6)), max_size=8).map("".join)
LIKELY = st.text(alphabet="0123456789 -.,:/@#$[]_()+xXaAWtT'月日号元路市王我叫是点\u200b１", max_size=60)
ANY_TEXT = st.one_of(st.text(), MIXED, LIKELY)


@pytest.mark.parametrize(("text", "kind", "value"), FOUND)
def test_a_value_is_found_as_written(text, kind, value):
    assert [(found.kind, found.value) for found in find(text)] == [(FieldKind(kind), value)]


@pytest.mark.parametrize("text", NOT_FOUND)
def test_ordinary_words_and_short_numbers_are_left_alone(text):
    assert find(text) == ()
    assert mask(text) == text


def test_masking_names_each_value_by_its_kind():
    assert mask("my order is TF-20418837") == "my order is [order_number]"
    assert (
        mask("Mr. Sanders, $49 is due by Nov 3rd; write to a@b.com or call 470-948-1677.")
        == "Mr. [name], [amount] is due by [date]; write to [email] or call [phone]."
    )
    assert mask("我叫王小明，订单号202611030001，花了328元") == "我叫[name]，订单号[order_number]，花了[amount]"


def test_relative_dates_fill_fields_but_stay_in_masked_text():
    text = "It came yesterday, on Friday; 上周三也问过"
    assert [found.value for found in find(text)] == ["yesterday", "Friday", "上周三"]
    assert mask(text) == text


def test_full_width_forms_and_other_digits_do_not_hide_a_value():
    assert [found.kind for found in find("１３８００００１２３４")] == [FieldKind.PHONE]
    assert mask("订单号：ＴＦ－２０４１８８３７") == "订单号：[order_number]"
    assert mask("code ٦٣٩٤٣١") == "code [number]"


def test_marks_that_show_nothing_do_not_hide_a_value():
    text = "call \u200f138\u200b0000\u202e1234\u200f now"
    (found,) = find(text)
    assert found.kind is FieldKind.PHONE
    assert found.value == "138\u200b0000\u202e1234"
    assert mask(text) == "call \u200f[phone]\u200f now"


def test_json_is_masked_in_its_strings_alone():
    value = {"639431": ["order 33489175", 639431, None, True], "to": {"mail": "a@b.com"}}
    assert mask_json(value) == {
        "639431": ["order [order_number]", 639431, None, True],
        "to": {"mail": "[email]"},
    }


@given(ANY_TEXT)
def test_masking_masked_text_changes_nothing(text):
    masked = mask(text)
    assert mask(masked) == masked


@given(ANY_TEXT)
def test_values_stand_where_they_say_in_order_and_apart(text):
    end = 0
    for found in find(text):
        assert end <= found.start < found.end <= len(text)
        assert found.value == text[found.start : found.end] == found.value.strip()
        end = found.end


@given(ANY_TEXT)
def test_only_relative_dates_survive_masking(text):
    assert {found.kind for found in find(mask(text))} <= {FieldKind.DATE}
    assert not any(char.isdecimal() for found in find(mask(text)) for char in found.value)


@pytest.mark.timeout(60)
@pytest.mark.parametrize("unit", HOSTILE)
def test_long_hostile_text_is_masked(unit):
    masked = mask(unit * (250_000 // len(unit)) + "!")
    assert masked.endswith("!")


@pytest.mark.timeout(60)
def test_a_megabyte_of_everything_is_masked():
    masked = mask("".join(unit * (1_000_000 // len(HOSTILE) // len(unit)) for unit in HOSTILE) + "!")
    assert masked.endswith("!")
