# cython: language_level=3
"""Compression and decompression with libbz2, for the module `bz2` of the standard library."""

from cpython.buffer cimport PyBUF_SIMPLE, PyBuffer_Release, PyObject_GetBuffer
from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize

from operator import index

cdef extern from "bzlib.h":
    ctypedef struct bz_stream:
        char *next_in
        unsigned int avail_in
        char *next_out
        unsigned int avail_out

    int BZ_RUN, BZ_FINISH, BZ_STREAM_END, BZ_PARAM_ERROR, BZ_MEM_ERROR
    int BZ_DATA_ERROR, BZ_DATA_ERROR_MAGIC, BZ_IO_ERROR, BZ_UNEXPECTED_EOF

    int BZ2_bzCompressInit(bz_stream *, int level, int verbosity, int work_factor)
    int BZ2_bzCompress(bz_stream *, int action)
    int BZ2_bzCompressEnd(bz_stream *)
    int BZ2_bzDecompressInit(bz_stream *, int verbosity, int small)
    int BZ2_bzDecompress(bz_stream *)
    int BZ2_bzDecompressEnd(bz_stream *)

cdef enum:
    FIRST_BLOCK = 32 * 1024
    LARGEST_BLOCK = 16 * 1024 * 1024


cdef int check(int status) except -100:
    """Return the status of a call, or raise its error."""
    if status >= 0:
        return status
    if status == BZ_MEM_ERROR:
        raise MemoryError
    if status in (BZ_DATA_ERROR, BZ_DATA_ERROR_MAGIC):
        raise OSError("Invalid data stream")
    if status == BZ_IO_ERROR:
        raise OSError("Unknown I/O error")
    if status == BZ_UNEXPECTED_EOF:
        raise EOFError("Compressed file ended before the logical end-of-stream was detected")
    if status == BZ_PARAM_ERROR:
        raise ValueError("Internal error - invalid parameters passed to libbzip2")
    raise RuntimeError(f"Unrecognized error from libbzip2: {status}")


cdef class Output:
    """The output of a stream, in blocks of growing size, up to a limit if that is not negative."""

    cdef bz_stream *stream
    cdef list blocks
    cdef Py_ssize_t size, limit

    @staticmethod
    cdef Output to(bz_stream *stream, Py_ssize_t limit):
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
        self.stream.next_out = PyBytes_AS_STRING(block)
        self.stream.avail_out = size
        self.size += size
        return True

    cdef bytes take(self):
        if self.stream.avail_out:
            last = self.blocks[-1]
            self.blocks[-1] = last[: len(last) - self.stream.avail_out]
        return self.blocks[0] if len(self.blocks) == 1 else b"".join(self.blocks)


cdef class BZ2Compressor:
    """Compresses data incrementally.

    compresslevel
        The level of compression, from 1 to 9.
    """

    cdef bz_stream stream
    cdef bint is_open, is_flushed

    def __cinit__(self, compresslevel=9, /):
        level = index(compresslevel)
        if not 1 <= level <= 9:
            raise ValueError("compresslevel must be between 1 and 9")
        check(BZ2_bzCompressInit(&self.stream, level, 0, 0))
        self.is_open = True

    def __dealloc__(self):
        if self.is_open:
            BZ2_bzCompressEnd(&self.stream)

    def compress(self, data, /):
        """Give data to the compressor, and return a part of the compressed data, if there is some."""
        if self.is_flushed:
            raise ValueError("Compressor has been flushed")
        cdef Py_buffer view
        PyObject_GetBuffer(data, &view, PyBUF_SIMPLE)
        try:
            self.stream.next_in = <char *>view.buf
            self.stream.avail_in = view.len
            output = Output.to(&self.stream, -1)
            while self.stream.avail_in:
                output.make_room()
                check(BZ2_bzCompress(&self.stream, BZ_RUN))
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
        while check(BZ2_bzCompress(&self.stream, BZ_FINISH)) != BZ_STREAM_END:
            output.make_room()
        return output.take()


cdef class BZ2Decompressor:
    """Decompresses data incrementally."""

    cdef bz_stream stream
    cdef bint is_open, has_failed
    # Data that a limited output has left, from a place on.
    cdef bytes kept
    cdef Py_ssize_t place
    cdef readonly bint eof, needs_input
    cdef readonly bytes unused_data

    def __cinit__(self):
        self.kept = self.unused_data = b""
        self.needs_input = True
        check(BZ2_bzDecompressInit(&self.stream, 0, 0))
        self.is_open = True

    def __init__(self):
        # This refuses arguments.
        pass

    def __dealloc__(self):
        if self.is_open:
            BZ2_bzDecompressEnd(&self.stream)

    def decompress(self, data, Py_ssize_t max_length=-1):
        """Return decompressed data of at most max_length bytes, or all of it if max_length is negative."""
        if self.eof:
            raise EOFError("End of stream already reached")
        if self.has_failed:
            raise ValueError("Decompressor is unusable after previous error")
        cdef Py_ssize_t place = 0
        if self.kept and type(data) is bytes and not data:
            data, place = self.kept, self.place
        elif self.kept:
            data = self.kept[self.place :] + data
        cdef Py_buffer view
        PyObject_GetBuffer(data, &view, PyBUF_SIMPLE)
        try:
            self.stream.next_in = <char *>view.buf + place
            self.stream.avail_in = view.len - place
            output = Output.to(&self.stream, max_length)
            while output.make_room():
                if check(BZ2_bzDecompress(&self.stream)) == BZ_STREAM_END:
                    self.eof = True
                    break
                if self.stream.avail_in == 0 and self.stream.avail_out:
                    break
            place = view.len - self.stream.avail_in
            self.kept, self.place = b"", 0
            if self.eof:
                self.unused_data = bytes(data[place:])
            elif self.stream.avail_in:
                self.kept, self.place = (data, place) if type(data) is bytes else (bytes(data[place:]), 0)
            self.needs_input = not self.eof and not self.kept and self.stream.avail_out != 0
            return output.take()
        except BaseException:
            self.has_failed = True
            self.needs_input = False
            raise
        finally:
            PyBuffer_Release(&view)
