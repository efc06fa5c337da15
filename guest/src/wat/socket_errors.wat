;; Makes errors of sockets that libc does not expect harmless.
;;
;; wasi-libc maps the error codes of `wasi:sockets/network` to numbers for `errno`, and aborts the guest for those that it
;; considers impossible. A program gets some of them, for example with an option of a socket that is still connecting.
(module
  (import "guest" "memory" (memory 1))
  ;; Takes the address of a code.
  (import "libc" "__wasilibc_map_socket_error" (func $map (param $code i32) (result i32)))

  (global $EINVAL i32 (i32.const 28))

  ;; The codes, as numbers of the enumeration.
  (global $NOT_IN_PROGRESS i32 (i32.const 7))
  (global $INVALID_STATE i32 (i32.const 9))
  (global $NAME_UNRESOLVABLE i32 (i32.const 18))

  (func (export "__wasilibc_map_socket_error") (param $code i32) (result i32)
    (local $number i32)
    (local.set $number (i32.load8_u (local.get $code)))
    (if (i32.or
          (i32.or
            (i32.eq (local.get $number) (global.get $NOT_IN_PROGRESS))
            (i32.eq (local.get $number) (global.get $INVALID_STATE)))
          ;; Two more failures of lookups follow.
          (i32.ge_u (local.get $number) (global.get $NAME_UNRESOLVABLE)))
      (then (return (global.get $EINVAL))))
    (call $map (local.get $code))))
