// The words of the page. A language is a column: what is missing in one falls back to the first.

import { dictionary } from "./say.js";

const TABLE = {
  en: {
    name: "English", text: "Text", documents: "Documents", from: "From", to: "Into", auto: "Detect language", auto_is: "Detected: {lang}", swap: "Swap languages",
    register: "Register", any: "any", speaker: "Spoken by", nobody: "nobody", source: "Source text", translation: "Translation", type_here: "Type or paste a text",
    translate: "Translate", clear: "Clear", copy: "Copy", copied: "Copied", check: "Check my own translation", check_now: "Check it", check_here: "Paste your translation, a line for a line", check_end: "Back to translating",
    working: "Translating …", ready: "{n} sentences, findings: {f}", ready_one: "One sentence, findings: {f}", stopped: "Stopped", long: "Long text: press Ctrl+Enter to translate", failed: "Not translated: {why}", nothing: "The translation comes here.",
    sentence: "Sentence", findings: "Findings", no_findings: "No check finds anything wrong.", alternatives: "Alternatives", no_alternatives: "No other translation came.", edit: "Change it yourself", use: "Use", close: "Close", next_finding: "Next finding", choose_hint: "Choose a sentence of the translation to see its findings and other translations.", with_findings: "findings: {n}",
    glossary: "Glossary", glossary_of: "Glossary, {from} to {to}", term: "Term", rendering: "Rendering", forbidden: "Never (a|b)", add: "Add", remove: "Remove", remove_of: "Remove {a}", import: "Import TSV", export: "Export TSV", filter: "Filter", imported: "{n} terms imported", not_table: "No terms in this file: give a term, a tab and its rendering a line", terms: "{n} terms", more_rows: "{n} more: filter to see them", kept_here: "Kept in this browser only.", variants: "A|B: either will do, the first is preferred.",
    characters: "Characters", characters_of: "Characters, texts in {to}", person_name: "Name in the source", person_target: "Name in the translation", first_person: "Word for “I”", voice: "How they speak", script_hint: "A line that begins with a name and a colon is spoken by that character.", no_characters: "No characters yet.",
    history: "History", no_history: "Nothing yet.", keep_history: "Keep a history in this browser", clear_history: "Delete all", restore: "Restore", search: "Search",
    drop: "Drop a file here, or choose one", choose_file: "Choose a file", formats: "Formats: {list}", doc_hint: "Languages, register, glossary and characters are those above and in the drawers.", queued: "Waiting", translating: "{done} of {total}", done: "Done", error: "Failed", download: "Download", open: "View", uploading: "Sending", too_large: "{name} is larger than {n} MB", unknown_format: "{name}: a format that is not known here", no_documents: "No documents yet.", progress_of: "Progress of {name}",
    coverage: "{translated} translated, {skipped} left out, {failed} failed", all: "All", with: "With findings", translated: "Translated", skipped: "Left out", state_failed: "Failed", untouched: "Nothing to translate", pending: "Not yet", show_more: "Show more", place: "Place", gone: "This document is no longer at the server.", view_of: "View of {name}",
    theme: "Dark or light", language: "Language", help: "Help", keys: "Keys", offline: "The server does not answer. Try again.", "too-many": "Too many requests at once; trying again soon.", fault: "Something went wrong. Try again.", "same-language": "The text is in that language already.", token: "This server asks for a token", token_field: "Token", token_wrong: "This token is not known.", go: "Go on", cancel: "Cancel", full: "This browser has no room to keep it.", model: "Model",
    minor: "minor", major: "major", critical: "critical",
    plain: "plain", polite: "polite", honorific: "honorific", casual: "casual", literary: "literary",
    k_go: "translate, or check", k_focus: "to the source text", k_swap: "swap languages", k_drawers: "glossary, characters, history, documents, text", k_move: "next and previous sentence", k_choose: "take an alternative", k_finding: "next finding", k_close: "close", k_help: "these keys",
    p_language: "language", p_untranslated: "left untranslated", p_copied: "copied", p_refusal: "refused", p_answered: "answered instead of translated", p_repetition: "repetition", p_tags: "tags", p_placeholders: "placeholders", p_shift: "wrong line", p_names: "names", p_glossary: "glossary", p_forbidden: "forbidden rendering", p_numbers: "numbers", p_register: "register", p_length: "length", p_lines: "lines", p_notes: "notes", p_traps: "trap", p_ruby: "ruby", p_unsure: "unsure", p_natural: "naturalness", p_honorifics: "honorifics", "p_first person": "word for “I”", p_address: "word for “you”", p_titles: "titles", p_layout: "layout",
  },
  ja: {
    name: "日本語", text: "テキスト", documents: "ファイル", from: "原文の言語", to: "訳文の言語", auto: "言語を自動判定", auto_is: "判定：{lang}", swap: "言語を入れ替える",
    register: "文体", any: "指定なし", speaker: "話し手", nobody: "指定なし", source: "原文", translation: "訳文", type_here: "ここに文章を入力、または貼り付け",
    translate: "翻訳", clear: "消去", copy: "コピー", copied: "コピーしました", check: "自分の訳を検査", check_now: "検査する", check_here: "訳文を貼り付けてください（原文の一行に一行）", check_end: "翻訳に戻る",
    working: "翻訳中…", ready: "{n} 文、指摘 {f} 件", ready_one: "1 文、指摘 {f} 件", stopped: "中止しました", long: "長い文章です。Ctrl+Enter で翻訳します", failed: "未翻訳：{why}", nothing: "ここに訳文が表示されます。",
    sentence: "文", findings: "指摘", no_findings: "検査で問題は見つかりませんでした。", alternatives: "別の訳", no_alternatives: "ほかの訳はありませんでした。", edit: "自分で直す", use: "使う", close: "閉じる", next_finding: "次の指摘", choose_hint: "訳文の一文を選ぶと、指摘と別の訳が表示されます。", with_findings: "指摘 {n} 件",
    glossary: "用語集", glossary_of: "用語集（{from} → {to}）", term: "用語", rendering: "訳語", forbidden: "使わない訳（a|b）", add: "追加", remove: "削除", remove_of: "{a} を削除", import: "TSV を読み込む", export: "TSV に書き出す", filter: "絞り込み", imported: "{n} 語を読み込みました", not_table: "用語がありません。一行に「用語、タブ、訳語」の形にしてください", terms: "{n} 語", more_rows: "ほか {n} 語（絞り込むと表示されます）", kept_here: "このブラウザにだけ保存されます。", variants: "A|B と書くとどちらでもよく、前者が優先されます。",
    characters: "登場人物", characters_of: "登場人物（訳文：{to}）", person_name: "原文での名前", person_target: "訳文での名前", first_person: "一人称", voice: "話し方", script_hint: "「名前：」で始まる行は、その人物の台詞になります。", no_characters: "まだいません。",
    history: "履歴", no_history: "まだありません。", keep_history: "履歴をこのブラウザに残す", clear_history: "すべて削除", restore: "呼び戻す", search: "検索",
    drop: "ここにファイルをドロップするか、選んでください", choose_file: "ファイルを選ぶ", formats: "形式：{list}", doc_hint: "言語と文体は上の設定、用語と人物は用語集と登場人物の内容が使われます。", queued: "待機中", translating: "{total} 中 {done}", done: "完了", error: "失敗", download: "保存", open: "表示", uploading: "送信中", too_large: "{name} は {n} MB を超えています", unknown_format: "{name} は扱えない形式です", no_documents: "まだありません。", progress_of: "{name} の進み具合",
    coverage: "翻訳 {translated}、対象外 {skipped}、失敗 {failed}", all: "すべて", with: "指摘あり", translated: "翻訳済み", skipped: "対象外", state_failed: "失敗", untouched: "訳す文字なし", pending: "未着手", show_more: "さらに表示", place: "場所", gone: "このファイルはもうサーバーにありません。", view_of: "{name} の内容",
    theme: "明暗", language: "表示言語", help: "ヘルプ", keys: "キー操作", offline: "サーバーから応答がありません。もう一度お試しください。", "too-many": "要求が多すぎます。まもなく再試行します。", fault: "問題が起きました。もう一度お試しください。", "same-language": "原文はすでにその言語で書かれています。", token: "このサーバーにはトークンが必要です", token_field: "トークン", token_wrong: "このトークンは登録されていません。", go: "続ける", cancel: "やめる", full: "このブラウザには保存する空きがありません。", model: "モデル",
    minor: "軽微", major: "重大", critical: "致命的",
    plain: "常体（だ・である）", polite: "丁寧（です・ます）", honorific: "敬語", casual: "くだけた", literary: "文語調",
    k_go: "翻訳、または検査", k_focus: "原文へ", k_swap: "言語の入れ替え", k_drawers: "用語集、登場人物、履歴、ファイル、テキスト", k_move: "次の文、前の文", k_choose: "別の訳を選ぶ", k_finding: "次の指摘", k_close: "閉じる", k_help: "このキー一覧",
    p_language: "言語", p_untranslated: "訳し残し", p_copied: "原文のまま", p_refusal: "翻訳の拒否", p_answered: "訳さずに回答", p_repetition: "繰り返し", p_tags: "タグ", p_placeholders: "置換記号", p_shift: "行のずれ", p_names: "固有名", p_glossary: "用語集", p_forbidden: "使わない訳", p_numbers: "数値", p_register: "文体", p_length: "長さ", p_lines: "行数", p_notes: "注釈", p_traps: "誤訳しやすい語", p_ruby: "ルビ", p_unsure: "自信のない語", p_natural: "自然さ", p_honorifics: "敬称", "p_first person": "一人称", p_address: "二人称", p_titles: "呼び方", p_layout: "割り付け",
  },
  zh: {
    name: "中文", text: "文本", documents: "文件", from: "原文语言", to: "译文语言", auto: "自动检测语言", auto_is: "检测为：{lang}", swap: "交换语言",
    register: "语体", any: "不指定", speaker: "说话人", nobody: "不指定", source: "原文", translation: "译文", type_here: "在此输入或粘贴文本",
    translate: "翻译", clear: "清空", copy: "复制", copied: "已复制", check: "检查自己的译文", check_now: "检查", check_here: "粘贴您的译文，与原文逐行对应", check_end: "回到翻译",
    working: "正在翻译…", ready: "{n} 句，{f} 处提示", ready_one: "1 句，{f} 处提示", stopped: "已停止", long: "文本较长：按 Ctrl+Enter 翻译", failed: "未翻译：{why}", nothing: "译文显示在这里。",
    sentence: "句子", findings: "提示", no_findings: "检查未发现问题。", alternatives: "其他译法", no_alternatives: "没有其他译法。", edit: "自行修改", use: "采用", close: "关闭", next_finding: "下一处提示", choose_hint: "选择译文中的一句，即可查看提示和其他译法。", with_findings: "{n} 处提示",
    glossary: "术语表", glossary_of: "术语表（{from} → {to}）", term: "术语", rendering: "译法", forbidden: "禁用译法（a|b）", add: "添加", remove: "删除", remove_of: "删除 {a}", import: "导入 TSV", export: "导出 TSV", filter: "筛选", imported: "已导入 {n} 条", not_table: "文件中没有术语：每行写术语、制表符和译法", terms: "{n} 条", more_rows: "另有 {n} 条，筛选后显示", kept_here: "仅保存在此浏览器中。", variants: "A|B：两者皆可，前者优先。",
    characters: "人物", characters_of: "人物（译文：{to}）", person_name: "原文中的名字", person_target: "译文中的名字", first_person: "自称", voice: "说话方式", script_hint: "以名字加冒号开头的行视为该人物的台词。", no_characters: "还没有人物。",
    history: "历史", no_history: "还没有记录。", keep_history: "在此浏览器中保留历史", clear_history: "全部删除", restore: "恢复", search: "搜索",
    drop: "将文件拖到此处，或选择文件", choose_file: "选择文件", formats: "格式：{list}", doc_hint: "语言和语体以上方设置为准，并使用术语表和人物。", queued: "等待中", translating: "{done} / {total}", done: "完成", error: "失败", download: "下载", open: "查看", uploading: "正在发送", too_large: "{name} 超过 {n} MB", unknown_format: "{name}：无法识别的格式", no_documents: "还没有文件。", progress_of: "{name} 的进度",
    coverage: "已译 {translated}，未译入 {skipped}，失败 {failed}", all: "全部", with: "有提示", translated: "已译", skipped: "不翻译", state_failed: "失败", untouched: "无可译内容", pending: "尚未翻译", show_more: "显示更多", place: "位置", gone: "服务器上已没有此文件。", view_of: "{name} 的内容",
    theme: "明暗", language: "界面语言", help: "帮助", keys: "按键", offline: "服务器没有响应，请重试。", "too-many": "请求过多，稍后重试。", fault: "出现问题，请重试。", "same-language": "原文已是该语言。", token: "此服务器需要令牌", token_field: "令牌", token_wrong: "无法识别此令牌。", go: "继续", cancel: "取消", full: "此浏览器没有空间保存。", model: "模型",
    minor: "轻微", major: "严重", critical: "致命",
    plain: "简体", polite: "礼貌", honorific: "敬语", casual: "随意", literary: "书面",
    k_go: "翻译或检查", k_focus: "到原文", k_swap: "交换语言", k_drawers: "术语表、人物、历史、文件、文本", k_move: "下一句、上一句", k_choose: "采用其他译法", k_finding: "下一处提示", k_close: "关闭", k_help: "按键一览",
    p_language: "语言", p_untranslated: "漏译", p_copied: "照抄原文", p_refusal: "拒绝翻译", p_answered: "未翻译而作答", p_repetition: "重复", p_tags: "标签", p_placeholders: "占位符", p_shift: "错行", p_names: "名称", p_glossary: "术语表", p_forbidden: "禁用译法", p_numbers: "数字", p_register: "语体", p_length: "长度", p_lines: "行数", p_notes: "注释", p_traps: "易错词", p_ruby: "注音", p_unsure: "用词没有把握", p_natural: "自然度", p_honorifics: "敬称", "p_first person": "自称", p_address: "对称", p_titles: "称呼", p_layout: "排版",
  },
};

export const { LANGUAGES, nameOf, choose, speaker } = dictionary(TABLE);
