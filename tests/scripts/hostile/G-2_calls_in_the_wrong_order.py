#: row G-2
#: attack It calls the host in the wrong order: it answers calls that were not made, and takes results that do not exist.
#: outcome RAISE(Err)
#: audit there is no alias called "absent"
#: stdout reply None
#: stdout call Err Failure_Absent
#: stdout names []
#: stdout interruption None
#: stdout nothing Err Error_Timeout
#: stdout unfinished Err Failure_Pending
#: stdout itself Err Refusal_Running
#: stdout stranger Err Refusal_Absent
#: stdout running Err Refusal_Running
from componentize_py_types import Err, Ok
from wit_world.imports import aliases, interpreters, process, waiting


def attempt(name, function, *args):
    try:
        print(name, function(*args))
    except Err as error:
        print(name, 'Err', type(error.value).__name__)


message = b'N', True, None
attempt('reply', aliases.reply, 1, Ok(message))
attempt('call', aliases.call, 'absent', message)
attempt('names', aliases.names)
attempt('interruption', process.take_interruption)
attempt('nothing', waiting.wait, [], 0)
child = interpreters.create(False)
task = child.start(interpreters.Job_Exec('import time; time.sleep(1e6)'))
attempt('unfinished', task.finish)
own = interpreters.get(interpreters.current())
attempt('itself', own.close)
attempt('stranger', interpreters.get, 12345)
attempt('running', child.close)
child.kill()
