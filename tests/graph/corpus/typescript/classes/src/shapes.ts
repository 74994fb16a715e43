export interface Named {
  name(): string
}

export abstract class Shape implements Named {
  constructor(protected readonly store: Store, public label?: Label) {}

  abstract area(): number

  name(): string {
    return this.kind()
    //          ^^^^ calls src.shapes.Shape.kind by self
  }

  kind(): string {
    this.store.saveShape(this)
    //         ^^^^^^^^^ calls src.shapes.Store.saveShape by typed
    this.label?.render()
    //          ^^^^^^ calls src.shapes.Label.render by typed
    return 'shape'
  }
}

export class Label {
  render() {
    return ''
  }
}

export class Store {
  private items: Shape[] = []
  private byName = new Map<string, Label>()

  saveShape(shape: Shape) {
    this.items.push(shape)
    //         ^^^^ calls outside list.push
    for (const each of this.items) {
      each.name()
      //   ^^^^ calls src.shapes.Shape.name by typed
    }
    this.items.forEach((each) => each.kind())
    //                                ^^^^ calls src.shapes.Shape.kind by typed
    this.items.map((each) => each.label).filter(Boolean)
    this.byName.get('x')?.render()
    //                    ^^^^^^ calls src.shapes.Label.render by typed
    return this.items[0].kind()
    //                   ^^^^ calls src.shapes.Shape.kind by typed
  }
}

export class Square extends Shape {
  private side = 1

  constructor(store: Store) {
    super(store)
  //^^^ calls src.shapes.Shape.constructor by super
  }

  area() {
    return this.side
  }

  kind() {
    return super.kind() + this.name()
    //                         ^^^^ calls src.shapes.Shape.name by self
    //           ^^^^ calls src.shapes.Shape.kind by super
  }

  static make(store: Store): Square {
    return new Square(store)
    //         ^^^^^^ calls src.shapes.Square and src.shapes.Square.constructor by same_file
  }

  get doubled(): Square {
    return this
  }

  grow(by: number): this {
    return this
  }
}

export function use(store: Store, any: any) {
  const square = Square.make(store)
  //                    ^^^^ calls src.shapes.Square.make by static
  square.doubled.grow(2).area()
  //                     ^^^^ calls src.shapes.Square.area by typed
  //             ^^^^ calls src.shapes.Square.grow by typed
  square.name()
  //     ^^^^ calls src.shapes.Shape.name by typed
  any.execute()
  //  ^^^^^^^ calls nothing known
  any.then(() => square.kind())
  //                    ^^^^ calls src.shapes.Square.kind by typed
}
