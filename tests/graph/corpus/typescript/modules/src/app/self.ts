import { main } from '@app'
import { missing } from '../lib'

main(null as never, [])
const here = main(null as never, [])
//           ^^^^ calls src.app.index.main by import
const gone = missing(here)
//           ^^^^^^^ calls nothing known
