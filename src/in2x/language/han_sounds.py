"""Foreign names in Chinese: the characters that write their sounds, by the consonant that they begin with.

Ours, after the usual table of transcription from English; a character may be read with either of two consonants.
"""

from __future__ import annotations

import re

_CONSONANTS = {
    "": "阿埃艾爱愛安昂奥奧欧歐伊英恩亚亞雅耶叶葉约約尤扬揚因印乌烏吴吳威维韦韋沃瓦温溫文翁伍",
    "b": "白布巴芭贝貝比毕畢伯邦班本宾賓博鲍鮑柏波",
    "p": "普帕佩皮珀庞龐潘彭平保佩蒲",
    "d": "德达達黛戴迪狄丹登丁多杜道杜顿頓邓鄧",
    "t": "特塔泰蒂汤湯坦滕廷托图圖提田陶",
    "g": "格加盖蓋戈古冈岡甘根高",
    "k": "克卡凯凱科库庫康坎肯金柯考奎昆",
    "h": "夫弗法费費菲福芬范方赫哈黑希霍胡汉漢亨海惠休罕",
    "s": "史山斯丝絲萨薩塞西索苏蘇桑森辛什沙谢謝肖舒尚香申欣莎雪夏席思",
    "z": "兹茲扎泽澤齐佐祖乔喬朱杰傑吉詹珍简簡琼瓊焦贾賈",
    "t2": "奇查切彻徹钱錢昌",
    "m": "姆马馬玛瑪梅米莫穆曼门門明蒙麦麥迈邁密",
    "n": "纳納娜内內尼妮诺諾努南嫩宁寧奈",
    "r": "历歷尔爾勒拉莱萊利莉丽麗洛罗羅卢盧鲁魯兰蘭伦倫林琳雷里瑞莱露列朗龙龍隆劳勞",
}
_ENDS_IN_N = set(
    "安昂恩英因印扬揚温溫文翁邦班本宾賓庞龐潘彭平丹登丁顿頓邓鄧汤湯坦滕廷田冈岡甘根康坎肯金昆芬范方汉漢亨"
    "罕山桑森辛尚香申欣简簡琼瓊珍詹钱錢昌曼门門明蒙南嫩宁寧兰蘭伦倫林琳朗龙龍隆凡"
)
_SOUND = {char: key.rstrip("2") for key, row in _CONSONANTS.items() for char in row}
FOREIGN_NAME = re.compile(f"[{''.join(sorted(_SOUND))}]{{2,6}}")
"""A run of such characters: what may be a foreign name."""


def han_skeleton(name: str) -> str:
    """Consonants of a foreign name in Chinese, in the classes of katakana: 汤姆 -> "tNm"; N may be mute."""
    return "".join(_SOUND.get(char, "") + ("N" if char in _ENDS_IN_N else "") for char in name)
