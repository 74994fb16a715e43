import { price, tax as levy } from './prices';
import * as store from './store';

export abstract class Cart<T extends Item> extends Base<T> implements Priced {
//                    ^^^^ defines class Cart
  static #made = 0;
  private readonly items: T[] = [];

  constructor(private readonly repo: Repo<T>, name = label()) {
//^^^^^^^^^^^ defines method Cart.constructor
//                                                   ^^^^^ calls global label
    super(name);
//  ^^^^^ calls super
    this.touched = new Date();
//       ^^^^^^^ writes this.touched
//                     ^^^^ calls global Date
  }

  total(): number {
//^^^^^ defines method Cart.total
    return price(this.items) + levy(this);
//         ^^^^^ calls price
//                    ^^^^^ reads this.items
//                             ^^^^ calls levy
  }

  static make(): Cart<Item> {
//       ^^^^ defines method Cart.make
    this.count();
//       ^^^^^ calls class.count
    return store.build(() => this.#made);
//               ^^^^^ calls store.build
//                     ^^ defines lambda Cart.make.<arrow>
//                                ^^^^^ reads class.#made
  }

  find(id: string): T;
  find(id: number): T;
  find(id: any): T {
//^^^^ defines method Cart.find
    return this.repo.query<T>(id).first()!.unwrap();
//                   ^^^^^ calls this.repo.query
//                                ^^^^^ calls (call).first
//                                         ^^^^^^ calls (call).unwrap
  }

  abstract weigh(): number;
//         ^^^^^ defines method Cart.weigh

  get size(): number {
//    ^^^^ defines method Cart.size
    return super.size() + this.items.length;
//               ^^^^ calls super.size
//                                   ^^^^^^ reads this.items.length
  }

  onAdd = async (item: T) => {
//^^^^^ defines method Cart.onAdd
    await this.repo.save(item);
//                  ^^^^ calls this.repo.save
    this.repo?.audit?.[item.id]?.();
//                     ^^^^^^^ calls (item)
  };

  ['key' + 1]() {}
//^^^^^^^^^^^ defines method Cart.['key' + 1]
}

interface Priced {
//        ^^^^^^ defines class Priced
  total(): number;
//^^^^^ defines method Priced.total
  weigh?(): number;
//^^^^^ defines method Priced.weigh
}

function over(a: string): void;
function over(a: number): void;
function over(a: any) {
//       ^^^^ defines function over
  const inner = () => a;
//      ^^^^^ defines function over.inner
  return inner();
//       ^^^^^ calls inner
}

declare function elsewhere(): Promise<Item>;
//               ^^^^^^^^^ defines function elsewhere

namespace Shop {
//        ^^^^ defines class Shop
  export function open() {
//                ^^^^ defines function Shop.open
    return locked();
//         ^^^^^^ calls locked
  }
  function locked() {}
//         ^^^^^^ defines function Shop.locked
}
Shop.open();
//   ^^^^ calls Shop.open

enum Colour { Red = 'red' }
//   ^^^^^^ defines class Colour

[1].forEach(function each(n) {
//  ^^^^^^^ calls (list).forEach
//                   ^^^^ defines function each
  tag`SELECT * FROM t WHERE n = ${n}`;
//^^^ calls global tag
});
