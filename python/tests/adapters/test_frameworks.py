"""The adapters for agents, with the real packages."""

import asyncio
import unittest

from archipel.adapters import langchain, pydantic_ai, smolagents


class Langchain(unittest.TestCase):
    def test_the_tool_keeps_variables_and_returns_errors_as_text(self):
        tool = langchain.python_tool(limits={"memory": 256 << 20})
        self.assertEqual(tool.invoke({"code": "x = 20; print('hello')"}), "hello")
        self.assertEqual(asyncio.run(tool.ainvoke({"code": "x + 22"})), "42")
        self.assertIn("ZeroDivisionError", tool.invoke({"code": "1 / 0"}))
        self.assertEqual(list(tool.args), ["code"])


class PydanticAi(unittest.TestCase):
    def test_a_model_calls_the_tool(self):
        from pydantic_ai import Agent
        from pydantic_ai.messages import ModelResponse, TextPart, ToolCallPart, ToolReturnPart
        from pydantic_ai.models.function import FunctionModel

        def model(messages, info):
            last = messages[-1].parts[-1]
            if isinstance(last, ToolReturnPart):
                return ModelResponse(parts=[TextPart(f"it is {last.content}")])
            self.assertEqual([tool.name for tool in info.function_tools], ["run_python"])
            return ModelResponse(parts=[ToolCallPart("run_python", {"code": "print(6 * 7)"})])

        agent = Agent(FunctionModel(model), toolsets=[pydantic_ai.python_toolset()])
        self.assertEqual(agent.run_sync("what is it?").output, "it is 42")


class Smolagents(unittest.TestCase):
    def test_an_agent_runs_its_code_in_an_interpreter(self):
        from smolagents import CodeAgent, Model, tool
        from smolagents.models import ChatMessage, MessageRole

        @tool
        def area(width: float, height: float) -> float:
            """Return the area of a rectangle.

            Args:
                width: The width.
                height: The height.
            """
            return width * height

        steps = iter(
            [
                "<code>\nx = area(width=2, height=3)\nprint(x)\n</code>",
                "<code>\nopen('/etc/passwd')\n</code>",
                "<code>\nfinal_answer(x * 7)\n</code>",
            ]
        )

        class Fake(Model):
            def generate(self, messages, **kwargs):
                return ChatMessage(role=MessageRole.ASSISTANT, content=next(steps))

        executor = smolagents.IslandExecutor()
        agent = CodeAgent(tools=[area], model=Fake(), executor=executor, max_steps=4, verbosity_level=0)
        self.assertEqual(agent.run("compute"), 42)
        errors = [str(step.error) for step in agent.memory.steps if getattr(step, "error", None)]
        self.assertEqual(len(errors), 1)
        self.assertIn("FileNotFoundError", errors[0])
        executor.cleanup()
