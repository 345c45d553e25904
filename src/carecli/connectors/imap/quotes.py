"""Where the quoted history and the signature of a mail begin, in the languages and clients that are common."""

from __future__ import annotations

import re

# Verbs that end the line with which a client introduces the quoted mail ("On … wrote:").
_WROTE = re.compile(
    r"(?i)\b(?:wrote|schrieb|geschrieben|a\s+écrit|ecrit|escribió|escribio|ha\s+scritto|scrisse|"
    r"escreveu|schreef|napisała?|"
    r"napisał\(a\)|pisze|skrev(?:\s+følgende)?|kirjoitti|napsala?|napsal\(a\)|написала?|"
    r"написал\(а\)|пишет|писала?|пише|"
    r"yazdı|şunu\s+yazdı|đã\s+viết|έγραψε|a\s+scris|ezt\s+írta|írta|rašė|rakstīja|kirjutas|napisao|je\s+napisal)"
    r"[^\n:：]{0,40}[:：]\s*$"
    r"|(?:写道|寫道|写了|寫了|のメール|書きました|님이\s*작성|작성했습니다|כתב/?ה?|כתבה?|"
    r"كتب(?:ت)?)[^\n:：]{0,20}[:：]?\s*$"
)
_OPENER = re.compile(
    r"(?i)^(?:on|am|le|el|il|em|op|w\s+dniu|dnia|den|dne|на|вт|пн|ср|чт|пт|сб|вс|в|at|from|pe|ma|"
    r"ti|ke|to|la|su|tarihinde|"
    r"vào|στις|pada|在|於|于|\d{1,4}[-./年])"
)
_LOOKS_DATED = re.compile(r"\d{1,4}[-./:年]\d{1,2}|\b(?:19|20)\d\d\b|@")
_SEPARATOR = re.compile(
    r"(?i)[ \t]*(?:[-_=*]{2,}[ \t]*(?:original[ \-]message|ursprüngliche nachricht|originalnachricht|message d'origine|"
    r"message d’origine|message original|mensaje original|mensagem original|messaggio originale|oorspronkelijk bericht|"
    r"ursprungligt meddelande|originalmeddelande|oprindelig meddelelse|opprinnelig melding|alkuperäinen viesti|"
    r"původní zpráva|wiadomość oryginalna|eredeti üzenet|исходное сообщение|пересылаемое сообщение|orijinal ileti|"
    r"原始邮件|原始郵件|原郵件|元のメッセージ|original-nachricht|원본 메시지|forwarded message|"
    r"weitergeleitete nachricht|"
    r"message transféré|mensaje reenviado|mensagem encaminhada|messaggio inoltrato|doorgestuurd bericht|转发的邮件|"
    r"転送メッセージ)[ \t]*[-_=*]{2,}|begin forwarded message:|anfang der weitergeleiteten nachricht:|"
    r"début du message réexpédié[  ]?:|_{20,})[ \t]*$"
)
_FROM_LINE = re.compile(
    r"(?i)[ \t>*]{0,4}(?:from|von|de|da|van|från|fra|lähettäjä|od|от|від|kimden|"
    r"gönderen|từ|από|差出人|发件人|寄件者|寄件人|"
    r"보낸 사람|מאת|من|feladó|expéditeur|mittente)[ \t]*[:：]\*?[ \t]*\S"
)
_DATE_LINE = re.compile(
    r"(?i)[ \t>*]{0,4}(?:sent|date|gesendet|datum|envoyé|enviado(?: el)?|enviada em|fecha|data|inviato|"
    r"verzonden|skickat|sendt|dato|"
    r"lähetetty|päivämäärä|wysłano|odesláno|отправлено|дата|надіслано|gönderilen|tarih|ngày|đã gửi|ημερομηνία|"
    r"送信日時|日時|发送时间|傳送日期|寄件日期|日期|보낸 날짜|날짜|נשלח|تاريخ|elküldve)[ \t]*[:：]"
)
_QUOTED = re.compile(r"[ \t]?>")
_SIGNATURE = re.compile(r"(?m)^--[ \t]?$")
_MOBILE = re.compile(
    r"(?i)[ \t]*(?:sent from (?:my |outlook|mail for|yahoo|samsung|proton)[\w 'º°-]{0,40}|"
    r"get outlook for \w+(?: <[^>]*>)?|"
    r"von meinem [\w -]{2,30} gesendet|gesendet (?:von|mit) (?:meinem |der |outlook)[\w .-]{2,40}|"
    r"envoyé (?:de|depuis) mon [\w -]{2,30}|enviado desde mi [\w -]{2,30}|enviado do meu [\w -]{2,30}|"
    r"inviato da(?:l mio)? [\w -]{2,30}|verstuurd vanaf mijn [\w -]{2,30}|skickat från min [\w -]{2,30}|"
    r"sendt fra min [\w -]{2,30}|lähetetty [\w]{2,20}(?:sta|stä)|wysłane z (?:mojego )?[\w -]{2,30}|"
    r"отправлено с (?:моего )?[\w -]{2,30}|iphoneから送信|发自我的 ?[\w -]{2,30}|從我的 ?[\w -]{2,30}傳送|"
    r"나의 [\w]{2,20}에서 보냄)\.?[ \t]*$"
)
_SIGNATURE_LINES = 30
_MAX_INTRODUCTION = 400  # characters
_MAX_INTRODUCTIONS = 30  # each is checked against the rest of the text


