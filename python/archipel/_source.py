"""Functions as source: what a function refers to, collected so that an interpreter can define it.

The host's version of Python does not matter, because no bytecode travels.  A function travels with the functions,
classes and constants of its module that it refers to, and with its imports.  Modules of the standard library and of
installed packages are imported by the interpreter itself.
"""

import ast
import functools
import inspect
import itertools
import sys
import textwrap
import types

from . import _archipel
from ._definitions import as_block, is_installed, names_in, parses, same_code, statement
from ._errors import NotShareableError

# The name of the host's `__main__` in an interpreter, as in `multiprocessing`: it is not the main module there.
_MAIN = "__mp_main__"

# Modules whose objects are made again by the statement that made them on the host.
_REPEATABLE = frozenset(
    ("re", "collections", "decimal", "fractions", "datetime", "pathlib", "enum", "typing", "uuid")
    + ("functools", "operator", "string", "struct", "zoneinfo", "types", "_struct", "_decimal", "typing_extensions")
)

# Numbers make the names of nested functions unique.
_numbers = itertools.count()

class Remote:
    """A function, ready to be defined: the modules that it needs, and where it is in them."""

    __slots__ = ("parts", "module", "qualname")

    def __init__(self, parts, module, qualname):
        self.parts = parts
        self.module = module
        self.qualname = qualname

    def messages(self, sent):
        """Return the parts whose contents are not in `sent`, a dict of sets of names, and add them to it."""
        messages = []
        for part in self.parts:
            done = sent.setdefault(part.guest_name, set())
            statements = sorted(
                (line, source) for (line, name), source in part.statements.items() if (line, name) not in done
            )
            constants = {name: value for name, value in part.constants.items() if name not in done}
            imports = [text for text in part.imports.values() if text not in done]
            done.update(part.statements, constants, imports)
            messages.append((part.guest_name, imports, constants, statements))
        return messages


class _Part:
    """The contents of one module of the host that travel."""

    def __init__(self, name, namespace):
        self.guest_name = _MAIN if name == "__main__" else name
        self.name = name
        self.namespace = namespace
        self.imports = {}
        self.constants = {}
        # (line, name) -> source
        self.statements = {}
        self.names = set()


def remote(function):
    """Return the `Remote` of a function or a class.

    Raises NotShareableError if it cannot travel as source; the text names what stands in the way.
    """
    return _Collector(function).collect()


