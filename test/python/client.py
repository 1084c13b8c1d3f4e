# Connects to a gateway as a client of the official SDK or of FastMCP, uses the server that is behind it, and prints what it
# saw as one line of JSON. Arguments: sdk or fastmcp, the URL, and the mode: legacy, auto or 2026-07-28. SDK 1 and FastMCP 2, which
# know no modes, take none.
import asyncio
import json
import sys
from contextlib import asynccontextmanager

try:
    import mcp_types
except ImportError:
    from mcp import types as mcp_types

answer = {"action": "accept", "content": {"name": "Alice"}}


def sdk_client(url, mode, questions):
    import mcp

    async def elicit(_context, params):
        questions.append(params.message)
        return mcp_types.ElicitResult(**answer)

    async def sample(_context, _params):
        questions.append("sampling")
        text = mcp_types.TextContent(type="text", text="Paris")
        return mcp_types.CreateMessageResult(role="assistant", model="test", content=text)

    async def roots(_context):
        questions.append("roots")
        return mcp_types.ListRootsResult(roots=[mcp_types.Root(uri="file:///project", name="project")])

    callbacks = {
        "elicitation_callback": elicit,
        "sampling_callback": sample,
        "list_roots_callback": roots,
    }
    return mcp.Client(url, mode=mode, **callbacks) if mode else session_of(url, callbacks)


@asynccontextmanager
async def session_of(url, callbacks):
    """A client of SDK 1."""
    from mcp import ClientSession
    from mcp.client.streamable_http import streamablehttp_client

    async with streamablehttp_client(url) as (read, write, _):
        async with ClientSession(read, write, **callbacks) as session:
            await session.initialize()
            yield session


def fastmcp_client(url, mode, questions):
    # Loaded only here, because it takes seconds.
    import fastmcp

    async def elicit(message, _type, _params, _context):
        questions.append(message)
        return answer["content"]

    async def sample(_messages, _params, _context):
        questions.append("sampling")
        return "Paris"

    async def roots(_context):
        questions.append("roots")
        return ["file:///project"]

    options = {"mode": mode} if mode else {}
    return fastmcp.Client(
        url, elicitation_handler=elicit, sampling_handler=sample, roots=roots, **options
    )


def items(result, name):
    """The items of a list: FastMCP returns them bare."""
    return result if isinstance(result, list) else getattr(result, name)


async def cancel_a_call(call):
    """Cancels a call that runs; whether the server saw it."""
    before = int(await call("up__test_cancellations"))
    held = asyncio.create_task(call("up__test_hold"))
    await asyncio.sleep(0.5)
    held.cancel()
    await asyncio.gather(held, return_exceptions=True)
    for _ in range(50):
        if int(await call("up__test_cancellations")) == before + 1:
            return True
        await asyncio.sleep(0.1)
    return False


def is_closed_stream(failure):
    """Whether a failure, or each one of a group, is that a stream is closed."""
    if hasattr(failure, "exceptions"):
        return all(is_closed_stream(one) for one in failure.exceptions)
    return type(failure).__name__ == "ClosedResourceError"


async def main(kind, url, mode=None):
    seen = {}
    try:
        await look(kind, url, mode, seen)
    except Exception as failure:
        # SDK 1 fails if the answer to an abandoned call arrives while it closes.
        if mode is not None or "cancelled" not in seen or not is_closed_stream(failure):
            raise
    print(json.dumps(seen), flush=True)


async def look(kind, url, mode, seen):
    questions = []
    progress = []

    async def on_progress(step, _total, _message):
        progress.append(step)

    connect, observer = {
        "sdk": (sdk_client, "progress_callback"),
        "fastmcp": (fastmcp_client, "progress_handler"),
    }[kind]
    async with connect(url, mode, questions) as client:

        async def call(name, **options):
            result = await client.call_tool(name, {}, **options)
            return result.content[0].text

        tools = items(await client.list_tools(), "tools")
        contents = items(await client.read_resource("test://static-text"), "contents")
        templated = items(await client.read_resource("test://template/123/data"), "contents")
        arguments = {"arg1": "a", "arg2": "b"}
        prompt = await client.get_prompt("up__test_prompt_with_arguments", arguments)
        await call("up__test_tool_with_progress", **{observer: on_progress})
        seen |= {
            "tool": [tool.name for tool in tools if tool.name == "up__test_simple_text"],
            "text": await call("up__test_simple_text"),
            "progress": progress,
            "resource": contents[0].text,
            "template": json.loads(templated[0].text)["id"],
            "prompt": prompt.messages[0].content.text,
            "elicited": await call("up__test_input_required_result_elicitation"),
            "sampled": await call("up__test_input_required_result_sampling"),
            "rooted": await call("up__test_input_required_result_list_roots"),
            "questions": questions,
            "cancelled": await cancel_a_call(call),
        }


asyncio.run(main(*sys.argv[1:]))
