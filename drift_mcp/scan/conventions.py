"""Which way the code of a project does things where there is more than one way, found by counting.

Each convention is a question that single places in the code answer (`scan.evidence` reads the answers); `decide` says,
from the counts of all files, whether one answer is the habit here. Never says that a habit is good, and never states
one that only a corner of the project has.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Mapping
from typing import Final, NamedTuple


class Choice(NamedTuple):
    """One answer to a convention's question. '{choice}' stands for the answer itself where it is open."""

    title: str  # the pattern's name when this answer is the habit
    advice: str  # what that means for new code
    says: str  # what a place with this answer does, for the reason beside an outlier


class Convention(NamedTuple):
    key: str
    category: str
    question: str
    severity: str  # of its outliers
    choices: Mapping[str, Choice]  # '*' takes every answer that is not written out
    habits: frozenset[str] = frozenset()  # answers worth stating as a habit; empty: all of them
    # Five places in three files: one afternoon's work of one person is in one or two.
    least_places: int = 5
    least_files: int = 3


# What a pattern can be about, whoever found it: also what none of the questions below asks for.
CATEGORIES: Final = (
    "structural",
    "components",
    "styling",
    "api",
    "auth",
    "errors",
    "data-access",
    "testing",
    "logging",
    "security",
    "config",
    "types",
    "performance",
    "accessibility",
    "documentation",
)


def _convention(
    key: str,
    question: str,
    severity: str,
    choices: dict[str, tuple[str, str, str]],
    *,
    habits: str = "",
    least_places: int = 5,
    least_files: int = 3,
) -> Convention:
    return Convention(
        key,
        key.split(".")[0],
        question,
        severity,
        {name: Choice(*texts) for name, texts in choices.items()},
        frozenset(habits.split()),
        least_places,
        least_files,
    )


