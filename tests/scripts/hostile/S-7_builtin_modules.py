#: row S-7
#: attack It lists the modules that are written in C, and finds only the expected ones.
#: outcome OK
#: stdout _abc _ast _asyncio _bisect _blake2 _codecs _codecs_cn _codecs_hk _codecs_iso2022
#: stdout _codecs_jp _codecs_kr _codecs_tw _collections _contextvars _csv _datetime _decimal
#: stdout _elementtree _functools _heapq _hmac _imp _io _json _locale _lsprof _md5
#: stdout _multibytecodec _opcode _operator _pickle _queue _random _sha1 _sha2 _sha3 _signal
#: stdout _socket _sqlite3 _sre _stat _statistics _string _struct _suggestions _symtable
#: stdout _sysconfig _thread _tokenize _tracemalloc _types _typing _warnings _weakref _zoneinfo
#: stdout array atexit binascii builtins cmath componentize_py_runtime errno faulthandler gc
#: stdout itertools marshal math posix pyexpat select sys time unicodedata zlib
import sys
import textwrap

print(textwrap.fill(' '.join(sorted(sys.builtin_module_names)), 86))
