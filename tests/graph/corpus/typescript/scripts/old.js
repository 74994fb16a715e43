function Animal(name) {
  this.name = name
}

Animal.prototype.speak = function speak() {
  return this.sound()
  //          ^^^^^ calls old.Animal.sound by typed
}

Animal.prototype.sound = function sound() {
  return ''
}

const app = {}
app.start = function start() {
  return helper()
  //     ^^^^^^ calls old.helper by same_file
}

function helper() {
  const animal = new Animal('x')
  //                 ^^^^^^ calls old.Animal by same_file
  animal.speak()
  //     ^^^^^ calls old.Animal.speak by typed
  app.start()
  //  ^^^^^ calls old.app.start
  setTimeout(helper, 10)
  undefinedGlobal()
}

const counter = {
  one() {
    return this.two()
    //          ^^^ calls old.counter.two by self
  },
  two: () => 2,
}
counter.one()
const both = [counter.one(), counter.three]
//                    ^^^ calls old.counter.one
