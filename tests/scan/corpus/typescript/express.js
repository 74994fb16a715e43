'use strict';
const http = require('http');
const { join, resolve: absolute } = require('path');
const debug = require('debug')('app');
//            ^^^^^^^ calls require debug

var app = exports = module.exports = {};

/** Starts. */
app.listen = function listen(port) {
//                    ^^^^^^ defines method app.listen
  const server = http.createServer(this);
//                    ^^^^^^^^^^^^ calls http.createServer
  return server.listen(this.port);
//              ^^^^^^ calls server.listen
//                          ^^^^ reads app.port
};

function View(name) {
//       ^^^^ defines function View
  this.name = name;
//     ^^^^ writes new View.name
}

View.prototype.lookup = function (path) {
//             ^^^^^^ defines method View.lookup
//             ^^^^^^ writes View.prototype.lookup
  return absolute(join(path, this.name));
//       ^^^^^^^^ calls absolute
//                ^^^^ calls join
//                                ^^^^ reads new View.name
};

exports.find = (id) => id;
//      ^^^^ defines function find

const handlers = {
  list() {
//^^^^ defines method handlers.list
    return this.load();
//              ^^^^ calls this object.load
  },
  load: () => 1,
//^^^^ defines method handlers.load
};

  (function () {
// ^^^^^^^^ defines lambda <function>
  hoisted();
//^^^^^^^ calls hoisted
  if (app) {
    var hoisted = function () {};
//      ^^^^^^^ defines function <function>.hoisted
  }
})();
{
  const app = http.request();
//                 ^^^^^^^ calls http.request
  app.end();
//    ^^^ calls app.end
}
