"""The small words around a mail, by language: closings, signatures, and the line above quoted history."""

from __future__ import annotations

from carecli.connectors.demo.calendar import stamp

CLOSING = {
    "en": "Kind regards",
    "de": "Mit freundlichen Grüßen",
    "fr": "Bien cordialement",
    "es": "Un cordial saludo",
    "it": "Cordiali saluti",
    "nl": "Met vriendelijke groet",
    "pl": "Z poważaniem",
    "pt": "Com os melhores cumprimentos",
    "ja": "どうぞよろしくお願いいたします。",
}
DESK = {
    "en": "Larkfield Home · Customer Care",
    "de": "Larkfield Home · Kundenservice",
    "fr": "Larkfield Home · Service client",
    "es": "Larkfield Home · Atención al cliente",
    "it": "Larkfield Home · Servizio clienti",
    "nl": "Larkfield Home · Klantenservice",
    "pl": "Larkfield Home · Obsługa klienta",
    "pt": "Larkfield Home · Apoio ao cliente",
    "ja": "Larkfield Home カスタマーケア",
}
PHONE = {
    "en": "Sent from my phone",
    "de": "Von meinem Handy gesendet",
    "fr": "Envoyé depuis mon téléphone",
    "es": "Enviado desde mi móvil",
    "it": "Inviato dal mio telefono",
    "nl": "Verzonden vanaf mijn telefoon",
    "pl": "Wysłano z telefonu",
    "pt": "Enviado do meu telemóvel",
    "ja": "スマートフォンから送信",
}
_WROTE = {
    "en": "On {when}, {who} wrote:",
    "de": "Am {when} schrieb {who}:",
    "fr": "Le {when}, {who} a écrit :",
    "es": "El {when}, {who} escribió:",
    "it": "Il {when}, {who} ha scritto:",
    "nl": "Op {when} schreef {who}:",
    "pl": "W dniu {when} {who} pisze:",
    "pt": "Em {when}, {who} escreveu:",
    "ja": "{when} {who}:",
}
RECEIVED = {
    "en": "Thank you for your message. It has reached us, and a person will answer you, usually within a day.",
    "de": "Vielen Dank für Ihre Nachricht. Sie ist angekommen; ein Mensch antwortet Ihnen, meist binnen eines Tages.",
    "fr": "Merci pour votre message. Nous l'avons bien reçu et une personne vous répondra, en général sous un jour.",
    "es": "Gracias por su mensaje. Lo hemos recibido y una persona le responderá, normalmente en un día.",
    "it": "Grazie per il suo messaggio. Lo abbiamo ricevuto e una persona le risponderà, di solito entro un giorno.",
    "nl": "Bedankt voor uw bericht. We hebben het ontvangen en een medewerker antwoordt u, meestal binnen een dag.",
    "pl": "Dziękujemy za wiadomość. Dotarła do nas, a odpowie na nią człowiek, zwykle w ciągu jednego dnia.",
    "pt": "Obrigado pela sua mensagem. Já a recebemos e uma pessoa vai responder, normalmente no prazo de um dia.",
    "ja": "お問い合わせありがとうございます。内容を確認のうえ、通常一日以内に担当者がご返信いたします。",
}


def signed(body: str, agent: str, language: str) -> tuple[str, int]:
    """A mail of ours with its closing, and where the closing begins."""
    text = f"{body}\n\n"
    return f"{text}{CLOSING[language]}\n{agent}\n{DESK[language]}", len(text)


def quoting(body: str, who: str, sent_at: int, original: str, language: str) -> tuple[str, int]:
    """A mail with the answered one below it, and where that begins."""
    text = f"{body}\n\n"
    line = _WROTE[language].format(when=stamp(sent_at, language), who=who)
    return f"{text}{line}\n> " + original.replace("\n", "\n> "), len(text)
