"""Honorific forms in Japanese: 尊敬語 (raises the other), 謙譲語 (lowers oneself), by construction and verb lemma.

The rules are those of any grammar of Japanese: special verbs, お/ご + verb + になる・なさる・くださる・です,
お/ご + verb + する・いたす・申し上げる・いただく, 〜ていただく, and words that name the other's or one's own side.
Fixed greetings (ありがとうございます, お願いします) are polite, not honorific.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache
from typing import Literal, NamedTuple

from in2x.language.japanese.morphology import Token, tokenise

Kind = Literal["sonkei", "kenjou", "teichou"]


class Keigo(NamedTuple):
    """One honorific form."""

    kind: Kind
    """sonkei 尊敬語, kenjou 謙譲語 (a form that honours whom the act is for), teichou 丁重語 (ございます, おります)."""
    start: int
    end: int
    rule: str
    """The form in citation shape, for example お〜になる."""
    strong: bool
    """A verb form of keigo; False for a noun (お名前, 貴社), which other registers use too."""


_SONKEI_VERBS = {
    "いらっしゃる", "仰る", "為さる", "召し上がる", "下さる", "御覧", "召す", "思し召す", "遊ばす", "賜わる",
    "仰せ", "みそなわす", "為される", "てらっしゃる",
}  # fmt: skip
_KENJOU_VERBS = {
    "申す", "申し上げる", "伺う", "差し上げる", "存じ上げる", "存ずる", "承る", "頂く", "拝見", "拝借",
    "拝聴", "拝読", "拝受", "拝察", "拝謁", "頂戴", "畏まる", "参上", "進呈", "謹呈", "お目に掛かる", "仕る",
    "奉る", "致す", "参る", "願う",
}  # fmt: skip
_SONKEI_NOUNS = {
    "貴社", "貴殿", "貴店", "貴校", "貴行", "貴誌", "貴国", "貴兄", "貴君", "御社", "御中", "令嬢", "令息",
    "尊父", "母堂", "高覧", "高著", "芳名", "尊顔", "高配", "厚情", "高説", "来駕", "令夫人", "陛下", "殿下",
    "閣下",
}  # fmt: skip
_KENJOU_NOUNS = {
    "弊社", "小社", "拙宅", "拙著", "拙者", "愚息", "愚妻", "愚見", "愚考", "粗品", "粗茶", "小生", "弊店",
    "弊校", "寸志", "私ども", "手前ども",
}  # fmt: skip
_GREETING_HEADS = {"有り難う", "有り難い", "めでたい", "御早う", "早い", "目出度い", "御目出度う"}
_BEAUTIFIED = {
    "金", "茶", "酒", "店", "水", "菓子", "礼", "祝い", "客", "世話", "願い", "別れ", "寺", "墓", "布施", "飯",
    "馳走", "手玉", "天気", "風呂", "皿", "米", "正月", "盆", "祭り", "昼", "弁当", "土産", "互い", "陰", "蔭",
    "喋り", "辞儀", "洒落", "腹", "湯", "箸", "餅", "寿司", "肉", "魚", "野菜", "手洗い", "財布", "守り", "参り",
    "中元", "歳暮", "年玉", "小遣い", "月様", "星様", "日様", "花見", "札", "釣り", "節介", "化け", "城", "経",
    "賽銭", "御籤", "祓い", "膳", "椀", "鍋", "汁", "新香", "冷や", "燗", "つまみ", "昼寝", "人形", "祈り", "彼岸",
    "座敷", "話", "電話", "元気", "台所", "障子", "仏間", "隣", "尻", "宝", "伽噺", "化粧", "料理", "酌", "裾分け",
    "産", "留守", "手", "近所", "馴染み", "父", "母", "兄", "姉", "爺", "婆", "嬢", "坊", "孫", "嫁", "婿", "供",
    "巡り", "使い", "多福", "先", "手数", "邪魔", "愛想", "足",
}  # fmt: skip
"""美化語: お and ご that only make speech gentler and raise nobody."""
NOT_RAISED = {"世話", "馳走", "ごちそう", "陰", "釣り", "気", "蔵", "邪魔"}
"""お世話になる, ご馳走になる: the speaker is the subject."""
_FIXED = {"願い", "願う", "邪魔", "辞儀", "構い", "構う"}
_OWN_SIDE = {"見苦しい", "聞き苦しい", "恥ずかしい", "粗末"}
"""お見苦しい, お恥ずかしい: what one's own side shows."""
_OWN_ACTS = {
    "散歩", "買い物", "留守", "泊まる", "出掛ける", "引っ越し", "引っ越す", "遊ぶ", "休む", "昼寝", "着替える",
    "着替え", "勉強", "洗濯", "掃除", "食事", "仕事", "稽古", "絵描き", "片付け", "片付ける", "寝坊", "喧嘩", "洒落",
    "祭り", "漏らし", "代わり", "習い事", "花見", "入浴", "料理", "祈り", "遊び", "化粧", "別れ", "体操",
    "踊り", "支度",
    "洗い物", "見合い", "編み物", "裁縫", "歯磨き", "宿題", "喋り",
}  # fmt: skip
"""お散歩する, お出かけする: done for nobody, so お only makes speech gentler."""
_STATES = {
    "急ぎ", "帰り", "探し", "待ち", "持ち", "困り", "疲れ", "済み", "決まり", "悩み", "休み", "住まい", "求め",
    "出かけ", "泊まり", "揃い", "呼び", "勤め", "忘れ", "迷い", "気づき", "目覚め", "着き", "戻り", "入り用",
}  # fmt: skip
"""Nouns from verbs that お〜です says of the other (お急ぎですか)."""
_NO_ONES = {"可哀相", "可哀想"}
_THINGS = {"暑い", "寒い", "熱い", "高い", "安い", "美味しい", "得", "いい", "良い"}
"""Adjectives that are said of weather and goods, not of the other."""


