;; Gives the guest's libc locks on files, and makes SQLite use them.
;;
;; libc's `fcntl` does not support locks. The function that takes its place passes `F_GETLK` and `F_SETLK` on to the
;; functions of `locks.wit`.
;;
;; SQLite is compiled to use its dot-file locks by default, since WASI has no others: a folder beside the database,
;; which excludes all but one connection and remains when an interpreter is stopped. It compares the names of its file
;; systems with the default's, and takes the first one, `unix`, if none is equal. So that comparison is made to fail.
(module
  (import "guest" "memory" (memory 1))
  (import "libc" "fcntl"
    (func $libc_fcntl (param $descriptor i32) (param $command i32) (param $arguments i32) (result i32)))
  ;; Returns the address of a descriptor's entry, or 0 and sets `errno`.
  (import "libc" "descriptor_table_get_ref" (func $get_entry (param $descriptor i32) (result i32)))
  (import "libc" "__errno_location" (func $errno (result i32)))
  (import "libc" "strcmp" (func $strcmp (param $a i32) (param $b i32) (result i32)))
  (import "archipel:locks/locks@0.1.0" "find"
    (func $find (param $file i32) (param $kind i32) (param $start i64) (param $length i64) (result i32)))
  (import "archipel:locks/locks@0.1.0" "set"
    (func $set (param $file i32) (param $kind i32) (param $start i64) (param $length i64) (result i32)))

  ;; The commands, as SQLite is compiled with them.
  (global $F_GETLK i32 (i32.const 12))
  (global $F_SETLK i32 (i32.const 13))

  ;; The kinds of locks, which `locks.wit` numbers as `fcntl` does.
  (global $F_WRLCK i32 (i32.const 1))
  (global $F_UNLCK i32 (i32.const 2))

  (global $EAGAIN i32 (i32.const 6))
  (global $EBADF i32 (i32.const 8))
  (global $EINVAL i32 (i32.const 28))
  (global $EIO i32 (i32.const 29))
  (global $ENOLCK i32 (i32.const 46))
  (global $ENOMEM i32 (i32.const 48))
  (global $EPERM i32 (i32.const 63))

  ;; The outcomes in `locks.wit`.
  (global $DONE i32 (i32.const 0))
  (global $TAKEN i32 (i32.const 1))
  (global $BAD_DESCRIPTOR i32 (i32.const 2))
  (global $NOT_PERMITTED i32 (i32.const 3))
  (global $INVALID i32 (i32.const 4))
  (global $NO_LOCKS i32 (i32.const 5))
  (global $INSUFFICIENT_MEMORY i32 (i32.const 6))
  (global $IO i32 (i32.const 7))

  ;; Sets `errno`, and returns -1.
  (func $fail (param $error i32) (result i32)
    (i32.store (call $errno) (local.get $error))
    (i32.const -1))

  ;; Finds or sets a lock, and otherwise does what libc's own `fcntl` does.
  (func (export "fcntl") (param $descriptor i32) (param $command i32) (param $arguments i32) (result i32)
    (local $entry i32)
    (local $lock i32)
    (local $file i32)
    (local $outcome i32)
    (if (i32.and
          (i32.ne (local.get $command) (global.get $F_GETLK))
          (i32.ne (local.get $command) (global.get $F_SETLK)))
      (then
        (return
          (call $libc_fcntl (local.get $descriptor) (local.get $command) (local.get $arguments)))))

    (local.set $entry (call $get_entry (local.get $descriptor)))
    (if (i32.eqz (local.get $entry))
      (then (return (i32.const -1))))
    ;; Only files have the method that returns their handle.
    (if (i32.eqz (i32.load offset=20 (; get_file ;) (i32.load offset=4 (; methods ;) (local.get $entry))))
      (then (return (call $fail (global.get $EBADF)))))

    ;; The argument is the address of a `struct flock`.
    (local.set $lock (i32.load (local.get $arguments)))
    (if (i32.or
          (i32.gt_u (i32.load16_u offset=0 (; l_type ;) (local.get $lock)) (global.get $F_UNLCK))
          (i32.load16_u offset=2 (; l_whence ;) (local.get $lock)))
      (then (return (call $fail (global.get $EINVAL)))))

    ;; A file starts with its handle.
    (local.set $file (i32.load (i32.load offset=0 (; data ;) (local.get $entry))))
    (if (i32.eq (local.get $command) (global.get $F_GETLK))
      (then
        (local.set $outcome
          (call $find
            (local.get $file)
            (i32.load16_u offset=0 (; l_type ;) (local.get $lock))
            (i64.load offset=8 (; l_start ;) (local.get $lock))
            (i64.load offset=16 (; l_len ;) (local.get $lock))))
        ;; A lock that was found is reported as a kind, not as an error.
        (if (i32.le_u (local.get $outcome) (global.get $TAKEN))
          (then
            (i32.store16 offset=0 (; l_type ;) (local.get $lock)
              (select
                (global.get $F_WRLCK)
                (global.get $F_UNLCK)
                (i32.eq (local.get $outcome) (global.get $TAKEN))))
            (return (i32.const 0)))))
      (else
        (local.set $outcome
          (call $set
            (local.get $file)
            (i32.load16_u offset=0 (; l_type ;) (local.get $lock))
            (i64.load offset=8 (; l_start ;) (local.get $lock))
            (i64.load offset=16 (; l_len ;) (local.get $lock))))))

    (if (i32.eq (local.get $outcome) (global.get $TAKEN))
      (then (return (call $fail (global.get $EAGAIN)))))
    (if (i32.eq (local.get $outcome) (global.get $BAD_DESCRIPTOR))
      (then (return (call $fail (global.get $EBADF)))))
    (if (i32.eq (local.get $outcome) (global.get $NOT_PERMITTED))
      (then (return (call $fail (global.get $EPERM)))))
    (if (i32.eq (local.get $outcome) (global.get $INVALID))
      (then (return (call $fail (global.get $EINVAL)))))
    (if (i32.eq (local.get $outcome) (global.get $NO_LOCKS))
      (then (return (call $fail (global.get $ENOLCK)))))
    (if (i32.eq (local.get $outcome) (global.get $INSUFFICIENT_MEMORY))
      (then (return (call $fail (global.get $ENOMEM)))))
    (if (i32.eq (local.get $outcome) (global.get $IO))
      (then (return (call $fail (global.get $EIO)))))
    (global.get $DONE))

  ;; SQLite's function that announces its file systems compares strings with this one.
  (func (export "strcmp in sqlite3_os_init") (param $a i32) (param $b i32) (result i32)
    (i32.const 1)))
