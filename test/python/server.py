# Serves the same items with the official SDK or with FastMCP. Arguments: sdk or fastmcp, then `stdio`, or `http` or `sse` and
# a port. From SDK 2 and FastMCP 4 on, servers speak both eras: `ask` asks while it runs, which exists in the legacy era only;
# `ask_either` is the SDK's way for both, and FastMCP's for the modern one.
import asyncio
import sys
from typing import Annotated

from pydantic import BaseModel

try:
    import mcp_types
except ImportError:
    from mcp import types as mcp_types

cancellations = 0


class Answer(BaseModel):
    name: str


async def report(context) -> str:
    """Reports progress 1, 2, 3."""
    for step in range(1, 4):
        await context.report_progress(step, 3)
    return "3 steps done"


async def sampled(context) -> str:
    content = mcp_types.TextContent(type="text", text="Which city?")
    message = mcp_types.SamplingMessage(role="user", content=content)
    result = await context.session.create_message(
        messages=[message], max_tokens=10, related_request_id=context.request_id
    )
    return f"Sampled {result.content.text}"


async def held() -> str:
    global cancellations
    try:
        await asyncio.sleep(60)
    except asyncio.CancelledError:
        cancellations += 1
        raise
    return "not cancelled"


def add_common(server) -> None:
    @server.tool()
    def add(a: int, b: int) -> int:
        """Adds two numbers."""
        return a + b

    @server.tool()
    async def hold() -> str:
        return await held()

    @server.tool()
    def count_cancellations() -> str:
        return str(cancellations)

    @server.resource("data://note")
    def note() -> str:
        return "a note"

    @server.resource("data://item/{number}")
    def item(number: str) -> str:
        return f"item {number}"

    @server.prompt()
    def greet(name: str) -> str:
        return f"Greet {name}"


def fastmcp_server():
    import fastmcp

    server = fastmcp.FastMCP("fastmcp")
    add_common(server)

    @server.tool()
    async def steps(context: fastmcp.Context) -> str:
        return await report(context)

    @server.tool()
    async def ask(context: fastmcp.Context) -> str:
        result = await context.elicit("What is your name?", Answer)
        return f"Hello, {result.data.name}!" if result.action == "accept" else result.action

    if hasattr(fastmcp.Context, "input_responses"):

        @server.tool()
        async def ask_either(context: fastmcp.Context):
            answers = context.input_responses
            if answers is None:
                schema = Answer.model_json_schema()
                params = mcp_types.ElicitRequestFormParams(
                    message="What is your name?", requested_schema=schema
                )
                request = mcp_types.ElicitRequest(params=params)
                return mcp_types.InputRequiredResult(input_requests={"name": request})
            return f"Hello, {answers['name'].content['name']}!"

    @server.tool()
    async def sample(context: fastmcp.Context) -> str:
        return await sampled(context)

    return server


def sdk_server():
    from mcp.server.mcpserver import Context as SdkContext
    from mcp.server.mcpserver import Elicit, MCPServer, Resolve

    def question() -> Elicit[Answer]:
        return Elicit("What is your name?", Answer)

    server = MCPServer("sdk")
    add_common(server)

    @server.tool()
    async def steps(context: SdkContext) -> str:
        return await report(context)

    @server.tool()
    async def ask(context: SdkContext) -> str:
        result = await context.elicit("What is your name?", Answer)
        return f"Hello, {result.data.name}!" if result.action == "accept" else result.action

    @server.tool()
    async def ask_either(answer: Annotated[Answer, Resolve(question)]) -> str:
        return f"Hello, {answer.name}!"

    @server.tool()
    async def sample(context: SdkContext) -> str:
        return await sampled(context)

    return server


kind, transport, *port = sys.argv[1:]
options = {"host": "127.0.0.1", "port": int(port[0])} if port else {}
if kind == "fastmcp":
    fastmcp_server().run(transport, show_banner=False, **options)
else:
    sdk_server().run("streamable-http" if transport == "http" else transport, **options)