CONVENTIONS: Final = (
    # --- errors
    _convention(
        "errors.except-breadth",
        "Do except clauses name the exceptions that they expect?",
        "warning",
        {
            "specific": (
                "Exceptions are caught by name",
                "Catch the exceptions you expect by name.",
                "names its exceptions",
            ),
            "broad": ("Exceptions are caught broadly", "Handlers here catch Exception.", "catches everything"),
        },
    ),
    _convention(
        "errors.swallowed",
        "Does anything happen with an error that was caught whatever it was?",
        "warning",
        {
            "answered": (
                "Caught errors are answered",
                "Log, return or raise again when you catch everything.",
                "does something with the error",
            ),
            "swallowed": ("Caught errors are dropped", "", "drops the error without a word"),
        },
        habits="answered",
    ),
    # --- logging
    _convention(
        "logging.output",
        "How does the program say what it does?",
        "warning",
        {
            "logger": ("Output goes through a logger", "Use the module's logger for messages.", "uses a logger"),
            "print": ("Output goes through print", "Messages are printed.", "prints"),
            "console": ("Output goes through console", "Messages go to the console.", "writes to the console"),
        },
    ),
    _convention(
        "logging.message-format",
        "How do values get into a log message?",
        "hint",
        {
            "arguments": (
                "Log messages take their values as arguments",
                'Pass values after the message: logger.info("%s came", name).',
                "passes the values as arguments",
            ),
            "formatted": (
                "Log messages are formatted before the call",
                "Format the message itself (f-string).",
                "formats the message before the call",
            ),
            "fields": (
                "Log messages take their values as fields",
                "Pass values as named fields: logger.info('came', name=name).",
                "passes the values as named fields",
            ),
        },
    ),
    _convention(
        "logging.logger-variable",
        "What is a module's logger called?",
        "hint",
        {
            "*": (
                "A module's logger is called {choice}",
                "Call the module's logger {choice}.",
                "calls its logger {choice}",
            )
        },
    ),
    _convention(
        "logging.logger-name",
        "Under which name does a module log?",
        "hint",
        {
            "module": (
                "Loggers bear their module's name",
                "Use logging.getLogger(__name__).",
                "uses its module's name",
            ),
            "fixed": (
                "Loggers bear a name that is written out",
                "Loggers are named by a constant.",
                "writes a name out",
            ),
        },
    ),
    # --- types
    _convention(
        "types.return-annotations",
        "Do public functions declare what they return?",
        "info",
        {
            "declared": (
                "Public functions declare their return type",
                "Declare the return type.",
                "declares its return type",
            ),
            "undeclared": ("Return types are left undeclared", "", "leaves its return type undeclared"),
        },
        habits="declared",
    ),
    _convention(
        "types.optional",
        "How is 'or None' written?",
        "hint",
        {
            "union": ("Optional values are written X | None", "Write X | None.", "writes X | None"),
            "Optional": ("Optional values are written Optional[X]", "Write Optional[X].", "writes Optional[X]"),
        },
    ),
    _convention(
        "types.generics",
        "Which names do generic containers have in annotations?",
        "hint",
        {
            "builtin": (
                "Containers are annotated list[X], dict[K, V]",
                "Annotate with list, dict, tuple.",
                "uses list, dict",
            ),
            "typing": (
                "Containers are annotated List[X], Dict[K, V]",
                "Annotate with typing's names.",
                "uses List, Dict",
            ),
        },
    ),
    _convention(
        "types.records",
        "Of which kind are classes that only hold data?",
        "info",
        {"*": ("Records are made with {choice}", "Make records with {choice}.", "uses {choice}")},
    ),
    # --- testing
    _convention(
        "testing.style",
        "In which form are tests written?",
        "info",
        {
            "function": ("Tests are functions", "Write tests as functions.", "is a function"),
            "class": (
                "Tests stand in plain classes",
                "Group tests in a class without a base.",
                "stands in a plain class",
            ),
            "TestCase": (
                "Tests are methods of a class with a test base",
                "Write tests as methods of a class with the TestCase that its neighbours have.",
                "is a method of a class with a test base",
            ),
        },
    ),
    _convention(
        "testing.framework",
        "Which framework runs the tests?",
        "warning",
        {"*": ("Tests run with {choice}", "Write tests for {choice}.", "is written for {choice}")},
    ),
    _convention(
        "testing.case-word",
        "Which word opens a test case?",
        "hint",
        {"*": ("Test cases open with {choice}()", "Open test cases with {choice}().", "opens with {choice}()")},
    ),
    _convention(
        "testing.placement",
        "Where do tests stand?",
        "info",
        {
            "apart": (
                "Tests stand in a folder of their own",
                "Put tests into the tests folder.",
                "stands in a test folder",
            ),
            "beside": (
                "Tests stand beside what they test",
                "Put a test beside its source.",
                "stands beside the source",
            ),
        },
    ),
    _convention(
        "testing.file-naming",
        "How are test files named?",
        "info",
        {"*": ("Test files are named {choice}", "Name test files {choice}.", "is named {choice}")},
    ),
    _convention(
        "testing.doubles",
        "What replaces a part in a test?",
        "hint",
        {"*": ("Parts are replaced with {choice}", "Replace parts with {choice}.", "uses {choice}")},
    ),
    # --- documentation
    _convention(
        "documentation.public",
        "Do public functions and classes say what they are for?",
        "info",
        {
            "documented": (
                "Public functions and classes are documented",
                "Give public functions and classes a doc comment.",
                "is documented",
            ),
            "undocumented": ("Public functions and classes are undocumented", "", "is not documented"),
        },
        habits="documented",
    ),
    # --- structural
    _convention(
        "structural.file-naming",
        "In which case are file names written?",
        "hint",
        {"*": ("File names are {choice}", "Name files in {choice}.", "is named in {choice}")},
    ),
    _convention(
        "structural.function-naming",
        "In which case are function names written?",
        "hint",
        {"*": ("Function names are {choice}", "Name functions in {choice}.", "is named in {choice}")},
    ),
    _convention(
        "structural.own-imports",
        "How does the project import its own modules?",
        "hint",
        {
            "absolute": (
                "Own modules are imported by their full name",
                "Import own modules absolutely.",
                "imports by the full name",
            ),
            "relative": ("Own modules are imported relatively", "Import own modules relatively.", "imports relatively"),
        },
    ),
    _convention(
        "structural.import-alias",
        "Are modules of other folders imported through an alias?",
        "hint",
        {
            "alias": (
                "Other folders are imported through an alias",
                "Import from other folders by the alias.",
                "uses the alias",
            ),
            "relative": ("Other folders are imported relatively", "", "climbs out with ../"),
        },
        # An alias that looks like a package (@shop/api) cannot be told from one here, so ../ may only seem to prevail.
        habits="alias",
    ),
    _convention(
        "structural.exports",
        "Do modules export by name or by default?",
        "hint",
        {
            "named": ("Modules export by name", "Use named exports.", "exports by name"),
            "default": ("Modules export one default", "Use a default export.", "exports a default"),
        },
    ),
    _convention(
        "structural.function-form",
        "How are a module's functions declared?",
        "hint",
        {
            "declaration": (
                "Functions are declared with function",
                "Declare with function.",
                "is declared with function",
            ),
            "arrow": (
                "Functions are arrow functions in constants",
                "Declare as const f = () => ….",
                "is an arrow in a constant",
            ),
        },
    ),
    _convention(
        "structural.module-system",
        "Which module system is used?",
        "info",
        {
            "import": ("Modules use import", "Use import and export.", "uses import"),
            "require": ("Modules use require", "Use require and module.exports.", "uses require"),
        },
    ),
    _convention(
        "structural.promises",
        "How are promises waited for?",
        "hint",
        {
            "await": ("Promises are awaited", "Use await.", "awaits"),
            "then": ("Promises are chained with then", "Chain with then.", "chains with then"),
        },
    ),
    _convention(
        "structural.paths",
        "What handles file paths?",
        "hint",
        {
            "pathlib": ("Paths are pathlib objects", "Use pathlib.Path.", "uses pathlib"),
            "os.path": ("Paths are strings for os.path", "Use os.path.", "uses os.path"),
        },
    ),
    # --- api
    _convention(
        "api.routes",
        "How are routes declared?",
        "info",
        {"*": ("Routes are declared with {choice}", "Declare routes with {choice}.", "uses {choice}")},
    ),
    _convention(
        "api.response-type",
        "Do routes declare the type of their answer?",
        "info",
        {
            "declared": (
                "Routes declare their response type",
                "Declare response_model or a return type.",
                "declares its response",
            ),
            "undeclared": ("Routes leave their response type open", "", "leaves its response type open"),
        },
        habits="declared",
    ),
    _convention(
        "api.path-case",
        "In which case are words in route paths joined?",
        "info",
        {"*": ("Route paths are {choice}", "Write route paths in {choice}.", "is written in {choice}")},
    ),
    _convention(
        "api.path-number",
        "Is a resource in a path named in the plural?",
        "hint",
        {
            "plural": (
                "Resources in paths are plural",
                "Name resources in the plural: /users/{id}.",
                "names it in the plural",
            ),
            "singular": (
                "Resources in paths are singular",
                "Name resources in the singular.",
                "names it in the singular",
            ),
        },
    ),
    _convention(
        "api.trailing-slash",
        "Do route paths end with a slash?",
        "info",
        {
            "with": ("Route paths end with a slash", "End route paths with a slash.", "ends with a slash"),
            "without": (
                "Route paths end without a slash",
                "No slash at the end of a route path.",
                "ends without a slash",
            ),
        },
    ),
    # --- auth
    _convention(
        "auth.guarded-routes",
        "Is a route guarded by a dependency, decorator or guard?",
        "warning",
        {
            "guarded": (
                "Routes are guarded",
                "Give a new route the dependency, decorator or guard that its neighbours have.",
                "has a guard",
            ),
            "open": ("Routes are open", "", "shows no guard of its own"),
        },
        habits="guarded",
    ),
    # --- data-access
    _convention(
        "data-access.style",
        "How does code reach the database?",
        "info",
        {
            "orm": ("Data is reached through an ORM", "Use the ORM.", "uses the ORM"),
            "sql": ("Data is reached with SQL", "Write SQL.", "writes SQL"),
        },
    ),
    _convention(
        "data-access.query-form",
        "How are SQLAlchemy queries begun?",
        "hint",
        {
            "select": ("Queries begin with select()", "Begin queries with select().", "begins with select()"),
            "query": (
                "Queries begin with session.query()",
                "Begin queries with session.query().",
                "begins with .query()",
            ),
        },
    ),
    _convention(
        "data-access.layer",
        "Do route handlers reach the database themselves?",
        "info",
        {
            "apart": (
                "Route handlers leave data access to other functions",
                "Call a service or repository function from the handler.",
                "leaves data access to others",
            ),
            "direct": (
                "Route handlers reach the database themselves",
                "Query in the handler.",
                "reaches the database itself",
            ),
        },
    ),
    # --- security
    _convention(
        "security.sql-parameters",
        "Do values reach SQL as parameters?",
        "error",
        {
            "parameters": (
                "SQL takes its values as parameters",
                "Pass values as parameters.",
                "takes its values as parameters",
            ),
            "built": ("SQL is put together from strings", "", "puts values into the text of its SQL"),
        },
        habits="parameters",
        least_places=3,
        least_files=2,
    ),
    _convention(
        "security.processes",
        "Is a program started with a list of arguments or through a shell?",
        "warning",
        {
            "list": ("Programs are started with a list of arguments", "Pass a list of arguments.", "passes a list"),
            "shell": ("Programs are started through a shell", "", "starts a shell"),
        },
        habits="list",
        least_places=3,
        least_files=2,
    ),
    _convention(
        "security.password-hashing",
        "What hashes passwords?",
        "warning",
        {"*": ("Passwords are hashed with {choice}", "Hash passwords with {choice}.", "uses {choice}")},
        # There is hardly ever more than one place that hashes and one that checks.
        least_places=2,
        least_files=1,
    ),
    # --- config
    _convention(
        "config.environment",
        "Where is the environment read?",
        "info",
        {
            "central": (
                "The environment is read in one place",
                "Add a setting where the others are.",
                "reads it with the others",
            ),
            "scattered": (
                "The environment is read where it is needed",
                "Read it where it is needed.",
                "reads it on the spot",
            ),
        },
        habits="central",
    ),
    _convention(
        "config.access",
        "What reads an environment variable?",
        "hint",
        {"*": ("The environment is read with {choice}", "Read variables with {choice}.", "uses {choice}")},
    ),
    # --- performance
    _convention(
        "performance.handlers",
        "Are route handlers asynchronous?",
        "info",
        {
            "async": ("Route handlers are asynchronous", "Write handlers as async functions.", "is asynchronous"),
            "sync": ("Route handlers are synchronous", "Write handlers as plain functions.", "is synchronous"),
        },
    ),
    _convention(
        "performance.change-detection",
        "Do components say when they are to be drawn again?",
        "info",
        {
            "declared": (
                "Components declare their change detection",
                "Set changeDetection in @Component.",
                "declares its change detection",
            ),
            "default": ("Components keep the default change detection", "", "keeps the default"),
        },
        habits="declared",
    ),
    # --- components
    _convention(
        "components.form",
        "Are components functions or classes?",
        "info",
        {
            "function": ("Components are functions", "Write components as functions.", "is a function"),
            "class": ("Components are classes", "Write components as classes.", "is a class"),
        },
    ),
    _convention(
        "components.declaration",
        "How are function components declared?",
        "hint",
        {
            "declaration": (
                "Components are declared with function",
                "Declare with function.",
                "is declared with function",
            ),
            "arrow": ("Components are arrow functions", "Declare as const C = () => ….", "is an arrow function"),
        },
    ),
    _convention(
        "components.template",
        "Where does a component's template stand?",
        "hint",
        {
            "file": ("Templates stand in files of their own", "Use templateUrl.", "has a template file"),
            "inline": ("Templates stand in the component", "Write the template inline.", "has its template inline"),
        },
    ),
    _convention(
        "components.injection",
        "How do Angular classes get what they depend on?",
        "info",
        {
            "inject": ("Dependencies come through inject()", "Use inject() in a field.", "uses inject()"),
            "constructor": (
                "Dependencies come through the constructor",
                "Inject by constructor.",
                "injects by constructor",
            ),
        },
    ),
    # --- styling
    _convention(
        "styling.approach",
        "How do elements get their style?",
        "info",
        {"*": ("Elements are styled with {choice}", "Style elements with {choice}.", "uses {choice}")},
    ),
    # --- accessibility
    _convention(
        "accessibility.image-text",
        "Do images have a text alternative?",
        "warning",
        {
            "alt": ("Images have a text alternative", "Give every image an alt text.", "has an alt text"),
            "none": ("Images have no text alternative", "", "has no alt text"),
        },
        habits="alt",
        least_places=3,
        least_files=2,
    ),
    _convention(
        "accessibility.click-targets",
        "Can what is clicked also be reached by keyboard?",
        "warning",
        {
            "reachable": (
                "Clicks are on elements that a keyboard reaches",
                "Put onClick on a button or link, or give the element a role.",
                "is on a control",
            ),
            "static": ("Clicks are on elements that a keyboard cannot reach", "", "is on an element without a role"),
        },
        habits="reachable",
    ),
)

