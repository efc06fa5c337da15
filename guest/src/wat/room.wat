;; Makes a guest detect in time that its memory runs out.
;;
;; CPython raises `MemoryError` when an allocation fails. The bindings, which are Rust, abort the guest instead, and a
;; value that the host lowers to a null pointer would overwrite the guest's first page. So the guest checks for memory
;; before it enters the bindings.
;;
;; The check is free while memory is plentiful. The host refuses the first growth near the limit, once; the function
;; that grows the memory records that and retries. From then on, a check allocates and frees the memory. The allocator
;; for values that the host lowers returns an address beyond all memory if an allocation fails, and the host recognises
;; it before it writes anything. The host can also check for the memory of the object that the bindings make of a
;; value.
(module
  (import "guest" "memory" (memory 1))
  (import "libc" "malloc" (func $malloc (param $size i32) (result i32)))
  (import "libc" "free" (func $free (param $address i32)))
  ;; The component's allocator. It returns null if it fails.
  (import "component" "cabi_realloc"
    (func $realloc (param $old_address i32) (param $old_size i32) (param $align i32) (param $size i32) (result i32)))

  ;; The largest allocation that needs no check while memory was never short, in bytes.
  (global $SMALL i32 (i32.const 0x40000))

  ;; The size above which a lowered value needs as much memory again for the object made of it.
  (global $LARGE i32 (i32.const 0x10000))

  ;; The additional memory that the bindings use.
  (global $BINDINGS i32 (i32.const 0x20000))

  ;; An address outside of every memory, for all alignments.
  (global $BEYOND i32 (i32.const -16))

  ;; True once memory was short.
  (global $short (mut i32) (i32.const 0))

  ;; Grows the memory by pages, and returns its previous size, or -1. The guest's own modules call it instead of the
  ;; instruction.
  (func $grow (export "memory.grow") (param $pages i32) (result i32)
    (local $old_size i32)
    (local.set $old_size (memory.grow (local.get $pages)))
    (if (i32.ne (local.get $old_size) (i32.const -1))
      (then (return (local.get $old_size))))
    (global.set $short (i32.const 1))
    (memory.grow (local.get $pages)))

  ;; Returns whether an allocation of this size would succeed.
  (func $fits (export "fits") (param $size i32) (result i32)
    (local $address i32)
    ;; Small allocations succeed while memory was never short.
    (if (i32.and
          (i32.le_u (local.get $size) (global.get $SMALL))
          (i32.eqz (global.get $short)))
      (then (return (i32.const 1))))
    (local.set $address (call $malloc (local.get $size)))
    (if (local.get $address)
      (then (call $free (local.get $address))))
    (i32.ne (local.get $address) (i32.const 0)))

  ;; Allocates for the results of imports. Nothing is ever reallocated: with an old size, it returns whether memory
  ;; of the new size is available, as 0 or an address beyond memory.
  (func $allocate (export "allocate") (export "cabi_import_realloc")
    (param $old_address i32) (param $old_size i32) (param $align i32) (param $size i32) (result i32)
    (local $address i32)
    (if (local.get $old_size)
      (then
        (return
          (select (i32.const 0) (global.get $BEYOND) (call $fits (local.get $size))))))
    (local.set $address
      (call $realloc
        (local.get $old_address) (local.get $old_size) (local.get $align) (local.get $size)))
    (if (local.get $address)
      (then
        (if (i32.le_u (local.get $size) (global.get $LARGE))
          (then (return (local.get $address))))
        ;; The bindings make an object of the value.
        (if (call $fits (i32.add (local.get $size) (global.get $BINDINGS)))
          (then (return (local.get $address))))
        (call $free (local.get $address))
        (return (global.get $BEYOND))))
    ;; An empty value needs no address.
    (select (local.get $align) (global.get $BEYOND) (i32.eqz (local.get $size)))))
