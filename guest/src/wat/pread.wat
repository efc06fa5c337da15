;; Makes a refused `pread` harmless.
;;
;; wasi-libc's `pread` (as in componentize-py 0.25.1) copies the bytes that it read, and frees them, before it checks
;; whether the host read any. If the host refused, their address and number are those that its stack frame happens to
;; contain. Zeros there make it copy and free nothing.
(module
  (import "guest" "memory" (memory 1))
  (import "guest" "stack_pointer" (global $stack_pointer (mut i32)))
  (import "libc" "pread"
    (func $pread (param $descriptor i32) (param $buffer i32) (param $size i32) (param $offset i64) (result i32)))

  ;; The size of the stack frame of libc's function. The stack grows downwards.
  (global $FRAME i32 (i32.const 32))

  (func (export "pread")
    (param $descriptor i32) (param $buffer i32) (param $size i32) (param $offset i64) (result i32)
    (memory.fill (i32.sub (global.get $stack_pointer) (global.get $FRAME)) (i32.const 0) (global.get $FRAME))
    (call $pread (local.get $descriptor) (local.get $buffer) (local.get $size) (local.get $offset))))
