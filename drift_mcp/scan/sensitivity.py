"""Says which columns hold something that must not leak, from their names and declared types.

Names are split into words and matched by whole words: substrings take `company` for a card number (`pan`) and
`rating` for a tax number (`tin`). Never looks at data, and never answers without naming its evidence.
"""

from __future__ import annotations

import re
from typing import Final, Literal, NamedTuple, TypeAlias

Kind: TypeAlias = Literal["pii", "financial", "auth", "health", "custom"]


class Sensitivity(NamedTuple):
    kind: Kind
    reason: str  # the words that decided, readable by a person
    confidence: float  # 0.5 to 0.99


class _Rule(NamedTuple):
    kind: Kind
    confidence: float
    takes: frozenset[str]  # families of declared types that can hold it; a type we cannot read fits everything
    phrases: str  # separated by commas; a phrase is a sequence of words, joined or apart in the field's name


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


_TEXT: Final = frozenset({"text"})
_NUMBER: Final = frozenset({"text", "number"})
_DATE: Final = frozenset({"text", "number", "date"})
_ANY: Final = frozenset({"text", "number", "date", "boolean"})

# Confidence: at 0.95 the words have no other meaning, at 0.85 they rarely have, at 0.75 they often stand for it, at 0.6
# as often not. Readers rely on the order more than on the figure.
_RULES: Final = (
    _Rule(
        "auth",
        0.95,
        _TEXT,
        "password,passwd,passphrase,passcode,pwd,hashed password,password hash,password digest,password salt,"
        "pass hash,api key,api secret,secret key,private key,signing key,encryption key,access key,client secret,"
        "app secret,access token,refresh token,auth token,session token,bearer token,id token,oauth token,"
        "reset token,otp secret,totp secret,mfa secret,mfa token,two factor secret,recovery code,backup code,"
        "security answer,hashed key,key hash,webhook secret,shared secret,user secret,jwt secret,ssh key,pgp key,"
        "token hash,hashed token,secret hash",
    ),
    _Rule(
        "auth",
        0.85,
        _TEXT,
        "secret,jwt,totp,session key,auth challenge,verification token,verification code,activation token,"
        "activation code,activation key,confirmation token,registration token,invite token,device token,"
        "push token,remember token,login token,security question,secret code,auth code,otp code,pin hash,"
        "oauth secret,secret question",
    ),
    _Rule(
        "auth",
        0.75,
        _TEXT,
        "token,credential,passkey,otp,api token,auth key,auth secret,security code,session data,session id",
    ),
    _Rule("auth", 0.6, _NUMBER, "salt,pin,pin number,csrf token,cookie,authorization header"),
    _Rule(
        "health",
        0.95,
        _ANY,
        "diagnosis,diagnoses,medical record,medical record number,medical history,medical condition,mrn,"
        "blood type,blood group,blood pressure,prescription,medication,health insurance,health insurance number,"
        "health condition,mental health,hiv status,hiv,allergies,allergy,patient id,patient number,icd code,icd,"
        "lab result,immunization,vaccination",
    ),
    _Rule(
        "health",
        0.85,
        _ANY,
        "disability,pregnancy,pregnant,symptom,disease,illness,heart rate,medicare number,smoker,surgery",
    ),
    _Rule(
        "health", 0.6, _TEXT, "patient,treatment,medical,insurance number,insurance id,insurance policy number,dosage"
    ),
    _Rule(
        "financial",
        0.95,
        _NUMBER,
        "card number,credit card,credit card number,debit card,debit card number,cc number,ccnum,cvv,cvc,"
        "cvv code,card cvc,card verification,iban,bank account,bank account number,account number,routing number,"
        "sort code,swift code,bic code,salary,payroll,credit score,tax id,tax number,tax identification number,"
        "taxpayer id,card pan,net worth",
    ),
    _Rule(
        "financial",
        0.75,
        _DATE,
        "income,wage,compensation,account no,account balance,bic,swift,ein,credit limit,card expiry,"
        "card expiration,card exp,card holder,card holder name,name on card,payment method,payment token,"
        "bank name,bank code,wallet address,hourly rate,employee cost,severance,net pay,gross pay,vat number,"
        "bank routing,direct debit",
    ),
    _Rule(
        "financial",
        0.6,
        _NUMBER,
        "balance,stripe customer id,paypal,tax rate,last four,card last,debt,loan amount,mortgage",
    ),
    _Rule(
        "pii",
        0.95,
        _DATE,
        "ssn,social security,social security number,social insurance number,national id,"
        "national insurance number,nino,passport,passport number,passport no,driver license,driver licence,"
        "driving license,driving licence,identity number,identity card,dob,date of birth,birth date,birthday,"
        "biometric,sexual orientation,religion,ethnicity,maiden name",
    ),
    _Rule(
        "pii",
        0.9,
        _NUMBER,
        "email,e mail,email address,email addr,mail address,phone,phone number,phone no,mobile,mobile phone,"
        "mobile number,mobile no,cell phone,telephone,tel number,contact number,whatsapp,first name,last name,"
        "middle name,full name,given name,family name,surname,forename,legal name,real name,birth name,"
        "birth year,birth place,place of birth,home address,street address,mailing address,postal address,"
        "billing address,shipping address,residential address,address line,postal code,post code,zip code,gender,"
        "nationality,marital status,license plate,emergency contact,next of kin,fname,lname,mname,mothers name,"
        "citizenship",
    ),
    _Rule(
        "pii",
        0.75,
        _NUMBER,
        "address,ip address,ip addr,client ip,remote addr,remote ip,user ip,last ip,fingerprint,face id,race,sex,"
        "fax,fax number,license number,licence number,id number,identification number,geolocation,home phone,"
        "work phone,salutation",
    ),
    _Rule(
        "pii",
        0.6,
        _NUMBER,
        "username,user name,login name,nickname,nick name,nick,display name,zip,postcode,street,age,mac address,"
        "device id,member id,member number,membership number,customer number,ip,recipient name,customer name,"
        "user agent,contact name,telegram,guardian name,spouse",
    ),
    _Rule("custom", 0.6, _ANY, "confidential,sensitive,encrypted,private note,internal note,classified"),
)
# Ordinary words that are somebody's data when the row is about a person, and anybody's otherwise.
_PERSONAL: Final = frozenset({"name", "location", "city", "latitude", "longitude", "photo"})
_PEOPLE: Final = _words(
    "user person people customer client employee member patient contact student teacher author individual "
    "participant subscriber guest applicant candidate resident citizen driver owner recipient buyer passenger "
    "doctor staff worker admin attendee"
)
_KEYS: Final = (("api", "key"), ("access", "key"), ("secret",), ("auth", "token"), ("access", "token"), ("credential",))

