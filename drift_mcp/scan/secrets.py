"""Keeps secrets out of the store: says what looks like one, and what stands in its place.

Judges a text by its shape and a variable by its name. Never keeps, logs or returns the secret itself.
"""

from __future__ import annotations

import functools
import itertools
import re
from typing import Final, Literal, TypeAlias

EnvSensitivity: TypeAlias = Literal["secret", "credential", "config", "unknown"]

REDACTED: Final = "[redacted]"


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


# Formats that their issuers document: a fixed prefix, and a length that names and prose do not reach by chance.
_ISSUED: Final = re.compile(
    r"-----BEGIN [A-Z0-9 ]*PRIVATE KEY-----"
    r"|\b(?:AKIA|ASIA|AROA|AIDA)[0-9A-Z]{16}\b"  # AWS
    r"|\bgh[pousr]_[A-Za-z0-9]{36,}|\bgithub_pat_\w{22,}"
    r"|\bglpat-[\w-]{20,}"  # GitLab
    r"|\bxox[abeoprs]-[A-Za-z0-9-]{10,}|\bxapp-\d-[A-Z0-9]+-\d+-[a-z0-9]{20,}"  # Slack
    r"|hooks\.slack\.com/services/T\w+/B\w+/\w{16,}"
    r"|\b(?:[rs]k_(?:live|test)|whsec)_[A-Za-z0-9]{10,}"  # Stripe
    r"|\bAIza[\w-]{35}|\bya29\.[\w-]{20,}"  # Google
    r"|\bsk-(?:ant-|proj-)?[A-Za-z0-9_-]{20,}"  # OpenAI, Anthropic
    r"|\b(?:npm_[A-Za-z0-9]{36}|pypi-[\w-]{50,}|dop_v1_[0-9a-f]{64}|shp(?:at|ss)_[0-9a-fA-F]{32})"
    r"|\bSG\.[\w-]{16,}\.[\w-]{16,}"  # SendGrid
    r"|\beyJ[\w-]{10,}\.eyJ[\w-]{4,}\.[\w-]*"  # JSON web token, the unsigned ones too
    r"|\$2[aby]\$\d\d\$[./A-Za-z0-9]{53}|\$argon2(?:id|i|d)\$v=|\bpbkdf2_sha\d+\$\d+\$"  # stored password hashes
    r"|django-insecure-\S{16,}"
)
# The part between `user:` and `@host`. A hole ({password}, ${PW}, %s, <pw>, ***) is not a password.
_URL_PASSWORD: Final = re.compile(r"\b([A-Za-z][A-Za-z0-9+.-]*://)([^\s:/@'\"]*):([^\s/@'\"]+)@")
_PAIR_PASSWORD: Final = re.compile(r"(?i)\b(?:password|pwd|accountkey|sharedaccesskey)\s?=\s?([^\s;&'\"]+)")
_AUTHORIZATION: Final = re.compile(r"(?i)^(?:bearer|basic|token)\s+(\S+)$")
_HOLE: Final = re.compile(r"^(?:[{<\[(%$*].*|x{3,}|\.{3})$", re.IGNORECASE)

# Below twenty characters a random text cannot be told from an abbreviation.
_RANDOM_LENGTH: Final = 20
_RANDOM_ALPHABET: Final = re.compile(r"[A-Za-z0-9_+/=.~!@#$^&*-]+")
# Digests and keys in hexadecimal begin at 128 bits; shorter ones are colours, object ids and commits.
_HEXADECIMAL: Final = re.compile(r"(?=.*[0-9])(?=.*[a-fA-F])(?:[0-9a-f]{32,}|[0-9A-F]{32,})")
# Constraint and asset names with a short digest: PK_3955faa3e62aba1963fccbe0708.
_NUMBERED: Final = re.compile(r"[A-Za-z]+[_-][0-9a-f]{1,31}", re.IGNORECASE)
_UUID: Final = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}", re.IGNORECASE)
_LOCATED: Final = re.compile(r"^(?:\.{0,2}/|~/|@[\w-]+/|[A-Za-z]:\\|(?:md5|sha\d+)[-:])|://|\.\w{2,5}$")
# The letter pairs that make up four fifths of English words and identifiers, and a quarter of random letters.
_PAIRS: Final = _words(
    "th he in er an re nd at on nt ha es st en ed to it ou ea hi is or ti as te et ng of al de se le sa si ar ve "
    "ra ld ur me ne ro co li ta ri io ic ce om ma el la us ho ch ca pe il tr ec no ns lo un di ss ac na mo po em "
    "sp so ie id ot pr ab ad am ap au av ay ba be bl bo br bu ci ck cl cr ct cu da dd do ee ef ei ep ev ex fa ff "
    "fi fo fr fu ge gi gr gn ht if ig im ir iv ke ki ll lu ly mb mi mp mu nc nf ni nu ob od oi ol oo op os ow pa "
    "pi pl pp pt pu qu rc rd rm rr rs rt ru ry sc sh sk sq su sw sy ts tu ty ub uc ue ui ul um up ut va vi wa we "
    "wi wo wn wr xt ye ys"
)


