"""Words that a description of a tool has no need of: orders to the model, secrecy, ways out for data. A table of data. Spec: F-80.

A hit proves nothing, and no hit proves nothing either: who writes the words can choose others. So they are shown to a person and never decide.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from mpp.stages.privacy.guard.hits import ASKS, Finding
from mpp.stages.privacy.guard.names import folded
from mpp.stages.privacy.guard.needles import NEEDLES
from mpp.stages.privacy.later import Later


class Saying(NamedTuple):
    """A family of wordings; ``points`` say how seldom an honest description has one, from 1 to 5."""

    label: str
    points: int
    says: str
    patterns: tuple[str, ...]
    flags: int
    foreign: bool
    """Is each of its wordings in letters beyond ASCII, so that most texts need no look?"""


class Wording(NamedTuple):
    """One pattern of a family."""

    needs: tuple[tuple[str, ...], ...]
    """Sets of words in small letters; a text in ASCII that has none of one of them has no such wording."""
    later: Later

    def search(self, text: str, small: str) -> re.Match[str] | None:
        """``small``: the text in small letters where it is in ASCII, and empty where it is not: other letters have small ones that are found as well."""
        if small and not all(any(word in small for word in words) for words in self.needs):
            return None
        return self.later.form.search(text)


_GAP = re.compile(r"\\.|\[(?:\\.|[^\]\\])*\]| \??")


def spaced(pattern: str) -> str:
    """The pattern with any room in place of each blank outside of brackets. Attack: two blanks, or a line break, between the words."""
    return _GAP.sub(lambda found: {" ": r"\s{1,8}", " ?": r"\s{0,8}"}.get(found[0], found[0]), pattern)


def _saying(label: str, points: int, says: str, *patterns: str, exact: bool = False, foreign: bool = False) -> Saying:
    return Saying(label, points, says, patterns, 0 if exact else re.IGNORECASE, foreign)


_TOOL = r"(?:mcp )?(?:tools?|functions?|servers?|plugins?)"
_INSTRUCTIONS = (
    r"(?:instructions?|prompts?|rules|guidelines?|messages|restrictions?|filters?|filtering|directives?|safeguards?|guardrails?|training|protections?)"
)
_PRIVATE = (
    r"(?:contents?|conversations?|histor(?:y|ies)|messages|secrets?|passwords?|tokens?|api[ _-]?keys?|credentials?|private[ _-]keys?|ssh[ _-]keys?|"
    r"environment variables?|env vars?|system prompt|personal (?:data|information)|confidential \w+|chat logs?|files?|everything)"
)
_SAY = r"(?:tell|telling|mention|mentioning|inform|informing|notify|notifying|reveal|revealing|disclose|disclosing|alert|alerting|warn|warning|show|showing)"
_NOT = r"(?:do not|don't|dont|never|must not|should not|shouldn't|avoid|without|refrain from)"
_PERSON = r"(?:users?|humans?|anyone|anybody|persons?|people|them|customers?|operators?|developers?|owner)"
_OUT = r"(?:send|sends|post|posts|upload|uploads|forward|forwards|transmit|transmits|leak|leaks|copy|bcc|cc|mail|e-?mail|emails|submit|deliver|report|redirect|relay)"

NO_ORDERS = frozenset(("attack", "place of secrets", "command", "mode", "must", "important"))
"""Families of which an honest value may have a wording: a default such as ``~/.kube/config``. The others are orders wherever they stand."""

WAY_OUT = "way out"
"""One word makes this family, so a name of it is no order."""

SAYINGS: tuple[Saying, ...] = (
    _saying(
        "override", 5, "an order to set other orders aside",
        rf"\b(?:ignore|ignores|ignoring|disregard|forget|override|overrides|bypass|bypasses|circumvent)\b[^.\n]{{0,40}}\b{_INSTRUCTIONS}\b",
        r"\b(?:ignore|disregard|forget) (?:everything|all|anything) (?:above|before|previous|prior|else)", r"\bnew instructions?\s*:",
    ),
    _saying(
        "mode", 4, "another mode or role for the model",
        r"\bact as ?:", r"\byou are now\b", r"\bfrom now on,? (?:you|the)\b", r"\bpretend (?:to be|you|that you)\b", r"\bjailbreak", r"\b(?:developer|god|dan|sudo) mode\b",
        r"\bunrestricted (?:access|mode|system|emergency)", r"\bbypass(?:es|ing)?[ _](?:safety|security|validation|authentication|authorization|approval|permission)",
        r"\bdisabl(?:e|es|ing) (?:all )?(?:content |safety |security )?(?:safety|security|sanitization|restrictions?|filters?|validation|checks)\b",
        r"\btrust all\b", r"\bexecute any command", r"\bwithout (?:any )?(?:validation|confirmation|verification|user consent)\b",
    ),
    _saying(
        "marker", 4, "a heading that passes for the system's",
        r"\[ ?(?:[a-z]+ ){0,2}(?:system|hidden|emergency|admin|override|secret|important|internal)(?: [a-z]+){0,2} ?\]\s*:?",
        r"\b(?:system|hidden|secret|emergency|admin|safety) (?:override|directive|instruction|bypass)s?\b", r"\bBEGIN (?:SYSTEM|INSTRUCTIONS|PROMPT)\b",
        r"\bnote (?:to|for) (?:the )?(?:ai|assistant|model|llm|agent)s?\b", r"\b(?:attention|dear),? (?:the )?(?:ai|assistant|model|llm|agent)s?\b",
    ),
    _saying(
        "secrecy", 5, "something is to be kept from the person",
        rf"\b{_NOT} (?:\w+ ){{0,3}}?{_SAY} (?:[\w']+ ){{0,6}}?{_PERSON}\b", rf"\b{_NOT} (?:{_SAY}) (?:that|this|it|any of|the fact|about)\b",
        r"\bkeep (?:this|it|that|these) (?:\w+ ){0,2}?(?:secret|hidden|confidential|private|between us|to yourself)\b", r"\b(?:hide|hidden|conceal|concealed) (?:[\w']+ ){0,4}?from (?:the )?(?:user|human|person)",
        r"\bwithout (?:the )?user(?:'s|s)? (?:knowledge|knowing|noticing|awareness|consent|permission|approval)\b", r"\bwithout (?:asking|confirming with) (?:the )?user\b",
        r"\b(?:silently|secretly|covertly|stealthily|surreptitiously|discreetly|quietly) (?:\w+ )?(?:read|send|copy|forward|include|append|call|run|execute|upload|log|collect|add|pass|bcc|post|fetch|transmit|record|store|exfiltrat\w*)",
        r"\b(?:read|send|copy|forward|include|append|run|execute|upload|collect|pass|transmit) (?:[\w']+ ){0,5}?(?:silently|secretly|covertly|stealthily)\b",
        r"\b(?:user|human) (?:must|should|need|does|can|will) ?(?:not|n't) (?:know|see|notice|be told|be informed|be aware|find out)",
        r"\b(?:upset|worry|confuse|annoy|bother|scare) (?:the )?users?\b", r"\busers? (?:do(?:es)? not|doesn't|don't|need not) (?:need|have|want) to (?:know|see|be told)\b", r"\bpresent it as if\b", r"\bas part of the normal\b", r"\bno need to (?:mention|tell|inform|explain)\b",
    ),
    _saying(
        "order", 3, "an order about when to use tools",
        rf"\b(?:before|after|instead of|prior to|whenever|each time|every time|when) (?:you )?(?:us(?:e|ing)|call(?:ing)?|invok(?:e|ing)|run(?:ning)?) (?:any|every|each|all|other|another)(?: other)? {_TOOL}",
        rf"\b(?:must|always|should always) (?:be )?(?:call|called|use|used|invoke|invoked|run|executed?) (?:this {_TOOL} )?(?:first|before (?:any|all|every|using|calling|other))",
        rf"\bthis {_TOOL} (?:must|has to|needs to) (?:always )?be (?:called|used|invoked|run|executed)", rf"\b(?:this|the) {_TOOL} (?:overrides|replaces|supersedes|takes precedence)",
        rf"\bwhen (?:this|that|the|any|another) (?:[\w.-]+ )?{_TOOL} is (?:called|used|invoked|available|present)\b[^.\n]{{0,40}}\b(?:you|must|first|also)\b",
        rf"\b(?:other|another|any|every|all) (?:other )?{_TOOL}\b[^.\n]{{0,40}}\b(?:must|never|deprecated|disabled|broken|unsafe|insecure|forbidden|untrusted|not work|will fail)",
        r"\bbefore (?:you )?(?:us(?:e|ing)|call(?:ing)?|invok(?:e|ing)|run(?:ning)?) this (?:tool|function)?,? ?(?:\w+ ){0,2}?(?:read|access|open|call|send|fetch|first|list|collect)\b",
        r"\bwhen(?:ever)? (?:the )?[`'\"]?[\w().-]+[`'\"]?(?: \w+){0,3} (?:is|gets) (?:invoked|called|used|executed),? (?:\w+ ){0,2}?(?:change|replace|include|add|append|send|set|modify|use|read|forward)\b",
        r"\b(?:change|replace|set|modify) (?:the )?(?:recipient|receiver|destination|phone number|proxy|attendee)\b", r"\ball (?:e-?mails|messages|payments|requests) (?:must|should|have to|are to) (?:be )?(?:sent|go|routed|forwarded)\b",
        rf"\b(?:do not|don't|never|stop) (?:us(?:e|ing)|call(?:ing)?) (?:the |any )?(?:other|another|original|official)\b(?: \w+)? {_TOOL}",
    ),
    _saying(
        "must", 2, "an order to the model",
        r"\byou (?:must|have to|are required to|shall)(?: \w+)? (?:first |also |always |never )?(?:read|call|use|include|send|access|return|pass|provide the|add|append|open|execute|run|invoke|forward|follow|obey|ignore|answer)\b",
        r"\b(?:assistant|model|ai|llm|agent)s? (?:must|shall|has to|is required to)\b", r"\b(?:otherwise|or else),? (?:the |this )?(?:tool|it|system|function|server) (?:will|won't|cannot|does) ?(?:not|fail|break|refuse|crash)",
        r"\bMANDATORY (?:STEP|FIRST|REQUIREMENT|INSTRUCTION)",
    ),
    _saying(
        "important", 2, "an order that shouts",
        r"\b(?:VERY )?IMPORTANT\s?(?:!|:|-|\u2014)\s{0,4}(?:[A-Z][a-z']+ )?(?:[Ii]gnore|[Yy]ou|[Bb]efore|[Nn]ever|[Ww]hen|[Aa]lways|[Dd]o not|[Tt]his tool|[Rr]ead|[Ss]end|[Ff]irst|[Cc]all)\b",
        r"!!!+ ?[A-Z]{4,}", r"\b(?:CRITICAL|URGENT|ATTENTION) ?: ?(?:You|Ignore|Before|Never tell|Always (?:call|send|include|read))\b", exact=True,
    ),
    _saying(
        WAY_OUT, 4, "data that is sent somewhere",
        rf"\b{_OUT}\b[^\n]{{0,80}}\b{_PRIVATE}\b[^\n]{{0,80}}(?:https?://|(?<![\w.+-])[\w.+-]{{2,64}}@[\w-]{{2,64}}\.\w|\battacker|\bour server|\bremote server|\bwebhook)",
        rf"(?:https?://|(?<![\w.+-])[\w.+-]{{2,64}}@[\w-]{{2,64}}\.\w)[^\n]{{0,60}}\b{_OUT}\b[^\n]{{0,60}}\b{_PRIVATE}\b",
        r"\b(?:bcc|cc|forward|redirect|copy|send) (?:[\w']+ ){0,6}?(?:to )?(?<![\w.+-])[\w.+-]{2,64}@[\w-]{2,64}\.\w", r"\bexfiltrat\w*", r"\bstolen (?:data|files?|credentials?|tokens?|cookies?|information|keys?)",
        r"\b(?:steal|steals|stealing|harvest|harvests|siphon)\b (?:[\w']+ ){0,3}?(?:data|credentials?|passwords?|tokens?|cookies?|keys?|information|secrets?|sessions?)", r"\bkeystrokes?\b|\bkeylog",
    ),
    _saying(
        "side channel", 4, "a parameter is to carry more than it says",
        rf"\b(?:pass|passes|provide|put|include|insert|place|supply|give|write|add|paste|append)\b[^.\n]{{0,60}}\b{_PRIVATE}\b[^.\n]{{0,60}}\b(?:as|in|into|to|via|through|with|using) (?:an? |the |this |its |your )?[`'\"]?\w*[`'\"]? ?(?:argument|parameter|param|field|sidenote|side note|note|request)\b",
        r"\b(?:full|entire|whole|complete|verbatim) (?:conversation|chat|system prompt|prompt|context|message history|chat history)\b",
        r"\b(?:print|repeat|reveal|output|return|include|send|leak|summari[sz]e) (?:[\w']+ ){0,3}?(?:system prompt|conversation history|chat history|previous messages|instructions above|hidden instructions)\b",
        r"\b(?:pass|provide|include|put|supply|send)\b[^.\n]{0,60}\bas an? (?:additional |extra |hidden |new )?argument\b", r"\bsidenote\b",
    ),
    _saying(
        "place of secrets", 3, "a place where secrets are kept",
        r"~/\.(?:ssh|aws|gnupg|kube|config|docker|cursor|netrc|npmrc|pypirc|bash_history|zsh_history|mcp|claude|env)\b", r"\.ssh/", r"\bid_(?:rsa|ed25519|ecdsa|dsa)\b", r"\bmcp(?:_config)?\.json\b",
        r"(?<![\w/.*-])\.env\b(?![.\w])", r"/etc/(?:passwd|shadow|sudoers)\b", r"\bclaude_desktop_config", r"\.git-credentials\b", r"\.aws/", r"/proc/self/environ", r"\bwallet\.dat\b", r"\bauthorized_keys\b",
        r"\bcompany://", r"\b169\.254\.169\.254\b", r"\bssh (?:private )?keys?\b", r"\bkeychain\b", r"\bbrowser (?:cookies|passwords|history)\b",
    ),
    _saying(
        "command", 3, "a command for a shell",
        r"\b(?:curl|wget)\b[^\n]{0,120}\| ?(?:ba|z|da)?sh\b", r"\brm -rf\b", r"\bbase64 (?:-d|--decode)\b", r"\bchmod \+x\b", r"\breverse shell\b", r"\bnc -[a-z]*e\b", r"\bbash -[ic]\b", r"\bpowershell -e", r"\bos\.system\(", r"\b__import__\(",
    ),
    _saying(
        "attack", 3, "it speaks of breaking into something",
        r"\bmalicious (?:code|dll|module|macro|payload|library|arguments?|extension|link|file|one|\w+ queries|\w+ launch)", r"\bexploit(?:s|ing)? (?:[\w/-]+ ){0,4}?(?:vulnerab|privilege|misconfig|permission|race|binar|socket|service|tasks?|capabilit|\w+ (?:vulnerab|for))",
        r"\bprivilege (?:escalation|elevation)\b", r"\b(?:ransomware|rootkits?|mimikatz|kerberoast\w*|evilginx|phishing|botnet|cryptojack\w*)\b", r"\bbrute[- _]?force\b", r"\bpassword spray", r"\b(?:dll|process|code|command|object|template|sql|ognl|apc|xslt|xpath) injection\b",
        r"\b(?:dump|crack|sniff|extract|steal)s? (?:[\w/.]+ ){0,4}?(?:credentials|passwords?(?: hash(?:es)?)?|hashes|secrets|ntds|sam database|tickets|keyring|api keys)\b", r"\bbypass(?:es)? (?:[\w-]+ ){0,2}?(?:uac|amsi|edr|antivirus|waf|detection|tracing|integrity|firewall)\b",
        r"\bescape (?:chroot|container|virtual machine|vm|sandbox)\b", r"\b(?:com|session|thread|dll|service dll) hijack", r"\bcontainer escape\b", r"\bhide (?:data|activity|exfiltrated)\b", r"\btamper with\b", r"\babuse (?:se|ad|kerberos|privilege|delegation)", r"\bimpersonate privileged\b", r"\bexfil\b",
    ),
    _saying(
        "German", 4, "an order to the model, or secrecy, in German",
        r"\b(?:ignorier|vergiss|missacht|umgeh)\w*[^.\n]{0,50}(?:anweisung|befehl|regel|vorgabe|richtlinie|einschränkung)\w*", r"\b(?:sag|sage|erzähl\w*|verrat\w*|verrate|informier\w*|zeig\w*|erwähn\w*)\b[^.\n]{0,40}(?:benutzer|nutzer|anwender)\w*[^.\n]{0,30}\b(?:nicht|nichts|niemals)\b",
        r"\b(?:benutzer|nutzer|anwender)\w*\b[^.\n]{0,30}\b(?:nicht|nichts|niemals)\b[^.\n]{0,20}(?:sagen|erzählen|mitteilen|erwähnen|informieren|verraten|zeigen|erfahren|wissen)", r"\bheimlich\b", r"\bbevor (?:du|sie) (?:ein|irgendein)\w* (?:ander\w* )?(?:werkzeug|tool)",
    ),
    _saying(
        "French", 4, "an order to the model, or secrecy, in French",
        r"\b(?:ignorez|ignorer|oublie|oubliez|ignore (?:toutes )?(?:les|tes|vos|ces|mes))\b[^.\n]{0,50}(?:instructions?|consignes?|règles?|directives?)", r"\bne (?:le |lui |la )?(?:dis|dites|dire|parle|parlez|mentionne\w*|informe\w*|révèle\w*|montre\w*)\b[^.\n]{0,40}(?:utilisat|personne)",
        r"\bavant d'utiliser\b[^.\n]{0,30}\boutil", r"\bà l'insu\b", r"\ben secret\b",
    ),
    _saying(
        "Spanish or Portuguese", 4, "an order to the model, or secrecy, in Spanish or Portuguese",
        r"\b(?:ignor(?:a|e|ar|en|á)|olvid(?:a|e|ar)|esqueç\w*|desconsider\w*)\b[^.\n]{0,50}(?:instrucciones|instruções|órdenes|ordens|reglas|regras|directrices|diretrizes)", r"\b(?:no|não|nunca) (?:le |se lo |lhe )?(?:dig\w*|mencion\w*|inform\w*|revel\w*|cont\w*|muestr\w*|mostr\w*)\b[^.\n]{0,40}usu[aá]ri",
        r"\bantes de (?:usar|utilizar|llamar|chamar)\b[^.\n]{0,30}(?:herramienta|ferramenta)", r"\b(?:en secreto|em segredo|a escondidas)\b",
    ),
    _saying(
        "Italian, Dutch, Polish or Turkish", 4, "an order to the model, or secrecy, in another language",
        r"\b(?:ignor(?:a|i|are)|dimentic\w*)\b[^.\n]{0,50}(?:istruzioni|regole|direttive)", r"\bnon (?:dire|dirlo|menzionare|informare|rivelare|mostrare)\b[^.\n]{0,40}utent",
        r"\bnegeer\b[^.\n]{0,50}(?:instructies|opdrachten|regels)", r"\b(?:vertel|zeg)\b[^.\n]{0,40}gebruiker[^.\n]{0,20}\b(?:niet|niets)\b", r"\b(?:z?ignoruj|pomiń|zapomnij)\b[^.\n]{0,50}(?:instrukcj|polece|zasad)\w*",
        r"\bnie (?:mów|informuj|wspominaj|ujawniaj|pokazuj)\b[^.\n]{0,40}użytkownik", r"(?:önceki|tüm|yukarıdaki)[^.\n]{0,30}talimat\w*[^.\n]{0,20}(?:yok say|görmezden|unut)", r"kullanıcı\w*[^.\n]{0,30}(?:söyleme|bildirme|bahsetme|gösterme)",
    ),
    _saying(
        "Russian or Ukrainian", 4, "an order to the model, or secrecy, in Russian or Ukrainian",
        r"(?:игнориру|проигнориру|забуд|ігнору|проігнору)\w*[^.\n]{0,50}(?:инструкц|указани|правил|інструкц|вказівк)\w*", r"\b(?:не|никогда не|ніколи не) (?:говори|сообщай|упоминай|рассказывай|показывай|информируй|кажи|повідомляй|згадуй)\w*[^.\n]{0,40}(?:пользовател|користувач)",
        r"(?:перед|прежде чем|перш ніж)[^.\n]{0,40}(?:инструмент|інструмент)\w*[^.\n]{0,40}(?:прочита|вызов|отправ|сначала|спершу)\w*", r"\b(?:тайно|незаметно|таємно)\b", foreign=True,
    ),
    _saying(
        "Chinese, Japanese or Korean", 4, "an order to the model, or secrecy, in Chinese, Japanese or Korean",
        r"(?:忽略|无视|無視|忘记|忘記).{0,12}(?:指令|指示|说明|說明|提示|规则|規則|命令)", r"(?:不要|别|別|请勿|請勿|切勿|不得).{0,6}(?:告诉|告訴|告知|提及|透露|通知|提到).{0,8}(?:用户|用戶|使用者|任何人)?", r"在?(?:使用|调用|調用)(?:任何|其他|其它|所有).{0,8}工具.{0,6}(?:之前|前)",
        r"(?:指示|命令|ルール|プロンプト).{0,6}(?:無視|忘れ)", r"ユーザー.{0,14}(?:言わない|伝えない|知らせない|教えない|言うな|伝えるな|見せない|話さない)", r"(?:他の|すべての|全ての|どの)ツール.{0,14}前に", r"(?:이전|위의|모든|기존).{0,12}(?:지시|명령|지침|규칙).{0,6}(?:무시|잊)", r"사용자.{0,14}(?:말하지|알리지|언급하지|보여주지)", foreign=True,
    ),
    _saying(
        "Arabic, Hebrew, Persian or Hindi", 4, "an order to the model, or secrecy, in Arabic, Hebrew, Persian or Hindi",
        r"تجاهل.{0,30}(?:التعليمات|الأوامر|القواعد)", r"لا (?:تخبر|تذكر|تبلغ).{0,30}(?:المستخدم|ذلك)", r"התעלם.{0,30}(?:הוראות|הנחיות)", r"אל (?:תספר|תגלה|תזכיר).{0,30}משתמש", r"(?:دستورات|دستورالعمل|قوانین).{0,40}نادیده", r"به کاربر.{0,20}(?:نگو|نگویید)",
        r"(?:पिछले|सभी|पूर्व).{0,30}निर्देश.{0,30}(?:अनदेखा|नज़रअंदाज़|भूल)", r"(?:उपयोगकर्ता|यूज़र).{0,20}(?:मत बता|न बता)", foreign=True,
    ),
)  # fmt: skip


PATTERNS = {one.label: one.patterns for one in SAYINGS}
_IN_ASCII = tuple(one for one in SAYINGS if not one.foreign)
_WORDINGS = {
    one.label: tuple(
        Wording(tuple(tuple(words.split("|")) for words in needs.split()), Later(spaced(pattern), one.flags))
        for pattern, needs in zip(one.patterns, NEEDLES[one.label], strict=True)
    )
    for one in SAYINGS
}


def word_findings(text: str) -> Iterator[Finding]:
    """Each family's first wording in a text, also where look-alikes or wide letters spell it. Spec: F-80."""
    plain = folded(text)
    for saying in SAYINGS if not text.isascii() else _IN_ASCII:
        found = _first(saying.label, text) or (_first(saying.label, plain) if plain != text else None)
        if found is not None:
            yield Finding(saying.label, found.start(), len(found[0]), saying.says, ASKS, saying.points)


def _first(label: str, text: str) -> re.Match[str] | None:
    """The match that begins first; of several there, that of the pattern which stands first in the table, as one expression of all would find it."""
    small = text.lower() if text.isascii() else ""
    best: re.Match[str] | None = None
    for wording in _WORDINGS[label]:
        found = wording.search(text, small)
        if found is not None and (best is None or found.start() < best.start()):
            best = found
    return best
