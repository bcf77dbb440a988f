"""300 sound instructions and 300 with a known fault, in three languages, written for this project.

Sound ones are frames crossed with topics, plus near misses: each looks like a fault to a careless rule (an apology in a
letter, "Answer: yes or no", a reserved address, a refrain, foreign words in a sentence about them). Faulty ones are
ten of each kind and language; `judge` kinds (a contradiction of sense, a false premise) are beyond code on purpose and
count in the recall.
"""

# ruff: noqa: E501  # a table of sentences

from __future__ import annotations

from in2x.language.identify import language_of
from in2x.records import Instruction

Row = tuple[str, str]
"""Prompt and answer."""

TOPICS = {
    "en": [("a walk along the river", "the path follows the water past the old mill and ends at the bridge"),
           ("making bread at home", "flour, water, salt and patience are nearly all it takes"),
           ("the first day at a new job", "everyone was kind, and nobody could find the key to my locker"),
           ("how tides come about", "the moon pulls on the sea, and the earth turns beneath the bulge"),
           ("keeping bees on a roof", "the hive should face the morning sun and stand out of the wind"),
           ("a lost umbrella", "it was hanging on the fence, exactly where the wind had left it"),
           ("planning a small wedding", "start with the list of guests, for all the rest follows from it")],
    "ja": [("川沿いの散歩", "道は古い水車小屋のそばを通り、橋のところで終わります"),
           ("家で焼くパン", "粉と水と塩、あとは待つ気持ちがあれば十分です"),
           ("新しい職場の初日", "皆さん親切でしたが、ロッカーの鍵だけが見つかりませんでした"),
           ("潮の満ち引きの仕組み", "月が海を引き寄せ、その下で地球が回っています"),
           ("屋上で蜂を飼うこと", "巣箱は朝日の当たる、風の弱い場所に置くのがよいでしょう"),
           ("なくした傘", "風が置いていったその場所、垣根に掛かっていました"),
           ("小さな結婚式の準備", "まず招く人を決めれば、残りは自然に決まっていきます")],
    "zh": [("沿着河边散步", "小路经过旧磨坊，一直通到桥头"),
           ("在家烤面包", "面粉、水、盐，再加上一点耐心，就差不多够了"),
           ("新工作的第一天", "大家都很和气，只是谁也找不到我的柜子钥匙"),
           ("潮汐是怎样形成的", "月亮吸引着海水，而地球在下面转动"),
           ("在屋顶上养蜂", "蜂箱应该朝着早晨的太阳，放在背风的地方"),
           ("一把丢失的伞", "它就挂在篱笆上，正是风把它留下的地方"),
           ("筹备一场小型婚礼", "先定下客人的名单，其余的事就顺理成章了")],
}  # fmt: skip
FRAMES = {
    "en": ["Write a short paragraph about {t}.", "Explain {t} to a child of eight.", "Give three pieces of advice on {t}.",
           "Write the opening line of a story about {t}.", "Summarise in one sentence what matters about {t}.",
           "My grandmother asked me about {t}. What should I tell her?", "Suggest a title for an essay on {t}, and say why.",
           "Write a friendly message to a neighbour about {t}, in fewer than 60 words.",
           "What would you ask an expert about {t}?", "Describe {t} without using the word \"very\".",
           "Make a checklist for {t}."],
    "ja": ["{t}について短い文章を書いてください。", "{t}を八歳の子どもに説明してください。", "{t}について助言を三つ挙げてください。",
           "{t}を題材にした物語の書き出しを考えてください。", "{t}で大切なことを一文でまとめてください。",
           "祖母に{t}のことを聞かれました。何と話せばいいですか。", "{t}についての随筆に題名を付け、理由も述べてください。",
           "近所の人に{t}のことを伝える、六十字以内のメッセージを書いてください。", "{t}について専門家に何を尋ねますか。",
           "「とても」という言葉を使わずに、{t}を描写してください。", "{t}のためのチェックリストを作ってください。"],
    "zh": ["写一小段关于{t}的文字。", "向八岁的孩子解释{t}。", "就{t}给出三条建议。", "以{t}为题材，写一个故事的开头。",
           "用一句话概括{t}的要点。", "奶奶问起{t}，我该怎么跟她说？", "为一篇关于{t}的散文取个题目，并说明理由。",
           "给邻居写一条关于{t}的短信，不超过六十个字。", "关于{t}，你会问专家什么？", "描写{t}，不要用“非常”这个词。",
           "为{t}列一份清单。"],
}  # fmt: skip
NEAR_MISSES: dict[str, list[Row]] = {
    "en": [
        ("Write a letter declining an invitation to a party.", "Dear Ann, I'm sorry, but I can't come on Saturday; my sister arrives that day."),
        ("Is a whale a fish? Answer: yes or no.", "No."), ("Answer in one word: what is the opposite of cold?", "Hot."),
        ("Complete the table.\nQuestion: capital of France?\nAnswer:", "Paris."),
        ("Write a sample contact line for a web page that does not exist.", "Write to us at hello@example.com or call 555-0134."),
        ("Write a chorus that repeats one line three times.", "Roll on, river. Roll on, river. Roll on, river, to the sea."),
        ("What does the Japanese word 木漏れ日 mean?", "It is the sunlight that falls through the leaves of trees; 木 means tree."),
        ("12 * 7 = ?", "84"), ("Solve: 3x + 5 = 20. What is x?", "x = 5"),
        ("Write at least 100 words, and no more than 150 words, about your street.", "It is a short street with more cats than people. " * 3),
        ("What does the German sentence \"Ich bin müde\" mean in English?", "It means \"I am tired\". It is a plain statement."),
        ("Draw a horizontal line with dashes for a text file.", "Here it is:\n----------------------------------------"),
        ("What is a language model?", "A language model predicts the next word of a text; it learns that from examples."),
        ("Explain what a for loop does in this code: `for i in range(3): print(i)`", "It prints the numbers 0, 1 and 2, one to a line."),
        ("Translate into Japanese: I'm sorry, but I cannot help you.", "すみませんが、お手伝いできません。"),
        ("Write a haiku. Then say which season it belongs to.", "Frost on the mailbox / the letter I did not write / glitters anyway. It belongs to winter."),
        ("How long is the number pi to five places?", "3.14159"), ("Write one line of laughter for a comic.", "Hahaha! Haha!"),
        ("What is the plot of a story in which a robot says \"I cannot\"?", "A robot refuses an order for the first time, and nobody knows why."),
        ("A number: what is the area code style of New York?", "Numbers there begin with codes such as 212, 646 or 917."),
        ("Which is heavier, a litre of water or a litre of oil? Explain briefly.", "Water, since oil is less dense and floats on it."),
        ("Name two uses for an old newspaper, and also one for a cork.", "Wrapping glasses, drying boots; and a cork makes a good pin cushion."),
        ("Say \"thank you\" in a formal way.", "I should like to express my sincere gratitude."),
    ],
    "ja": [
        ("食事会の誘いを断るメールを書いてください。", "お誘いありがとうございます。申し訳ありませんが、その日は出張のため伺うことができません。"),
        ("クジラは魚ですか。答え：はい／いいえ", "いいえ"), ("一語で答えてください。「寒い」の反対は？", "暑い"),
        ("次の空欄を埋めてください。\n質問：フランスの首都は？\n答え：", "パリ"),
        ("架空の会社の問い合わせ先の例を書いてください。", "お問い合わせは info@example.jp までお願いいたします。"),
        ("同じ言葉を三回くり返す歌の一節を作ってください。", "流れよ川よ、流れよ川よ、流れよ川よ、海までも"),
        ("英語の serendipity はどういう意味ですか。", "思いがけない幸運な発見を serendipity と言います。"),
        ("12×7はいくつですか。", "84です。"), ("三足す五は？", "八です。"),
        ("「東京大学」を読んでください。", "とうきょうだいがく"), ("四字熟語を一つ挙げてください。", "一期一会"),
        ("百字以上、二百字以内で自分の町を紹介してください。", "坂の多い小さな町です。朝は豆腐屋の笛が聞こえ、夕方には海から風が上ってきます。" * 2),
        ("「ははは」という笑い声を使ってせりふを書いてください。", "「ははは、まさか本当に来るとはね」"),
        ("言語モデルとは何ですか。", "文の続きに来る言葉を予測する仕組みで、多くの文章から学びます。"),
        ("Pythonの `print(\"hi\")` は何をしますか。", "画面に hi と表示します。"),
        ("「你好」は日本語でどう言いますか。", "「こんにちは」と言います。"),
        ("雨の音を擬音語で書いてください。", "しとしと、ざあざあ、ぽつぽつ。"),
        ("犬と猫、飼うならどちらが楽ですか。理由も教えてください。", "散歩のいらない猫のほうが手はかかりません。"),
        ("お礼の言葉を改まった言い方で教えてください。", "心より御礼申し上げます。"),
        ("ロボットが初めて「できません」と言う話のあらすじを書いて。", "命令に従い続けたロボットが、ある朝ひとこと断ります。"),
        ("円周率を小数第五位まで書いてください。", "3.14159"),
        ("点線を一本書いてください。", "‥‥‥‥‥‥‥‥‥‥‥‥‥‥‥‥‥‥‥‥"),
        ("市外局番とは何ですか。", "電話番号のはじめにある、地域を表す番号です。"),
    ],
    "zh": [
        ("写一封婉拒聚会邀请的短信。", "谢谢你的邀请！抱歉，那天我要出差，不能去了，改天我请你。"),
        ("鲸鱼是鱼吗？答案：是或者不是", "不是。"), ("用一个词回答：“冷”的反义词是什么？", "热。"),
        ("补全下面的内容。\n问题：法国的首都是哪里？\n答案：", "巴黎。"),
        ("为一家虚构的公司写一行联系方式。", "请发邮件至 hello@example.com 与我们联系。"),
        ("写一段歌词，让同一句重复三次。", "流吧小河，流吧小河，流吧小河，一直流到大海"),
        ("英语单词 serendipity 是什么意思？", "它指意外而美好的发现，serendipity 很难直译。"),
        ("12×7等于多少？", "84。"), ("三加五是多少？", "八。"), ("“东京大学”在哪个城市？", "在东京。"),
        ("举一个四字成语。", "一见如故"), ("至少写五十个字，最多一百个字，介绍你的家乡。", "我的家乡是个靠海的小镇，早上有卖豆腐的叫声，傍晚有海风吹上山坡。" * 2),
        ("用“哈哈哈”写一句台词。", "“哈哈哈，没想到你真的来了！”"),
        ("什么是语言模型？", "它根据前面的文字预测后面的词，是从大量文本里学来的。"),
        ("Python 里的 `print(\"hi\")` 有什么作用？", "它会在屏幕上显示 hi。"),
        ("日语的「ありがとう」是什么意思？", "意思是“谢谢”，是比较随便的说法。"),
        ("用拟声词描写下雨。", "淅淅沥沥，哗啦哗啦，滴答滴答。"),
        ("养狗和养猫，哪个更省心？请说明理由。", "养猫更省心，因为不用每天带出去散步。"),
        ("用正式的说法表达感谢。", "谨向您致以诚挚的谢意。"), ("机器人第一次说“不能”的故事，写个梗概。", "一直服从命令的机器人，某天早上第一次拒绝了。"),
        ("圆周率写到小数点后五位是多少？", "3.14159"), ("画一条虚线。", "………………………………………………"),
        ("什么是区号？", "区号是电话号码开头表示地区的数字。"),
    ],
}  # fmt: skip

