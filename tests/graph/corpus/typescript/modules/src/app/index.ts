import axios from 'axios'
import { readFile } from 'node:fs'
import taxDefault, { divided, levy, price as cost, Price, taxes, visible } from '../lib'
import * as lib from '@lib/index'
import { twice } from '@lib/tax'
import old = require('../lib/old')
import type { Price as PriceType } from '../lib/price'

export function main(given: PriceType, list: Price[]) {
  cost(1)
  taxDefault(1)
  const a = [cost(2), taxDefault(2), divided(2)]
  //                                 ^^^^^^^ calls src.lib.tax.half by import
  //                  ^^^^^^^^^^ calls src.lib.tax.tax by import
  //         ^^^^ calls src.lib.price.price by import
  const b = [levy(1), taxes.half(1), visible(), twice(1)]
  //                                            ^^^^^ calls src.lib.tax.twice by import
  //                                 ^^^^^^^ calls src.lib.price.hidden by import
  //                        ^^^^ calls src.lib.tax.half by import
  //         ^^^^ calls src.lib.tax.tax by import
  const c = [lib.price(1), lib.taxes.half(2), lib.nothing()]
  //                                              ^^^^^^^ calls nothing known
  //                                 ^^^^ calls src.lib.tax.half by import
  //             ^^^^^ calls src.lib.price.price by import
  const d = [new Price().shown(), given.shown(), old.total([])]
  //                                                 ^^^^^ calls src.lib.old.total by import
  //                                    ^^^^^ calls src.lib.price.Price.shown by typed
  //                     ^^^^^ calls src.lib.price.Price.shown by typed
  const e = [axios.get('x'), readFile('x', main), parseInt('1')]
  //                                              ^^^^^^^^ calls outside parseInt
  //               ^^^ calls outside axios.get
  const [first] = list
  first.shown()
  //    ^^^^^ calls src.lib.price.Price.shown by typed
  return import('../lib/price').then((it) => it.price(1))
}
