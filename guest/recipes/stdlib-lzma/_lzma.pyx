# cython: language_level=3
"""Compression and decompression with liblzma, for the module `lzma` of the standard library."""

from cpython.buffer cimport PyBUF_SIMPLE, PyBuffer_Release, PyObject_GetBuffer
from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize
from cpython.sequence cimport PySequence_Check
from libc.stdint cimport UINT64_MAX, int64_t, uint8_t, uint32_t, uint64_t
from libc.stdlib cimport calloc, free

from operator import index

cdef extern from "lzma.h":
    ctypedef struct lzma_stream:
        const uint8_t *next_in
        size_t avail_in
        uint8_t *next_out
        size_t avail_out

    ctypedef struct lzma_filter:
        uint64_t id
        void *options

    ctypedef struct lzma_options_lzma:
        uint32_t dict_size, lc, lp, pb, nice_len, depth
        int mode, mf

    ctypedef struct lzma_options_delta:
        int type
        uint32_t dist

    ctypedef struct lzma_options_bcj:
        uint32_t start_offset

    int LZMA_OK, LZMA_STREAM_END, LZMA_NO_CHECK, LZMA_UNSUPPORTED_CHECK, LZMA_GET_CHECK, LZMA_MEM_ERROR
    int LZMA_MEMLIMIT_ERROR, LZMA_FORMAT_ERROR, LZMA_OPTIONS_ERROR, LZMA_DATA_ERROR, LZMA_BUF_ERROR, LZMA_PROG_ERROR
    int LZMA_RUN, LZMA_FINISH, LZMA_FILTERS_MAX, LZMA_DELTA_TYPE_BYTE
    uint32_t LZMA_TELL_ANY_CHECK, LZMA_TELL_NO_CHECK, LZMA_PRESET_DEFAULT, LZMA_PRESET_EXTREME
    uint64_t LZMA_VLI_UNKNOWN, LZMA_FILTER_LZMA1, LZMA_FILTER_LZMA2, LZMA_FILTER_DELTA, LZMA_FILTER_X86
    uint64_t LZMA_FILTER_POWERPC, LZMA_FILTER_IA64, LZMA_FILTER_ARM, LZMA_FILTER_ARMTHUMB, LZMA_FILTER_SPARC
    int LZMA_CHECK_NONE, LZMA_CHECK_CRC32, LZMA_CHECK_CRC64, LZMA_CHECK_SHA256, LZMA_CHECK_ID_MAX
    int LZMA_MF_HC3, LZMA_MF_HC4, LZMA_MF_BT2, LZMA_MF_BT3, LZMA_MF_BT4, LZMA_MODE_FAST, LZMA_MODE_NORMAL

    bint lzma_lzma_preset(lzma_options_lzma *, uint32_t preset)
    bint lzma_check_is_supported(int)
    int lzma_get_check(const lzma_stream *)
    int lzma_code(lzma_stream *, int action)
    void lzma_end(lzma_stream *)
    int lzma_easy_encoder(lzma_stream *, uint32_t preset, int check)
    int lzma_stream_encoder(lzma_stream *, const lzma_filter *, int check)
    int lzma_alone_encoder(lzma_stream *, const lzma_options_lzma *)
    int lzma_raw_encoder(lzma_stream *, const lzma_filter *)
    int lzma_auto_decoder(lzma_stream *, uint64_t memlimit, uint32_t flags)
    int lzma_stream_decoder(lzma_stream *, uint64_t memlimit, uint32_t flags)
    int lzma_alone_decoder(lzma_stream *, uint64_t memlimit)
    int lzma_raw_decoder(lzma_stream *, const lzma_filter *)
    int lzma_properties_size(uint32_t *, const lzma_filter *)
    int lzma_properties_encode(const lzma_filter *, uint8_t *)
    int lzma_properties_decode(lzma_filter *, const void *, const uint8_t *, size_t)

cdef enum:
    FIRST_BLOCK = 32 * 1024
    LARGEST_BLOCK = 16 * 1024 * 1024

FORMAT_AUTO, FORMAT_XZ, FORMAT_ALONE, FORMAT_RAW = range(4)

