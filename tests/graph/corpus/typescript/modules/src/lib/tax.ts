export default function tax(amount: number) {
  return amount
}

export function half(amount: number) {
  return amount
}

export const twice = (amount: number) => half(amount)
//                                       ^^^^ calls src.lib.tax.half by same_file
