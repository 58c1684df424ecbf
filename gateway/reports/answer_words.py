"""The words of the answer to a person, in Chinese and English, from the same facts."""

from collections.abc import Mapping
from typing import Final

Words = Mapping[str, Mapping[str, str]]

ASKED: Final[Words] = {
    "en": {
        "erase": "to delete your personal information",
        "erase-part": "to delete a part of your personal information",
        "rectify": "to correct your personal information",
        "restrict": "to stop the use and sharing of your personal information",
        "unrestrict": "to lift the restriction of your personal information",
        "withdraw": "to stop what you had agreed to",
    },
    "zh": {
        "erase": "删除您的个人信息",
        "erase-part": "删除您的部分个人信息",
        "rectify": "更正您的个人信息",
        "restrict": "停止使用和共享您的个人信息",
        "unrestrict": "解除对您个人信息的限制",
        "withdraw": "停止您此前同意的处理",
    },
}
"""What was asked, by action."""

DONE: Final[Words] = {
    "en": {
        "erase": "We deleted our records of your personal information, destroyed the keys to "
        "them, and share nothing more about you with anybody. This cannot be undone.",
        "erase-part": "While the request was open we shared nothing of this part. What follows "
        "says what became of it with those who had received it.",
        "rectify": "We sent the new values, encrypted, to those who had received the old ones, and "
        "to nobody else.",
        "restrict": "We share nothing of this with anybody until the restriction is lifted.",
        "unrestrict": "The restriction is lifted. What you have agreed to may be shared again.",
        "withdraw": "We share nothing more on the consent that you withdrew. What was done before "
        "the withdrawal stays valid.",
        "nobody": "Nobody had received this information from us, so nobody had to be told.",
        "refused": "We did not carry out your request. Nobody was told, and what was stopped for "
        "it goes on as before.",
        "refused-rest": "What was carried out before we refused your request stays so, as is said "
        "below. We carry it no further.",
    },
    "zh": {
        "erase": "我们已删除您的个人信息记录并销毁其密钥，今后不再向任何人共享您的个人信息。"
        "此操作不可恢复。",
        "erase-part": "在处理您的请求期间，我们未共享该部分信息。"
        "已接收该信息的各方的处理情况见下文。",
        "rectify": "我们已将更正后的内容加密发送给曾接收原内容的各方，未发送给其他任何人。",
        "restrict": "在限制解除之前，我们不会向任何人共享上述信息。",
        "unrestrict": "限制已解除。您已同意的共享可以恢复。",
        "withdraw": "我们不再基于您撤回的同意共享任何信息。撤回前已进行的处理仍然有效。",
        "nobody": "没有任何接收方从我们处获得过该信息，因此无需通知。",
        "refused": "我们未执行您的请求。我们未通知任何接收方，此前因该请求而停止的共享已恢复。",
        "refused-rest": "在我们拒绝您的请求之前已处理的部分保持不变，详见下文；其余部分不再处理。",
    },
}
"""What we did ourselves."""

VERIFIED: Final[Words] = {
    "en": {
        "app-session": "by your session in the app",
        "customer-service": "by our customer service",
        "guardian": "by the guardian",
        "system": "by a record of our own systems",
    },
    "zh": {
        "app-session": "通过您在应用内的登录会话",
        "customer-service": "由客服核验",
        "guardian": "由监护人核验",
        "system": "依据我方系统已有记录",
    },
}

REASONS: Final[Words] = {
    "en": {
        "user-request": "you asked for it",
        "account-closed": "the account was closed",
        "consent-withdrawn": "consent was withdrawn",
        "unlawful": "the data was processed unlawfully",
        "agreement-breached": "an agreement was breached",
        "service-ended": "the service ended",
        "minor-without-consent": "the data of a minor was held without a guardian's consent",
        "retention-expired": "the time for which it may be kept is over",
        "agreement-ended": "the agreement with a recipient ended",
    },
    "zh": {
        "user-request": "应您的请求",
        "account-closed": "账号已注销",
        "consent-withdrawn": "同意已撤回",
        "unlawful": "违法处理个人信息",
        "agreement-breached": "违反约定",
        "service-ended": "服务终止",
        "minor-without-consent": "未经监护人同意持有未成年人信息",
        "retention-expired": "保存期限届满",
        "agreement-ended": "与接收方的协议终止",
    },
}

GROUNDS: Final[Words] = {
    "en": {
        "repetitive": "the request is repeated without reason",
        "excessive-effort": "it would take technical means beyond all proportion",
        "impractical": "it is impractical, such as for information on backup media",
        "national-security": "it bears directly on national security or defence",
        "public-safety": "it bears directly on public safety, public health or major public "
        "interest",
        "criminal-procedure": "it bears directly on a criminal investigation, prosecution or trial",
        "bad-faith": "there is evidence of bad faith or abuse of rights",
        "harm-to-others": "it would seriously harm the rights of others",
    },
    "zh": {
        "repetitive": "请求属无正当理由的重复请求",
        "excessive-effort": "需要过多的技术手段",
        "impractical": "不切实际，例如涉及备份介质中的信息",
        "national-security": "与国家安全、国防安全直接相关",
        "public-safety": "与公共安全、公共卫生、重大公共利益直接相关",
        "criminal-procedure": "与犯罪侦查、起诉、审判直接相关",
        "bad-faith": "有充分证据表明存在主观恶意或滥用权利",
        "harm-to-others": "将严重损害他人的合法权益",
    },
}
"""On what a request was refused (R7)."""