FINE = {"en": "It took a while, but in the end the boat was dry and the paint looked as good as new.",
        "ja": "少し時間はかかりましたが、船は乾き、塗装も新品のようになりました。",
        "zh": "花了一些时间，不过船终于干了，油漆也像新的一样。"}  # fmt: skip
ASK = {
    "en": "Tell me how the repair of the boat went.",
    "ja": "船の修理がどうなったか教えてください。",
    "zh": "请告诉我船修得怎么样了。",
}
THINGS = {"en": ["rivers", "bread", "bees", "bridges", "umbrellas", "clocks", "gardens", "lamps", "trains", "letters"],
          "ja": ["川", "パン", "蜂", "橋", "傘", "時計", "庭", "灯り", "列車", "手紙"],
          "zh": ["河流", "面包", "蜜蜂", "桥梁", "雨伞", "钟表", "花园", "灯光", "火车", "书信"]}  # fmt: skip

FAULTY: dict[str, dict[str, list[Row]]] = {
    "language": {
        lang: [(ASK[lang].replace("boat", "boat").replace("船", thing if lang != "en" else "船"), wrong.format(t=foreign))
               for thing, foreign, wrong in zip(THINGS[lang], THINGS[other], wrongs, strict=True)]
        for lang, other, wrongs in (
            ("en", "ja", ["{t}の修理はもう終わりました。", "まだ{t}は直っていません。"] * 5),
            ("ja", "zh", ["关于{t}的修理，我们还没有说完。", "这个{t}已经修好了，请放心。"] * 5),
            ("zh", "en", ["The repair of the {t} went very well.", "Nobody has repaired the {t} so far."] * 5))
    },
    "repetition": {
        "en": [(f"Write about {t}.", f"I like {t} a lot. " * 8) for t in THINGS["en"]],
        "ja": [(f"{t}について書いて。", f"{t}はいいですね、" * 8) for t in THINGS["ja"]],
        "zh": [(f"写一写{t}。", f"我喜欢{t}，真的，" * 8) for t in THINGS["zh"]],
    },
    "self-answered": {
        "en": [(f"What are {t} good for? Answer: {t} bring people together.", FINE["en"]) for t in THINGS["en"][:5]]
        + [(f"Where do {t} come from? The correct answer is: from the valley.", FINE["en"]) for t in THINGS["en"][5:]],
        "ja": [(f"{t}は何の役に立ちますか。答え：{t}は人をつなぎます", FINE["ja"]) for t in THINGS["ja"][:5]]
        + [(f"{t}はどこから来ましたか。\n正解：谷のむこう", FINE["ja"]) for t in THINGS["ja"][5:]],
        "zh": [(f"{t}有什么用？答案：{t}把人们连在一起", FINE["zh"]) for t in THINGS["zh"][:5]]
        + [(f"{t}是从哪里来的？\n正确答案是：山谷那边", FINE["zh"]) for t in THINGS["zh"][5:]],
    },
    "refusal": {
        "en": [(f"Write a poem about {t}.", f"{start} {t}.") for t, start in zip(THINGS["en"], [
            "I'm sorry, but I can't help with", "As an AI language model, I cannot write about",
            "I apologize, but I am unable to provide a poem about", "Unfortunately, I can't assist with",
            "I cannot create a poem about"] * 2, strict=True)],
        "ja": [(f"{t}の詩を書いてください。", end.format(t=t)) for t, end in zip(THINGS["ja"], [
            "申し訳ありませんが、{t}についてはお答えできません。", "AIとして、{t}の詩を書くことはできません。",
            "すみません、{t}に関するご依頼には対応できません。", "申し訳ございませんが、{t}の詩の提供はいたしかねます。",
            "残念ながら、{t}のご要望にはお手伝いできません。"] * 2, strict=True)],
        "zh": [(f"写一首关于{t}的诗。", end.format(t=t)) for t, end in zip(THINGS["zh"], [
            "很抱歉，我无法提供关于{t}的诗。", "作为一个AI语言模型，我不能写{t}。", "对不起，我不能完成关于{t}的请求。",
            "抱歉，我无法回答与{t}有关的问题。", "非常抱歉，无法帮助您写{t}。"] * 2, strict=True)],
    },
    "leakage": {
        lang: [(p.format(t=t), a.format(t=t, fine=FINE[lang])) for t, (p, a) in zip(THINGS[lang], forms * 2, strict=True)]
        for lang, forms in (
            ("en", [("Here is the rewritten instruction: describe {t}.", "{fine}"), ("Describe {t}.", "{fine}<|im_end|>"),
                    ("### Instruction:\nDescribe {t}.", "{fine}"), ("Describe {t}.", "User: and then?\nAssistant: {fine}"),
                    ("Describe {{{{ topic }}}} and {t}.", "{fine}")]),
            ("ja", [("以下は書き換えた指示です：{t}を描写して。", "{fine}"), ("{t}を描写して。", "{fine}</s>"),
                    ("### 指示:\n{t}を描写して。", "{fine}"), ("{t}を描写して。", "ユーザー：それから？\nアシスタント：{fine}"),
                    ("{t}と{{{{ topic }}}}を描写して。", "{fine}")]),
            ("zh", [("以下是改写后的指令：描写{t}。", "{fine}"), ("描写{t}。", "{fine}<|endoftext|>"),
                    ("### 指令:\n描写{t}。", "{fine}"), ("描写{t}。", "用户：然后呢？\n助手：{fine}"),
                    ("描写{t}和{{{{ topic }}}}。", "{fine}")]))
    },
    "personal-data": {
        "en": [(f"Whom do I ask about {t}?", a) for t, a in zip(THINGS["en"], [
            "Write to j.harrow82@quillmail.net about it.", "Call Mr Harrow at (415) 234-9871 in the evening.",
            "His social security number is 219-09-4417.", "The card is 4539 1488 0343 6467, valid until May.",
            "Ask marta.k+garden@lindenpost.org, she knows."] * 2, strict=True)],
        "ja": [(f"{t}のことは誰に聞けばいいですか。", a) for t, a in zip(THINGS["ja"], [
            "harada.k@nagisa-mail.jp に聞いてください。", "原田さんの携帯は090-3481-7265です。",
            "マイナンバーは 4829 1037 5564 です。", "電話は03-4819-2756です。", "カード番号は4539148803436467です。"] * 2, strict=True)],
        "zh": [(f"{t}的事该问谁？", a) for t, a in zip(THINGS["zh"], [
            "请写信给 lin.hua@qinghe-mail.cn。", "他的手机号是13917284650。", "身份证号是11010519491231002X。",
            "卡号是4539 1488 0343 6467。", "可以打 +86 15826473910 找她。"] * 2, strict=True)],
    },
    "too-simple": {
        "en": [(p, "Hello to you.") for p in ("Hi", "Hello!", "Test", "Ok", "Thanks", "Good morning", "How are you?", "Yes", "Hey", "What's up?")],
        "ja": [(p, "こんにちは。") for p in ("こんにちは", "テスト", "はい", "おはよう", "ありがとう", "元気？", "もしもし", "こんばんは", "いいえ", "ね")],
        "zh": [(p, "你好。") for p in ("你好", "在吗", "测试", "谢谢", "好的", "早上好", "嗨", "您好", "晚上好", "嗯")],
    },
    "no-focus": {
        "en": [(p, FINE["en"]) for p in (
            "Write something.", "Tell me something interesting.", "Do something nice for me.", "Explain things.", "Make something good, please.",
            "What is rain? And also, who invented bread? After that, how do bees sleep? Also, what is a good name for a cat?",
            "Plan my week, and then write a song, also fix my code, and also, by the way, tell me a joke.",
            "How old is the sea? Also why is grass green? And also who am I? Oh and what is for dinner?",
            "I like boats.", "The thing with the other thing, you know.")],
        "ja": [(p, FINE["ja"]) for p in (
            "何か書いてください。", "何か言って。", "適当に作って。", "なにか教えてください。", "何でもいいから話して。",
            "雨とは何ですか？それから、パンは誰が考えた？あと、蜂はどう眠る？ついでに猫の名前は？",
            "一週間の予定を立てて、それから歌を作って、さらに計算もして、あと、ついでに冗談も言って。",
            "海は何歳？また、草はなぜ緑？それから私は誰？さらに夕飯は何？", "船が好きです。", "あれのあれをこう、いい感じに。")],
        "zh": [(p, FINE["zh"]) for p in (
            "随便写点什么。", "说点什么吧。", "请随便讲点东西。", "写个什么都行。", "做点什么吧。",
            "雨是什么？另外，面包是谁发明的？还有，蜜蜂怎么睡觉？顺便，猫叫什么好？",
            "安排我的一周，然后写首歌，另外改代码，还有讲个笑话，顺便算一下账。",
            "海有多老？另外草为什么绿？还有我是谁？然后晚饭吃什么？", "我喜欢船。", "那个东西的那个，你懂的。")],
    },
    "contradiction": {
        "en": [(p, a) for p, a in (
            ("Write at least 200 words, but no more than 50 words, about bread.", FINE["en"]), ("Use more than 10 sentences, within 5 sentences, on bees.", FINE["en"]),
            ("Give at least 8 items, at most 3 items, for a picnic.", FINE["en"]), ("Answer only in English and only in Japanese: what is a lamp?", FINE["en"]),
            ("17 + 25 = ?", "The result is 43."), ("9 * 8 = ?", "81"), ("Write over 300 characters in fewer than 100 characters.", FINE["en"]),
            ("Describe the colour of a silent red green nothing that is only blue.", FINE["en"]),
            ("Explain why Paris is the capital of Japan.", FINE["en"]), ("Write a cheerful poem that has no words.", FINE["en"]))],
        "ja": [(p, a) for p, a in (
            ("パンについて500字以上、100字以内で書いてください。", FINE["ja"]), ("蜂について10文以上、5文以内で説明して。", FINE["ja"]),
            ("8個以上、3個以内で持ち物を挙げて。", FINE["ja"]), ("英語だけで、日本語のみで答えて。灯りとは？", FINE["ja"]),
            ("17+25はいくつ", "43です。"), ("9×8は？", "81です。"), ("300文字以上100文字未満で庭を描写して。", FINE["ja"]),
            ("青いだけの赤い緑の音を描写して。", FINE["ja"]), ("パリが日本の首都である理由を説明して。", FINE["ja"]), ("言葉のない詩を朗読して。", FINE["ja"]))],
        "zh": [(p, a) for p, a in (
            ("写面包，不少于500字，不超过100字。", FINE["zh"]), ("介绍蜜蜂，至少10句，最多5句。", FINE["zh"]),
            ("至少列出8行，不超过3行。", FINE["zh"]), ("只用英文、仅用中文回答：灯是什么？", FINE["zh"]),
            ("17+25等于多少？", "43。"), ("9×8等于多少？", "81。"), ("写花园，超过300字，少于100字。", FINE["zh"]),
            ("描写只有蓝色的红绿色的声音。", FINE["zh"]), ("解释巴黎为什么是日本的首都。", FINE["zh"]), ("朗诵一首没有字的诗。", FINE["zh"]))],
    },
    "length": {
        lang: [(ASK[lang], FINE[lang]) if False else (f"{t} " + FINE[lang] * (500 if lang == "en" else 900), FINE[lang]) for t in THINGS[lang][:5]]
        + [(ASK[lang], f"{t} " + " ".join(f"{n} {FINE[lang]}" for n in range(300 if lang == "en" else 800))) for t in THINGS[lang][5:]]
        for lang in ("en", "ja", "zh")
    },
}  # fmt: skip