DEVERBAL = re.compile(r"[一-龥][いきぎしちにびみりえけげせてねべめれ]$|^(?:知らせ|手伝い|調べ|届け|見せ|答え)$")
"""A noun made from a verb: 手伝い, 届け."""


def _verb_like(token: Token) -> bool:
    return token.pos == "動詞" and token.cform.startswith("連用形")


def _stated(tokens: Sequence[Token], i: int) -> bool:
    """Whether ます, not the ませ of a request (くださいませ), stands at `i`."""
    if i >= len(tokens) or tokens[i].ctype != "助動詞-マス":
        return False
    return (tokens[i].cform != "命令形" and tokens[i].surface not in ("まし", "ませ")) or _lemma(tokens, i + 1) in (
        "た",
        "て",
        "ず",
    )


@lru_cache(maxsize=8192)
def keigo(text: str) -> tuple[Keigo, ...]:
    """The honorific forms of `text`, in order."""
    return tuple(_scan(tokenise(text)))


def _scan(tokens: Sequence[Token]) -> list[Keigo]:
    found: list[Keigo] = []
    skip_to = 0
    for i, token in enumerate(tokens):
        if i < skip_to:
            continue
        hit = _prefixed(tokens, i) if _is_prefix(tokens, i) else _single(tokens, i)
        if hit is None:
            continue
        kind, length, rule, strong = hit
        last = tokens[i + length - 1]
        found.append(Keigo(kind, token.start, last.end, rule, strong))
        skip_to = i + length
    return found


_Hit = tuple[Kind, int, str, bool]


def _is_prefix(tokens: Sequence[Token], i: int) -> bool:
    """お or ご before a word; the tagger takes some for an interjection (お広めになる)."""
    token = tokens[i]
    if token.pos == "接頭辞" and token.lemma == "御":
        return True
    return token.surface in ("お", "ご") and token.pos == "感動詞" and _lemma(tokens, i + 3) == "成る"


def _lemma(tokens: Sequence[Token], i: int) -> str:
    return tokens[i].lemma if 0 <= i < len(tokens) else ""


