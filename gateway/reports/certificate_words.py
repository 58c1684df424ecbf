"""The words of a certificate's page, in Chinese and English, from the same claims."""

from collections.abc import Mapping
from typing import Final

from gateway.reports.answer_words import REASONS as TO_THE_PERSON

Words = Mapping[str, Mapping[str, str]]

WORDS: Final[Words] = {
    "en": {
        "title": "Certificate of a request",
        "lead": "What a request came to, whom we told, and what each of them signed.",
        "interim": "Interim: the case is still open.",
        "issuer": "Issuer",
        "case": "Case",
        "asked": "Asked",
        "reason": "Reason",
        "state": "State",
        "ground": "Refused on",
        "accepted": "Accepted",
        "closed": "Closed",
        "person": "Person",
        "recipients": "Recipients",
        "nobody": "Nobody had to be told.",
        "recipient": "Recipient",
        "stands": "State",
        "word": "On whose word",
        "settled": "Settled",
        "backups": "Backups until",
        "receipts": "Receipts",
        "caption": "SHA-256 of each receipt as it was signed",
        "yes": "yes",
        "no": "no, due {day}",
        "verify": "How to verify it",
        "save": "Save the signed text to a file, and the issuer's public keys, from {keys}, to "
        "another. Then, without any connection:",
        "salt": "Whoever has the salt that was given out when the case was opened can show whom "
        "it is about: the person's code above is the SHA-256 of the salt's bytes followed by "
        "their id. Nobody else can.",
        "ledger": "The ledger",
        "head": "A signed head of the ledger that holds what happened in this case:",
        "signed": "The signed certificate",
        "foot": "This page is a reading aid. What counts is the signed text above, on one line.",
    },
    "zh": {
        "title": "请求处理证明",
        "lead": "该请求的处理结果、已通知的接收方及其各自签署的内容。",
        "interim": "阶段性证明：本案尚未办结。",
        "issuer": "出具方",
        "case": "编号",
        "asked": "请求",
        "reason": "原因",
        "state": "状态",
        "ground": "拒绝的理由",
        "accepted": "受理时间",
        "closed": "办结时间",
        "person": "个人代码",
        "recipients": "接收方",
        "nobody": "无需通知任何接收方。",
        "recipient": "接收方",
        "stands": "状态",
        "word": "依据",
        "settled": "是否了结",
        "backups": "备份保留至",
        "receipts": "回执",
        "caption": "各回执签署原文的 SHA-256",
        "yes": "是",
        "no": "否，期限 {day}",
        "verify": "如何验证",
        "save": "请将签名文本存为一个文件，并将出具方的公钥（见 {keys}）存为另一个文件。"
        "此后无需联网即可验证：",
        "salt": "持有立案时给出的盐值者可证明本证明涉及何人：上述个人代码为盐值字节后接该人标识的 "
        "SHA-256。其他任何人均无法得知。",
        "ledger": "账本",
        "head": "包含本案记录的账本的签名头：",
        "signed": "签名证明",
        "foot": "本页仅便于阅读，以上述单行签名文本为准。",
    },
}

ACTIONS: Final[Words] = {
    "en": {
        "erase": "deletion",
        "rectify": "correction",
        "restrict": "restriction",
        "unrestrict": "end of a restriction",
        "withdraw": "withdrawal of a consent",
    },
    "zh": {
        "erase": "删除",
        "rectify": "更正",
        "restrict": "限制处理",
        "unrestrict": "解除限制",
        "withdraw": "撤回同意",
    },
}

REASONS: Final[Words] = {
    "en": {**TO_THE_PERSON["en"], "user-request": "the person asked for it"},
    "zh": {**TO_THE_PERSON["zh"], "user-request": "应本人请求"},
}

STATES: Final[Words] = {
    "en": {},
    "zh": {
        "open": "处理中",
        "closed": "已办结",
        "refused": "已拒绝",
    },
}
"""How a case stands; English as the claims have it."""

STANDS: Final[Words] = {
    "en": {},
    "zh": {
        "queued": "待通知",
        "sent": "已通知",
        "acknowledged": "已确认收到",
        "in-progress": "处理中",
        "completed": "已完成",
        "partial": "部分完成",
        "refused": "拒绝",
        "exempt": "免于执行",
        "failed": "未能送达",
        "overdue": "逾期",
    },
}
"""How a notice stands; English as the claims have it."""

OWN_REASONS: Final[Words] = {
    "en": {},
    "zh": {
        "manual": "书面通知",
        "not-found": "未查到相关信息",
        "gone": "地址已失效",
        "case-refused": "请求已拒绝",
    },
}
"""Reasons that are words of the gateway's own; any other stands as it was written."""

EVIDENCE: Final[Words] = {
    "en": {
        "receipt": "its signed receipt",
        "response": "its interface's answer",
        "person": "a person of ours",
    },
    "zh": {
        "receipt": "其签名回执",
        "response": "其接口答复",
        "person": "我方人员",
    },
}

LANGUAGES: Final = tuple(WORDS)