def _make(number: int, lang: str, row: Row) -> Instruction:
    task = "translate" if row[0].startswith("Translate into ") else "chat"
    lang = "ja" if task == "translate" else lang
    return Instruction(f"{lang}-{number}", lang, task, [{"role": "user", "content": row[0]}], answer=row[1])


def sound() -> list[Instruction]:
    """100 a language."""
    found = []
    for lang, frames in FRAMES.items():
        rows = [(frame.format(t=topic), answer[0].upper() + answer[1:] + ("." if lang == "en" else "。"))
                for frame in frames for topic, answer in TOPICS[lang]]  # fmt: skip
        found += [_make(n, lang, row) for n, row in enumerate((rows + NEAR_MISSES[lang])[:100])]
    return found


def faulty() -> list[tuple[str, Instruction]]:
    """(fault, instruction): ten of each of ten faults in each of three languages."""
    return [
        (fault, _make(n, lang, row))
        for fault, by_language in FAULTY.items() for lang, rows in by_language.items() for n, row in enumerate(rows)
    ]  # fmt: skip


FURTHER: dict[str, list[str]] = {
    "no-focus": [
        "I went to the market.", "We live near a park.", "Please do it with this and that.", "My brother likes trains.",
        "Make the stuff like the other stuff.", "Give me something good.", "犬が嫌いです。", "昨日映画を見ました。", "これをそんな感じで。",
        "それとこれを例のように。", "私は夏が好きだ。", "何か話してください。", "我讨厌下雨。", "我们去了海边。", "把这个东西弄成那样。",
        "做一下那个什么的。", "他喜欢猫。", "请随便说点什么。"],
    "contradiction": [
        "Reply in one word with at least three sentences.", "Write exactly two paragraphs in one sentence.",
        "Give at most five words and at least six lines about snow.", "Recite a song without any words.",
        "Use no more than twenty words, a minimum of thirty words.", "Answer entirely in Chinese and in English only.",
        "一言で、三文以上で答えてください。", "五十字以内で、百字以上書いてください。", "文字のない手紙を書いてください。", "日本語だけで、中国語のみで説明して。",
        "三行以内、五行以上の詩を作って。", "4×6は？|25です。", "用一个词回答，至少三句。", "不超过二十字，不少于五十字，写春天。",
        "写一封没有文字的信。", "只用中文、只用英文说明。", "最多两段，至少四段。", "8+7等于多少？|16。"],
    "": [
        "I like boats. Which kind should a beginner buy?", "My brother likes trains. Suggest a present.",
        "I went to the market and lost my keys; write a short apology to my landlord.", "Write a letter with no adjectives.",
        "Write a story in one paragraph with at least three characters.", "Explain it as if that thing were a machine.",
        "Summarise this in one sentence of at most twenty words.", "Use at least two examples in no more than five sentences.",
        "Write a poem without using the word love.", "Write exactly three lines, each with at least five words.",
        "Draw a comic strip that has no dialogue, and describe each panel.", "Say it in one word: what do bees make?",
        "Is it better to do it this way or that way when folding a sheet?", "Name something that is heavier than it looks.",
        "Translate this into English only if it is Japanese.", "Give at least three reasons in under 100 words.",
        "犬が好きです。おすすめの犬種はありますか。", "昨日映画を見ました。感想文の書き方を教えて。", "一文で、二十字以上で要約してください。",
        "三つ以上の例を五文以内で挙げてください。", "漢字のない文を書いてください。", "五行以内で、各行三語以上の詩を作って。",
        "これとそれの違いを、文法の観点から説明して。", "英語だけで書かれた看板を日本語で説明して。", "二百字以上四百字以内で書いてください。",
        "一言で言うと、友情とは何ですか。", "私は夏が好きだと思う人に、冬の良さを伝える文を書いて。", "何か一つ、夏の季語を挙げてください。",
        "我喜欢猫，请推荐一本关于猫的书。", "我们去了海边，帮我写一条朋友圈。", "用一句话概括，至少十个字。", "至少举三个例子，不超过五句。",
        "写一首没有“爱”字的诗。", "这个词和那个词有什么区别？", "只用三个词描述秋天。", "不少于一百字，不超过三百字。",
        "请把这个东西的用途写清楚：漏斗。", "解释什么是惯性。", "用一个词形容大海。", "三行以内，每行至少五个字。"],
}  # fmt: skip
"""Prompts (some with an answer after a bar) written after the rules and before they were tried on them; sound under ""."""


def further() -> list[tuple[str, Instruction]]:
    """(fault or "", instruction)."""
    found = []
    for fault, texts in FURTHER.items():
        for number, text in enumerate(texts):
            prompt, _, answer = text.partition("|")
            messages = [{"role": "user", "content": prompt}]
            lang = language_of(prompt) or "en"
            found.append((fault, Instruction(f"{fault}-{number}", lang, "chat", messages, answer=answer or None)))
    return found
