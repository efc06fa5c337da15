;; Closes the files of an interpreter in its copy.
;;
;; libc keeps open files in a table of handles that are not valid in the copy. It can reset the whole table, and reopens
;; the standard streams and the granted directories on demand. The descriptors of other files must not be reused for new
;; files, because the copied Python code still refers to them. So each of them gets an entry without methods.
(module
  (import "guest" "memory" (memory 1))
  (import "guest" "table" (table 0 funcref))
  (import "guest" "stack_pointer" (global $stack_pointer (mut i32)))
  ;; The index of the first function of this module in the table.
  (import "linker" "table_base" (global $table_base i32))
  (import "libc" "__wasilibc_reset_preopens" (func $reset_preopens))
  ;; Returns the address of a descriptor's entry, or 0 and sets `errno`.
  (import "libc" "descriptor_table_get_ref" (func $get_entry (param $descriptor i32) (result i32)))
  ;; Stores an entry under the lowest free descriptor.
  (import "libc" "descriptor_table_insert" (func $insert_entry (param $entry i32) (result i32)))
  (import "libc" "descriptor_table_remove" (func $remove_entry (param $descriptor i32) (result i32)))
  (import "component" "cabi_realloc"
    (func $realloc (param $old_address i32) (param $old_size i32) (param $align i32) (param $size i32) (result i32)))

  ;; An upper bound of descriptors: the host allows 4096 handles, and libc assigns the lowest free number.
  (global $MOST i32 (i32.const 4104))

  ;; The number of standard streams, which have the lowest descriptors.
  (global $STREAMS i32 (i32.const 3))

  ;; An upper bound of the size of a method table.
  (global $METHODS i32 (i32.const 256))

  ;; The size of the stack frame: a byte for each descriptor, which is true if it is open, and one entry at 4104.
  (global $FRAME i32 (i32.const 4128))

  ;; The methods of a closed file. libc calls the one that frees without a check for null. Those for reading and
  ;; writing fail as for a file that is not open. A test tries every file operation of Python.
  (elem (global.get $table_base) func $free_nothing $fail)
  (func $free_nothing (param $data i32))
  (func $fail (param $data i32) (param $stream i32) (result i32)
    ;; Looking up a missing descriptor sets the right `errno`.
    (drop (call $get_entry (i32.const -1)))
    (i32.const -1))

  ;; Makes all files closed.
  (func (export "close_all")
    (local $descriptor i32)
    (local $last i32)
    (local $frame i32)
    (local $open i32)
    (local $methods i32)
    (local.set $frame (i32.sub (global.get $stack_pointer) (global.get $FRAME)))
    (global.set $stack_pointer (local.get $frame))

    ;; Find the open descriptors, and the last of them.
    (local.set $last (i32.sub (global.get $STREAMS) (i32.const 1)))
    (loop $next
      (local.set $open (i32.ne (call $get_entry (local.get $descriptor)) (i32.const 0)))
      (i32.store8 (i32.add (local.get $frame) (local.get $descriptor)) (local.get $open))
      (local.set $last
        (select
          (local.get $descriptor)
          (local.get $last)
          (i32.and
            (local.get $open)
            (i32.ge_s (local.get $descriptor) (global.get $STREAMS)))))
      (local.set $descriptor (i32.add (local.get $descriptor) (i32.const 1)))
      (br_if $next (i32.lt_s (local.get $descriptor) (global.get $MOST))))

    (call $reset_preopens)

    ;; Give every descriptor up to the last an entry without methods.
    (local.set $descriptor (global.get $STREAMS))
    (if (i32.ge_s (local.get $last) (global.get $STREAMS))
      (then
        (local.set $methods
          (call $realloc (i32.const 0) (i32.const 0) (i32.const 4) (global.get $METHODS)))
        (memory.fill (local.get $methods) (i32.const 0) (global.get $METHODS))
        (i32.store offset=0 (; free ;) (local.get $methods) (global.get $table_base))
        (i32.store offset=4 (; reading ;) (local.get $methods)
          (i32.add (global.get $table_base) (i32.const 1)))
        (i32.store offset=8 (; writing ;) (local.get $methods)
          (i32.add (global.get $table_base) (i32.const 1)))
        (i32.store offset=16 (local.get $methods)
          (i32.add (global.get $table_base) (i32.const 1)))
        ;; An entry is a data pointer, here null, and the address of its methods.
        (i32.store offset=4104 (local.get $frame) (i32.const 0))
        (i32.store offset=4108 (local.get $frame) (local.get $methods))
        (loop $next
          (drop (call $insert_entry (i32.add (local.get $frame) (global.get $MOST))))
          (local.set $descriptor (i32.add (local.get $descriptor) (i32.const 1)))
          (br_if $next (i32.le_s (local.get $descriptor) (local.get $last))))))

    ;; Close again the descriptors that were closed before, standard streams included.
    (local.set $descriptor (i32.const 0))
    (loop $next
      (if (i32.eqz (i32.load8_u (i32.add (local.get $frame) (local.get $descriptor))))
        (then (drop (call $remove_entry (local.get $descriptor)))))
      (local.set $descriptor (i32.add (local.get $descriptor) (i32.const 1)))
      (br_if $next (i32.le_s (local.get $descriptor) (local.get $last))))

    (global.set $stack_pointer (i32.add (local.get $frame) (global.get $FRAME)))))
