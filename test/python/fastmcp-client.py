# A FastMCP client that calls the tool once for each line on its standard input, all in one session.
import asyncio
import sys

from fastmcp import Client


async def main() -> None:
    async with Client(sys.argv[1]) as client:
        print("ready", flush=True)
        while line := await asyncio.to_thread(sys.stdin.readline):
            result = await client.call_tool("up__echo", {"text": line.strip()})
            print(result.content[0].text, flush=True)


asyncio.run(main())
