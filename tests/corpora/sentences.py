"""The sentences that values stand in: notes to couriers, letters to customer service, remarks."""

from collections.abc import Mapping

WITH: Mapping[str, Mapping[str, tuple[str, ...]]] = {
    "zh": {
        "phone": (
            "到了打{x}，谢谢",
            "快递请放门口，有事联系我{x}。",
            "我的手机号是{x}",
            "换号了：{x}（微信同号）",
            "收件人王女士 {x} 不要打扰邻居",
            "退款后请回电{x}，上午不在",
            "家里座机 {x}",
        ),
        "email": ("发票寄到{x}就行", "邮箱:{x}", "请把清单发给 {x} ，谢谢！", "联系人（{x}）"),
        "resident-id": ("身份证{x}", "实名认证用 {x} 可以吗", "证件号码为{x}，请核对。"),
        "tax-id": ("德国税号 {x}",),
        "bank-card": ("退到卡上：{x}", "卡号{x}，开户行在成都", "请转账到 {x} 张三"),
        "iban": ("我的欧洲账户是 {x}", "IBAN：{x}，请尽快退款"),
        "coordinates": ("在这里等：{x}", "导航到 {x} 就到了", "位置（{x}）附近的红色大门"),
        "ip": ("登录地址是 {x}", "从{x}下的单", "来源IP：{x}"),
        "secret": ("系统里写的是 {x}", "先用这个登录 {x}", "{x}\n用完请删"),
    },
    "en": {
        "phone": (
            "Ring me on {x} when you are downstairs",
            "my new number is {x}, the old one is dead",
            "Leave with the neighbour ({x}) please.",
            "cell: {x}",
            "Any questions? {x}, ask for Sam",
            "I tried to reach you; I'm at {x} until six.",
            "Text {x} before delivery",
        ),
        "email": (
            "Please send the receipt to {x}.",
            "reach me at {x}, thanks",
            "cc: <{x}>",
            "contact {x}; she has the key",
        ),
        "resident-id": ("my identity card says {x}", "Passport lost, the national number is {x}."),
        "tax-id": ("the German tax people call me {x}",),
        "bank-card": (
            "I paid with {x} and was charged twice",
            "charge {x}, it expires in May",
            "card no. {x}",
        ),
        "iban": ("refund to {x}, please", "My account: {x} (joint)", "IBAN {x}"),
        "coordinates": (
            "we are camping at {x}",
            "The gate is here: {x}.",
            "drop it at {x}, north side",
        ),
        "ip": (
            "I was logged in from {x}",
            "the order came from {x}.",
            "someone at {x} used my account",
        ),
        "secret": ("Use {x} to get in", "the key is\n{x}", "{x} - please change it afterwards"),
    },
    "de": {
        "phone": (
            "Bitte vorher anrufen: {x}",
            "Erreichbar bin ich unter {x}, abends besser",
            "Neue Handynummer {x}!",
            "Falls niemand da ist, bei Frau Lehmann klingeln ({x})",
            "Rückfragen gern an {x}.",
            "Tel. {x}",
        ),
        "email": (
            "Rechnung bitte an {x} schicken",
            "Mail: {x}, danke",
            "schreiben Sie mir ({x})",
        ),
        "resident-id": ("Meine Ausweisnummer aus dem Ausland: {x}", "Personennummer {x} liegt bei"),
        "tax-id": (
            "Steuer-ID {x}",
            "meine Identifikationsnummer lautet {x}.",
            "IdNr.: {x}, bitte eintragen",
        ),
        "bank-card": ("Kreditkarte {x}, gültig bis Mai", "abgebucht wurde von {x}"),
        "iban": (
            "Bitte auf {x} überweisen",
            "meine IBAN lautet {x}, danke",
            "Erstattung: {x} (Lehmann)",
        ),
        "coordinates": ("Der Hof liegt bei {x}", "Treffpunkt {x}, am Waldrand"),
        "ip": ("angemeldet von {x} aus", "Bestellt wurde über {x}."),
        "secret": ("Zugang: {x}", "bitte {x} verwenden", "{x}\nnicht weitergeben"),
    },
}
"""For each language and kind, sentences with `{x}` where the value stands."""

DECOY: Mapping[str, Mapping[str, tuple[str, ...]]] = {
    "zh": {
        "": ("参考{x}", "{x}还没有收到", "关于 {x} 的问题", "备注：{x}"),
        "order": ("订单号{x}什么时候发货", "单号 {x} 请取消"),
        "parcel": ("快递{x}显示已签收", "运单{x}丢了"),
        "price": ("实付{x}，请退差价", "报价 {x}"),
        "moment": ("{x}送到就行", "{x} 下的单"),
        "version": ("升级到{x}以后打不开", "系统版本 {x}"),
        "book": ("要的是这本书 {x}", "条码{x}"),
        "measure": ("尺寸{x}", "测得 {x}"),
    },
    "en": {
        "": (
            "about {x}",
            "regarding {x}: no reply yet",
            "see {x} please",
            "It says {x} on the box",
        ),
        "order": ("order {x} has not arrived", "please cancel {x}"),
        "parcel": ("parcel {x} shows as delivered", "tracking: {x}"),
        "price": ("I was charged {x}", "the quote was {x}, not more"),
        "moment": ("deliver it {x}", "the call was on {x}"),
        "version": ("since {x} it does not start", "running {x} here"),
        "book": ("the book is {x}", "barcode {x}"),
        "measure": ("it measures {x}", "sizes {x}"),
    },
    "de": {
        "": (
            "Betreff {x}",
            "wegen {x} noch keine Antwort",
            "siehe {x}",
            "Auf dem Karton steht {x}",
        ),
        "order": ("Bestellung {x} ist nicht da", "bitte {x} stornieren"),
        "parcel": ("Sendung {x} gilt als zugestellt", "Paket {x}"),
        "price": ("abgebucht wurden {x}", "Angebot über {x}"),
        "moment": ("Lieferung {x}", "das Gespräch war am {x}"),
        "version": ("seit {x} startet es nicht", "hier läuft {x}"),
        "book": ("das Buch {x}", "Strichcode {x}"),
        "measure": ("Maße {x}", "Größen {x}"),
    },
}
"""Sentences around what only looks personal; those under the empty name fit every decoy."""

BESIDE: Mapping[str, tuple[str, ...]] = {
    "zh": (
        "请尽快处理。",
        "周末也可以送。",
        "两件都要退，3号楼2单元。",
        "谢谢！",
        "大概下午5点半。",
    ),
    "en": (
        "Second floor, left.",
        "Two items were missing.",
        "Thanks a lot!",
        "It is 5:30 pm here.",
    ),
    "de": (
        "Zweiter Stock links.",
        "Es fehlten 2 Teile.",
        "Vielen Dank!",
        "Ab 17.30 Uhr bin ich da.",
    ),
}
"""Sentences with nothing in them that go before or behind."""