CHECK_NONE = LZMA_CHECK_NONE
CHECK_CRC32 = LZMA_CHECK_CRC32
CHECK_CRC64 = LZMA_CHECK_CRC64
CHECK_SHA256 = LZMA_CHECK_SHA256
CHECK_ID_MAX = LZMA_CHECK_ID_MAX
CHECK_UNKNOWN = LZMA_CHECK_ID_MAX + 1

FILTER_LZMA1 = LZMA_FILTER_LZMA1
FILTER_LZMA2 = LZMA_FILTER_LZMA2
FILTER_DELTA = LZMA_FILTER_DELTA
FILTER_X86 = LZMA_FILTER_X86
FILTER_POWERPC = LZMA_FILTER_POWERPC
FILTER_IA64 = LZMA_FILTER_IA64
FILTER_ARM = LZMA_FILTER_ARM
FILTER_ARMTHUMB = LZMA_FILTER_ARMTHUMB
FILTER_SPARC = LZMA_FILTER_SPARC

MF_HC3 = LZMA_MF_HC3
MF_HC4 = LZMA_MF_HC4
MF_BT2 = LZMA_MF_BT2
MF_BT3 = LZMA_MF_BT3
MF_BT4 = LZMA_MF_BT4
MODE_FAST = LZMA_MODE_FAST
MODE_NORMAL = LZMA_MODE_NORMAL
PRESET_DEFAULT = LZMA_PRESET_DEFAULT
PRESET_EXTREME = LZMA_PRESET_EXTREME


class LZMAError(Exception):
    """Call to liblzma failed."""


cdef int check(int status) except -1:
    """Return the status of a call, or raise its error."""
    if status in (LZMA_OK, LZMA_GET_CHECK, LZMA_NO_CHECK, LZMA_STREAM_END):
        return status
    if status == LZMA_MEM_ERROR:
        raise MemoryError
    messages = {
        LZMA_UNSUPPORTED_CHECK: "Unsupported integrity check",
        LZMA_MEMLIMIT_ERROR: "Memory usage limit exceeded",
        LZMA_FORMAT_ERROR: "Input format not supported by decoder",
        LZMA_OPTIONS_ERROR: "Invalid or unsupported options",
        LZMA_DATA_ERROR: "Corrupt input data",
        LZMA_BUF_ERROR: "Insufficient buffer space",
        LZMA_PROG_ERROR: "Internal error",
    }
    raise LZMAError(messages.get(status, f"Unrecognized error from liblzma: {status}"))


def is_check_supported(int check_id, /):
    """Return whether an integrity check is supported."""
    return lzma_check_is_supported(check_id)


cdef class Filters:
    """A chain of filters, in the form of liblzma."""

    cdef lzma_filter *chain

    def __cinit__(self, specifiers):
        if not PySequence_Check(specifiers):
            raise TypeError("Filter chain must be a sequence of filter specifiers")
        if len(specifiers) > LZMA_FILTERS_MAX:
            raise ValueError(f"Too many filters - liblzma supports a maximum of {LZMA_FILTERS_MAX}")
        self.chain = <lzma_filter *>calloc(LZMA_FILTERS_MAX + 1, sizeof(lzma_filter))
        if self.chain == NULL:
            raise MemoryError
        cdef int number
        for number in range(len(specifiers)):
            self.add(&self.chain[number], specifiers[number])
        self.chain[len(specifiers)].id = LZMA_VLI_UNKNOWN

    def __dealloc__(self):
        if self.chain != NULL:
            for number in range(LZMA_FILTERS_MAX):
                free(self.chain[number].options)
            free(self.chain)

    cdef int add(self, lzma_filter *filter, specifier) except -1:
        if not hasattr(specifier, "keys"):
            raise TypeError("Filter specifier must be a dict or dict-like object")
        if "id" not in specifier:
            raise ValueError('Filter specifier must have an "id" entry')
        filter.id = specifier["id"]
        options = {key: specifier[key] for key in specifier if key != "id"}
        if filter.id in (FILTER_LZMA1, FILTER_LZMA2):
            filter.options = allocate(sizeof(lzma_options_lzma))
            set_lzma(<lzma_options_lzma *>filter.options, options)
        elif filter.id == FILTER_DELTA:
            filter.options = allocate(sizeof(lzma_options_delta))
            (<lzma_options_delta *>filter.options).type = LZMA_DELTA_TYPE_BYTE
            (<lzma_options_delta *>filter.options).dist = number_of(options.pop("dist", 1))
        elif filter.id in (FILTER_X86, FILTER_POWERPC, FILTER_IA64, FILTER_ARM, FILTER_ARMTHUMB, FILTER_SPARC):
            filter.options = allocate(sizeof(lzma_options_bcj))
            (<lzma_options_bcj *>filter.options).start_offset = number_of(options.pop("start_offset", 0))
        else:
            raise ValueError(f"Invalid filter ID: {filter.id}")
        if options:
            kinds = {FILTER_LZMA1: "LZMA", FILTER_LZMA2: "LZMA", FILTER_DELTA: "delta"}
            raise ValueError(f"Invalid filter specifier for {kinds.get(filter.id, 'BCJ')} filter")
        return 0


