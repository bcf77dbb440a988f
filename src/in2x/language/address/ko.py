"""The speech level of Korean: 합쇼체 with honours, 합쇼체 or 해요체, 한다체, 해체; "none" where nothing closes.

Every Korean sentence closes in an ending that says how the speaker stands to the hearer, so a text is decided by the
endings of its clauses, found by the last syllables (ㅂ니다 by the final consonant of the syllable before 니다).

What differs from a textbook, and is our choice:

- Six traditional levels become four. "honorific" is 합쇼체 that raises the hearer or lowers the speaker (-십니다,
  -십시오, 드립니다, 여쭙니다); "polite" is the rest of 합쇼체, 해요체 (with or without -시-, for -세요 is its everyday
  request) and 하오체; "plain" is a text that closes in -다 alone and has no 너; "casual" is 해체, 하게체 and the
  spoken 해라체 (-니, -냐, -자, -어라).
- A sentence of several clauses is as polite as its last one, unless polite clauses outnumber the others.
- Speech in quotation marks does not count, unless it is all there is; one polite sentence outweighs one casual one, for
  polite speakers quote casual ones unmarked more often than the other way round.
- -나 and -까 are said to oneself at any level and count half; a connective (-는데, -니까) that breaks off is casual
  where no pronoun says otherwise (저, 제, 당신: polite; 나, 너, 네: casual).

What it cannot tell: a fragment without ending or pronoun; quoted speech without any mark; irony.
"""

from __future__ import annotations

import re
from functools import lru_cache

MUSED = 0.5
"""What a question to oneself (-나, -까) weighs against another sentence: speakers of any level put it."""

_SENTENCE = re.compile(r"[.?!。？！…\n]+|(?<=[요다죠까])\s*[~ㅋㅎㅠㅜ^;]{2,}\s*")
_CLAUSE = re.compile(r"[,，、;:]+")
_QUOTED = re.compile(
    r"\"[^\"]*\"|“[^”]*”|‘[^’]*’|「[^」]*」|『[^』]*』|(?<![A-Za-z])'[^']*'(?=라고|이라고|하고|라는|\s|$)"
)
_TRAIL = re.compile(r"[\s~ㅋㅎㅠㅜ^*)\]}>\"'”’」』.,?!;:\-–—♡♥☆★]+$")

_NOUN_YO = re.compile(r"(?:^|\s)(?:불?필요|중요|주요|수요|소요|개요|민요|강요|동요|고요|가요|요요|담요|법요)$")
_FORMAL = re.compile(
    r"(?:(?P<bieup>[가-힣])(?:니다|니까|디다|디까|시다)(?:만|마는|요)?|십시오|십쇼|시오|소서|나이다|사옵니다)$"
)
_POLITE = re.compile(
    r"(?:요|욧|[해어아네에예세]용|죠|쥬|(?:[세네해어아예에데까군나구]|이에)여|(?:이|하|겠|었|았|있|없|했|였)[오소]|구려)$"
)
_RAISED = re.compile(
    r"(?:(?<![마부])(?:십니|셨습|시겠습|실\s?겁니)|십시오|십쇼|시옵|시(?:길|기)\s바랍|드립니|드리겠|드렸습|드릴\s|올립니|올리겠|여쭙|여쭈"
    r"|뵙|모시|모십|사옵|께서|귀하(?:의|께|는|를|가))"
)
"""마십니다 "drinks" and 눈부십니다 have the letters of -시- in their stems."""
_PLAIN = re.compile(r"[가-힣]다$")
_NOUN_DA = re.compile(r"(?:바다|마다|보다|캐나다|판다|람다|소다|르완다|우간다|아젠다|(?:^|\s)다|부다|에다|다\s?다)$")
_SPOKEN = re.compile(
    r"(?:[아어여야해애와워봐줘래대돼지네군걸게니냐자라셔져려쳐켜춰]|거든|다고|라고|냐고|자고|구나|구만|다니까|라니까|더라|잖아|[았었했겠]음"
    r"|안녕|(?:^|\s)(?:나|돌아|들어|올라|내려|걸어|다녀|지나|데려|따라|잡아|건너|일어)?(?:가|타|사|차|켜|펴|나))$"
)
_MUSED = re.compile(r"(?:[갔왔했었았겠]나|나|는가|던가|까|[은한인]가|려나)$")
_OPEN = re.compile(r"(?:는데|은데|던데|인데|한데|텐데|니까|려고|든지|는지|은지|거나|면서|지만|도록|려면|[하되]면)$")
_CONJUNCTION = re.compile(r"(?:그러|그런|하|이러|근)(?:니까|데|지만|면서|려면)$")
_NOUN_SPOKEN = re.compile(
    r"(?:사고|광고|최고|창고|보고|하지만|영화|나라|하나|가나|바나나|어머니|할머니|언니|아버지|가지|까지|편지|강아지|바지|반지|번지|잡지|토지|먼지|휴지"
    r"|단지|현지|이미지|메시지|페이지|여행지|관광지|목적지|유지|금지|정지|방지|폐지|공지|의지|아이디어|언어|영어|단어|한국어|일본어|중국어|국어"
    r"|(?<![하보말놀두주쉬살되키잡찾읽앉있웃걷듣누먹쓰내우])(?<!\s가)(?<!^가)(?<!만나)(?<!떠나)(?<!마시)(?<!이기)(?<!아가)(?<!어가)(?<!라가)(?<!려가)자"
    r"|의자|숫자|문자|글자|감자|투자|(?:^|\s)(?:올|새|피|이|동|서|남|방|오|손|공|항|재|저|양)해|사과|세대|시대|기대|침대|가게|무게|집게"
    r"|분야|시야|동네|그네|장군|노래|미래|모래|아래|오래|원래|거래|빨래|라디오|에게|한테|그러나|혹시나|이나)$"
)
_PRONOUN_POLITE = re.compile(
    r"(?<![가-힣])(?:저(?:는|도|를|의|에게|한테|랑|와|희[가-힣]{0,2})|전|절|제(?:가|게)?|당신(?:들)?[가-힣]{0,2}|님(?:들)?(?:은|이|도|을|의)?"
    r"|여러분[가-힣]{0,2}|선생님[가-힣]{0,2}|고객님[가-힣]{0,2}|귀하[가-힣]{0,2})(?![가-힣])"
)
_PRONOUN_CASUAL = re.compile(
    r"(?<![가-힣])(?:나(?:는|도|를|의|에게|한테|랑|와)|난|날|내(?:가|게)?|너(?:는|도|를|의|에게|한테|랑|와|네|희|네들|희들)?[가-힣]?|넌|널|네(?:가|게)"
    r"|네(?=\s[가-힣])|니(?:가)?|얘|쟤|걔)(?![가-힣])"
)
_SECOND = re.compile(r"(?<![가-힣])(?:너(?:는|도|를|의|에게|한테|랑|와|희)?|넌|널|네가|니가|얘들아)(?![가-힣])")
_YES_POLITE = re.compile(r"^\s*(?:네|예|아니요|아니오)(?=[,.!?…\s]|$)(?!\s[가-힣])")
_YES_CASUAL = re.compile(r"^\s*(?:응|어|그래|아니|야|엉|웅)(?=[,.!?…]|$)")