# A field that asks about the thing, and does not hold it. These come before the thing …
_ASKS: Final = _words(
    "is has can should must allow allows require requires show hide enable disable use needs no num number max "
    "min total count supports include exclude skip send missing prompt completion input output used default "
    "verify valid public wants accepts validate"
)
# … and these after it.
_ABOUT: Final = _words(
    "at on by count type kind enabled disabled required verified confirmed valid validated expiry expires expire "
    "expired expiration ttl lifetime duration time date timestamp length size min max limit policy template "
    "subject body sent notification status state flag config setting option provider backend format pattern regex "
    "hint label placeholder strength id index version changed updated created reset attempt algorithm method mode "
    "domain host port file path url uri endpoint column class visible visibility optional frequency field "
    "preference digest list group usage used brand country currency interval reminder scope uuid"
)
# `password_field` is still a password and `email_list` still addresses: these only lower the confidence.
_WEAK_ABOUT: Final = _words("field list column file country date digest group")
# Addresses of machines.
_NOT_ADDRESS: Final = _words("memory contract server bind base web url http network listen site start end bus token")
_ARCHIVE: Final = _words("file path archive data content folder name size")

_LONGEST: Final = 4  # words in the longest phrase
_WORDS: Final = re.compile(r"[A-Z]+(?=[A-Z][a-z])|[A-Z]?[a-z]+|[A-Z]+")
_RANK: Final[dict[Kind, int]] = {"auth": 4, "health": 3, "financial": 2, "pii": 1, "custom": 0}


class _Match(NamedTuple):
    rule: _Rule
    phrase: str
    first: int  # index of its first word
    end: int  # index after its last word


def _phrases() -> dict[str, tuple[_Rule, str]]:
    found: dict[str, tuple[_Rule, str]] = {}
    for rule in _RULES:
        for phrase in rule.phrases.split(","):
            found.setdefault("".join(map(_singular, phrase.split())), (rule, phrase))
    return found


def _singular(word: str) -> str:
    if len(word) > 3 and word.endswith("s") and not word.endswith(("ss", "us", "is")):
        return word[:-3] + "y" if word.endswith("ies") else word[:-1]
    return word


_PHRASES: Final = _phrases()


def classify(field_name: str, *, model_name: str = "", type_text: str = "") -> Sensitivity | None:
    """What kind of sensitive value the field holds, and why; None when its name and type say nothing of the kind."""
    words = [_singular(word.lower()) for word in _WORDS.findall(field_name)]
    model = [_singular(word.lower()) for word in _WORDS.findall(model_name)]
    family = _family(type_text)
    if not words or family == "relation":
        return None
    matches = [match for match in _matches(words) if _holds_it(match, words, family)]
    if not matches:
        return _by_surroundings(words, model, model_name, type_text, family)
    best = max(matches, key=lambda match: (_RANK[match.rule.kind], match.rule.confidence, match.end - match.first))
    confidence = best.rule.confidence
    reason = f"'{best.phrase}' in the name"
    after = words[best.end :]
    if any(word in _WEAK_ABOUT for word in after):
        confidence -= 0.2
    if best.rule.kind in ("pii", "health", "auth") and _PEOPLE.intersection(model):
        confidence += 0.05
        reason += f"; {model_name} is about a person"
    if _is_guarded(type_text):
        confidence += 0.1
        reason += f"; declared as {type_text}"
    # Below 0.5 a reader would be wrong more often than right.
    return Sensitivity(best.rule.kind, reason, round(min(confidence, 0.99), 2)) if confidence >= 0.5 else None


