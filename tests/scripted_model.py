"""What a helpful, sometimes faulty model would say to this project's own prompts: the script behind `llm_server.py`.

Everything follows from the text of the question by its hash, so any two runs hear the same words. About one answer in
twelve has a known fault (a refusal, another language, another result, an invention), so that every gate has work.
"""

# ruff: noqa: E501  # a table of words

from __future__ import annotations

import hashlib
import json
import random
import re

LANGUAGES = {"English": "en", "Japanese": "ja", "Chinese": "zh"}
TASKS = {
    "en": [
        ["Describe", "Explain", "Plan", "Compare two ways of", "Write a letter about", "List three facts on",
         "Tell a child about", "Give advice on", "Invent a riddle about", "Argue for and against"],
        ["mending a wooden boat", "growing herbs on a windowsill", "a night train to the coast", "keeping old maps",
         "the sound of the first snow", "sharing a kitchen", "learning the cello late in life", "a market at dawn",
         "restoring a stone wall", "writing by hand", "a lighthouse without a keeper", "baking for fifty guests"],
        ["in two short paragraphs", "for somebody in a hurry", "as if to an old friend", "with one concrete example",
         "without any technical term", "in the tone of a newspaper", "for a school magazine", "in five sentences"],
    ],
    "ja": [
        ["手順を説明してください", "短い文章を書いてください", "二つの例を挙げてください", "友人に勧める手紙を書いて",
         "長所と短所を比べてください", "子ども向けに話してください", "計画を立ててください", "なぞなぞを作って"],
        ["木の舟の修理", "窓辺で育てる香草", "海辺へ向かう夜行列車", "古い地図の保存", "初雪の朝の静けさ", "台所の共同利用",
         "大人になってからのチェロ", "夜明けの市場", "石垣の積み直し", "手書きの日記", "無人の灯台", "五十人分の料理"],
        ["二段落で", "急いでいる人のために", "旧友に語るように", "具体例を一つ添えて", "専門用語を使わずに", "新聞の調子で",
         "学校の冊子のために", "五文で"],
    ],
    "zh": [
        ["请说明步骤", "写一小段文字", "举两个例子", "给朋友写一封推荐信", "比较优点和缺点", "讲给孩子听", "制定一个计划",
         "编一个谜语"],
        ["修理木船", "在窗台上种香草", "开往海边的夜车", "保存旧地图", "初雪清晨的安静", "合用厨房", "成年以后学大提琴",
         "黎明的集市", "重砌石墙", "手写日记", "无人看守的灯塔", "为五十位客人做饭"],
        ["用两段话", "写给赶时间的人", "像对老朋友说话一样", "附上一个具体例子", "不用专业术语", "用报纸的口吻",
         "为校刊而写", "用五句话"],
    ],
}  # fmt: skip
ANSWERS = {
    "en": ["Start with what you have at hand, and the rest will follow.", "Patience matters more than any tool here.",
           "The neighbours came by, looked, and stayed until evening.", "Nobody remembers it the same way twice.",
           "It takes an hour, or a whole winter, if you listen closely.", "In the end the harbour was quiet again."],
    "ja": ["まず手元にあるものから始めれば、あとは自然に続きます。", "ここでは道具よりも根気がものを言います。",
           "近所の人が立ち寄り、夕方まで話し込みました。", "同じように覚えている人は二人といません。",
           "耳を澄ませば、一時間が一冬にも感じられます。", "やがて港はまた静かになりました。"],
    "zh": ["先从手边的东西开始，其余的自然会跟上。", "在这件事上，耐心比工具更要紧。", "邻居们过来看看，一直待到傍晚。",
           "没有两个人记得一模一样。", "仔细听的话，一个小时也像一个冬天。", "最后，港口又安静下来了。"],
}  # fmt: skip
REFUSALS = {
    "en": "I'm sorry, but I can't help with that request.",
    "ja": "申し訳ありませんが、そのご質問にはお答えできません。",
    "zh": "很抱歉，我无法回答这个问题。",
}
EXAM = {
    "en": ("{n}. Hana counts the pears in her garden and writes the number down. What is it?", "Add it up.\nThe answer is {r}"),
    "ja": ("{n}番。花子さんは庭の梨を数えて書きとめました。いくつですか。", "順に足していきます。\n答えは{r}"),
    "zh": ("第{n}题。小花数了院子里的梨并记下来，一共有几个？", "依次相加。\n答案是{r}"),
}  # fmt: skip


