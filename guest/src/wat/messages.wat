;; Two functions of CPython that send and receive a plain value or an array in one step: see `intrinsics.rs`.
(module
  (import "guest" "memory" (memory 1))
  (import "guest" "table" (table 0 funcref))
  (import "guest" "stack_pointer" (global $stack_pointer (mut i32)))
  ;; The index of the first function of this module in the table.
  (import "linker" "table_base" (global $table_base i32))
  (import "python" "PyMarshal_WriteObjectToString"
    (func $marshal (param $object i32) (param $version i32) (result i32)))
  (import "python" "PyMarshal_ReadObjectFromString"
    (func $unmarshal (param $data i32) (param $length i32) (result i32)))
  (import "python" "PyBytes_AsString" (func $contents (param $bytes i32) (result i32)))
  (import "python" "PyObject_GetBuffer"
    (func $get_buffer (param $object i32) (param $buffer i32) (param $flags i32) (result i32)))
  (import "python" "PyBuffer_Release" (func $release_buffer (param $buffer i32)))
  (import "python" "PyByteArray_FromStringAndSize"
    (func $new_bytearray (param $data i32) (param $length i32) (result i32)))
  (import "python" "PyLong_AsLong" (func $integer (param $object i32) (result i32)))
  (import "python" "PyBool_FromLong" (func $boolean (param $value i32) (result i32)))
  (import "python" "Py_IncRef" (func $acquire (param $object i32)))
  (import "python" "Py_DecRef" (func $release (param $object i32)))
  ;; Raises MemoryError, and returns null.
  (import "python" "PyErr_NoMemory" (func $no_memory (result i32)))
  (import "libc" "free" (func $free (param $address i32)))
  (import "room" "fits" (func $fits (param $size i32) (result i32)))
  (import "archipel:island/channels@0.1.0" "[method]sender.put"
    (func $host_put (param $handle i32) (param $body i32) (param $length i32) (result i32)))
  (import "archipel:island/channels@0.1.0" "[method]sender.put-array"
    (func $host_put_array (param $handle i32)
      (param $head i32) (param $head_length i32) (param $elements i32) (param $elements_length i32) (result i32)))
  (import "archipel:island/channels@0.1.0" "[method]receiver.take"
    (func $host_take (param $handle i32) (param $result i32)))

  ;; The version of the format that `marshal` writes.
  (global $VERSION i32 (i32.const 4))

  ;; The maximum size of a message, `MOST_BYTES` in `_island/intrinsics.py`.
  (global $LARGEST i32 (i32.const 67108864))

  ;; The size of the host's result in memory: whether there is a body, its address and its length.
  (global $FRAME i32 (i32.const 16))

  ;; The size of a `Py_buffer`, a multiple of 16.
  (global $BUFFER i32 (i32.const 48))

  ;; The first three bytes of the body of an array, as a number: `arrays.BODY`. Plain values have no `.`, which is the
  ;; third.
  (global $ARRAY i32 (i32.const 0x2e0329))

  ;; CPython calls these through pointers. The order is that of the replaced functions in `intrinsics.rs`.
  (elem (global.get $table_base) func $put $take)

  ;; `put(handle, obj)` sends a plain object and returns whether it did, and raises ValueError if `marshal` cannot write
  ;; the object. `put(handle, head, elements)` sends an array, the body of which is in two parts: bytes, and an object
  ;; with a buffer. `put(size)` raises MemoryError if that many bytes cannot be allocated now.
  ;;
  ;; The parameters are those of METH_FASTCALL with METH_KEYWORDS.
  (func $put (param $module i32) (param $arguments i32) (param $count i32) (param $keywords i32) (result i32)
    (local $body i32)
    (local $sent i32)
    (if (i32.and
          (i32.eq (local.get $count) (i32.const 1))
          (i32.eqz (local.get $keywords)))
      (then
        (if (call $fits (call $integer (i32.load (local.get $arguments))))
          (then (return (call $boolean (i32.const 1)))))
        (return (call $no_memory))))
    (if (i32.and
          (i32.eq (local.get $count) (i32.const 3))
          (i32.eqz (local.get $keywords)))
      (then (return (call $put_array (local.get $arguments)))))
    ;; A script found the function and called it in another way.
    (if (i32.or
          (i32.ne (local.get $count) (i32.const 2))
          (local.get $keywords))
      (then (return (call $boolean (i32.const 0)))))
    (local.set $body
      (call $marshal (i32.load offset=4 (local.get $arguments)) (global.get $VERSION)))
    (if (i32.eqz (local.get $body))
      (then (return (i32.const 0))))
    ;; The host would stop the guest. The bindings' `send` reports it.
    (if (i32.gt_u (i32.load offset=8 (; ob_size ;) (local.get $body)) (global.get $LARGEST))
      (then
        (call $release (local.get $body))
        (return (call $boolean (i32.const 0)))))
    (local.set $sent
      (call $host_put
        (call $integer (i32.load (local.get $arguments)))
        (call $contents (local.get $body))
        (i32.load offset=8 (; ob_size ;) (local.get $body))))
    (call $release (local.get $body))
    (call $boolean (local.get $sent)))

  (func $put_array (param $arguments i32) (result i32)
    (local $buffer i32)
    (local $head i32)
    (local $contents i32)
    (local $sent i32)
    (local.set $head (i32.load offset=4 (local.get $arguments)))
    (local.set $contents (call $contents (local.get $head)))
    (if (i32.eqz (local.get $contents))
      (then (return (i32.const 0))))
    (local.set $buffer (i32.sub (global.get $stack_pointer) (global.get $BUFFER)))
    (global.set $stack_pointer (local.get $buffer))
    (if (call $get_buffer (i32.load offset=8 (local.get $arguments)) (local.get $buffer) (i32.const 0 (; PyBUF_SIMPLE ;)))
      (then
        (global.set $stack_pointer (i32.add (local.get $buffer) (global.get $BUFFER)))
        (return (i32.const 0))))
    ;; The bindings' `send` reports that it is too large.
    (if (i32.le_u (i32.load offset=8 (; len ;) (local.get $buffer)) (global.get $LARGEST))
      (then
        (local.set $sent
          (call $host_put_array
            (call $integer (i32.load (local.get $arguments)))
            (local.get $contents)
            (i32.load offset=8 (; ob_size ;) (local.get $head))
            (i32.load (local.get $buffer))
            (i32.load offset=8 (; len ;) (local.get $buffer))))))
    (call $release_buffer (local.get $buffer))
    (global.set $stack_pointer (i32.add (local.get $buffer) (global.get $BUFFER)))
    (call $boolean (local.get $sent)))

  ;; `take(handle)` receives an object. If the message is absent or neither plain nor an array, it returns the function's
  ;; own module, which a message can never contain. For an array it returns a bytearray, which takes over the memory of
  ;; the body.
  ;;
  ;; The parameters are those of METH_O.
  (func $take (param $module i32) (param $handle i32) (result i32)
    (local $found i32)
    (local $body i32)
    (local $length i32)
    (local $object i32)
    (local.set $found (i32.sub (global.get $stack_pointer) (global.get $FRAME)))
    (global.set $stack_pointer (local.get $found))
    (call $host_take (call $integer (local.get $handle)) (local.get $found))
    (local.set $body (i32.load offset=4 (local.get $found)))
    (local.set $length (i32.load offset=8 (local.get $found)))
    (global.set $stack_pointer (i32.add (local.get $found) (global.get $FRAME)))
    (if (i32.eqz (i32.load8_u (local.get $found)))
      (then
        (call $acquire (local.get $module))
        (return (local.get $module))))
    (if (i32.and
          (i32.ge_u (local.get $length) (i32.const 4))
          (i32.eq (i32.and (i32.load (local.get $body)) (i32.const 0xffffff)) (global.get $ARRAY)))
      (then
        (local.set $object (call $new_bytearray (i32.const 0) (i32.const 0)))
        (if (i32.eqz (local.get $object))
          (then (call $free (local.get $body)))
          (else
            (i32.store offset=8 (; ob_size ;) (local.get $object) (local.get $length))
            (i32.store offset=12 (; ob_alloc ;) (local.get $object) (local.get $length))
            (i32.store offset=16 (; ob_bytes ;) (local.get $object) (local.get $body))
            (i32.store offset=20 (; ob_start ;) (local.get $object) (local.get $body))))
        (return (local.get $object))))
    (local.set $object (call $unmarshal (local.get $body) (local.get $length)))
    (call $free (local.get $body))
    (local.get $object)))
