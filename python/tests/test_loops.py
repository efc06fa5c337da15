"""Event loops."""

import asyncio
import unittest

import archipel

from . import samples


class Loops(unittest.IsolatedAsyncioTestCase):
    async def test_twins_return_what_the_verbs_do(self):
        with archipel.create() as island:
            await island.exec_async("x = 1")
            await island.prepare_main_async(y=2)
            self.assertEqual(await island.eval_async("x + y"), 3)
            self.assertEqual(await island.get_async("x"), 1)
            with self.assertRaises(archipel.ConfigError):
                await island.get_async("x + 1")
            self.assertIsNone(await island.done)
            self.assertEqual(await island.call_async(samples.scale, 4), 6.0)
            with self.assertRaises(archipel.ExecutionFailed):
                await island.exec_async("1 / 0")
            self.assertEqual((await island.cell_async("await __import__('asyncio').sleep(0, 5)")).value, 5)
            self.assertEqual(await archipel.spawn(samples.scale, 9), 9.0)

    async def test_cancelling_a_task_cancels_the_job(self):
        with archipel.create() as island:
            with self.assertRaises(asyncio.TimeoutError):
                await asyncio.wait_for(island.exec_async("import time\nwhile True: time.sleep(1)"), 0.1)
            self.assertFalse(island.is_running())
            self.assertEqual(await island.eval_async("1"), 1)

    async def test_many_calls_of_a_coroutine_function_overlap(self):
        together = asyncio.Event()
        count = 0

        async def meet(n):
            nonlocal count
            count += 1
            if count == 20:
                together.set()
            await together.wait()
            return n

        islands = [archipel.create() for _ in range(20)]
        for island in islands:
            island.alias("meet", meet)
        jobs = [island.eval_async(f"meet({n})") for n, island in enumerate(islands)]
        self.assertEqual(await asyncio.gather(*jobs), list(range(20)))
        with self.assertRaises(archipel.ExecutionFailed) as caught:
            islands[0].eval("meet(1)")
        self.assertIn("DeadlockError", caught.exception.excinfo.msg)
        for island in islands:
            island.close()

    async def test_channels_are_awaited(self):
        recv, send = archipel.channel()
        sent = asyncio.create_task(send.send_async("x"))
        self.assertEqual(await recv, "x")
        await sent
        with self.assertRaises(asyncio.TimeoutError):
            await asyncio.wait_for(recv.recv_async(), 0.01)
        sent = asyncio.create_task(send.send_async("y"))
        self.assertEqual(await recv.recv_async(), "y")
        await sent
        send.release()
        self.assertEqual([item async for item in recv], [])
        recv, send = archipel.channel(None)
        with archipel.create() as island:
            await island.call_async(samples.produce, send, 3)
            send.release()
        self.assertEqual([item async for item in recv], [0, 1, 2])


class Ended(unittest.TestCase):
    def test_a_coroutine_function_of_a_loop_that_has_ended_is_refused(self):
        async def double(n):
            return 2 * n

        async def lend():
            island.alias("double", double)
            return await island.eval_async("double(2)")

        with archipel.create() as island:
            self.assertEqual(asyncio.run(lend()), 4)
            for _ in range(2):
                with self.assertRaisesRegex(archipel.ExecutionFailed, "the event loop of this function has ended"):
                    island.eval("double(2)")
            self.assertEqual(asyncio.run(lend()), 4)
