;; The functions of `image.wit`: they read and write the memory, for copying and interrupting interpreters.
;;
;; They can ignore globals: only the stack pointer changes, and it has its initial value whenever no call is active.
(module
  (import "guest" "memory" (memory 1))
  (import "guest" "stack_pointer" (global $stack_pointer (mut i32)))
  ;; The addresses of the words with which CPython is interrupted: see `alarm.rs`.
  (import "linker" "breaker" (global $breaker i32))
  (import "linker" "signal" (global $signal i32))
  (import "room" "memory.grow" (func $grow (param $pages i32) (result i32)))
  (import "room" "fits" (func $fits (param $size i32) (result i32)))
  (import "room" "allocate"
    (func $allocate (param $old_address i32) (param $old_size i32) (param $align i32) (param $size i32) (result i32)))
  (import "files" "close_all" (func $close_all))

  ;; The sizes of the words that interrupt.
  (global $BREAKER_SIZE i32 (i32.const 4))
  (global $SIGNAL_SIZE i32 (i32.const 20))

  ;; The size of the unused area below an interpreter's stack, enough for three lists.
  (global $BELOW_STACK i32 (i32.const 32))

  ;; An invalid address.
  (global $NOWHERE i32 (i32.const -1))

  ;; True while the handles in this memory are those of another interpreter.
  (global $foreign (export "foreign") (mut i32) (i32.const 0))

  ;; The address at which the host writes next.
  (global $target (mut i32) (i32.const -1))

  ;; Returns the address of a result in memory.
  (func $result (result i32)
    (i32.sub (global.get $stack_pointer) (global.get $BELOW_STACK)))

  ;; Stores the address and the length of the memory, as a list, at an address.
  (func $store_memory (param $at i32)
    (i32.store (local.get $at) (i32.const 0))
    (i32.store offset=4 (local.get $at) (i32.shl (memory.size) (i32.const 16))))

  (func (export "archipel:image/image@0.1.0#view") (result i32)
    (call $store_memory (call $result))
    (call $result))

  (func (export "archipel:image/image@0.1.0#alarm") (result i32)
    (local $lists i32)
    (local.set $lists (call $result))
    (i32.store offset=0 (local.get $lists) (global.get $breaker))
    (i32.store offset=4 (local.get $lists) (global.get $BREAKER_SIZE))
    (i32.store offset=8 (local.get $lists) (global.get $signal))
    (i32.store offset=12 (local.get $lists) (global.get $SIGNAL_SIZE))
    (call $store_memory (i32.add (local.get $lists) (i32.const 16)))
    (local.get $lists))

  (func (export "archipel:image/image@0.1.0#grow") (param $pages i32) (result i32)
    (i32.ne (call $grow (local.get $pages)) (i32.const -1)))

  (func (export "archipel:image/image@0.1.0#room") (param $bytes i32) (result i32)
    (call $fits (local.get $bytes)))

  (func (export "archipel:image/image@0.1.0#aim") (param $at i32)
    (global.set $target (local.get $at)))

  ;; The bytes reach their destination when they are passed as the argument.
  (func (export "archipel:image/image@0.1.0#write") (param $address i32) (param $length i32))

  (func (export "archipel:image/image@0.1.0#foreign") (param $foreign i32)
    (global.set $foreign (local.get $foreign))
    (if (local.get $foreign)
      (then (call $close_all))))

  ;; Allocates for the arguments of exports; the results of imports use another allocator. After `aim`, it returns the
  ;; address that was set, once.
  (func (export "cabi_export_realloc")
    (param $old_address i32) (param $old_size i32) (param $align i32) (param $size i32) (result i32)
    (local $address i32)
    (local.set $address (global.get $target))
    (if (i32.ne (local.get $address) (global.get $NOWHERE))
      (then
        (global.set $target (global.get $NOWHERE))
        (return (local.get $address))))
    (call $allocate
      (local.get $old_address) (local.get $old_size) (local.get $align) (local.get $size))))
