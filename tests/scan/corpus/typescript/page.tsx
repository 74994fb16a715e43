import { Row } from './row';
import Layout from './layout';

/** One page. */
export const Page = ({ user, onSave }: Props) => {
//           ^^^^ defines function Page
  const save = () => onSave(user.email);
//      ^^^^ defines function Page.save
//                   ^^^^^^ calls onSave
//                               ^^^^^ reads user.email
  return <Layout.Main title="x"><Row key={1} render={() => <b />} /><p>text</p><button onClick={save} /></Layout.Main>;
//               ^^^^ calls Layout.Main
//                               ^^^ calls Row
//                                                   ^^ defines lambda Page.<arrow>
//                                                         ^ calls nothing
//                                                                   ^ calls nothing
//                                                                              ^^^^^^ calls global button
};

export default function Wrapped() {
//                      ^^^^^^^ defines function Wrapped
  return useMemo(<T,>(x: T) => x);
//       ^^^^^^^ calls global useMemo
//               ^ defines lambda Wrapped.<arrow>
}
