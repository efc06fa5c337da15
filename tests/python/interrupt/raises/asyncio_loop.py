import asyncio
async def main():
    ready.send(1)
    while True:
        await asyncio.sleep(0)
asyncio.run(main())
