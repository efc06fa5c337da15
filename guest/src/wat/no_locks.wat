;; The functions of `locks.wit` for a guest that runs under any host, where locks exclude no one else.
(module
  (func (export "find") (param $file i32) (param $kind i32) (param $start i64) (param $length i64) (result i32)
    (i32.const 0 (; done ;)))
  (func (export "set") (param $file i32) (param $kind i32) (param $start i64) (param $length i64) (result i32)
    (i32.const 0 (; done ;))))
