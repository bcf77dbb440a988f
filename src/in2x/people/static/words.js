// The words of the page. A language is a column: what is missing in one falls back to the first.

import { dictionary } from "./say.js";

const TABLE = {
  en: {
    name: "English", start: "Start", go_on: "Go on", guidelines: "What to do", keys: "Keys", next: "Next", previous: "Previous",
    done: "Done", reopen: "Change", undo: "Undo", flag: "Report a problem", flagged: "Reported", flag_ask: "What is wrong with this item?", send: "Send", cancel: "Cancel",
    source: "Source", translation: "Translation", score: "Score", no_score: "no score yet", why: "Why? (if you like)", comment: "Note",
    saved: "All saved", unsent: "{n} not sent yet", offline: "No connection: your work is kept here and sent later ({n})", unsaved: "The server cannot save just now: kept here, sent again ({n})",
    paused: "The campaign is paused: your work is kept here and sent when it goes on.", closed: "The campaign is closed. Thank you.",
    "revoked-link": "This link is no longer good. Ask whoever sent it for a new one.", "expired-link": "This link is too old. Ask whoever sent it for a new one.",
    "unknown-link": "This link is not known. Is it whole?", "no-token": "This link is not known. Is it whole?", fault: "Something went wrong. Load the page again; nothing is lost.",
    progress: "{done} of {total}", left: "{n} min left", over: "time is up; finish if you like", thanks: "That was all. Thank you!", all_saved: "Everything is saved. You may close this page.", some_left: "Some items are still open:",
    hidden: "The source is shown once you have answered.", changed: "The organiser changed this text after you judged it: look again.", elsewhere: "Changed in another tab; the later answer counts.",
    refused: "One answer could not be saved: {why}", minor: "minor", major: "major", critical: "critical", neutral: "neutral", remove: "Remove", category: "Kind of error",
    better: "{a} is better", equal: "Equally good", rank: "Order (1 is best)", rank_of: "Place of {a}", practice: "Practice", right: "Right", look_again: "Look again", try_again: "Try again", document: "Text {n} of {m}",
    theme: "Dark or light", language: "Language", help: "Help", incomplete: "Still open: {what}", says_to: "{a} to {b}", mark_hint: "Mark errors: drag over them, tap a word, or use the keys.", spans: "Errors", nothing_wrong: "none marked",
    k_move: "← → word by word, Shift extends", k_mark: "1 2 … marks what is selected (by severity); Del removes", k_score: "1 … 9 gives 10 … 90, 0 gives 100; ← → by one", k_answer: "1 2 3 … chooses an answer", k_enter: "Enter: next step; on Done, next segment", k_jk: "J K next and previous segment", k_undo: "Ctrl+Z undo", k_help: "? these keys",
    s0: "nonsense", s33: "some meaning", s66: "most meaning", s100: "perfect",
  },
  ja: {
    name: "日本語", start: "はじめる", go_on: "続ける", guidelines: "作業の説明", keys: "キー操作", next: "次へ", previous: "前へ",
    done: "確定", reopen: "修正する", undo: "元に戻す", flag: "問題を報告", flagged: "報告済み", flag_ask: "この項目のどこに問題がありますか。", send: "送信", cancel: "やめる",
    source: "原文", translation: "訳文", score: "点数", no_score: "未採点", why: "理由（任意）", comment: "メモ",
    saved: "保存済み", unsent: "未送信 {n} 件", offline: "接続がありません。作業はこの端末に保存され、あとで送信されます（{n} 件）", unsaved: "サーバーが今は保存できません。この端末に保存し、再送します（{n} 件）",
    paused: "評価は一時停止中です。作業はこの端末に保存され、再開後に送信されます。", closed: "この評価は終了しました。ご協力ありがとうございました。",
    "revoked-link": "このリンクは無効になりました。送り主に新しいリンクをご依頼ください。", "expired-link": "このリンクは期限が切れています。送り主に新しいリンクをご依頼ください。",
    "unknown-link": "このリンクは登録されていません。全体がコピーされているかご確認ください。", "no-token": "このリンクは登録されていません。全体がコピーされているかご確認ください。", fault: "問題が起きました。ページを読み込み直してください。作業は失われていません。",
    progress: "{total} 件中 {done} 件", left: "残り {n} 分", over: "予定の時間になりました。続けることもできます", thanks: "これで全部です。ありがとうございました。", all_saved: "すべて保存されました。ページを閉じてかまいません。", some_left: "まだ終わっていない項目があります：",
    hidden: "回答すると原文が表示されます。", changed: "評価のあとでこの文が変更されました。もう一度ご確認ください。", elsewhere: "別のタブで変更されました。後の回答が有効です。",
    refused: "保存できない回答がありました：{why}", minor: "軽微", major: "重大", critical: "致命的", neutral: "中立", remove: "取り消す", category: "誤りの種類",
    better: "{a} のほうがよい", equal: "同じくらい", rank: "順位（1 が最もよい）", rank_of: "{a} の順位", practice: "練習", right: "正解", look_again: "もう一度見てください", try_again: "やり直す", document: "{m} 編中 {n} 編目",
    theme: "明暗", language: "言語", help: "ヘルプ", incomplete: "未回答：{what}", says_to: "{a} から {b} へ", mark_hint: "誤りの範囲をドラッグするか、語をタップするか、キーで選んでください。", spans: "誤り", nothing_wrong: "なし",
    k_move: "← → 語ごとに移動、Shift で広げる", k_mark: "1 2 … 選んだ範囲に印（重さの順）、Del で取り消し", k_score: "1 … 9 は 10 … 90 点、0 は 100 点、← → で 1 点ずつ", k_answer: "1 2 3 … 回答を選ぶ", k_enter: "Enter 次の手順へ、確定で次の文へ", k_jk: "J K 次の文、前の文", k_undo: "Ctrl+Z 元に戻す", k_help: "? このキー一覧",
    s0: "意味不明", s33: "一部伝わる", s66: "大半伝わる", s100: "完璧",
  },
  zh: {
    name: "中文", start: "开始", go_on: "继续", guidelines: "说明", keys: "按键", next: "下一页", previous: "上一页",
    done: "完成", reopen: "修改", undo: "撤销", flag: "报告问题", flagged: "已报告", flag_ask: "这一条有什么问题？", send: "发送", cancel: "取消",
    source: "原文", translation: "译文", score: "分数", no_score: "未评分", why: "理由（可不填）", comment: "备注",
    saved: "已全部保存", unsent: "{n} 项未发送", offline: "没有网络：内容保存在本机，稍后发送（{n} 项）", unsaved: "服务器暂时无法保存：内容保存在本机，会再次发送（{n} 项）",
    paused: "评测已暂停。内容保存在本机，恢复后发送。", closed: "评测已结束，谢谢参与。",
    "revoked-link": "此链接已失效，请向发送者索取新链接。", "expired-link": "此链接已过期，请向发送者索取新链接。",
    "unknown-link": "无法识别此链接，请检查是否完整。", "no-token": "无法识别此链接，请检查是否完整。", fault: "出现问题，请重新载入页面，内容不会丢失。",
    progress: "{done} / {total}", left: "剩余 {n} 分钟", over: "时间已到，可以继续完成", thanks: "全部完成，谢谢！", all_saved: "已全部保存，可以关闭页面。", some_left: "以下条目尚未完成：",
    hidden: "回答后显示原文。", changed: "您评判之后此文本有改动，请再看一遍。", elsewhere: "已在另一个标签页修改，以后一次为准。",
    refused: "有一项回答无法保存：{why}", minor: "轻微", major: "严重", critical: "致命", neutral: "中性", remove: "删除", category: "错误类别",
    better: "{a} 更好", equal: "一样好", rank: "名次（1 最好）", rank_of: "{a} 的名次", practice: "练习", right: "正确", look_again: "请再看一遍", try_again: "重做", document: "第 {n} 篇，共 {m} 篇",
    theme: "明暗", language: "语言", help: "帮助", incomplete: "未完成：{what}", says_to: "{a} 对 {b}", mark_hint: "拖选错误，或点一个词，或用按键。", spans: "错误", nothing_wrong: "无",
    k_move: "← → 逐词移动，Shift 扩大", k_mark: "1 2 … 标记所选（按严重程度），Del 删除", k_score: "1 … 9 为 10 … 90 分，0 为 100 分，← → 每次 1 分", k_answer: "1 2 3 … 选择答案", k_enter: "Enter 下一步；在“完成”上进入下一句", k_jk: "J K 下一句、上一句", k_undo: "Ctrl+Z 撤销", k_help: "? 按键一览",
    s0: "不知所云", s33: "部分达意", s66: "大部达意", s100: "完美",
  },
};

export const { LANGUAGES, nameOf, choose, speaker } = dictionary(TABLE);

/** The campaign's own words in a language, or in the first that they have. */
export const told = (words, lang) => words?.[lang] ?? Object.values(words ?? {})[0] ?? "";