cdef void *allocate(size_t size) except NULL:
    options = calloc(1, size)
    if options == NULL:
        raise MemoryError
    return options


cdef uint32_t number_of(value) except? 0:
    number = index(value)
    if number < 0:
        raise ValueError("Value must be positive")
    if number >= 1 << 32:
        raise OverflowError("Value too large for uint32_t type")
    return number


cdef int set_preset(lzma_options_lzma *options, value) except -1:
    preset = number_of(LZMA_PRESET_DEFAULT if value is None else value)
    if lzma_lzma_preset(options, preset):
        raise LZMAError(f"Invalid compression preset: {preset}")
    return 0


cdef int set_lzma(lzma_options_lzma *options, dict given) except -1:
    set_preset(options, given.pop("preset", None))
    options.dict_size = number_of(given.pop("dict_size", options.dict_size))
    options.lc = number_of(given.pop("lc", options.lc))
    options.lp = number_of(given.pop("lp", options.lp))
    options.pb = number_of(given.pop("pb", options.pb))
    options.nice_len = number_of(given.pop("nice_len", options.nice_len))
    options.depth = number_of(given.pop("depth", options.depth))
    options.mode = number_of(given.pop("mode", options.mode))
    options.mf = number_of(given.pop("mf", options.mf))
    return 0


def _encode_filter_properties(filter, /):
    """Return the properties of a filter, without its number, as bytes."""
    cdef uint32_t size
    filters = Filters([filter])
    check(lzma_properties_size(&size, filters.chain))
    encoded = PyBytes_FromStringAndSize(NULL, size)
    check(lzma_properties_encode(filters.chain, <uint8_t *>PyBytes_AS_STRING(encoded)))
    return encoded


def _decode_filter_properties(filter_id, encoded_props, /):
    """Return the specifier of a filter with the given number and properties."""
    cdef lzma_filter filter
    cdef Py_buffer view
    filter.id = filter_id
    filter.options = NULL
    PyObject_GetBuffer(encoded_props, &view, PyBUF_SIMPLE)
    try:
        check(lzma_properties_decode(&filter, NULL, <uint8_t *>view.buf, view.len))
    finally:
        PyBuffer_Release(&view)
    specifier = {"id": filter.id}
    if filter.options == NULL:
        return specifier
    if filter.id in (FILTER_LZMA1, FILTER_LZMA2):
        lzma = <lzma_options_lzma *>filter.options
        specifier["dict_size"] = lzma.dict_size
        if filter.id == FILTER_LZMA1:
            specifier.update(lc=lzma.lc, lp=lzma.lp, pb=lzma.pb)
    elif filter.id == FILTER_DELTA:
        specifier["dist"] = (<lzma_options_delta *>filter.options).dist
    else:
        specifier["start_offset"] = (<lzma_options_bcj *>filter.options).start_offset
    free(filter.options)
    return specifier


