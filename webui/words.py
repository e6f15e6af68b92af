"""What the developers' pages and the shop say, in English and Chinese, and which of the two a reader gets."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from flask import request
from werkzeug.wrappers import Response

Language = Literal["en", "zh"]
LANGUAGES: tuple[Language, ...] = ("en", "zh")
_COOKIE = "lang"
_YEAR = 365 * 24 * 3600

PHRASES: Mapping[str, tuple[str, str]] = {
    # every page
    "skip": ("Skip to the content", "跳到正文"),
    "overview": ("Overview", "总览"),
    "shop": ("Demo shop", "示例商店"),
    "logout": ("Log out", "退出"),
    "other_language": ("中文", "English"),
    "navigation": ("Pages", "页面"),
    "breadcrumb": ("You are here", "当前位置"),
    "footer": (
        "TaskFlow: logged dialogues become a chatbot that your team can read and correct.",
        "TaskFlow：把真实对话记录变成团队能读懂、能修改的对话机器人。",
    ),
    # words for things
    "assistants": ("Assistants", "助手"),
    "assistant": ("Assistant", "助手"),
    "corpora": ("Corpora", "语料"),
    "corpus": ("Corpus", "语料"),
    "runs": ("Mining runs", "挖掘记录"),
    "run": ("Run", "编号"),
    "jobs": ("Mining jobs", "挖掘任务"),
    "job": ("Job", "任务"),
    "dialogue": ("Dialogue", "对话"),
    "dialogues": ("Dialogues", "对话"),
    "utterances": ("Utterances", "语句"),
    "turns": ("Turns", "轮次"),
    "actions": ("Dialogue Actions", "对话动作"),
    "action": ("Dialogue Action", "对话动作"),
    "flows": ("TaskFlows", "任务流"),
    "flow": ("TaskFlow", "任务流"),
    "nodes": ("Nodes", "节点"),
    "support": ("Support", "支持数"),
    "exemplars": ("Exemplars", "例句"),
    "versions": ("Published versions", "已发布版本"),
    "draft": ("Draft", "草稿"),
    "not_published": ("Not published", "未发布"),
    "version_number": ("Version {number}", "版本 {number}"),
    "encoder": ("Encoder", "编码器"),
    "finished": ("Finished", "完成时间"),
    "imported": ("First imported", "首次导入"),
    "assigned": ("Assigned", "已归类"),
    "cut": ("Cut by pruning", "剪枝去掉"),
    "seconds": ("Seconds", "秒"),
    "status": ("Status", "状态"),
    "progress": ("Progress", "进度"),
    "attempts": ("Attempts", "尝试次数"),
    "speaker": ("Speaker", "说话人"),
    "text": ("Text", "内容"),
    "turn": ("Turn", "轮"),
    "need": ("Need", "需求"),
    "outcome": ("Outcome", "结果"),
    "satisfaction": ("Satisfaction", "满意度"),
    "started": ("Started", "开始时间"),
    "user": ("Customer", "客户"),
    "agent": ("Agent", "客服"),
    "system": ("System", "系统"),
    "start_of_need": ("Need", "需求"),
    "goes_on_at": ("goes on at “{name}”", "转到“{name}”"),
    "waiting": ("Waiting", "等待中"),
    "running": ("Running", "进行中"),
    "done": ("Done", "完成"),
    "failed": ("Failed", "失败"),
    # overview
    "overview_lede": (
        "What was logged, what was mined from it, and what customers talk to.",
        "记录了什么、从中挖掘出什么、客户正在与什么对话。",
    ),
    "newest_runs": ("Newest mining runs", "最近的挖掘"),
    "newest_jobs": ("Newest mining jobs", "最近的任务"),
    "no_corpora": ("No corpus yet", "还没有语料"),
    "no_corpora_next": (
        "Import logged dialogues first, or let the demo import the sample ones:",
        "请先导入对话记录，或运行演示导入示例对话：",
    ),
    "no_assistants": ("No assistant yet", "还没有助手"),
    "no_assistants_next": ("An assistant is mined from a corpus:", "助手由语料挖掘得到："),
    "no_runs": ("Nothing was mined yet.", "还没有挖掘过。"),
    "no_jobs": ("No mining job was asked for here.", "还没有在这里提交过挖掘任务。"),
    "try_it": ("Try it", "试用"),
    # corpus
    "mine": ("Mine", "开始挖掘"),
    "mine_lede": (
        "This asks for a mining job. The command “taskflow worker” takes it; several workers may run.",
        "这会提交一个挖掘任务，由命令“taskflow worker”领取执行；可同时运行多个。",
    ),
    "mine_into": ("Into the assistant", "存入助手"),
    "mine_hint": ("Its draft is made anew; edits that still fit are kept.", "将重建其草稿；仍适用的修改会保留。"),
    "job_asked": (
        "Job {number} waits. Run “taskflow worker” to have it done, then load this page again.",
        "任务 {number} 已提交。运行“taskflow worker”即可执行，然后刷新本页。",
    ),
    "first_dialogues": ("The first {count} dialogues", "前 {count} 个对话"),
    "masked": ("Personal and order data are masked.", "个人信息与订单信息已隐去。"),
    # assistant
    "assistant_lede_draft": ("The draft, as it would be published now.", "草稿：现在发布就是这个样子。"),
    "assistant_lede_version": ("As it was published; it never changes.", "已发布的版本，不会再变。"),
    "publish_next": (
        "Customers talk to published versions alone. Publish the draft:",
        "客户只与已发布的版本对话。发布草稿：",
    ),
    "no_flows": ("No TaskFlow was found in this corpus.", "这份语料中没有找到任务流。"),
    "flow_lede": (
        "{support} logged dialogues passed through these {nodes} nodes.",
        "{support} 个真实对话经过这 {nodes} 个节点。",
    ),
    "drawing": ("The tree", "流程树"),
    "try_lede": (
        "Customers see this chat on the shop's pages. It begins with the newest published version.",
        "客户在商店页面上看到的就是这个聊天窗口，使用最新发布的版本。",
    ),
    "embed": ("To have it on a page of your own, add this line to the page:", "要放到自己的网页上，加入这一行："),
    "embed_origin": (
        "Name that page's site in the configuration, under [server] allowed_origins.",
        "并在配置文件的 [server] allowed_origins 中写上该网站。",
    ),
    # login and problems
    "login": ("Log in", "登录"),
    "login_lede": (
        "These pages show logged dialogues, so they ask for the developers' token.",
        "这些页面会显示对话记录，需要开发者口令。",
    ),
    "token": ("Developers' token", "开发者口令"),
    "token_hint": (
        "The value of TASKFLOW_DEVELOPER_TOKEN on the server.",
        "即服务器上 TASKFLOW_DEVELOPER_TOKEN 的值。",
    ),
    "token_refused": ("This is not the token of this server.", "口令不正确。"),
    "problem_400": ("This request is malformed", "请求有误"),
    "problem_403": ("Not open to you", "无权访问"),
    "problem_404": ("Not found", "没有找到"),
    "problem_429": ("Too many requests", "请求过多"),
    "problem": ("This did not work", "出错了"),
    # the shop
    "shop_name": ("The Corner Shop", "街角小店"),
    "shop_demo": (
        "A demo: the shop, its orders and its customers are invented.",
        "演示页面：商店、订单与顾客均为虚构。",
    ),
    "my_orders": ("My orders", "我的订单"),
    "shop_lede": (
        "Something wrong with an order? Ask in the chat at the corner of this page.",
        "订单有问题？点击页面角落的聊天按钮，直接问我们。",
    ),
    "order_number": ("Order {number}", "订单 {number}"),
    "ordered_on": ("Ordered {date}", "{date}下单"),
    "ask": ("Things to ask", "可以这样问"),
    "shop_closed": ("The chat is not open yet", "聊天尚未开放"),
    "shop_closed_next": (
        "It needs the published assistant “{assistant}”. “taskflow demo” makes it, or these commands do:",
        "需要先发布助手“{assistant}”。运行“taskflow demo”，或依次运行：",
    ),
    "status_processing": ("Being packed", "备货中"),
    "status_shipped": ("On its way", "运输中"),
    "status_lost": ("Late", "延误"),
    "status_delivered": ("Delivered", "已送达"),
    "status_returned": ("Returned", "已退货"),
    "status_on_hold": ("Needs attention", "待处理"),
}


class Words:
    """The phrases in one language."""

    def __init__(self, language: Language) -> None:
        self.language = language
        self._place = LANGUAGES.index(language)

    def __call__(self, key: str, **values: object) -> str:
        return PHRASES[key][self._place].format(**values)


def chosen_language() -> Language:
    """What ?lang= asks for, else what it asked for before, else what the browser prefers."""
    for asked in (request.args.get("lang"), request.cookies.get(_COOKIE)):
        if asked in LANGUAGES:
            return "zh" if asked == "zh" else "en"
    return "zh" if request.accept_languages.best_match(LANGUAGES, default="en") == "zh" else "en"


def remember_language(response: Response) -> Response:
    asked = request.args.get("lang")
    if asked in LANGUAGES and not request.path.startswith("/api/"):
        response.set_cookie(_COOKIE, asked, max_age=_YEAR, httponly=True, samesite="Lax")
    return response
