"""What an expression can stand for: the abstract values that `graph.evaluate` computes and its neighbours read.

A value is a tuple; its first element says which kind it is. Values hold no answer of their own and can be compared and
hashed.

    (FUNCTION, file, definition)                 a function of the project, not bound
    (METHOD, file, definition, receiver)         a function together with the instance or class it was found on
    (CLASS, file, definition, arguments)         a class of the project; arguments: for each of its type parameters the
                                                 values that it stands for
    (OBJECT, file, definition, arguments)        an instance of that class
    (MODULE, path)                               a file as a module, or a folder with a final '/'
    (EXTERNAL, name)                             something outside the project, by dotted name: 'requests.get',
                                                 'builtins.len'
    (FOREIGN, name, site, arguments)             an instance made by calling or declared as the external `name`; site:
                                                 (file, call) or None
    (MANY, elements)                             a container whose elements are one of these values
    (LIST, file, expression)                     a list, tuple or set literal
    (DICT, file, expression)                     a dict or object literal
    (STRING, text)                               a constant string
    (BOUND_EXTERNAL, receiver, name)             a method of a container or a foreign object, with its receiver
    (SUPER_OF, file, class, receiver)            super() in a method of that class
    (SHAPED, file, pairs)                        an object of an inline type
    (CALLABLE, file, returns)                    a function of a declared type
    (SCHEDULED, file, definition)                a function handed to a queue or scheduler: task.delay, f.apply_async
    (QUERY, file, definition)                    a query that yields rows of that model class
    (OPEN, name)                                 a type parameter that its class leaves to whoever inherits from it
    (ROWS, model)                                the accessor of a model without a class: prisma.user
"""

from __future__ import annotations

from typing import Any, Final, TypeAlias

Value: TypeAlias = tuple[Any, ...]
Values: TypeAlias = tuple[Value, ...]

FUNCTION: Final = "function"
METHOD: Final = "method"
CLASS: Final = "class"
OBJECT: Final = "object"
MODULE: Final = "module"
EXTERNAL: Final = "external"
FOREIGN: Final = "foreign"
MANY: Final = "many"
LIST: Final = "list"
DICT: Final = "dict"
STRING: Final = "string"
BOUND_EXTERNAL: Final = "bound-external"
SUPER_OF: Final = "super"
SHAPED: Final = "shaped"
CALLABLE: Final = "callable"
SCHEDULED: Final = "scheduled"
QUERY: Final = "query"
OPEN: Final = "open"
ROWS: Final = "rows"