cdef class Output:
    """The output of a stream, in blocks of growing size, up to a limit if that is not negative."""

    cdef lzma_stream *stream
    cdef list blocks
    cdef Py_ssize_t size, limit

    @staticmethod
    cdef Output to(lzma_stream *stream, Py_ssize_t limit):
        output = Output()
        output.stream = stream
        output.limit = limit
        output.blocks = []
        stream.avail_out = 0
        return output

    cdef bint make_room(self):
        """Add a block if the last one is full, and return whether there is room."""
        if self.stream.avail_out:
            return True
        cdef Py_ssize_t size = max(FIRST_BLOCK, min(self.size, LARGEST_BLOCK))
        if self.limit >= 0:
            size = min(size, self.limit - self.size)
        if size == 0:
            return False
        block = PyBytes_FromStringAndSize(NULL, size)
        self.blocks.append(block)
        self.stream.next_out = <uint8_t *>PyBytes_AS_STRING(block)
        self.stream.avail_out = size
        self.size += size
        return True

    cdef bytes take(self):
        if self.stream.avail_out:
            last = self.blocks[-1]
            self.blocks[-1] = last[: len(last) - <Py_ssize_t>self.stream.avail_out]
        return self.blocks[0] if len(self.blocks) == 1 else b"".join(self.blocks)


cdef class LZMACompressor:
    """Compresses data incrementally.

    format
        The container: FORMAT_XZ, FORMAT_ALONE or FORMAT_RAW.
    check
        The integrity check of FORMAT_XZ, which is CHECK_CRC64 by default.
    preset
        The level of compression, from 0 to 9, and perhaps PRESET_EXTREME.
    filters
        A sequence of filter specifiers, instead of a preset.
    """

    cdef lzma_stream stream
    cdef bint is_flushed

    def __cinit__(self, format=FORMAT_XZ, check=-1, preset=None, filters=None):
        format, check = index(format), index(check)
        if preset is not None and filters is not None:
            raise ValueError("Cannot specify both preset and filter chain")
        if format != FORMAT_XZ and check not in (-1, LZMA_CHECK_NONE):
            raise ValueError("Integrity checks are only supported by FORMAT_XZ")
        chain = None if filters is None else Filters(filters)
        if format == FORMAT_XZ:
            self.open_xz(LZMA_CHECK_CRC64 if check == -1 else check, preset, chain)
        elif format == FORMAT_ALONE:
            self.open_alone(preset, chain)
        elif format == FORMAT_RAW:
            if filters is None:
                raise ValueError("Must specify filters for FORMAT_RAW")
            self.open_raw(chain)
        else:
            raise ValueError(f"Invalid container format: {format}")

    cdef int open_xz(self, int integrity, preset, Filters filters) except -1:
        if filters is not None:
            return check(lzma_stream_encoder(&self.stream, filters.chain, integrity))
        level = number_of(LZMA_PRESET_DEFAULT if preset is None else preset)
        return check(lzma_easy_encoder(&self.stream, level, integrity))

    cdef int open_alone(self, preset, Filters filters) except -1:
        cdef lzma_options_lzma options
        if filters is None:
            set_preset(&options, preset)
            return check(lzma_alone_encoder(&self.stream, &options))
        if filters.chain[0].id != LZMA_FILTER_LZMA1 or filters.chain[1].id != LZMA_VLI_UNKNOWN:
            raise ValueError("Invalid filter chain for FORMAT_ALONE - must be a single LZMA1 filter")
        return check(lzma_alone_encoder(&self.stream, <lzma_options_lzma *>filters.chain[0].options))

    cdef int open_raw(self, Filters filters) except -1:
        return check(lzma_raw_encoder(&self.stream, filters.chain))

    def __dealloc__(self):
        lzma_end(&self.stream)

    def compress(self, data, /):
        """Give data to the compressor, and return a part of the compressed data, if there is some."""
        if self.is_flushed:
            raise ValueError("Compressor has been flushed")
        cdef Py_buffer view
        PyObject_GetBuffer(data, &view, PyBUF_SIMPLE)
        try:
            self.stream.next_in = <uint8_t *>view.buf
            self.stream.avail_in = view.len
            output = Output.to(&self.stream, -1)
            while self.stream.avail_in:
                output.make_room()
                check(lzma_code(&self.stream, LZMA_RUN))
            return output.take()
        finally:
            PyBuffer_Release(&view)

    def flush(self):
        """Finish the compression, and return the rest of the compressed data."""
        if self.is_flushed:
            raise ValueError("Repeated call to flush()")
        self.is_flushed = True
        output = Output.to(&self.stream, -1)
        output.make_room()
        while check(lzma_code(&self.stream, LZMA_FINISH)) != LZMA_STREAM_END:
            output.make_room()
        return output.take()


