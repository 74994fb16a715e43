const { price } = require('./price')
const taxes = require('./tax')

function total(items) {
  return taxes.half(items) + price(items)
  //                         ^^^^^ calls src.lib.price.price by import
  //           ^^^^ calls src.lib.tax.half by import
}

exports.sum = (items) => total(items)
//                       ^^^^^ calls src.lib.old.total by same_file
module.exports.total = total
