export function price(item: unknown) {
  return 1
}

export class Price {
  shown() {
    return ''
  }
}

function hidden() {}

export { hidden as visible }
