import { useMemo } from 'react'

type Handler = (user: User) => void

class User {
  constructor(private readonly mail: Mail) {}

  greet() {
    return this.mail.deliver()
    //               ^^^^^^^ calls src.page.Mail.deliver by typed
  }
}

class Mail {
  deliver(): Promise<User> {
    return Promise.resolve(new User(this))
  }
}

interface Props {
  users: User[]
  current: User
  onPick: Handler
}

function Row({ user }: { user: User }) {
  user.greet()
  //   ^^^^^ calls src.page.User.greet by typed
  return <li>{user.greet()}</li>
  //               ^^^^^ calls src.page.User.greet by typed
}

function overload(it: string): User
function overload(it: number): Mail
function overload(it: any): any {
  return it
}

export const Page = ({ users, current, onPick }: Props) => {
  const sorted = useMemo(() => users.filter((user) => user.greet()), [users])
  //                                                       ^^^^^ calls src.page.User.greet by typed
  const found = users.find((user) => user === current)
  found?.greet()
  //     ^^^^^ calls src.page.User.greet by typed
  current.greet()
  //      ^^^^^ calls src.page.User.greet by typed
  onPick(current)
  return (
    <ul>
      {sorted.map((user) => (
        <Row user={user} />
      ))}
    </ul>
  )
}

export async function send(mail: Mail, all: Promise<User[]>) {
  const user = await mail.deliver()
  //                      ^^^^^^^ calls src.page.Mail.deliver by typed
  user.greet()
  //   ^^^^^ calls src.page.User.greet by typed
  for (const each of await all) each.greet()
  //                                 ^^^^^ calls src.page.User.greet by typed
  const table = { deliver: () => user.greet(), nested: { mail } }
  //                                  ^^^^^ calls src.page.User.greet by typed
  table.deliver()
  //    ^^^^^^^ calls src.page.send.table.deliver
  table.nested.mail.deliver()
  //                ^^^^^^^ calls src.page.Mail.deliver by typed
  overload('x')
  mail.deliver().then((it) => it.greet())
}