class _Collector:
    def __init__(self, function):
        self.function = function
        self.what = getattr(function, "__qualname__", None) or repr(function)
        self.parts = {}

    def refuse(self, reason):
        raise NotShareableError(f"the function {self.what!r} cannot be sent: {reason}")

    def collect(self):
        function = self.function
        if isinstance(function, types.MethodType):
            owner = function.__self__
            if not isinstance(owner, type):
                self.refuse(
                    f"it is a method of an object of type {type(owner).__qualname__!r} "
                    "(send a function, and the object's data as an argument)"
                )
            return self._of_class(owner, f"{owner.__qualname__}.{function.__name__}")
        if isinstance(function, types.BuiltinFunctionType):
            return self._builtin(function)
        if isinstance(function, (types.MethodDescriptorType, types.WrapperDescriptorType)):
            owner = function.__objclass__
            return self._import(owner.__module__, f"{owner.__qualname__}.{function.__name__}")
        if isinstance(function, type):
            if is_installed(function.__module__):
                return self._import(function.__module__, function.__qualname__)
            return self._of_class(function, function.__qualname__)
        if isinstance(function, functools.partial):
            self.refuse("it is a functools.partial (send its function, and its arguments as arguments)")
        unwrapped = inspect.unwrap(function) if callable(function) else function
        if not isinstance(unwrapped, types.FunctionType):
            self.refuse(f"it is an object of type {type(function).__qualname__!r}, not a function")
        module = unwrapped.__module__
        if module is not None and module != "__main__" and is_installed(module):
            return self._import(module, unwrapped.__qualname__)
        qualname = unwrapped.__qualname__
        part = self._part(module, unwrapped.__globals__)
        if "<locals>" in qualname or "<lambda>" in qualname:
            name = self._nested(part, unwrapped)
        elif "." in qualname:
            owner = unwrapped.__globals__.get(qualname.partition(".")[0])
            if not isinstance(owner, type):
                self.refuse(f"the class of {qualname!r} is not in the module {module!r}")
            return self._of_class(owner, qualname)
        else:
            name = qualname
            self._define(part, name, function)
        return self._finish(part.guest_name, name)

    def _finish(self, module, qualname):
        return Remote(list(self.parts.values()), module, qualname)

    def _import(self, module, qualname):
        part = self.parts.setdefault(module, _Part("__archipel__", {}))
        first = qualname.partition(".")[0]
        part.guest_name = "__archipel_imports__"
        part.imports[first] = f"from {module} import {first}"
        return self._finish(part.guest_name, qualname)

    def _builtin(self, function):
        owner = function.__self__
        if isinstance(owner, types.ModuleType):
            return self._import(owner.__name__, function.__qualname__)
        if isinstance(owner, type):
            return self._import(owner.__module__, function.__qualname__)
        self.refuse(f"it is a method of an object of type {type(owner).__qualname__!r}")

    def _of_class(self, owner, qualname):
        if is_installed(owner.__module__):
            return self._import(owner.__module__, qualname)
        module = sys.modules.get(owner.__module__)
        if "<locals>" in owner.__qualname__ or module is None:
            self.refuse(f"the class {owner.__qualname__!r} is local to a function")
        part = self._part(owner.__module__, module.__dict__)
        name = qualname.partition(".")[0]
        self._define(part, name, part.namespace.get(name))
        return self._finish(part.guest_name, qualname)

    def _part(self, module, namespace):
        part = self.parts.get(module)
        if part is None:
            part = self.parts[module] = _Part(module or "__main__", namespace)
        return part

    def _define(self, part, name, value):
        """Add the statement that defines `name`, whose value is a function or a class, and what it refers to."""
        if name in part.names:
            return
        part.names.add(name)
        found = statement(part, name, value)
        if found is None:
            self.refuse(f"the source of {name!r} is not available")
        line, source = found
        part.statements[line, ""] = source
        self._resolve(part, source, name)

    def _nested(self, part, function):
        """Add a function that is defined in another function, or a lambda, and return its name in the guest."""
        name = f"_{next(_numbers)}_{function.__name__.strip('<>')}"
        try:
            lines, line = inspect.getsourcelines(function)
        except (OSError, TypeError):
            self.refuse("its source is not available")
        source = textwrap.dedent("".join(lines))
        if function.__name__ == "<lambda>":
            source = f"{name} = {self._lambda(source, function)}\n"
            inner = name
        else:
            inner = function.__name__
            source = as_block(source) or self.refuse("its source is not available")
        free = []
        for variable, cell in zip(function.__code__.co_freevars, function.__closure__ or ()):
            try:
                value = cell.cell_contents
            except ValueError:
                self.refuse(f"its variable {variable!r} has no value yet")
            if value is function:
                continue
            if variable == "__class__":
                self.refuse("it uses super() of a class that is local to a function")
            alias = f"{name}_{variable}"
            free.append((variable, alias))
            self._add(part, alias, value, f"its variable {variable!r}", under=variable)
        if free:
            block = textwrap.indent(source, "    ")
            parameters = ", ".join(variable for variable, _ in free)
            arguments = ", ".join(alias for _, alias in free)
            source = f"def {name}_make({parameters}):\n{block}\n    return {inner}\n{name} = {name}_make({arguments})\n"
        elif inner != name:
            source = f"{source}\n{name} = {inner}\n"
        part.statements[line, name] = source
        self._resolve(part, source, name)
        return name

    def _lambda(self, source, function):
        candidates = [
            ast.get_source_segment(text, node)
            for text, tree in parses(source)
            for node in ast.walk(tree)
            if isinstance(node, ast.Lambda)
        ]
        candidates = list(dict.fromkeys(candidates))
        if len(candidates) > 1:
            candidates = [text for text in candidates if same_code(text, function)]
        if len(candidates) != 1:
            self.refuse("its source is not available, or not unambiguous (use def)")
        # In parentheses, since it can span lines.
        return f"({candidates[0]})"

    def _resolve(self, part, source, name):
        """Add what the statement refers to."""
        needed, hints, chains = names_in(source)
        for wanted in sorted(needed):
            if wanted in part.namespace:
                self._add(part, wanted, part.namespace[wanted], f"{name!r} uses the global {wanted!r}")
        for chain in chains:
            # `import package.module` binds the package only.
            module = part.namespace.get(chain[0])
            if isinstance(module, types.ModuleType):
                for length in range(2, len(chain) + 1):
                    full = ".".join((module.__name__, *chain[1:length]))
                    if full in sys.modules:
                        part.imports[full] = f"import {full}"
        for wanted in sorted(hints - needed):
            if wanted in part.namespace:
                try:
                    self._add(part, wanted, part.namespace[wanted], "")
                except NotShareableError:
                    # Hints are not evaluated unless the program asks for them.
                    part.names.discard(wanted)

    def _add(self, part, name, value, why, under=None):
        """Make `value` available as `name` in a module of the guest.  `under` is its name on the host."""
        if name in part.names or name in part.imports or name in part.constants:
            return
        if isinstance(value, types.ModuleType):
            # The interpreters of an interpreter are those of its own library.
            module = "interpreters" if value.__name__ == "archipel.interpreters" else value.__name__
            part.imports[name] = f"import {module} as {name}"
        elif isinstance(value, types.BuiltinFunctionType) and isinstance(value.__self__, types.ModuleType):
            part.imports[name] = f"from {value.__self__.__name__} import {value.__name__} as {name}"
        elif isinstance(value, type) or callable(value) and isinstance(inspect.unwrap(value), types.FunctionType):
            self._add_definition(part, name, value, why)
        else:
            self._add_constant(part, name, value, why, under)

    def _add_definition(self, part, name, value, why):
        origin = inspect.unwrap(value) if not isinstance(value, type) else value
        module, qualname = origin.__module__, origin.__qualname__
        if module is not None and module != "__main__" and is_installed(module):
            first, _, rest = qualname.partition(".")
            if "<locals>" not in qualname:
                text = f"from {module} import {first} as {name}"
                part.imports[name] = text if not rest else f"{text}\n{name} = {name}.{rest}"
            elif part.namespace.get(name) is value:
                # Made by an installed decorator or factory, in a statement of this module.
                self._define(part, name, value)
            else:
                self.refuse(f"{why}, which {module!r} made at run time")
            return
        if part.namespace.get(name) is value and statement(part, name, value) is not None:
            return self._define(part, name, value)
        home = sys.modules.get(module)
        first = qualname.partition(".")[0]
        if home is not None and module != part.name and "<locals>" not in qualname and hasattr(home, first):
            other = self._part(module, home.__dict__)
            self._define(other, first, getattr(home, first))
            text = f"from {other.guest_name} import {first} as {name}"
            part.imports[name] = text
        elif isinstance(origin, types.FunctionType):
            found = self._nested(self._part(module, origin.__globals__), origin)
            if self.parts[module] is not part:
                part.imports[name] = f"from {self.parts[module].guest_name} import {found} as {name}"
            elif found != name:
                line = max(line for line, _ in part.statements) + 1
                part.names.add(name)
                part.statements[line, name] = f"{name} = {found}\n"
        else:
            self.refuse(f"{why}, a class that is local to a function")

    def _add_constant(self, part, name, value, why, under):
        try:
            _archipel.check(value, under or name)
        except NotShareableError as error:
            if part.namespace.get(name) is value and _is_repeatable(value):
                found = statement(part, name, value)
                if found is not None:
                    part.names.add(name)
                    part.statements[found[0], ""] = found[1]
                    return self._resolve(part, found[1], name)
            self.refuse(f"{why}: {error}")
        part.constants[name] = value


def _is_repeatable(value):
    return type(value).__module__.partition(".")[0] in _REPEATABLE
