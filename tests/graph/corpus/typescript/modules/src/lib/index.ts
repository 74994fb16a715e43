export * from './price'
export * as taxes from './tax'
export { default, default as levy, half as divided } from './tax'