def _prefixed(tokens: Sequence[Token], i: int) -> _Hit | None:
    """Constructions that start with お or ご; how many tokens they take."""
    j = i + 1
    if j >= len(tokens):
        return None
    head = tokens[j]
    # お聞かせ, お知らせ, ご一緒: verb stem with causative, or noun
    body = (
        _verb_like(head)
        or head.pos in ("名詞", "形状詞", "形容詞", "接頭辞", "副詞")
        or head.cform.startswith("未然形")
    )
    if not body:
        return None
    k = j + 1
    while k < len(tokens) and (
        (tokens[k].lemma in ("せる", "させる") and tokens[k].pos == "助動詞")
        or (tokens[k].pos == "名詞" and head.pos in ("名詞", "接頭辞"))
        or (tokens[k].pos == "動詞" and _verb_like(tokens[k]) and _verb_like(head) and tokens[k].pos2 == "一般")
    ):
        k += 1
    nxt = _lemma(tokens, k)
    shown = head.surface
    if (
        (nxt == "に" or (k < len(tokens) and tokens[k].surface == "に"))
        and _lemma(tokens, k + 1) in ("成る", "為さる")
        and head.lemma not in NOT_RAISED
    ):
        return "sonkei", k + 2 - i, "お〜になる", True
    if shown == "気" and nxt == "に" and _lemma(tokens, k + 1) == "召す":
        return "sonkei", k + 2 - i, "お気に召す", True
    if shown == "口" and nxt == "に" and _lemma(tokens, k + 1) == "合う":
        return "sonkei", k + 2 - i, "お口に合う", True
    if nxt == "に" and _lemma(tokens, k + 1) in ("上がる", "参る", "伺う") and DEVERBAL.search(shown):
        return "kenjou", k + 2 - i, "お〜に上がる", True
    if shown == "役" and nxt == "に" and _lemma(tokens, k + 1) in ("立つ", "立てる"):
        return "kenjou", k + 2 - i, "お役に立つ", True
    if nxt == "為さる" and tokens[k].surface == "なさい" and tokens[k].cform == "命令形":
        return "sonkei", k + 1 - i, "お〜なさい", False  # a greeting or an order
    if nxt in ("為さる", "遊ばす"):
        return "sonkei", k + 1 - i, "お〜なさる", True
    if nxt == "下さる":
        return "sonkei", k + 1 - i, "お〜くださる", True
    if head.lemma == "目" and nxt == "に" and _lemma(tokens, k + 1) in ("掛かる", "掛ける"):
        return "kenjou", k + 2 - i, "お目にかかる", True
    if nxt in ("致す", "申し上げる", "頂く", "願う", "申す"):
        fixed = shown in _FIXED and nxt == "願う"
        return "kenjou", k + 1 - i, f"お〜{tokens[k].base}", not fixed
    if head.ctype == "サ行変格" and head.lemma == "供する":  # お供する
        return "kenjou", 2, "お〜する", True
    if nxt == "為る" and _lemma(tokens, k + 1) == "れる":
        return "sonkei", k + 2 - i, "お〜される", True
    rule = _humble(tokens, head, k)
    if rule:
        return None if {head.lemma, shown} & (_FIXED | _OWN_ACTS) else ("kenjou", k + 1 - i, rule, True)
    holder = nxt == "の" and _lemma(tokens, k + 1) in ("方", "様", "客", "皆", "御")  # お持ちの方
    stated = k < len(tokens) and tokens[k].ctype in ("助動詞-デス", "助動詞-ダ")
    if _verb_like(head) and (holder or stated):
        return "sonkei", k - i, "お〜です", True
    if shown in _STATES and head.pos == "名詞" and stated:
        return "sonkei", k - i, "お＋名詞です", True
    if head.lemma in _SONKEI_VERBS or head.lemma in ("存知", "存ずる"):
        return "sonkei", k - i, "ご" + shown, True
    if head.pos == "形容詞" and stated and head.lemma not in _OWN_SIDE | _GREETING_HEADS | _THINGS:
        return "sonkei", k - i, "お＋形容詞です", True
    if head.pos in ("形状詞", "形容詞") and head.lemma not in _GREETING_HEADS | _NO_ONES | _BEAUTIFIED:
        return "kenjou" if head.lemma in _OWN_SIDE else "sonkei", 2, "お/ご＋形容詞", False
    if head.pos == "名詞" and head.pos2 != "固有名詞" and head.surface not in _BEAUTIFIED:
        return "sonkei", 2, "お/ご＋名詞", False
    return None


