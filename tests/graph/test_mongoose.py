"""Documents of Mongoose: what is called on them and which fields the code names, wherever the model is imported to."""

from __future__ import annotations

from tests.graph.conftest import Link

_MODEL = """
const mongoose = require('mongoose');
const userSchema = mongoose.Schema({ email: String, password: { type: String } });
userSchema.statics.taken = async function (email) { return !!(await this.findOne({ email })); };
userSchema.methods.matches = async function (given) { const user = this; return same(given, user.password); };
userSchema.pre('save', async function (next) { const user = this; user.password = hash('x'); next(); });
module.exports = mongoose.model('User', userSchema);
"""
_SERVICE = """
const User = require('./user');
const byEmail = async (email) => User.findOne({ email });
const login = async (email) => {
  const user = await byEmail(email);
  if (await User.taken(email)) await user.matches('x');
  await user.save();
};
const add = async () => { const user = new User({ email: 'a' }); user.password = 'x'; };
const all = async () => (await User.find()).map((user) => user.email);
const end = async (id) => { const user = await User.findById(id).populate('x'); await user.remove(); };
module.exports = { login, add, all, end };
"""


def test_what_a_schema_adds_is_called_on_models_and_documents(link: Link) -> None:
    project = link({"user.js": _MODEL, "service.js": _SERVICE})

    called = {each for each in project.calls("service.js") if "user." in each}

    assert called == {"login > user.statics.taken", "login > user.methods.matches"}


def test_fields_of_documents_are_those_of_the_schema(link: Link) -> None:
    project = link({"user.js": _MODEL, "service.js": _SERVICE})

    found = {
        (project.facts[path].definitions[one.definition].name, one.operation, one.fields, one.whole_row)
        for path in project.facts
        for one in project.accesses(path)
    }

    assert {
        ("matches", "read", ("password",), False),
        ("<function>", "write", ("password",), False),
        ("taken", "read", ("email",), True),
        ("byEmail", "read", ("email",), True),
        ("login", "write", (), True),
        ("add", "write", ("password",), False),
        ("<arrow>", "read", ("email",), False),
        ("end", "delete", (), True),
    } <= found