cdef class LZMADecompressor:
    """Decompresses data incrementally.

    format
        The container, which is recognised by default: FORMAT_AUTO, FORMAT_XZ, FORMAT_ALONE or FORMAT_RAW.
    memlimit
        The memory that the decompressor can use, in bytes.
    filters
        The filters of FORMAT_RAW.
    """

    cdef lzma_stream stream
    # Data that a limited output has left, from a place on.
    cdef bytes kept
    cdef Py_ssize_t place
    cdef readonly bint eof, needs_input
    cdef readonly int check
    cdef readonly bytes unused_data

    def __cinit__(self, format=FORMAT_AUTO, memlimit=None, filters=None):
        format = index(format)
        if format == FORMAT_RAW and memlimit is not None:
            raise ValueError("Cannot specify memory limit with FORMAT_RAW")
        if format == FORMAT_RAW and filters is None:
            raise ValueError("Must specify filters for FORMAT_RAW")
        if format != FORMAT_RAW and filters is not None:
            raise ValueError("Cannot specify filters except with FORMAT_RAW")
        cdef uint64_t limit = UINT64_MAX if memlimit is None else index(memlimit)
        cdef uint32_t flags = LZMA_TELL_ANY_CHECK | LZMA_TELL_NO_CHECK
        self.kept = self.unused_data = b""
        self.needs_input = True
        self.check = LZMA_CHECK_NONE if format in (FORMAT_ALONE, FORMAT_RAW) else CHECK_UNKNOWN
        if format == FORMAT_AUTO:
            check(lzma_auto_decoder(&self.stream, limit, flags))
        elif format == FORMAT_XZ:
            check(lzma_stream_decoder(&self.stream, limit, flags))
        elif format == FORMAT_ALONE:
            check(lzma_alone_decoder(&self.stream, limit))
        elif format == FORMAT_RAW:
            chain = Filters(filters)
            check(lzma_raw_decoder(&self.stream, chain.chain))
        else:
            raise ValueError(f"Invalid container format: {format}")

    def __dealloc__(self):
        lzma_end(&self.stream)

    cdef int run(self) except -1:
        status = lzma_code(&self.stream, LZMA_RUN)
        if status == LZMA_BUF_ERROR and self.stream.avail_in == 0 and self.stream.avail_out:
            # It needs more input.
            return LZMA_OK
        check(status)
        if status in (LZMA_GET_CHECK, LZMA_NO_CHECK):
            self.check = lzma_get_check(&self.stream)
        return status

    def decompress(self, data, Py_ssize_t max_length=-1):
        """Return decompressed data of at most max_length bytes, or all of it if max_length is negative."""
        if self.eof:
            raise EOFError("Already at end of stream")
        cdef Py_ssize_t place = 0
        if self.kept and type(data) is bytes and not data:
            data, place = self.kept, self.place
        elif self.kept:
            data = self.kept[self.place :] + data
        cdef Py_buffer view
        PyObject_GetBuffer(data, &view, PyBUF_SIMPLE)
        try:
            self.stream.next_in = <uint8_t *>view.buf + place
            self.stream.avail_in = view.len - place
            output = Output.to(&self.stream, max_length)
            while output.make_room():
                if self.run() == LZMA_STREAM_END:
                    self.eof = True
                    break
                if self.stream.avail_in == 0 and self.stream.avail_out:
                    break
            place = view.len - <Py_ssize_t>self.stream.avail_in
            self.kept, self.place = b"", 0
            if self.eof:
                self.unused_data = bytes(data[place:])
            elif self.stream.avail_in:
                self.kept, self.place = (data, place) if type(data) is bytes else (bytes(data[place:]), 0)
            self.needs_input = not self.eof and not self.kept and self.stream.avail_out != 0
            return output.take()
        finally:
            PyBuffer_Release(&view)