def looks_secret(text: str) -> bool:
    """Whether `text` has the form of a credential: a known kind of token, a URL with a password, or a random string."""
    # The shortest of all is a password in a short URL; nothing under 10 characters is worth a look.
    if len(text) < 10:
        return False
    if _ISSUED.search(text) or _has_password(text):
        return True
    authorization = _AUTHORIZATION.match(text)
    return _looks_random(authorization[1] if authorization else text)


def _has_password(text: str) -> bool:
    return ("://" in text and any(not _HOLE.match(found[3]) for found in _URL_PASSWORD.finditer(text))) or (
        ";" in text and any(not _HOLE.match(found[1]) for found in _PAIR_PASSWORD.finditer(text))
    )


def _looks_random(text: str) -> bool:
    if (
        len(text) < _RANDOM_LENGTH
        or not _RANDOM_ALPHABET.fullmatch(text)
        or _LOCATED.search(text)
        or _UUID.search(text)
    ):
        return False
    if _HEXADECIMAL.fullmatch(text):
        return len(set(text)) >= 8  # a padded test value repeats a few digits
    if not any(map(str.isdigit, text)) or _NUMBERED.fullmatch(text):
        return False
    steps = sum(abs(ord(a) - ord(b)) <= 1 for a, b in itertools.pairwise(text))
    if steps * 2 >= len(text):  # an alphabet written out, a row of equal characters
        return False
    letters = [run.lower() for run in re.findall(r"[A-Za-z]{2,}", text)]
    pairs = [run[i : i + 2] for run in letters for i in range(len(run) - 1)]
    # Names made of abbreviations and numbers (`x86_64-linux-gnu`) have words of two pairs and more; too few pairs
    # to judge means that the text is mostly digits and separators: a version, a date, a coordinate.
    if len(pairs) < 6:
        return False
    known = sum(pair in _PAIRS for pair in pairs)
    return known < 0.5 * len(pairs)


# Words whose value opens something by itself.
_SECRET: Final = _words(
    "secret secrets password passwd passphrase passwort pass pw token tokens salt pepper apikey secretkey privatekey "
    "accesskey signingkey encryptionkey jwtsecret pin otp authkey accesstoken authtoken"
)
# `KEY` alone is a secret at the end of a name, unless one of these says what kind of key it is.
_HARMLESS_KEYS: Final = _words("public primary foreign partition cache sort index row object map hot shortcut redis")
# Words whose value tells who asks, or carries a password inside.
_CREDENTIAL: Final = _words(
    "dsn credential credentials creds username user login account principal email certificate cert keystore webhook"
)
_CREDENTIAL_SEQUENCES: Final = (
    ("connection", "string"),
    ("conn", "str"),
    ("client", "id"),
    ("tenant", "id"),
    ("app", "id"),
    ("key", "id"),
    ("access", "id"),
)
_STORES: Final = _words(
    "database db postgres postgresql mysql mariadb mongo mongodb redis amqp rabbitmq broker celery sqlalchemy "
    "elasticsearch cache smtp ldap sentry"
)
_ADDRESSES: Final = _words("url uri urls")
# A name that ends so describes the secret, and does not hold it.
_ABOUT: Final = _words(
    "expiry expires expiration expire ttl lifetime age timeout duration minutes seconds hours days enabled enable "
    "disabled required type algorithm alg header name names length size min max count limit prefix suffix path "
    "file dir directory location url uri endpoint host port mode policy rounds iterations cost issuer audience "
    "version rotation provider class backend validators hashers reset strength"
)
_CONFIG: Final = _words(
    "port host hostname address addr url uri urls endpoint domain domains origin origins path paths dir directory "
    "folder file files home root prefix suffix env environment stage mode debug verbose log logging level "
    "loglevel format timeout retries retry interval delay ttl limit max min size count workers threads "
    "concurrency pool region zone locale lang language tz timezone version name title theme color colors feature "
    "flag flags enable enabled disable disabled use skip allow allowed backend driver engine dialect schema "
    "bucket queue topic channel namespace cluster settings config module ci test tests testing build target node "
    "cache charset encoding editor shell term pager proxy display pythonpath pythonhashseed database db server "
    "servers broker ssl tls cors batch rate days hours minutes seconds age type default public index pwd branch "
    "commit sha tag release package platform os arch"
)
_CAMEL: Final = re.compile(r"[A-Z]+(?=[A-Z][a-z])|[A-Z]?[a-z]+|[A-Z]+|\d+")