def _matches(words: list[str]) -> list[_Match]:
    found = []
    for first in range(len(words)):
        for end in range(min(len(words), first + _LONGEST), first, -1):
            hit = _PHRASES.get("".join(words[first:end]))
            if hit is not None:
                found.append(_Match(hit[0], hit[1], first, end))
                break  # the longest phrase from here says what the shorter ones are part of
    return found


def _holds_it(match: _Match, words: list[str], family: str) -> bool:
    before, after = words[: match.first], words[match.end :]
    if family not in match.rule.takes and family != "unknown":
        return False
    # Whether somebody is pregnant is the fact itself; whether somebody has a password is not.
    if match.rule.kind != "health" and _ASKS.intersection(before[:1] + before[-1:]):
        return False
    if match.phrase == "address" and _NOT_ADDRESS.intersection(before):
        return False
    if match.phrase == "zip" and _ARCHIVE.intersection(after):
        return False
    # One letter and one-word abbreviations mean it only when they are all there is: `pin_x`, `age_limit`, `ip_version`.
    if match.phrase in ("pin", "age", "sex", "race", "ip", "nick", "street", "salt") and after:
        return False
    about = _ABOUT.intersection(after)
    if match.rule.kind == "auth":
        # A key or a credential has a public half and an identifier; both may be shown.
        return not about - {"field", "column", "list"} and "public" not in after
    return not about - _WEAK_ABOUT


def _by_surroundings(
    words: list[str], model: list[str], model_name: str, type_text: str, family: str
) -> Sensitivity | None:
    """What the model or the type says where the field's own words say nothing."""
    if family in ("unknown", "text") and _is_guarded(type_text):
        return Sensitivity("custom", f"declared as {type_text}", 0.8)
    if len(words) != 1 or family not in ("unknown", "text", "number"):
        return None
    word = words[0]
    if word in ("key", "hash", "value") and family != "number" and any(_contains(model, keys) for keys in _KEYS):
        return Sensitivity("auth", f"'{word}' of {model_name}", 0.8)
    if word in _PERSONAL and _PEOPLE.intersection(model[-1:]):
        return Sensitivity("pii", f"'{word}' of {model_name}, which is about a person", 0.6)
    return None


def _contains(words: list[str], sequence: tuple[str, ...]) -> bool:
    return any(tuple(words[i : i + len(sequence)]) == sequence for i in range(len(words)))


# Declared types that somebody chose because the value must not be seen.
_GUARDED: Final = re.compile(r"Secret(?:Str|Bytes)|Encrypt|PasswordField|PasswordType", re.IGNORECASE)
_RELATION: Final = re.compile(
    r"ForeignKey|OneToOne|OneToMany|ManyToOne|ManyToMany|GenericRelation|\brelationship\b|\bRelation\b|\bRelationship\b"
    r"|\b[A-Z]\w*\[\]$|\b(?:list|List|Sequence|set|Set|Array)\[\"?[A-Z]"
)
_SCALAR_LIST: Final = re.compile(r"\b(?:String|Int|Float|BigInt|Bytes|Json|DateTime|Decimal|Boolean|EmailStr|UUID)\b")
_FAMILIES: Final = (
    ("boolean", re.compile(r"\bbool|Boolean|\bBool\b|\bbit\b", re.IGNORECASE)),
    ("text", re.compile(r"str\b|string|char|text|email|uuid|bytes|binary|blob|\bEnum", re.IGNORECASE)),
    ("date", re.compile(r"date|timestamp|\btime\b|timefield|timedelta|interval|duration", re.IGNORECASE)),
    ("number", re.compile(r"\bint|integer|bigint|number|float|double|decimal|numeric|real\b|money", re.IGNORECASE)),
)


def _family(type_text: str) -> str:
    """'text', 'number', 'date', 'boolean', 'relation'; 'unknown' for a missing type and the project's own ones."""
    if not type_text:
        return "unknown"
    if _RELATION.search(type_text) and not _SCALAR_LIST.search(type_text):
        return "relation"
    return next((name for name, pattern in _FAMILIES if pattern.search(type_text)), "unknown")


def _is_guarded(type_text: str) -> bool:
    return bool(type_text) and _GUARDED.search(type_text) is not None