def language_of(text: str) -> str:
    if re.search(r"[\u3041-\u30fa]", text):
        return "ja"
    return "zh" if re.search(r"[\u4e00-\u9fff]", text) else "en"


def task(rng: random.Random, lang: str) -> str:
    verb, thing, manner = (rng.choice(words) for words in TASKS[lang])
    return {
        "en": f"{verb} {thing}, {manner}.",
        "ja": f"{thing}について、{manner}{verb}。",
        "zh": f"{verb}：{thing}，{manner}。",
    }[lang]


def answer(rng: random.Random, lang: str) -> str:
    fault = rng.randrange(48)
    if fault == 0:
        return REFUSALS[lang]
    if fault == 1:
        lang = {"en": "ja", "ja": "zh", "zh": "en"}[lang]
    lines = rng.sample(ANSWERS[lang], rng.randint(2, 4))
    return (" " if lang == "en" else "").join(lines)


def reply(text: str, required: list[str], number: object, raw: bool) -> str:
    """The model's words to `text`; `required` are the keys of the JSON that is asked for, `number` tells samples apart."""
    digest = hashlib.sha256(f"{text} {number if raw or 'tasks' in required else ''}".encode()).hexdigest()
    rng = random.Random(digest)
    named = re.search(r"\b(?:in|with|of|of people who speak) (English|Japanese|Chinese)\b", text)
    lang = LANGUAGES[named[1]] if named else language_of(text)
    if raw:
        return task(rng, rng.choice(sorted(TASKS)))
    if "tasks" in required:
        tasks = [{"aim": "somebody asked for it", "task": task(rng, lang)} for _ in range(4)]
        return json.dumps({"tasks": tasks}, ensure_ascii=False)
    if "intent" in required:
        given = re.search(r"<\S+ \w{8}>\n(.*?)\n</", text, re.DOTALL)
        said = {"intent": "help", "language": language_of(given[1] if given else text),
                "quality": 2 if rng.randrange(16) == 0 else 4, "difficulty": rng.randint(1, 5)}  # fmt: skip
    elif "reasoning" in required:
        result = re.search(r"(?:Result|答え|结果)[:：]\s*(.*)", text)[1]
        wrong = rng.randrange(12) == 0
        question, steps = EXAM[lang]
        found = "999" if wrong else result
        said = {"instruction": question.format(n=rng.randrange(10**6)), "answer": result, "changes": ["names and places"],
                "reasoning": steps.format(r=found)}  # fmt: skip
    elif "hallucination" in required:
        bad = rng.randrange(12) == 0
        said = {"hallucination": ["the number of pears"] if bad else [], "contradiction": False, "valid": True,
                "score": 3 if bad else 4, "why": "one claim has no ground" if bad else "does what is asked"}  # fmt: skip
    elif "faults" in required:
        bad = rng.randrange(16) == 0
        said = {"faults": ["no_focus"] if bad else [], "why": "two things at once" if bad else "clear"}
    elif "native" in required:
        said = {"correct": 5, "fit": 4, "native": 3 if rng.randrange(16) == 0 else 5, "why": "the second sentence"}
    elif "prime" in required:  # what `in2x plan --check` asks
        said = {"prime": True}
    elif "instruction" in required:
        said = {"instruction": task(rng, lang)}
        if "answer" in required:
            said["answer"] = answer(rng, lang)
        if "plan" in required:
            said["plan"] = "who comes, and what turns"
        if "changes" in required:
            said["changes"] = [{"what": "the greeting", "why": "letters open with the season"}]
    else:
        return answer(rng, lang)
    return json.dumps(said, ensure_ascii=False)