def env_sensitivity(name: str) -> EnvSensitivity:
    """What a variable of that name holds: a secret, what goes with one, plain configuration, or nobody can tell."""
    words = [word.lower() for word in _CAMEL.findall(name)]
    if not words:
        return "unknown"
    last = words[-1]
    about = last in _ABOUT
    if not about and name != "PWD":
        if any(word in _SECRET or word.endswith(("password", "secret", "token")) for word in words) or (
            "pwd" in words and len(words) > 1
        ):
            return "secret"
        if last in ("key", "keys") and not _HARMLESS_KEYS.intersection(words):
            return "secret"
    if last in _ADDRESSES and _STORES.intersection(words):
        return "credential"
    if not about and (
        _CREDENTIAL.intersection(words) or any(pair in _CREDENTIAL_SEQUENCES for pair in itertools.pairwise(words))
    ):
        return "credential"
    if about or _CONFIG.intersection(words):
        return "config"
    return "unknown"


# Where a token may stand for the user, too. `git@` is how everybody is called over ssh.
_URL_USER: Final = re.compile(r"(://)(?!git@)[^\s/@'\"]+@")


def without_user(text: str) -> str:
    """A text with who logs in taken out of the addresses in it: `https://token@host/x` is all that one needs."""
    return _URL_USER.sub(rf"\1{REDACTED}@", text) if "://" in text else text


# Defaults that hold nothing, in the spelling of the languages we read.
_EMPTY: Final = frozenset(("", "''", '""', "``", "None", "null", "undefined", "False", "false", "True", "true"))


# Names repeat within a project far more often than this; the bound keeps a long-lived process small.
@functools.lru_cache(maxsize=4096)
def names_secret(name: str) -> bool:
    """Whether what has that name is a secret, whatever it looks like."""
    return env_sensitivity(name) == "secret"


def redact_default(name: str, default: str | None) -> str | None:
    """The default of a variable as it may be stored: a secret becomes '[redacted]', a URL loses its password.

    None, for no default at all, stays None.
    """
    if default is None or default in _EMPTY:
        return default
    sensitivity = env_sensitivity(name)
    if sensitivity == "secret":
        return REDACTED
    masked = _URL_PASSWORD.sub(lambda found: f"{found[1]}{REDACTED}@", default)
    if masked != default:
        return REDACTED if looks_secret(masked) else masked
    if looks_secret(default.strip("'\"`")):
        return REDACTED
    # An address without a password says where, not who; everything else of that class is half of a log-in.
    if sensitivity == "credential" and "://" not in default:
        return REDACTED
    return default


_ASSIGNED: Final = re.compile(r"""(\w+)(\s*(?::[^=,"']*)?=\s*)("[^"]*"?|'[^']*'?)""")
_QUOTED: Final = re.compile(r"""("[^"]*"?|'[^']*'?|`[^`]*`?)""")


def redact_code(text: str) -> str:
    """A piece of source text with the secrets in its literals taken out: what looks like one, and what is assigned to a
    name that says so."""
    if not _QUOTED.search(text):
        return text
    text = _ASSIGNED.sub(
        lambda found: (
            found[0] if redact_default(found[1], found[3]) == found[3] else f"{found[1]}{found[2]}'{REDACTED}'"
        ),
        text,
    )
    return _QUOTED.sub(lambda found: f"'{REDACTED}'" if looks_secret(found[1].strip("\"'`")) else found[0], text)


# A token is more than what gives it away; of a key in PEM, all up to its end.
_WHOLE: Final = re.compile(
    r"-----BEGIN [A-Z0-9 ]*PRIVATE KEY-----.*?(?:-----END [A-Z0-9 ]*PRIVATE KEY-----|\Z)"
    rf"|(?:{_ISSUED.pattern})[^\s\"'`]*",
    re.DOTALL,
)


# A piece of this stands in every token that `_ISSUED` knows; looking for plain words takes a tenth of the time.
_GIVEAWAY: Final = re.compile(
    r"-----BEGIN|A(?:KIA|SIA|ROA|IDA)|gh[pousr]_|github_pat_|glpat-|xox|xapp-|hooks\.slack|k_(?:live|test)_|whsec_|AIza"
    r"|ya29|sk-|npm_|pypi-|dop_v1|shp(?:at|ss)_|SG\.|eyJ|\$2|\$argon2|pbkdf2_|django-insecure"
)


def redact_prose(text: str) -> str:
    """A text with the tokens of known issuers, and the passwords in addresses, taken out. Leaves what is only random:
    that may be the hash of a commit."""
    if len(text) < 10:  # as in looks_secret
        return text
    if "://" in text:
        text = _URL_PASSWORD.sub(
            lambda found: found[0] if _HOLE.match(found[3]) else f"{found[1]}{found[2]}:{REDACTED}@", text
        )
    return _WHOLE.sub(REDACTED, text) if _GIVEAWAY.search(text) else text