def _humble(tokens: Sequence[Token], head: Token, k: int) -> str:
    """The rule by which お and `head` with the verb at `k` make お〜する; "" where they do not."""
    verb = _lemma(tokens, k)
    caused = head.cform.startswith("未然形") and tokens[k - 1].lemma == "せる"  # お待たせする
    if verb == "為る" and (_verb_like(head) or caused or head.pos3 in ("サ変可能", "サ変形状詞可能")):
        return "お〜する"
    if verb == "出来る" and _verb_like(head):  # お会いできる; ご利用できる is not humble
        return "お〜できる"
    if head.pos != "名詞" or not DEVERBAL.search(head.surface) or head.surface in _BEAUTIFIED:
        return ""
    if verb == "出来る":
        return "お〜できる"
    return "お＋名詞する" if verb == "為る" and _stated(tokens, k + 1) else ""


_HONORIFIC_IF_RERU = {
    "行く", "帰る", "返る", "戻る", "成る", "亡くなる", "過ごす", "座る", "暮らす", "立ち寄る", "出掛ける", "退く",
    "上がる", "通う", "休む", "関わる", "思う", "済む", "登る", "向かう", "残る", "勤しむ", "籠もる", "励む", "悩む",
    "控える", "備える", "病む", "泊まる", "勤める", "努める", "働く", "移る", "急ぐ", "歩む", "旅立つ", "携わる",
}  # fmt: skip
"""Verbs that are hardly ever passive, and whose potential has another form: れる raises the subject."""
_ACTS_WITHOUT_OBJECT = {
    "転身", "転職", "就職", "就任", "辞任", "退任", "退職", "引退", "入社", "入学", "入院", "退院", "入選",
    "当選", "入賞", "卒業", "合格", "成功", "活躍", "出席", "欠席", "参加", "参列", "出演", "登場", "出発",
    "到着", "上京", "来日", "来店", "帰国", "帰宅", "外出", "旅行", "滞在", "宿泊", "結婚", "離婚", "再婚",
    "他界", "逝去", "死去", "苦労", "努力", "尽力", "専念", "熱中", "賛成", "納得",
    "感動", "安心", "満足", "生活", "留学", "昇進", "独立", "成長",
}  # fmt: skip
"""する-verbs without an object: される can hardly be passive."""
_ADVERSATIVE = {
    "盗む", "取る", "奪う", "叱る", "見る", "踏む", "壊す", "言う", "呼ぶ", "殴る", "打つ", "刺す", "騙す", "笑う",
    "褒める", "頼む", "荒らす", "噛む", "知る", "聞く", "断る", "読む",
}  # fmt: skip
"""Verbs whose passive keeps an object (財布を盗まれる): を before them says nothing."""

_PERSONS = {"様", "方", "先生", "社長", "さん", "貴方", "会長", "部長", "課長", "教授", "陛下", "殿下", "閣下", "客"}
_ACTS_OF_PERSONS = {
    "来る", "話す", "書く", "飲む", "食べる", "述べる", "語る", "歌う", "着く", "起きる", "寝る", "走る",
    "歩く", "泳ぐ",
    "始める", "続ける", "お話し", "到着", "見える", "入る", "立つ", "乗る", "降りる", "住む",
}  # fmt: skip
"""Verbs whose passive has a thing for its subject, or none: れる behind a person raises."""


