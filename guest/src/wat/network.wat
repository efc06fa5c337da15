;; Routes every use of the network through this instance's own handle.
;;
;; libc requests the handle once and keeps it in memory, where a copy would find the original's. So the functions that
;; take the handle ignore the one that libc passes.
(module
  (import "host" "instance-network" (func $request (result i32)))
  (import "host" "resolve-addresses"
    (func $resolve_addresses (param $network i32) (param $name i32) (param $length i32) (param $result i32)))
  ;; The third parameter is the variant of the address, and the next eleven are its fields.
  (import "host" "[method]tcp-socket.start-bind"
    (func $tcp_bind (param $socket i32) (param $network i32)
      (param i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32) (param $result i32)))
  (import "host" "[method]tcp-socket.start-connect"
    (func $tcp_connect (param $socket i32) (param $network i32)
      (param i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32) (param $result i32)))
  (import "host" "[method]udp-socket.start-bind"
    (func $udp_bind (param $socket i32) (param $network i32)
      (param i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32) (param $result i32)))

  ;; The handle. No handle is 0.
  (global $handle (mut i32) (i32.const 0))

  ;; Returns the handle, and requests it from the host at the first call.
  (func $network (export "instance-network") (result i32)
    (if (i32.eqz (global.get $handle))
      (then (global.set $handle (call $request))))
    (global.get $handle))

  (func (export "resolve-addresses")
    (param $network i32) (param $name i32) (param $length i32) (param $result i32)
    (call $resolve_addresses
      (call $network) (local.get $name) (local.get $length) (local.get $result)))

  (func (export "[method]tcp-socket.start-bind") (param $socket i32) (param $network i32)
    (param i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32) (param $result i32)
    (call $tcp_bind
      (local.get $socket) (call $network)
      (local.get 2) (local.get 3) (local.get 4) (local.get 5) (local.get 6) (local.get 7)
      (local.get 8) (local.get 9) (local.get 10) (local.get 11) (local.get 12) (local.get 13)
      (local.get $result)))

  (func (export "[method]tcp-socket.start-connect") (param $socket i32) (param $network i32)
    (param i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32) (param $result i32)
    (call $tcp_connect
      (local.get $socket) (call $network)
      (local.get 2) (local.get 3) (local.get 4) (local.get 5) (local.get 6) (local.get 7)
      (local.get 8) (local.get 9) (local.get 10) (local.get 11) (local.get 12) (local.get 13)
      (local.get $result)))

  (func (export "[method]udp-socket.start-bind") (param $socket i32) (param $network i32)
    (param i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32) (param $result i32)
    (call $udp_bind
      (local.get $socket) (call $network)
      (local.get 2) (local.get 3) (local.get 4) (local.get 5) (local.get 6) (local.get 7)
      (local.get 8) (local.get 9) (local.get 10) (local.get 11) (local.get 12) (local.get 13)
      (local.get $result))))
