import asyncio
async def main():
    ready.send(1)
    await asyncio.sleep(10**6)
asyncio.run(main())
