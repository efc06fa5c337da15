;; A template: takes the place of one import that drops a handle. It does nothing while the handles in memory are those
;; of another interpreter.
(module
  (import "image" "foreign" (global $foreign (mut i32)))
  (import "{namespace}" "{name}" (func $drop (param $handle i32)))
  (func (export "{name}") (param $handle i32)
    (if (global.get $foreign)
      (then (return)))
    (call $drop (local.get $handle))))
