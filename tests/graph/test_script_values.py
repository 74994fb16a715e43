"""What values of TypeScript stand for: generic results, and functions within options."""

from __future__ import annotations

from tests.graph.conftest import Link


def test_a_generic_result_is_made_around_what_the_argument_says(link: Link) -> None:
    sources = {
        "orm.ts": """
            export class Repository<T> { find(): T { return null } all(): Promise<T[]> { return null } }
            export type Target<T> = (new () => T) | string;
            export class Source {
              repository<T>(target: Target<T>): Repository<T> { return new Repository<T>() }
              maybe<T>(target: Target<T>): Promise<Repository<T> | null> { return null }
              row<T>(target: Target<T>): Promise<T> { return null }
            }
        """,
        "use.ts": """
            import { Source } from './orm';
            class Post { title() {} find() {} }
            export async function go(source: Source) {
              source.repository(Post).find().title();
              (await source.maybe(Post)).all();
              (await source.row(Post)).title();
            }
        """,
    }

    assert link(sources).calls("use.ts") == {
        "go > orm.Source.repository",
        "go > orm.Source.maybe",
        "go > orm.Source.row",
        "go > orm.Repository.find",
        "go > orm.Repository.all",
        "go > use.Post.title",
    }


def test_what_an_options_object_holds_is_handed_over(link: Link) -> None:
    sources = {
        "auth.ts": "import jwt from 'express-jwt';\nconst token = () => 'x';\n"
        "export const auth = jwt({ secret: 'x', getToken: token, on: { error: token } });"
    }

    assert link(sources).calls("auth.ts") == {"auth > auth.token"}


def test_what_a_test_expects_of_a_function_is_no_call_of_it(link: Link) -> None:
    sources = {
        "a.ts": "export const send = () => 1;\nexport function fails() {}",
        "a.spec.ts": "import { send, fails } from './a';\nexpect(send).toHaveBeenCalled();\n"
        "expect(() => fails()).toThrow();",
    }

    called = link(sources).calls("a.spec.ts")

    assert not any(each.endswith("a.send") for each in called)
    assert "<arrow> > a.fails" in called