def _reru(tokens: Sequence[Token], i: int) -> _Hit | None:
    """れる・られる as an honorific: the verb at `i` is followed by it.

    Passive and honorific look alike. Taken for honorific: verbs that have no passive; an object in を (a passive has
    made it the subject); and する-verbs asked or reported about somebody, unless an agent in に stands before them.
    """
    verb = tokens[i]
    if verb.lemma == "成す":
        return "sonkei", 2, "なされる", True
    if verb.lemma in _HONORIFIC_IF_RERU:
        return "sonkei", 2, "〜れる", True
    head = i - 1 if verb.lemma == "為る" and i and tokens[i - 1].pos == "名詞" else i
    if head < i and tokens[head].lemma in _ACTS_WITHOUT_OBJECT:
        return "sonkei", 2, "〜される", True
    before = tokens[head - 1] if head else None
    if before is None or verb.lemma in _ADVERSATIVE:
        return None
    if before.surface == "を":
        return "sonkei", 2, "〜れる", False
    clause: list[Token] = []
    for token in reversed(tokens[:head]):
        if token.pos == "補助記号":
            break
        clause.append(token)
    agent = any(token.surface in ("に", "から", "で") and token.pos2 == "格助詞" for token in clause)
    told = any(token.lemma in _PERSONS for token in tokens[:head])
    asked = any(token.lemma in ("か", "そう-様態", "そう-伝聞", "そう") for token in tokens[i + 2 : i + 7])
    subject = any(
        a.lemma in _PERSONS and b.surface in ("が", "は", "も") for a, b in zip(clause[1:], clause, strict=False)
    )
    if subject and verb.lemma in _ACTS_OF_PERSONS:
        return "sonkei", 2, "〜れる", True
    if not agent and (told or (asked and verb.lemma == "為る")):
        return "sonkei", 2, "〜れる", False
    return None


def _single(tokens: Sequence[Token], i: int) -> _Hit | None:
    token = tokens[i]
    lemma = token.lemma
    if lemma == "見える" and i > 1 and tokens[i - 1].surface == "が" and tokens[i - 2].lemma in ("様", "先生", "方"):
        return "sonkei", 1, "見える", True  # お客様が見えました
    if token.pos == "動詞" and lemma != "居る" and i + 1 < len(tokens) and tokens[i + 1].ctype == "助動詞-レル":
        hit = _reru(tokens, i)
        if hit is not None:
            return hit
    if lemma == "御座る" and token.surface.startswith(("ござい", "御座い")):  # ござる itself is the speech of a samurai
        before = tokens[i - 1] if i else None
        if before is not None and (before.lemma in _GREETING_HEADS or before.pos == "感動詞"):
            return None
        return "teichou", 1, "ございます", True
    if token.pos == "名詞" and lemma in _SONKEI_NOUNS:
        return "sonkei", 1, lemma, False
    if token.pos in ("名詞", "代名詞") and lemma in _KENJOU_NOUNS:
        return "kenjou", 1, lemma, False
    if lemma == "居る" and token.base in ("おる", "居る") and token.surface.startswith("お"):
        after = tokens[i + 1] if i + 1 < len(tokens) else None
        if after is not None and after.lemma == "しゃる":
            return "sonkei", 2, "おっしゃる", True
        if after is not None and after.lemma == "れる":
            return "sonkei", 2, "おられる", True
        if after is not None and after.lemma == "ます":
            return "teichou", 1, "おります", True
        return None
    if lemma in _SONKEI_VERBS:
        te_before = i > 0 and tokens[i - 1].surface in ("て", "で", "って")
        if lemma == "下さる":
            stated = _stated(tokens, i + 1)
            if token.cform == "命令形" or (te_before and token.surface in ("ください", "下さい") and not stated):
                return None  # 〜てください is polite, not honorific; 〜てくださいました is
            return "sonkei", 1, "くださる", True
        if (
            lemma == "為さる" and token.cform == "命令形" and token.surface == "なさい"
        ) or token.surface == "てらっしゃい":
            return None  # 行ってらっしゃい
        if lemma == "召す" and i and tokens[i - 1].lemma != "御" and token.surface == "召し":
            return None
        return "sonkei", 1, token.base, True
    if lemma in _KENJOU_VERBS:
        if (
            lemma == "頂戴"
            and _lemma(tokens, i - 1) == "て"
            and _lemma(tokens, i + 1) not in ("為る", "致す", "出来る")
        ):
            return "kenjou", 1, token.base, False  # 見せてちょうだい is familiar
        if lemma == "頂く" and i == 0 and _stated(tokens, 1) and all(t.pos == "補助記号" for t in tokens[2:]):
            return None  # いただきます, said before a meal
        if lemma == "願う" or (
            lemma == "参る" and token.surface in ("参っ", "まいっ") and token.cform.startswith("連用形")
        ):
            return None
        return "kenjou", 1, token.base, True
    return None
