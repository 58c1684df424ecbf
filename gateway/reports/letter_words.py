"""The words of a letter to a recipient, in Chinese and English, from the same facts."""

from collections.abc import Mapping
from typing import Final

ACTIONS: Final[Mapping[str, Mapping[str, str]]] = {
    "en": {
        "erase": "Please delete what you hold of this person, all copies included.",
        "rectify": "Please correct what you hold of this person, as named below.",
        "restrict": "Please use nothing that you hold of this person until we write again.",
        "unrestrict": "The restriction is lifted: you may use the data again as agreed.",
        "withdraw": "The person has withdrawn consent: please stop using the data for the "
        "purposes named below.",
    },
    "zh": {
        "erase": "请删除贵方所持有的该用户的个人信息，包括全部副本。",
        "rectify": "请按下列内容更正贵方所持有的该用户的个人信息。",
        "restrict": "在我方另行通知之前，请停止使用贵方所持有的该用户的个人信息。",
        "unrestrict": "限制已解除：贵方可按约定继续使用相关信息。",
        "withdraw": "该用户已撤回同意：请停止为下列目的使用其个人信息。",
    },
}
"""What is to be done, by action."""

WORDS: Final[Mapping[str, Mapping[str, str]]] = {
    "en": {
        "title": "Notice about personal data",
        "to": "To",
        "contact": "Contact",
        "agreement": "Agreement",
        "from": "From",
        "reply_to": "Answers in writing to",
        "notice": "Notice",
        "date": "Date",
        "part": "Part",
        "of": "of",
        "deadline": "To be done by",
        "ids": "Whom this is about",
        "pseudonym": "Your id of the person (as in our grants)",
        "references": "Your own ids of the records",
        "records_only": "Only these records are meant, and nothing else that you hold of the "
        "person.",
        "purposes": "Shared for",
        "categories": "Categories of data",
        "changes": "New values",
        "changes_unknown": "please ask us for it",
        "answer": "How to answer",
        "answer_signed": "Send a receipt for this notice, signed with your key, to",
        "answer_written": "Or answer this letter in writing. Quote the number of the notice, and "
        "say one of:",
        "answer_done": "completed, on which day, and until when backups still hold the data",
        "answer_none": "nothing was found under these ids",
        "answer_partly": "done in part: what remains, and why",
        "answer_refused": "refused: on which legal ground",
        "onward": "Please pass this on to everybody who had the data from you.",
        "confidential": "This letter names a person to you by ids that only you can match. Keep "
        "it no longer than the answer takes.",
        "none": "none on file",
        "colon": ": ",
    },
    "zh": {
        "title": "个人信息处理通知函",
        "to": "致",
        "contact": "联系方式",
        "agreement": "协议编号",
        "from": "发函方",
        "reply_to": "书面回复请寄",
        "notice": "通知编号",
        "date": "日期",
        "part": "第",
        "of": "部分，共",
        "deadline": "完成期限",
        "ids": "所涉个人信息主体",
        "pseudonym": "贵方所用的该用户标识（与我方授权凭证一致）",
        "references": "贵方自有的记录编号",
        "records_only": "仅涉及上述记录，不涉及贵方持有的该用户的其他信息。",
        "purposes": "共享目的",
        "categories": "个人信息类别",
        "changes": "更正后的内容",
        "changes_unknown": "请向我方索取",
        "answer": "回复方式",
        "answer_signed": "请将以贵方密钥签名的回执发送至",
        "answer_written": "或书面回复本函。请注明通知编号，并选择下列之一：",
        "answer_done": "已完成：完成日期，以及备份中的数据最迟何时清除",
        "answer_none": "以上标识下未查到任何信息",
        "answer_partly": "部分完成：尚余内容及原因",
        "answer_refused": "拒绝：法律依据",
        "onward": "请同时通知从贵方获得该信息的所有接收方。",
        "confidential": "本函以仅贵方可识别的标识指称个人信息主体，回复后请勿继续留存。",
        "none": "无登记",
        "colon": "：",
    },
}

LANGUAGES: Final = tuple(WORDS)