STANDS: Final[Words] = {
    "en": {
        "queued": "will be told; nothing has come of it yet",
        "manual": "is told by us in writing",
        "sent": "was told; it has not answered yet",
        "acknowledged": "was told, and has confirmed that it received the notice",
        "in-progress": "was told, and is at work on it",
        "completed": "has confirmed that it is done",
        "completed-response": "has answered that it is done",
        "completed-person": "has answered us that it is done",
        "not-found": "has answered that it holds nothing of it",
        "partial": "has done it in part",
        "refused": "refuses to do it",
        "exempt": "is not told",
        "exempt-person": "keeps it, which we have examined and accept",
        "case-refused": "was not told",
        "failed": "could not be reached; one of us sees to it",
        "failed-person": "could not be reached, and we ended the tries",
        "overdue": "was told, and is late; one of us sees to it",
        "backups": "its backups hold it until",
        "backups-past": "its backups held it until",
        "because": "because",
        "by": "due by",
    },
    "zh": {
        "queued": "将予通知，尚无结果",
        "manual": "由我方书面通知",
        "sent": "已通知，尚未答复",
        "acknowledged": "已通知，并已确认收到",
        "in-progress": "已通知，正在处理",
        "completed": "已确认处理完成",
        "completed-response": "已答复处理完成",
        "completed-person": "已向我方答复处理完成",
        "not-found": "已答复未持有相关信息",
        "partial": "已部分处理",
        "refused": "拒绝处理",
        "exempt": "未予通知",
        "exempt-person": "继续保留，我方已核实并认可",
        "case-refused": "未予通知",
        "failed": "未能送达，我方正在跟进",
        "failed-person": "未能送达，我方已终止通知",
        "overdue": "已通知，逾期未完成，我方正在跟进",
        "backups": "其备份中的信息最迟清除日期",
        "backups-past": "其备份中的信息已清除，清除期限为",
        "because": "原因",
        "by": "期限",
    },
}
"""How a recipient stands, by the state of its notice."""

WORDS: Final[Words] = {
    "en": {
        "title": "Answer to your request about your personal information",
        "interim": "Interim answer: your request is still being carried out.",
        "final": "Final answer: your request is carried out.",
        "final-but": "Final answer: your request is carried out, but for what is named below.",
        "refused": "Final answer: your request is refused.",
        "refused-rest": "Final answer: the rest of your request is refused.",
        "case": "Reference",
        "date": "Date",
        "from": "From",
        "contact": "Contact",
        "asked": "You asked us",
        "opened": "We decided",
        "because": "Reason",
        "about": "It is about",
        "everything": "everything that was shared of you",
        "received": "Received",
        "verified": "Identity verified",
        "on": "on",
        "unknown": "not on record",
        "deadline": "To be answered in full by",
        "closed": "Ended",
        "done": "What we did",
        "recipients": "Who was told, and how each stands",
        "recipient": "Recipient",
        "stands": "How it stands",
        "undone": "What could not be done, and why",
        "ground": "Your request is refused because",
        "complain": "If you do not agree",
        "complain_us": "Write to us at the contact above and quote the reference.",
        "complain_elsewhere": "You may also complain to the authority that protects personal "
        "information, or go to court.",
        "complain_at": "Complaints:",
        "certificate": "A signed certificate of this case can be had from us under the same "
        "reference.",
        "colon": ": ",
        "comma": ", ",
    },
    "zh": {
        "title": "关于您个人信息请求的答复",
        "interim": "阶段性答复：您的请求仍在处理中。",
        "final": "最终答复：您的请求已处理完毕。",
        "final-but": "最终答复：您的请求已处理完毕，未能处理的部分见下文。",
        "refused": "最终答复：您的请求被拒绝。",
        "refused-rest": "最终答复：您的请求的其余部分被拒绝。",
        "case": "编号",
        "date": "日期",
        "from": "答复方",
        "contact": "联系方式",
        "asked": "您的请求",
        "opened": "我方决定",
        "because": "原因",
        "about": "涉及范围",
        "everything": "已共享的您的全部信息",
        "received": "受理时间",
        "verified": "身份核验",
        "on": "，时间：",
        "unknown": "无记录",
        "deadline": "答复期限",
        "closed": "办结时间",
        "done": "我们的处理",
        "recipients": "通知情况及各接收方的处理状态",
        "recipient": "接收方",
        "stands": "状态",
        "undone": "未能处理的部分及原因",
        "ground": "拒绝的理由",
        "complain": "如您不同意本答复",
        "complain_us": "请通过上述联系方式与我们联系，并注明编号。",
        "complain_elsewhere": "您也可以向履行个人信息保护职责的部门投诉、举报，"
        "或向人民法院提起诉讼。",
        "complain_at": "投诉渠道：",
        "certificate": "您可凭同一编号向我们索取本案的签名证明。",
        "colon": "：",
        "comma": "，",
    },
}

LANGUAGES: Final = tuple(WORDS)
