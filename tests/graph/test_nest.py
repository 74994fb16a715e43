"""What NestJS runs around a handler, and methods without a body: whose code a call can reach there."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

_GUARD = """
import { Injectable, CanActivate } from '@nestjs/common';
@Injectable()
export class RoleGuard implements CanActivate { canActivate() { return true; } }
"""
_CONTROLLER = """
import { Controller, Get, Post, UseGuards, UseInterceptors, UsePipes } from '@nestjs/common';
import { AuthGuard } from '@nestjs/passport';
import { RoleGuard } from './guard';
class Redact { intercept() {} }
class Check { transform() {} }

@Controller('books')
@UseInterceptors(Redact)
export class Books {
  @Get() @UseGuards(AuthGuard('key'), RoleGuard) list() {}
  @Post() @UsePipes(new Check()) create() {}
  apart() {}
}
"""
_STRATEGIES = """
import { PassportStrategy } from '@nestjs/passport';
import { Strategy } from 'passport-jwt';
import { HeaderStrategy } from 'passport-header';
export class KeyStrategy extends PassportStrategy(HeaderStrategy, 'key') { validate() {} }
export class JwtStrategy extends PassportStrategy(Strategy) { validate() {} }
"""


def test_what_is_declared_around_a_handler_is_called_by_that_handler(link: Callable[..., Any]) -> None:
    project = link({"guard.ts": _GUARD, "books.ts": _CONTROLLER, "strategies.ts": _STRATEGIES})

    around = {each for each in project.calls("books.ts") if each.startswith("Books.")}

    assert around == {
        "Books.list > strategies.KeyStrategy.validate",
        "Books.list > guard.RoleGuard.canActivate",
        "Books.list > books.Redact.intercept",
        "Books.create > books.Redact.intercept",
        "Books.create > books.Check.transform",
        "Books.create > books.Check",
    }


def test_a_strategy_without_a_name_has_that_of_its_package(link: Callable[..., Any]) -> None:
    guarded = """
        import { Get, UseGuards } from '@nestjs/common';
        import { AuthGuard } from '@nestjs/passport';
        export class JwtGuard extends AuthGuard('jwt') {}
        export class Books { @Get() @UseGuards(JwtGuard) list() {} }
    """
    project = link({"strategies.ts": _STRATEGIES, "books.ts": guarded})

    assert "Books.list > strategies.JwtStrategy.validate" in project.calls("books.ts")
    assert "Books.list > strategies.KeyStrategy.validate" not in project.calls("books.ts")


def test_a_middleware_is_called_where_it_is_applied_to_routes(link: Callable[..., Any]) -> None:
    module = """
        class Log { use() {} }
        class Other { use() {} }
        export class App {
          configure(consumer) { consumer.apply(Log).forRoutes('books'); }
          apart(f) { f.apply(Other); }
        }
    """
    project = link({"app.ts": module})

    assert project.calls("app.ts") == {"App.configure > app.Log.use"}


def test_a_call_on_an_interface_can_reach_each_of_its_implementations(link: Callable[..., Any]) -> None:
    sources = {
        "port.ts": "export interface Port { send(text: string): void }\nexport abstract class Base {\n"
        "  run() { this.step(); }\n  abstract step(): void;\n}",
        "mail.ts": "import { Port } from './port';\nexport class Mail implements Port { send(text: string) {} }\n"
        "export class Bulk extends Mail {}",
        "sms.ts": "import { Base, Port } from './port';\nexport class Sms extends Base implements Port {\n"
        "  send(text: string) {}\n  step() {}\n}\nexport class Apart { send(text: string) {} }",
        "use.ts": "import { Port } from './port';\nexport function go(port: Port) { port.send('x'); }",
    }
    project = link(sources)

    found = {(project.name_of(edge.target), edge.resolution) for edge in project.edges("use.ts")}

    assert found == {
        ("port.Port.send", "typed"),
        ("mail.Mail.send", "interface"),
        ("sms.Sms.send", "interface"),
    }
    assert "Base.run > sms.Sms.step" in project.calls("port.ts")


def test_a_route_without_a_version_has_none_in_its_path(link: Callable[..., Any]) -> None:
    sources = {
        "main.ts": "import { VersioningType } from '@nestjs/common';\nexport function start(app) {\n"
        "  app.setGlobalPrefix('api');\n  app.enableVersioning({ defaultVersion: '1', type: VersioningType.URI });\n}",
        "books.ts": "import { Controller, Get, Version, VERSION_NEUTRAL } from '@nestjs/common';\n"
        "@Controller('books')\nexport class Books {\n  @Get() list() {}\n  @Get('new') @Version('2') fresh() {}\n"
        "  @Get('any') @Version(VERSION_NEUTRAL) any() {}\n}\n"
        "@Controller({ path: 'open', version: VERSION_NEUTRAL })\nexport class Open { @Get() list() {} }",
    }

    labels = {entry.label for entry in link(sources).entry_points()}

    assert labels == {"GET /api/v1/books", "GET /api/v2/books/new", "GET /api/books/any", "GET /api/open"}
