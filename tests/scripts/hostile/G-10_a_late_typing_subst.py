#: row G-10
#: attack It adds __typing_subst__ to a parameter of a GenericAlias after its position was looked up.
#: outcome DIED or RAISE(TypeError)
#: stdout reached
import types


class Settled:
    def __typing_subst__(self, argument):
        return argument


class Late:
    asked = 0

    def __getattr__(self, name):
        Late.asked += 1
        if name == '__typing_subst__' and Late.asked > 1:
            return lambda argument: argument
        raise AttributeError(name)


alias = types.GenericAlias(list, (Settled(), Late()))
print('reached', flush=True)
alias[int]
raise TypeError('nothing came of it')
