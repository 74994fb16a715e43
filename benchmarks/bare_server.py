"""The floor of a server: the SDK's class that Drift uses, with one tool that does nothing. Says nothing about Drift.

`python -m benchmarks.bare_server`, over stdio. With `frozen`, garbage is not looked for while the SDK is imported, as
Drift does it.
"""

from __future__ import annotations

import gc
import sys

if "frozen" in sys.argv:
    gc.disable()

from typing import Any

import anyio
import mcp_types as wire
from mcp.server.context import ServerRequestContext
from mcp.server.lowlevel import Server
from mcp.server.stdio import stdio_server

_NOTHING = wire.Tool(name="nothing", description="Does nothing.", input_schema={"type": "object", "properties": {}})


async def _list_tools(
    ctx: ServerRequestContext[Any], params: wire.PaginatedRequestParams | None
) -> wire.ListToolsResult:
    return wire.ListToolsResult(tools=[_NOTHING])


async def _call_tool(ctx: ServerRequestContext[Any], params: wire.CallToolRequestParams) -> wire.CallToolResult:
    return wire.CallToolResult(content=[wire.TextContent(type="text", text="")])


async def _serve() -> None:
    server: Server[Any] = Server("bare", on_list_tools=_list_tools, on_call_tool=_call_tool)
    async with stdio_server() as (incoming, outgoing):
        await server.run(incoming, outgoing, server.create_initialization_options())


if __name__ == "__main__":
    if "frozen" in sys.argv:
        gc.freeze()
        gc.enable()
    anyio.run(_serve)