_INTERJECTION = re.compile(r"\s*(?:네|예|아|어|음|자|와|글쎄|그래|야)")


def _final(syllable: str) -> int:
    """The index of the final consonant of a syllable block in Unicode's order; 17 is ㅂ, 0 is none."""
    return (ord(syllable) - 0xAC00) % 28


def _ending(clause: str) -> str:
    """The level that a clause closes in: "formal" | "polite" | "plain" | "mused" | "spoken" | "open" | ""."""
    clause = _TRAIL.sub("", clause)
    if _INTERJECTION.fullmatch(clause):
        return ""
    formal = _FORMAL.search(clause)
    if formal and (formal["bieup"] is None or _final(formal["bieup"]) == 17):
        return "formal"
    if _POLITE.search(clause):
        return "" if _NOUN_YO.search(clause) else "polite"
    if _PLAIN.search(clause):
        return "" if _NOUN_DA.search(clause) else "plain"
    if _OPEN.search(clause):
        return "" if _CONJUNCTION.search(clause) else "open"
    if _NOUN_SPOKEN.search(clause):
        return ""
    if _MUSED.search(clause):
        return "mused"
    return "spoken" if _SPOKEN.search(clause) else ""


def _pronouns(sentence: str) -> str:
    polite = len(_PRONOUN_POLITE.findall(sentence)) + bool(_YES_POLITE.search(sentence))
    casual = len(_PRONOUN_CASUAL.findall(sentence)) + bool(_YES_CASUAL.search(sentence))
    return "polite" if polite > casual else "spoken" if casual > polite else ""


def _sentence(sentence: str) -> str:
    """The level of one sentence: of its last closed clause, unless polite clauses outnumber the others."""
    clauses = [clause for clause in _CLAUSE.split(sentence) if clause.strip()]
    levels = [level for level in map(_ending, clauses) if level]
    closed = [level for level in levels if level != "open"]
    polite = [level for level in closed if level in ("formal", "polite")]
    if closed:
        return polite[-1] if 2 * len(polite) > len(closed) else closed[-1]
    return _pronouns(sentence) or ("spoken" if levels else "")


@lru_cache(maxsize=8192)
def decide(text: str) -> str:
    """The level of a segment: "honorific" | "polite" | "plain" | "casual" | "none" (nothing shows one)."""
    bare = _QUOTED.sub(" ", text) if _QUOTED.sub("", text).strip(" .") else text
    parts = [part for part in _SENTENCE.split(bare) if part and part.strip()]
    levels = [_sentence(part) for part in parts]
    polite = sum(level in ("formal", "polite") for level in levels)
    spoken = levels.count("spoken") + MUSED * levels.count("mused")
    plain = levels.count("plain")
    if polite and polite >= spoken + plain:
        formal = levels.count("formal")
        return "honorific" if formal and _RAISED.search(bare) else "polite"
    if spoken:
        return "casual"
    if plain:
        return "casual" if _SECOND.search(bare) else "plain"
    return "none"