def marks_of(text: str) -> tuple[int | None, int | None]:
    """Offsets where the quoted history and the signature begin (``None``: there is none).

    Everything from the first offset on is history; answers written between quoted lines keep the whole text visible.
    """
    quoted = _quoted_from(text)
    return quoted, _signature_from(text, len(text) if quoted is None else quoted)


def _quoted_from(text: str) -> int | None:
    lines = text.split("\n")
    introductions = 0
    for index, line in enumerate(lines):
        ending = line.rstrip()
        if not ending or len(ending) > _MAX_INTRODUCTION:
            continue
        begin = None
        if (ending[-1] in "-_=*:" and _SEPARATOR.match(ending)) or (
            (":" in ending[:40] or "：" in ending[:40])
            and _FROM_LINE.match(ending)
            and any(_DATE_LINE.match(near) for near in lines[index + 1 : index + 4])
        ):
            begin = _with_rule(lines, index)
        elif (ending[-1] in ":：" or ending[-1] > "\x7f") and ending[0] != ">" and _WROTE.search(ending):
            introductions += 1
            if introductions > _MAX_INTRODUCTIONS:
                return None
            begin = _introduction(lines, index)
        if begin is not None:
            return sum(len(each) + 1 for each in lines[:begin])
    return _trailing_quote(lines)


def _with_rule(lines: list[str], index: int) -> int:
    """Takes a line of underscores or dashes above into the quotation."""
    above = index - 1
    while above > 0 and not lines[above].strip():
        above -= 1
    rule = lines[above].strip() if above >= 0 else ""
    return above if len(rule) >= 5 and not rule.strip("_-") else index


def _introduction(lines: list[str], index: int) -> int | None:
    """First line of an "On … wrote:" that ends on a line and whose quotation runs to the end of the text."""
    begin = index
    if not (_OPENER.match(lines[index].lstrip()) and _LOOKS_DATED.search(lines[index])):
        # clients wrap the introduction; its opening words stand at most two lines above
        for above in (index - 1, index - 2):
            if above >= 0 and lines[above].strip() and _OPENER.match(lines[above].lstrip()):
                begin = above
                break
    if not _LOOKS_DATED.search(" ".join(lines[begin : index + 1])):
        return None
    unmarked = begin > 0 and not lines[begin - 1].strip()
    return begin if _runs_to_end(lines[index + 1 :], unmarked=unmarked) else None


def _runs_to_end(rest: list[str], *, unmarked: bool) -> bool:
    """Whether what follows an introduction is only quotation; ``unmarked``: it may stand there without ">"."""
    marked = [line for line in rest if line.strip()]
    if not marked:
        return False
    if not _QUOTED.match(marked[0]):
        return unmarked
    for number, line in enumerate(marked):
        if not _QUOTED.match(line):
            return bool(_SIGNATURE.match(line) or _MOBILE.match(line)) or not any(
                not _QUOTED.match(later) for later in marked[number:]
            )
    return True


def _trailing_quote(lines: list[str]) -> int | None:
    """Offset of a block of ">" lines at the end of the text, when something stands before it."""
    index = len(lines)
    while index > 0 and (not lines[index - 1].strip() or _QUOTED.match(lines[index - 1])):
        index -= 1
    begin = index
    while begin < len(lines) and not lines[begin].strip():
        begin += 1
    if index == 0 or begin >= len(lines):
        return None
    return sum(len(line) + 1 for line in lines[:begin])


def _signature_from(text: str, end: int) -> int | None:
    own = text[:end]
    begin = len(own)
    for _ in range(_SIGNATURE_LINES + 1):
        begin = own.rfind("\n", 0, begin)
        if begin < 0:
            break
    match = _SIGNATURE.search(own, max(begin, 1))
    if match:
        return match.start()
    # the line a phone or a mail program adds stands last; only blank lines may follow
    kept = own.rstrip()
    last = kept.rfind("\n") + 1
    return last if _MOBILE.match(kept, last) else None