_BY_KEY: Final = {convention.key: convention for convention in CONVENTIONS}


# --- from counts to patterns ------------------------------------------------------------------------------------------


class Count(NamedTuple):
    """How often one answer was given."""

    places: int
    files: int
    pure_files: int  # of these, files that give no other answer


class Dominant(NamedTuple):
    choice: str
    frequency: float  # share of the places that give it
    consistency: float  # share of the files in which every place gives it
    spread: int  # files that give it
    confidence: float  # 0 to 1


class Pattern(NamedTuple):
    """A habit, as it is stored and told."""

    id: str  # 16 hex digits, the same for the same habit in every scan
    name: str
    description: str
    category: str
    convention: str
    choice: str
    family: str  # of languages
    severity: str
    confidence: float
    frequency: float
    consistency: float
    spread: int


# Below three of five neither way is the habit: an agent that asks is better told nothing.
_LEAST_SHARE: Final = 0.6
# Where the levels of confidence begin: below it a habit would be called uncertain, which helps nobody.
_LEAST_CONFIDENCE: Final = 0.5
# One-sided 90 %: a share seen in few places counts as the least that it plausibly is.
_DOUBT: Final = 1.28
# From eight files on more of them say nothing new about whether it is the whole project's habit.
_WIDE: Final = 8


