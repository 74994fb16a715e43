"""Objects of JavaScript that get their members one by one or from one another, without a class."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

_PROTO = """
var app = exports = module.exports = {};
app.handle = function handle() { this.route(); };
app.route = function route() {};
"""
_MAKE = """
var EventEmitter = require('events').EventEmitter;
var mixin = require('merge-descriptors');
var proto = require('./proto');
module.exports = function make() {
  var app = function () { app.handle(); };
  mixin(app, EventEmitter.prototype, false);
  mixin(app, proto, false);
  app.on('x');
  return app;
};
"""


def test_what_is_mixed_into_a_function_is_called_on_it(link: Callable[..., Any]) -> None:
    use = "const make = require('./make');\nconst app = make();\napp.handle();"
    project = link({"proto.js": _PROTO, "make.js": _MAKE, "use.js": use})

    assert project.calls("make.js") == {"make.app > proto.app.handle"}
    assert project.calls("use.js") == {"use > make.make", "use > proto.app.handle"}
    assert project.calls("proto.js") == {"app.handle > proto.app.route"}


def test_what_a_file_puts_on_a_library_s_object_stands_before_what_the_library_has(link: Callable[..., Any]) -> None:
    response = """
        var http = require('http');
        var res = Object.create(http.ServerResponse.prototype);
        module.exports = res;
        res.send = function send() { this.setHeader('x', 'y'); };
        res.json = function json() { return this.send(); };
    """
    project = link({"response.js": response})

    assert project.calls("response.js") == {"res.json > response.res.send"}


def test_one_object_does_not_give_its_members_to_its_namesake_elsewhere(link: Callable[..., Any]) -> None:
    other = "var app = {};\nObject.assign(app, { run() {} });\nfunction inner(app) { app.run(); }\napp.run();"
    project = link({"other.js": other})

    assert project.calls("other.js") == {"other > other.run"}
