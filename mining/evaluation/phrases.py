"""What the report says, in English and Chinese."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

Language = Literal["en", "zh"]
LANGUAGES: tuple[Language, ...] = ("en", "zh")

PHRASES: Mapping[str, tuple[str, str]] = {
    "title": ("How good is “{name}”?", "“{name}”的效果如何？"),
    "lede": (
        "{actions} Dialogue Actions and {flows} TaskFlows, looked at beside {dialogues} logged dialogues.",
        "{actions} 个对话动作、{flows} 条任务流，与 {dialogues} 段对话记录对照。",
    ),
    "contents": ("On this page", "本页内容"),
    "brief": ("In short", "概要"),
    "user": ("Customer", "客户"),
    "agent": ("Agent", "客服"),
    "system": ("System", "系统"),
    "need": ("Need", "需求"),
    "all": ("All", "全部"),
    "left_out": ("left out", "未归类"),
    # in short
    "brief_actions_user": (
        "of the labelled customer turns are in the action that stands for their label ({clusters} actions found, "
        "{labels} labels in the log)",
        "的客户话轮落在与其标注一一对应的动作里（发现 {clusters} 个动作，日志有 {labels} 个标注）",
    ),
    "brief_actions_agent": (
        "of the labelled agent turns are in the action that stands for their label ({clusters} actions found, "
        "{labels} labels in the log)",
        "的客服话轮落在与其标注一一对应的动作里（发现 {clusters} 个动作，日志有 {labels} 个标注）",
    ),
    "brief_needs": (
        "of the dialogues are in the TaskFlow that stands for their need ({clusters} found, {labels} in the log)",
        "的对话落在与其需求对应的任务流里（发现 {clusters} 条，日志有 {labels} 种需求）",
    ),
    "brief_edges": (
        "F1 of the mined steps against the gold flows’ steps, actions aligned one to one, mean over {needs} needs",
        "是挖出的步骤与标准流程步骤相比的 F1（动作一一对应，{needs} 种需求取平均）",
    ),
    "brief_paths": (
        "of the dialogues, as their labels tell them, are a path of their TaskFlow from its start to an end",
        "的对话（按标注）从头到尾就是其任务流的一条路径",
    ),
    "brief_hit": (
        "of the agent’s next actions are foretold at the first guess, {three} within three guesses",
        "的客服下一步动作第一次就猜中，三次之内猜中 {three}",
    ),
    "brief_distance": (
        "of a dialogue’s steps, on average, would have to be edited to make it a path of a TaskFlow; {whole} of the "
        "dialogues need no edit",
        "的步骤平均要改动，对话才成为任务流的一条路径；{whole} 的对话无需改动",
    ),
    "brief_size": (
        "nodes in all: {per} for every 100 dialogues, at most {depth} steps deep",
        "个节点：每 100 段对话 {per} 个，最深 {depth} 步",
    ),
    "on_held": ("Replayed on dialogues that were not mined.", "回放所用的对话没有参与挖掘。"),
    "on_own": (
        "Replayed on the very dialogues that were mined: this says how well the flows sum them up, not how well they "
        "foretell others.",
        "回放所用的正是参与挖掘的对话：它说明任务流概括得如何，不说明预测新对话的能力。",
    ),
    # actions
    "actions": ("What is said: Dialogue Actions", "说了什么：对话动作"),
    "actions_note": (
        "Left-out turns count as one cluster of their own in every score.",
        "未归类的话轮在每项得分里都算作单独的一类。",
    ),
    "no_labels": (
        "The log labels no turn, so the actions cannot be scored; the map shows them.",
        "日志没有话轮标注，无法给动作打分；下图只作展示。",
    ),
    "score": ("Score", "指标"),
    "meaning": ("What it says", "含义"),
    "clusters": ("groups found", "发现的类数"),
    "labels": ("names that the log knows", "日志里的名称数"),
    "items": ("labelled turns or dialogues", "有标注的话轮或对话数"),
    "ACC": ("agree when groups and labels are paired one to one", "类与标注一一配对后相符的比例"),
    "NMI": ("information that groups and labels share", "类与标注的归一化互信息"),
    "ARI": ("pairs on which groups and labels agree, beyond chance", "成对一致的程度（扣除偶然）"),
    "V": ("V-measure: groups are pure, labels are whole", "V 度量：类是否纯、标注是否完整"),
    "P": ("turns whose label is the commonest of their group", "标注是本类最常见者的比例"),
    "R": ("turns whose group is the commonest of their label", "类是本标注最常见者的比例"),
    "F1": ("P and R in one number", "P 与 R 的调和平均"),
    "example_coverage": ("turns whose label some group stands for", "标注有类代表的比例"),
    "left_out_share": ("turns that were left out", "未归类的比例"),
    "map": ("Map of the {speaker}’s actions", "{speaker}的动作地图"),
    "map_note": (
        "Each small dot is a wording, each ring an action, larger the more often it is said. What lies together means "
        "alike to the encoder; distances far apart say little. Point at a dot to read it.",
        "小点是一种说法，圆圈是一个动作，说得越多圆越大。靠在一起的意思相近；相隔很远时距离没有意义。指向小点可看原话。",
    ),
    "map_hidden": ("{number} smaller actions are not drawn.", "另有 {number} 个较小的动作没有画出。"),
    "needs": ("Why customers come: needs", "客户为何而来：需求"),
    # trees
    "flows": ("What happens: TaskFlows", "怎么办理：任务流"),
    "flows_note": (
        "Read from above: a step follows the one above it, and is indented where the flow branches. A line is as wide "
        "as the share of dialogues that went there; the number behind a step counts them. Dashed steps go on "
        "elsewhere.",
        "自上而下阅读：下一步接在上一步之后，分支处向右缩进。线越粗，走到那里的对话越多；步骤后的数字是对话数。虚线表示转到别处继续。",
    ),
    "flow_size": (
        "{support} dialogues, {nodes} nodes of {actions} actions, {jumps} jumps, {depth} steps deep, "
        "{branching} children on average",
        "{support} 段对话，{nodes} 个节点，{actions} 个动作，{jumps} 处跳转，深 {depth} 步，平均分支 {branching}",
    ),
    "flow_hidden": (
        "{number} nodes, the least supported, are not drawn; +n behind a step says how many are below it.",
        "支持数最少的 {number} 个节点没有画出；步骤后的 +n 表示其下还有多少。",
    ),
    "goes_on": ("goes on at step {number}", "转到第 {number} 步"),
    "goes_on_hidden": ("goes on at a step that is not drawn", "转到未画出的步骤"),
    "partings": ("Where the outcome tells", "结果不同，走向不同"),
    "partings_note": (
        "“Where the outcome tells” lists steps after which the dialogues of one outcome go other ways than the rest, "
        "beyond chance: {found} of {compared} comparisons in all TaskFlows (chi-square or Fisher’s exact test, 5 % for "
        "all together by Holm’s correction).",
        "在这些步骤之后，某种结果的对话与其他对话走向不同，且非偶然：全部任务流共比较 {compared} 次，{found} 次有差异"
        "（卡方检验或 Fisher 精确检验，经 Holm 校正，总体显著性水平 5%）。",
    ),
    "parting": ("After “{name}”, when the dialogue ends as “{outcome}”", "“{name}”之后，对话以“{outcome}”结束时"),
    "parting_satisfied": ("After “{name}”, when the customer is satisfied", "“{name}”之后，客户满意时"),
    "parting_branch": ("go on with “{name}”, else {otherwise}", "接着是“{name}”，其他对话为 {otherwise}"),
    "no_flows": ("There is no TaskFlow to draw.", "没有可画的任务流。"),
    # gold
    "gold": ("Beside the gold flows", "与标准流程对照"),
    "gold_note": (
        "Mined actions are paired with gold ones one to one, and, in brackets, by majority, where several actions may "
        "stand for one. Steps that the gold flow does not speak of are passed over; “visited” counts only the gold "
        "steps that the log passes at all.",
        "挖出的动作与标准动作一一配对；括号内按多数配对（多个动作可对应同一个）。标准流程没有提到的步骤略过不计；“出现过的”只计日志里真正出现的标准步骤。",
    ),
    "edge_precision": ("steps that are gold", "步骤正确率"),
    "edge_recall": ("gold steps found", "步骤召回率"),
    "edge_F1": ("F1", "F1"),
    "edge_F1_visited": ("F1, visited", "F1（出现过的）"),
    "path_recall": ("whole dialogues that are a path", "整段对话是一条路径"),
    "branch_accuracy": ("branches taken as labelled", "分支选择与标注相符"),
    "passed_over": ("nodes passed over", "略过的节点"),
    "mean": ("Mean", "平均"),
    # replay
    "replay": ("How well dialogues are foretold", "对话预测得如何"),
    "outcome": ("Outcome of the dialogue", "对话结果"),
    "dialogues": ("dialogues", "对话数"),
    "hit_1": ("next agent action at the first guess", "下一步动作一次猜中"),
    "hit_3": ("… within three guesses", "……三次之内猜中"),
    "on_the_flows": ("known steps that follow a flow", "沿任务流的已知步骤"),
    "covered_to_depth_5": ("dialogues whose first five steps follow", "前五步都沿任务流的对话"),
    "steps_known": ("steps of a known action", "动作已知的步骤"),
    "without_edit": ("dialogues that are a path as they are", "无需改动的对话"),
    "edit_distance": ("steps to edit, on average", "平均需改动的步骤"),
    "edit_distance_of_known": ("… among known steps", "……仅计已知步骤"),
    # coverage
    "coverage": ("Coverage against size", "覆盖率与规模"),
    "coverage_note": (
        "The flows are cut from the least supported node upward; the curve says which share of the dialogues’ steps is "
        "still on them.",
        "从支持数最少的节点开始剪；曲线表示仍在任务流上的步骤比例。",
    ),
    "coverage_all": ("All TaskFlows together", "全部任务流合计"),
    "coverage_each": ("Each TaskFlow over its own dialogues", "各任务流对自己的对话"),
    "coverage_half": ("half of its {nodes} nodes keep {half} of that", "{nodes} 个节点留一半仍保有其中的 {half}"),
    "axis_nodes": ("nodes kept", "保留的节点数"),
    "axis_share": ("steps on the flow", "在任务流上的步骤"),
    # confusions
    "confusions": ("Where to look first: the worst confusions", "先看哪里：最严重的混淆"),
    "mixed": ("Actions that mix labels", "混入多种标注的动作"),
    "mixed_note": ("Split these, or check the labels.", "可拆分，或检查标注。"),
    "split": ("Labels that are split over actions", "被拆到多个动作的标注"),
    "split_note": ("Merge these actions, where they do the same.", "若作用相同，可合并。"),
    "astray": ("{astray} of {turns} turns astray", "{turns} 个话轮中 {astray} 个不在主类"),
    "further": ("and {number} more", "另有 {number} 个"),
    "none_confused": (
        "None: every action has one label, every label one action.",
        "没有：每个动作一种标注，每种标注一个动作。",
    ),
    # hollow
    "hollow": ("Numbers that say little", "参考价值不大的数字"),
    "hollow_note": (
        "Published tools report these, so they stand here for comparison. A graph of meaningless clusters can have the "
        "gold size, and a single cluster covers every transition: read them only beside the figures above.",
        "已发表的工具会报告这些数字，列出仅供比较。毫无意义的聚类也能得到与标准相同的规模，只有一个类时覆盖率为满分：只能与上面的指标一起看。",
    ),
    "graph_size_difference": ("difference in graph size", "图规模差异"),
    "transition_coverage": ("transitions covered", "转移覆盖率"),
    "footer": (
        "Made by taskflow evaluate. The page holds everything itself and loads nothing from elsewhere.",
        "由 taskflow evaluate 生成。本页自带全部内容，不从别处加载。",
    ),
}


def phrases(language: Language) -> Mapping[str, str]:
    return {key: texts[LANGUAGES.index(language)] for key, texts in PHRASES.items()}