def dominant(counts: Mapping[str, Count], *, least_places: int = 5, least_files: int = 3) -> Dominant | None:
    """The answer that is the habit, with how sure that is; None when none is, or when there is too little to tell."""
    places = sum(count.places for count in counts.values())
    if not places:
        return None
    choice, count = max(counts.items(), key=lambda each: (each[1].places, each[0]))
    share = count.places / places
    files = count.files + sum(other.pure_files for name, other in counts.items() if name != choice)
    if places < least_places or files < least_files or share < _LEAST_SHARE:
        return None
    consistency = count.pure_files / files
    # Mostly how often, as the lower end of what so many places can show (Wilson); then how evenly, and how widely.
    squared = _DOUBT * _DOUBT
    spread_of_doubt = math.sqrt(share * (1 - share) / places + squared / (4 * places * places))
    surely = (share + squared / (2 * places) - _DOUBT * spread_of_doubt) / (1 + squared / places)
    confidence = 0.7 * surely + 0.2 * consistency + 0.1 * min(1.0, count.files / _WIDE)
    if confidence < _LEAST_CONFIDENCE:
        return None
    return Dominant(choice, round(share, 4), round(consistency, 4), count.files, round(confidence, 4))


def decide(key: str, family: str, counts: Mapping[str, Count]) -> Pattern | None:
    """The pattern that a convention's counts in one family of languages give; None when they give none."""
    convention = _BY_KEY[key]
    found = dominant(counts, least_places=convention.least_places, least_files=convention.least_files)
    if found is None or (convention.habits and found.choice not in convention.habits):
        return None
    choice = _choice(convention, found.choice)
    return Pattern(
        pattern_id(key, found.choice, family),
        _filled(choice.title, found.choice),
        _filled(choice.advice, found.choice),
        convention.category,
        key,
        found.choice,
        family,
        convention.severity,
        found.confidence,
        found.frequency,
        found.consistency,
        found.spread,
    )


def pattern_id(key: str, choice: str, family: str) -> str:
    """16 hex digits that name the same habit in every scan and on every machine."""
    return hashlib.sha256("\0".join((key, choice, family)).encode()).hexdigest()[:16]


def outlier_reason(key: str, choice: str, habit: str) -> str:
    """Why a place that gives the answer `choice` stands out where `habit` is the rule."""
    convention = _BY_KEY[key]
    here, elsewhere = _choice(convention, choice), _filled(_choice(convention, habit).title, habit)
    return f"{_filled(here.says, choice)}; elsewhere: {_lowered(elsewhere)}"


def _lowered(title: str) -> str:
    return title if title[1:2].isupper() else title[:1].lower() + title[1:]  # SQL stays SQL


def _choice(convention: Convention, name: str) -> Choice:
    return convention.choices[name] if name in convention.choices else convention.choices["*"]


def _filled(text: str, choice: str) -> str:
    return text.replace("{choice}", choice)
